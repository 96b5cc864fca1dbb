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
    latest, failed, *_, first = entries(chain)
    assert latest["name"] == failed["name"] == first["name"].replace("r1", "r2")
    assert first["message"] == first["name"] == "the message of r1"
    assert latest["applied"] is None
    assert first["applied"]["file"] == "as applied"
    assert first["applied"]["seconds"] > 0
    assert "@" in first["by"]
    assert first["at"].endswith("+00:00")

    # What failed says why, by the audit trail, which keeps no secret of it.
    for one in (latest, failed):
        assert "/ by zero" in one["message"]
        assert (one["version"], one["changes"], one["warnings"]) == ("r2", [], [])
    assert [one["success"] for one in entries(chain)] == [None, False, *[True] * 3]
    shown = chain.verb("history", "--state", "failed").out
    assert shown.count("/ by zero") == 1

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


SAYS = """
def upgrade() -> op.MigrationResult:
    return op.MigrationResult(
        success=True, message="cleaned up", changes=["one", "two"], warnings=["three"]
    )
"""


def test_each_entry_says_what_a_revision_did_and_the_last_version_is_told(
    live: Project,
) -> None:
    path = live.revision("r1", migration_type="cleanup")
    path.write_text(path.read_text().replace("def upgrade():\n    pass", SAYS))
    live.revision("r2", "op.run_cypher('RETURN 1 / 0')", down="r1")

    def last_version() -> str | None:
        shown = live.verb("history", "--limit", "1", "--format", "json")
        found: str | None = json.loads(shown.out)["last_version"]
        return found

    assert last_version() is None
    live.failed("upgrade", "head")
    # What failed is not the last version.
    assert last_version() == "r1"
    (cleaned,) = entries(live, "--type", "cleanup", "--limit", "20")
    seeds = {name: cleaned[name] for name in list(cleaned)[:8]}
    assert seeds == {
        "name": "the message of r1",
        "version": "r1",
        "migration_type": "cleanup",
        "timestamp": cleaned["at"],
        "success": True,
        "message": "cleaned up",
        "changes": ["one", "two"],
        "warnings": ["three"],
    }
    live.done("downgrade", "base")
    assert last_version() is None
    (live.path / "more.cypher").write_text("CREATE (:More);\n")
    assert live.verb("run", "more.cypher").status == 0
    ran = entries(live)[0]
    assert (ran["name"], ran["version"]) == ("run more.cypher", None)
    assert (ran["migration_type"], ran["success"], ran["message"]) == (None, True, None)
