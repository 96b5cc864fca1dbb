"""The variables of crochet-migration, which are not read here."""

from __future__ import annotations

from collections.abc import Mapping

import click

_PREFIX = "CROCHET_"
_IN_THEIR_PLACE = {
    "CROCHET_NEO4J_URI": "ALEMBIC_NEO4J_URI",
    "CROCHET_NEO4J_USERNAME": "ALEMBIC_NEO4J_USERNAME",
    "CROCHET_NEO4J_PASSWORD": "ALEMBIC_NEO4J_PASSWORD",
    "CROCHET_NEO4J_DATABASE": "ALEMBIC_NEO4J_DATABASE",
}


def tell_of_crochet(environment: Mapping[str, str]) -> None:
    """Say in one message which variables are set and not read, never their values."""
    found = sorted(name for name in environment if name.startswith(_PREFIX))
    if not found:
        return
    ours = [
        f"{_IN_THEIR_PLACE[name]} takes the place of {name}"
        for name in found
        if name in _IN_THEIR_PLACE and _IN_THEIR_PLACE[name] not in environment
    ]
    said = f"Not read: {', '.join(found)}, of crochet."
    if ours:
        said += f" {'; '.join(ours)}."
    click.echo(said, err=True)
