"""``alembic-neo4j audit``: the trail is listed, verified and handed out."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.crash.harness import KILLED, Kill, started, unlock
from tests.migration.project import NOWHERE, Project
from tests.migration.test_audit import CREATE, DIES_ONCE, forge


@pytest.fixture
def applied(chain: Project) -> Project:
    """A project with two runs of two people in its trail."""
    chain.done("-x", "actor=alice", "upgrade", "r2")
    chain.done("-x", "actor=bob", "downgrade", "r1")
    return chain


def shown(project: Project, *arguments: str) -> list[dict[str, Any]]:
    outcome = project.verb("audit", "list", "--format", "json", *arguments)
    assert outcome.status == 0, outcome.text
    found: list[dict[str, Any]] = json.loads(outcome.out)["events"]
    return found


def test_the_events_are_listed_the_last_one_first(applied: Project) -> None:
    outcome = applied.verb("audit", "list")
    first, second, *_ = outcome.out.splitlines()
    assert first.startswith("4 SUCCESS downgrade r2: ")
    assert "by bob@" in first
    assert "indexes removed 1" in first
    assert second.startswith("3 BEGUN downgrade r2: ")


def test_they_are_chosen_by_actor_action_and_result(applied: Project) -> None:
    assert [e["sequence"] for e in shown(applied, "--actor", "alice")] == [2, 1]
    assert [e["sequence"] for e in shown(applied, "--action", "downgrade")] == [4, 3]
    assert [e["sequence"] for e in shown(applied, "--result", "BEGUN")] == [3, 1]
    assert [e["sequence"] for e in shown(applied, "--limit", "1")] == [4]
    outcome = applied.verb("audit", "list", "--actor", "carol")
    assert outcome.out == "There is nothing of that.\n"


def test_a_trail_that_fits_is_status_0(applied: Project) -> None:
    outcome = applied.verb("audit", "verify")
    assert outcome.status == 0, outcome.text
    assert outcome.out.startswith("4 events, nothing found.\nThe last is 4, with")


def test_where_there_is_no_ledger_there_are_no_events_and_none_is_made(
    chain: Project,
) -> None:
    assert shown(chain) == []
    assert chain.verb("audit", "verify").out == "0 events, nothing found.\n"
    assert not chain.ledger.exists()


def test_an_altered_event_is_status_1_and_named(applied: Project) -> None:
    forge(applied, "UPDATE alembic_neo4j_audit SET actor='bob' WHERE sequence = 2")
    outcome = applied.verb("audit", "verify")
    assert outcome.status == 1
    assert "event 2 of the audit trail (altered)\n    expected the hash" in outcome.out
    report = json.loads(applied.verb("audit", "verify", "--format", "json").out)
    assert (report["broken"]["code"], report["broken"]["sequence"]) == ("altered", 2)
    assert report["events"] == 1


def test_a_graph_that_does_not_answer_is_status_2_unless_it_is_left_out(
    applied: Project,
) -> None:
    nowhere = ("-x", f"neo4j.url={NOWHERE}")
    outcome = applied.verb("audit", "verify", *nowhere)
    assert outcome.status == 2
    assert "Not compared with the graph: no Neo4j answers" in outcome.err
    assert applied.verb("audit", "verify", "--ledger-only", *nowhere).status == 0


def test_an_older_ledger_that_was_restored_is_told(
    applied: Project, tmp_path: Path
) -> None:
    saved = applied.ledger.read_bytes()
    applied.done("upgrade", "r2")
    applied.done("downgrade", "r1")
    for suffix in ("-wal", "-shm"):
        applied.ledger.with_name(applied.ledger.name + suffix).unlink(missing_ok=True)
    applied.ledger.write_bytes(saved)
    outcome = applied.verb("audit", "verify")
    assert outcome.status == 1
    assert "event 5 of the audit trail (older-ledger)" in outcome.out


def test_an_older_graph_that_was_restored_is_told(
    applied: Project, neo4j_graph: Graph
) -> None:
    read = "MATCH (s:__AlembicNeo4jStamp) RETURN s.auditSequence AS a, s.auditHash AS h"
    (before,) = neo4j_graph.read(read)
    applied.done("upgrade", "r2")
    applied.done("downgrade", "r1")
    back = "MATCH (s:__AlembicNeo4jStamp) SET s.auditSequence = $a, s.auditHash = $h"
    neo4j_graph.transaction([(back, before)])
    outcome = applied.verb("audit", "verify")
    assert outcome.status == 1
    assert "(older-graph)" in outcome.out


def test_a_graph_of_another_ledger_is_told(
    applied: Project, neo4j_graph: Graph
) -> None:
    other = "MATCH (s:__AlembicNeo4jStamp) SET s.ledger = 'another'"
    neo4j_graph.transaction([(other, {})])
    outcome = applied.verb("audit", "verify")
    assert outcome.status == 1
    assert "of the ledger another" in outcome.out


def test_an_export_has_every_event_in_order_and_is_verified_by_itself(
    applied: Project, tmp_path: Path
) -> None:
    outcome = applied.verb("audit", "export")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2, 3, 4]
    assert lines[1]["about"] == ["r1", "r2"]
    path = tmp_path / "audit.jsonl"
    done = applied.verb("audit", "export", "--output", str(path))
    assert "4 events written.\nThe last is 4, with the hash 2:" in done.err
    assert path.read_text() == outcome.out
    applied.ledger.unlink()
    assert applied.verb("audit", "verify", "--file", str(path)).status == 0


def test_an_export_that_was_changed_is_status_1(
    applied: Project, tmp_path: Path
) -> None:
    path = tmp_path / "audit.jsonl"
    applied.verb("audit", "export", "--output", str(path))
    whole = path.read_text()
    for changed, said in (
        (whole.replace('"bob"', '"eve"', 1), "event 3 of the audit trail (altered)"),
        ("".join(whole.splitlines(keepends=True)[1:]), "event 1 of the audit trail (m"),
        (whole[:-20], "event 4 of the audit trail (unreadable)"),
    ):
        path.write_text(changed)
        outcome = applied.verb("audit", "verify", "--file", str(path))
        assert outcome.status == 1
        assert said in outcome.out


def test_an_export_is_written_over_nothing(applied: Project, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("mine")
    outcome = applied.verb("audit", "export", "--output", str(path))
    assert outcome.status == 2
    assert "is there already" in outcome.err
    assert path.read_text() == "mine"


def test_a_kill_leaves_what_was_begun_and_the_next_command_says_what_became_of_it(
    live: Project,
) -> None:
    live.revision("r1", f"{CREATE}\n{DIES_ONCE}")
    assert live.program("-c", "neo4j.ini", "upgrade", "head").status == KILLED
    assert [e["result"] for e in shown(live)] == ["BEGUN"]
    assert live.verb("audit", "verify").status == 0
    live.done("upgrade", "head")
    assert [(e["result"], e["closes"], e["became"]) for e in shown(live)] == [
        ("SUCCESS", 3, None),
        ("BEGUN", None, None),
        ("PARTIAL", 1, "resumed"),
        ("BEGUN", None, None),
    ]


def test_a_repair_and_an_unlock_are_told(applied: Project, neo4j_graph: Graph) -> None:
    drop = "DROP INDEX i1"
    neo4j_graph.transaction([(drop, {})])
    assert applied.verb("repair", "--yes").status == 0
    latest = shown(applied, "--action", "repair")
    assert [e["result"] for e in latest] == ["SUCCESS", "BEGUN"]
    assert latest[0]["counts"]["total"] == {"indexes_added": 1}
    assert "element-missing" in latest[0]["about"][0]
    assert applied.verb("audit", "verify").status == 0


def test_a_ledger_rebuilt_from_the_graph_begins_a_trail_that_tells_of_the_lost_one(
    applied: Project,
) -> None:
    lost = shown(applied)
    for suffix in ("", "-wal", "-shm"):
        applied.ledger.with_name(applied.ledger.name + suffix).unlink(missing_ok=True)
    outcome = applied.verb("repair", "--adopt-graph", "--yes")
    assert outcome.status == 0, outcome.text
    outcome = applied.verb("audit", "verify")
    assert outcome.status == 1
    assert "event 3 of the audit trail (older-ledger)" in outcome.out
    applied.done("upgrade", "r2")
    found = shown(applied)
    assert [e["result"] for e in found] == [
        *("SUCCESS", "BEGUN", "BROKEN"),
        *("SUCCESS", "BEGUN"),
    ]
    assert lost[0]["hash"] in found[2]["error"]
    assert {e["ledger"] for e in found} == {lost[0]["ledger"]}
    assert applied.verb("audit", "verify").status == 0


def test_a_paused_holder_of_the_lock_is_told_to_have_lost_it(
    applied: Project,
) -> None:
    kill = Kill("graph.commit.before#5", sent=signal.SIGSTOP)
    with started(applied, ["upgrade", "head"], kill) as holder:
        holder.pauses()
        assert unlock(applied).status == 0
        latest = shown(applied, "--action", "unlock")
        assert [e["result"] for e in latest] == ["SUCCESS", "BEGUN"]
        assert "@" in latest[0]["about"][0]
        holder.goes_on()
        holder.ended()
    applied.done("upgrade", "head")
    assert shown(applied)[0]["result"] == "SUCCESS"
    assert applied.verb("audit", "verify").status == 0
