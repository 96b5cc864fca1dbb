"""Two ledgers: what they contradict each other in, and what they may differ in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from alembic_neo4j.checks.findings import CODES, Severity
from alembic_neo4j.checks.ledgers import (
    BETWEEN_LEDGERS,
    KnownLedger,
    compare_ledgers,
)
from alembic_neo4j.ledger.store import AppliedRevision


def applied(*revisions: str, code: str | None = "c" * 64) -> dict[str, AppliedRevision]:
    moment = datetime(2026, 11, 27, tzinfo=timezone.utc)
    return {
        each: AppliedRevision(each, "sha256:0", "f" * 64, moment, "me", code)
        for each in revisions
    }


GRAPH = "bolt://db.example:7687/neo4j"
HERE = KnownLedger("here", "1", GRAPH, ["r2"], applied("r1", "r2"))
ELSEWHERE = "bolt://test.example:7687/neo4j"


def codes(there: KnownLedger) -> list[tuple[str, str]]:
    both = compare_ledgers(HERE, there), compare_ledgers(there, HERE)
    found = [sorted((each.code, each.subject) for each in one) for one in both]
    heads = [[one for one in each if one[0] != "ledgers-heads"] for each in found]
    assert heads[0] == heads[1], "it is the same from either side"
    return found[0]


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (HERE, []),
        (replace(HERE, name="a copy elsewhere", graph=None), []),
        # One of another graph may be at another revision, or at none.
        (KnownLedger("there", "2", ELSEWHERE, ["r1"], applied("r1")), []),
        (KnownLedger("there"), []),
        (KnownLedger("there", None, None, [], applied("r1")), []),
        # Whatever the graph is, a revision is the same file.
        (
            KnownLedger("there", "2", ELSEWHERE, ["r1"], applied("r1", code="d" * 64)),
            [("ledgers-file", "r1")],
        ),
        # Where one does not know the code, the files are compared.
        (KnownLedger("there", "2", ELSEWHERE, ["r1"], applied("r1", code=None)), []),
        (replace(HERE, name="there", identity="2"), [("ledgers-graph", GRAPH)]),
        (
            replace(HERE, name="there", heads=["r1"], applied=applied("r1")),
            [("ledgers-applied", "r2"), ("ledgers-heads", "here")],
        ),
        (
            KnownLedger("there", "2", GRAPH, ["r3"], applied("r1", "r3")),
            [
                ("ledgers-applied", "r2"),
                ("ledgers-applied", "r3"),
                ("ledgers-graph", GRAPH),
                ("ledgers-heads", "here"),
            ],
        ),
    ],
)
def test_what_contradicts_is_found(
    there: KnownLedger, found: list[tuple[str, str]]
) -> None:
    assert codes(there) == found


def test_each_finding_is_an_error_and_says_that_nothing_was_changed() -> None:
    there = KnownLedger("there", "2", GRAPH, ["r3"], applied("r2", code="d" * 64))
    findings = compare_ledgers(HERE, there)
    assert {each.code for each in findings} == set(BETWEEN_LEDGERS)
    for each in findings:
        assert each.severity is Severity.ERROR
        assert each.advice.startswith("Nothing was changed")
        assert "there" in each.expected + each.found + each.subject
        assert CODES[each.code][1]
