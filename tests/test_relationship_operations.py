"""The operations on relationships are those on nodes, and nobody writes them."""

from __future__ import annotations

import inspect

from alembic_neo4j import op
from tests.relationship_operations import OP, twin_name, written


def test_they_are_written_anew() -> None:
    text = OP.read_text("utf-8")

    assert written(text) == text, "run `python -m tests.relationship_operations`"


def test_a_twin_takes_what_the_other_takes() -> None:
    parameters = inspect.signature(op.add_relationship_fulltext_index).parameters

    assert list(parameters) == [
        *("relationship_types", "properties", "analyzer", "eventually_consistent"),
        *("config", "name", "allow_unknown"),
    ]


def test_how_twins_are_called() -> None:
    assert twin_name("add_node_property") == "add_relationship_property"
    assert twin_name("add_text_index") == "add_relationship_text_index"
    assert all(hasattr(op, twin_name(name)) for name in ("add_index", "drop_index"))
