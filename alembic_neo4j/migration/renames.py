"""Deciding renames: identity first, then hints of ``-x rename=…``, then a question."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import click
from alembic import command
from alembic.autogenerate.api import AutogenContext

from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.schema.diff import Candidate, Renames, candidates, certain_renames
from alembic_neo4j.schema.elements import Entity, Schema

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
    """Return the renames that are certain or were told, and what only looks like one.

    Raises ConfigurationError for a hint that names nothing of the two schemas.
    """
    renames = certain_renames(before, after)
    for hint in _hints(autogen_context):
        told = _with_hint(renames, hint, before, after)
        # What is certain of a model is seen once its label is known.
        renames = certain_renames(before, after, given=told)
    if _may_ask(autogen_context):
        return _ask(renames, before, after)
    return renames, candidates(before, after, renames)


def describe_candidate(candidate: Candidate) -> str:
    """Return what a revision says of an undecided rename."""
    return (
        f"{_subject(candidate)} may have been renamed to {candidate.new} "
        f"({candidate.why}); it is written as a removal and an addition. If it is a "
        "rename, delete this file and run again with\n"
        f"    -x rename={_hint(candidate)}"
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


def _with_hint(renames: Renames, hint: Hint, before: Schema, after: Schema) -> Renames:
    if hint.old == hint.new:
        raise ConfigurationError(f"-x rename={hint.text} renames nothing")
    if hint.owner is None:
        if hint.old in before.nodes and hint.new in after.nodes:
            return _with_label(renames, hint.old, hint.new)
        raise _unknown(hint, f"label {hint.old!r}", f"label {hint.new!r}")
    new_owner = renames.labels.get(hint.owner, hint.owner)
    old_owners = {old for old, new in renames.labels.items() if new == new_owner}
    old_owner = next(iter(old_owners), hint.owner)
    if old_owner in before.nodes and new_owner in after.nodes:
        old_node, new_node = before.nodes[old_owner], after.nodes[new_owner]
        if old_node.property(hint.old) and new_node.property(hint.new):
            return _with_property(renames, Entity.NODE, new_owner, hint)
        old_types = {r.type for r in old_node.relationships}
        new_types = {r.type for r in new_node.relationships}
        if hint.old in old_types and hint.new in new_types:
            return _with_type(renames, hint.old, hint.new)
    return _with_relationship_property(renames, hint, before, after)


def _with_relationship_property(
    renames: Renames, hint: Hint, before: Schema, after: Schema
) -> Renames:
    assert hint.owner is not None
    new_owner = renames.types.get(hint.owner, hint.owner)
    old_owners = {old for old, new in renames.types.items() if new == new_owner}
    old_owner = next(iter(old_owners), hint.owner)
    old_type = before.relationship_types.get(old_owner)
    new_type = after.relationship_types.get(new_owner)
    if old_type and new_type:
        declared = old_type.property(hint.old) and new_type.property(hint.new)
        if declared:
            return _with_property(renames, Entity.RELATIONSHIP, new_owner, hint)
    raise _unknown(
        hint,
        f"property or relationship type {hint.old!r} of {hint.owner!r}",
        f"{hint.new!r}",
    )


def _unknown(hint: Hint, old: str, new: str) -> ConfigurationError:
    return ConfigurationError(
        f"-x rename={hint.text} fits nothing: the history has to declare the {old} and "
        f"the models {new}. No revision is written"
    )


def _with_label(renames: Renames, old: str, new: str) -> Renames:
    return replace(renames, labels={**renames.labels, old: new})


def _with_type(renames: Renames, old: str, new: str) -> Renames:
    return replace(renames, types={**renames.types, old: new})


def _with_property(
    renames: Renames, entity: Entity, owner: str, pair: Hint | Candidate
) -> Renames:
    known = renames.properties.get((entity, owner), {})
    of_owner = {**known, pair.old: pair.new}
    return replace(
        renames, properties={**renames.properties, (entity, owner): of_owner}
    )


def _may_ask(autogen_context: AutogenContext) -> bool:
    environment = autogen_context.migration_context.environment_context
    options: Any = getattr(environment and environment.config, "cmd_opts", None)
    called: Any = getattr(options, "cmd", None)
    asks = bool(called) and called[0] is command.revision
    return asks and sys.stdin.isatty() and sys.stderr.isatty()


def _ask(
    renames: Renames, before: Schema, after: Schema
) -> tuple[Renames, tuple[Candidate, ...]]:
    refused: set[Candidate] = set()
    while True:
        # An answer changes what is left: a renamed label brings its properties along.
        found: Sequence[Candidate] = candidates(before, after, renames)
        unasked = [candidate for candidate in found if candidate not in refused]
        if not unasked:
            return renames, ()
        if _confirmed(unasked[0]):
            told = _accepted(renames, unasked[0])
            renames = certain_renames(before, after, given=told)
        else:
            refused.add(unasked[0])


def _confirmed(candidate: Candidate) -> bool:
    question = f"Was {_subject(candidate)} renamed to {candidate.new}"
    return click.confirm(f"{question} ({candidate.why})?", default=False, err=True)


def _accepted(renames: Renames, candidate: Candidate) -> Renames:
    if candidate.kind == "label":
        return _with_label(renames, candidate.old, candidate.new)
    if candidate.kind == "type":
        return _with_type(renames, candidate.old, candidate.new)
    return _with_property(renames, candidate.entity, candidate.owner, candidate)


def _subject(candidate: Candidate) -> str:
    if candidate.kind == "label":
        return f"the label {candidate.old}"
    return f"{candidate.owner}.{candidate.old}"


def _hint(candidate: Candidate) -> str:
    pair = f"{_quoted(candidate.old)}:{_quoted(candidate.new)}"
    if candidate.kind == "label":
        return pair
    return f"{_quoted(candidate.owner)}.{pair}"


def _quoted(name: str) -> str:
    if re.fullmatch(r"[^.:`\s]+", name):
        return name
    return "`" + name.replace("`", "``") + "`"


def _unquoted(name: str) -> str:
    if name.startswith("`"):
        return name[1:-1].replace("``", "`")
    return name
