"""Deciding renames: identity first, then hints of ``-x rename=…``, then a question."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from alembic import command
from alembic.autogenerate.api import AutogenContext

from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.schema.definitions import EntityType, Schema
from alembic_neo4j.schema.diff import (
    Candidate,
    Renames,
    accepted,
    can_be_made,
    candidates,
    certain_renames,
    likely_candidates,
    refused_renames,
    refuses,
)

# Asking a person on a terminal which names are the same under another name ------------


def may_ask(autogen_context: AutogenContext) -> bool:
    """Tell whether a revision is being written and a person sits before it."""
    environment = autogen_context.migration_context.environment_context
    options: Any = getattr(environment and environment.config, "cmd_opts", None)
    called: Any = getattr(options, "cmd", None)
    asks = bool(called) and called[0] is command.revision
    return asks and sys.stdin.isatty() and sys.stderr.isatty()


def ask_for_renames(renames: Renames, before: Schema, after: Schema) -> Renames:
    """Return the renames with those that a person has said yes to.

    The most likely ones come first. An answer changes what is left to ask: a renamed
    label brings its properties along, and a name that is given is free no more.
    """
    refused: set[Candidate] = set()
    closed: set[str] = set()
    asked = 0
    while True:
        left = [
            candidate
            for candidate in candidates(before, after, renames)
            if candidate not in refused and closed.isdisjoint(_classes(candidate))
        ]
        while left and not can_be_made(left[0], before, after, renames):
            refused.add(left.pop(0))
        if not left:
            return renames
        asked += 1
        answer = _answer(left[0], f"{asked} of {asked + len(left) - 1}")
        if answer == "a":
            return renames
        if answer == "c":
            closed.update(_classes(left[0]))
        elif answer == "y":
            told = accepted(renames, left[0])
            renames = certain_renames(before, after, given=told)
        else:
            refused.add(left[0])


def subject(candidate: Candidate) -> str:
    """Return in words what may have got another name."""
    if candidate.kind == "label":
        return f"the label {candidate.old}"
    return ", ".join(f"{owner}.{candidate.old}" for owner in candidate.owners)


def _classes(candidate: Candidate) -> Sequence[str]:
    return [candidate.old] if candidate.kind == "label" else candidate.owners


def _answer(candidate: Candidate, position: str) -> str:
    rest = ", ".join(_classes(candidate))
    was = "Were" if len(candidate.owners) > 1 else "Was"
    answer: str = click.prompt(
        f"{position}: {was} {subject(candidate)} renamed to {candidate.new} "
        f"({candidate.why})?\n"
        f"y yes, n no, c no to the rest of {rest}, a no to all",
        type=click.Choice(["y", "n", "c", "a"], case_sensitive=False),
        default="n",
        show_choices=False,
        err=True,
    )
    return answer.lower()


# Deciding renames: identity first, then hints of ``-x rename=…``, then a question -----


_NAME = r"(?:`(?:[^`]|``)*`|[^.:`]+)"
_HINT = re.compile(rf"(?:(?P<owner>{_NAME})\.)?(?P<old>{_NAME}):(?P<new>{_NAME})")


@dataclass(frozen=True)
class Hint:
    """One ``rename=`` of the command line; without an owner it is a label's."""

    text: str
    owner: str | None
    old: str
    new: str


def decide_renames(
    autogen_context: AutogenContext, before: Schema, after: Schema
) -> tuple[Renames, tuple[Candidate, ...]]:
    """Return the renames that are certain or were told, and what is likely to be one.

    Raises ConfigurationError for a hint that names nothing of the two schemas or that
    can't be followed.
    """
    renames = certain_renames(before, after)
    told: dict[Candidate, Hint] = {}
    for hint in _hints(autogen_context):
        meant = _meant(renames, hint, before, after)
        _refuse_contradiction(told, meant, hint)
        told[meant] = hint
        # What is certain of a model is seen once its label is known.
        given = accepted(renames, meant)
        renames = certain_renames(before, after, given=given)
    if told:
        _refuse_impossible(told, before, after, renames)
    if may_ask(autogen_context):
        return ask_for_renames(renames, before, after), ()
    return renames, likely_candidates(before, after, renames)


def describe_candidate(candidate: Candidate) -> str:
    """Return what a revision says of an undecided rename."""
    hints = "\n".join(f"    -x rename={hint}" for hint in _hints_for(candidate))
    return (
        f"{subject(candidate)} may have been renamed to {candidate.new} "
        f"({candidate.why}); it is written as a removal and an addition. If it is a "
        f"rename, delete this file and run again with\n{hints}"
    )


def parse_hint(text: str) -> Hint:
    """Return the hint that ``rename=TEXT`` gives; raises ConfigurationError."""
    match = _HINT.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"-x rename={text} is not understood: expected rename=Old:New for a label "
            "or rename=Label.old:new for a property or a relationship type, names with "
            "dots or colons in backticks"
        )
    owner = match["owner"]
    return Hint(
        text,
        None if owner is None else _unquoted(owner),
        _unquoted(match["old"]),
        _unquoted(match["new"]),
    )


def _hints(autogen_context: AutogenContext) -> list[Hint]:
    environment = autogen_context.migration_context.environment_context
    if environment is None:
        return []
    pairs = (x.partition("=") for x in environment.get_x_argument(as_dictionary=False))
    hints = [parse_hint(value) for name, _, value in pairs if name == "rename"]
    # Labels first: a property's owner may be given by either of its names.
    return sorted(hints, key=lambda hint: hint.owner is not None)


def _meant(renames: Renames, hint: Hint, before: Schema, after: Schema) -> Candidate:
    """Return what a hint means, its owner by the name that it has afterwards."""
    if hint.old == hint.new:
        raise ConfigurationError(f"-x rename={hint.text} renames nothing")
    pair = (hint.old, hint.new, "")
    if hint.owner is None:
        if hint.old in before.nodes and hint.new in after.nodes:
            return Candidate("label", EntityType.NODE, "", *pair)
        raise _unknown(hint, f"label {hint.old!r}", f"label {hint.new!r}")
    for old, new in _readings(hint.owner, renames.labels):
        node, other = before.nodes.get(old), after.nodes.get(new)
        if node is None or other is None:
            continue
        if node.property(hint.old) and other.property(hint.new):
            return Candidate("property", EntityType.NODE, new, *pair)
        types = {r.type for r in node.relationships}
        if hint.old in types and hint.new in {r.type for r in other.relationships}:
            return Candidate("type", EntityType.RELATIONSHIP, new, *pair)
    for old, new in _readings(hint.owner, renames.types):
        declared = before.relationship_types.get(old)
        wanted = after.relationship_types.get(new)
        if declared is None or wanted is None:
            continue
        if declared.property(hint.old) and wanted.property(hint.new):
            return Candidate("property", EntityType.RELATIONSHIP, new, *pair)
    raise _unknown(
        hint,
        f"property or relationship type {hint.old!r} of {hint.owner!r}",
        f"{hint.new!r}",
    )


def _readings(name: str, renames: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what a name may stand for: old and new name of one thing."""
    yield name, renames.get(name, name)
    yield from ((old, new) for old, new in sorted(renames.items()) if new == name)


def _refuse_contradiction(
    told: Mapping[Candidate, Hint], meant: Candidate, hint: Hint
) -> None:
    for known, other in told.items():
        owners = known.kind == "type" or known.owner == meant.owner
        same = (known.kind, known.entity, known.old) == (
            *(meant.kind, meant.entity, meant.old),
        )
        if same and owners and known.new != meant.new:
            raise ConfigurationError(
                f"-x rename={other.text} and -x rename={hint.text} give two new names "
                f"to {subject(meant)}: keep one of them. No revision is written"
            )


def _refuse_impossible(
    told: Mapping[Candidate, Hint], before: Schema, after: Schema, renames: Renames
) -> None:
    for refusal in refused_renames(before, after, renames):
        for meant, hint in told.items():
            if refuses(refusal, meant):
                raise ConfigurationError(
                    f"-x rename={hint.text} can't be followed: {refusal.why}. Leave "
                    "the hint out, or write the change by hand. No revision is written"
                )


def _unknown(hint: Hint, old: str, new: str) -> ConfigurationError:
    return ConfigurationError(
        f"-x rename={hint.text} fits nothing: the history has to declare the {old} and "
        f"the models {new}. No revision is written"
    )


def _hints_for(candidate: Candidate) -> Iterator[str]:
    pair = f"{_quoted(candidate.old)}:{_quoted(candidate.new)}"
    if candidate.kind == "label":
        yield pair
    else:
        for owner in candidate.owners:
            yield f"{_quoted(owner)}.{pair}"


def _quoted(name: str) -> str:
    if re.fullmatch(r"[^.:`\s]+", name):
        return name
    return "`" + name.replace("`", "``") + "`"


def _unquoted(name: str) -> str:
    if name.startswith("`"):
        return name[1:-1].replace("``", "`")
    return name
