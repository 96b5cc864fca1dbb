"""A sentence that quotes another one ends once."""

from __future__ import annotations

import pytest

from alembic_neo4j.graph.connection import ServerRefused
from alembic_neo4j.sentences import ended, unended


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        ("alike", "alike.", "alike"),
        ("alike.", "alike.", "alike"),
        ("alike. ", "alike.", "alike"),
        ("and so on...", "and so on.", "and so on"),
        ("Did you mean x?", "Did you mean x?", "Did you mean x?"),
        ("bad value:", "bad value.", "bad value"),
        (ValueError("no such zone."), "no such zone.", "no such zone"),
        (None, "None.", "None"),
    ],
)
def test_it_ends_once(text: object, whole: str, part: str) -> None:
    assert ended(text) == whole
    assert unended(text) == part


def test_a_code_comes_before_the_full_stop() -> None:
    refused = ServerRefused("Neo.Code", "No such index.")

    assert str(refused) == "No such index (Neo.Code)"
    assert ended(refused.server_message) == "No such index."
