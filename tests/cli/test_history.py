"""``alembic-neo4j history``: all that was done, also what failed."""

from __future__ import annotations

import json
from typing import Any

from tests.migration.project import Project


def entries(project: Project, *arguments: str) -> list[dict[str, Any]]:
    outcome = project.verb("history", "--format", "json", *arguments)
    assert outcome.status == 0, outcome.text
    found: list[dict[str, Any]] = json.loads(outcome.out)["entries"]
    return found


def told(project: Project, *arguments: str) -> list[tuple[str, str, str]]:
    found = entries(project, *arguments)
    return [(one["state"], one["action"], one["subject"]) for one in found]


def test_nothing_was_done(chain: Project) -> None:
    assert told(chain) == []
    assert chain.verb("history").out == "There is nothing of that.\n"
    assert not chain.ledger.exists()


def test_what_was_done_and_failed_and_is_open(chain: Project) -> None:
    chain.done("upgrade", "r2")
    chain.done("downgrade", "r1")
    chain.revision("r2", 'op.run_cypher("RETURN 1 / 0")', down="r1")
    chain.failed("upgrade", "head")
    chain.revision(
        "r2",
        'op.run_cypher("CREATE (:Done)")\nop.run_cypher("RETURN 1 / 0")',
        down="r1",
    )
    chain.failed("upgrade", "head")

    assert told(chain) == [
        ("open", "upgrade", "r2"),
        ("failed", "upgrade", "r2"),
        ("done", "downgrade", "r2"),
        ("done", "upgrade", "r2"),
        ("done", "upgrade", "r1"),
    ]
    latest, *_, first = entries(chain)
    assert latest["message"] == first["message"].replace("r1", "r2")
    assert latest["applied"] is None
    assert first["applied"]["file"] == "as applied"
    assert first["applied"]["seconds"] > 0
    assert "@" in first["by"]
    assert first["at"].endswith("+00:00")

    # What is taken back, and run again later, stands by the later one alone.
    assert [one["applied"] is not None for one in entries(chain)] == [False] * 4 + [
        True
    ]


def test_filters_go_before_the_limit(chain: Project) -> None:
    chain.done("upgrade", "head")
    chain.done("downgrade", "base")
    chain.done("upgrade", "r1")

    assert told(chain, "--limit", "1") == [("done", "upgrade", "r1")]
    assert told(chain, "--action", "downgrade", "--limit", "2") == [
        *(("done", "downgrade", "r1"), ("done", "downgrade", "r2")),
    ]
    assert told(chain, "--revision", "r2") == [
        *(("done", "downgrade", "r2"), ("done", "upgrade", "r2")),
    ]
    assert told(chain, "--state", "failed") == []
    shown = chain.verb("history", "--limit", "2").out
    assert shown.endswith("and 5 earlier\n")
    assert "done    upgrade r1  the message of r1: 2" in shown


def test_what_was_stamped_and_loaded(chain: Project) -> None:
    chain.done("stamp", "r2")
    (chain.path / "a.csv").write_text("a\n1\n")
    load = ("ingest", "load", "a.csv", "--label", "A", "--batch", "first")
    assert chain.verb(*load).status == 0

    assert told(chain)[0] == ("done", "ingest load", "first")
    assert ("done", "stamp", "r2") in told(chain)
    assert entries(chain, "--action", "stamp")[0]["applied"]["seconds"] is None
