"""Asking a person on a terminal which names are the same under another name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
from alembic import command
from alembic.autogenerate.api import AutogenContext

from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.diff import (
    Candidate,
    Renames,
    accepted,
    can_be_made,
    candidates,
    certain_renames,
)


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
