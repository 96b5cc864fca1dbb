"""The extras that messages and documents name are there, and `all` has all of them."""

from __future__ import annotations

import re
from importlib.metadata import metadata, requires
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FOR_THIS_PROJECT = {"all", "dev", "docs"}
_NAMED = re.compile(r"alembic-neo4j\[([a-z0-9,]+)\]")


def extras() -> set[str]:
    return set(metadata("alembic-neo4j").get_all("Provides-Extra") or ())


def needed(extra: str) -> set[str]:
    """What an extra installs; the extras that it names itself are taken apart."""
    found = (each.replace('"', "'") for each in requires("alembic-neo4j") or ())
    ending = f"; extra == '{extra}'"
    return {each.removesuffix(ending) for each in found if each.endswith(ending)}


def test_all_has_every_extra_that_is_for_users() -> None:
    for_users = {extra: needed(extra) for extra in extras() - FOR_THIS_PROJECT}
    assert all(for_users.values())
    assert needed("all") == set().union(*for_users.values())
    assert for_users["sync"] < for_users["cloud"]


def test_each_extra_that_is_named_is_there() -> None:
    places = [
        *(CHECKOUT / "alembic_neo4j").rglob("*.py"),
        *(CHECKOUT / "docs").rglob("*.md"),
        CHECKOUT / "README.md",
    ]
    named = {
        extra
        for place in places
        for match in _NAMED.finditer(place.read_text("utf-8"))
        for extra in match[1].split(",")
    }
    assert named >= {"local", "sync", "cloud"}
    assert named <= extras()
