"""Every run is in the audit trail: as it begins, and what has become of it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text

from alembic_neo4j import __version__
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.stamp import read_stamp
from alembic_neo4j.ledger.audit import AuditEvent, AuditTrail, ChainEnd, Verdict
from alembic_neo4j.ledger.engine import open_engine
from tests.crash.harness import KILLED, Kill, client
from tests.migration.project import Project

CREATE = "op.run_cypher('UNWIND range(1, 3) AS i CREATE (:L1 {p: i})')"
DIES_ONCE = """
import os, pathlib, signal
if not op.is_replaying() and not pathlib.Path('died').exists():
    pathlib.Path('died').touch()
    os.kill(os.getpid(), signal.SIGKILL)
op.run_cypher('RETURN 1')
"""
NOT_YET = "op.run_cypher('RETURN 1 / 0')"


@contextmanager
def ledger_of(project: Project) -> Iterator[Connection]:
    engine = open_engine(f"sqlite:///{project.ledger}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def events(project: Project) -> list[AuditEvent]:
    with ledger_of(project) as connection:
        return list(AuditTrail(connection, "alembic_version").events())


def told(project: Project) -> list[tuple[str, str, str | None]]:
    """Return of each event the action, the result, and what has become of it."""
    return [(e.action, e.result, e.became) for e in events(project)]


def verdict(project: Project, graph: Graph) -> Verdict:
    """Judge the trail as `audit verify` does."""
    stamp = read_stamp(graph)
    anchor = ChainEnd(*stamp.audit) if stamp and stamp.audit else None
    with ledger_of(project) as connection:
        return AuditTrail(connection, "alembic_version").judge(anchor)


def forge(project: Project, *statements: str) -> None:
    """Do what the triggers refuse."""
    with ledger_of(project) as connection:
        for name in ("update", "delete", "replace"):
            connection.execute(text(f"DROP TRIGGER alembic_neo4j_audit_{name}"))
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


def test_a_run_is_told_before_it_begins_and_after_it(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "r2")
    begun, ended = events(chain)
    assert (begun.action, begun.result) == ("upgrade", "BEGUN")
    assert (ended.result, ended.closes) == ("SUCCESS", begun.sequence)
    assert begun.run == ended.run
    assert json.loads(ended.about) == ["r1", "r2"]
    assert ended.graph.startswith(neo4j_graph.url)
    assert (ended.actor, ended.release) == (getpass.getuser(), __version__)
    assert (ended.seconds or 0) > 0
    assert verdict(chain, neo4j_graph).broken is None


def test_the_counts_are_those_of_the_server_and_of_nothing_of_ours(
    chain: Project,
) -> None:
    chain.revision("r4", CREATE, "op.run_cypher('MATCH (n:L1) DELETE n')", down="r3")
    chain.revision("r5", "op.rename_label('L1', 'M')", down="r4")
    chain.done("upgrade", "head")
    counts = json.loads(events(chain)[-1].counts)
    assert counts["total"] == {
        "indexes_added": 4,
        "indexes_removed": 1,
        "labels_added": 6,
        "labels_removed": 3,
        "nodes_created": 3,
        "properties_set": 3,
    }
    assert counts["by_label"]["L2"] == {"indexes_added": 1}
    assert counts["by_label"]["M"]["labels_added"] == 3


def test_the_stamp_names_the_end_of_the_trail(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "r1")
    chain.done("downgrade", "base")
    chain.done("stamp", "r2")
    last = events(chain)[-1]
    stamp = read_stamp(neo4j_graph)
    assert stamp is not None
    assert stamp.audit == last.end.pair
    assert [row[:2] for row in told(chain)] == [
        ("upgrade", "BEGUN"),
        ("upgrade", "SUCCESS"),
        ("downgrade", "BEGUN"),
        ("downgrade", "SUCCESS"),
        ("stamp", "BEGUN"),
        ("stamp", "SUCCESS"),
    ]


def test_nothing_to_do_and_whoever_only_looks_write_no_event(chain: Project) -> None:
    chain.done("upgrade", "r1")
    before = events(chain)
    chain.done("upgrade", "r1")
    chain.done("current")
    for verb in ("status", "plan", "verify", "history"):
        chain.verb(verb)
    assert events(chain) == before


def test_what_is_refused_before_it_begins_is_no_event(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.add_unique_constraint('L', 'p')")
    neo4j_graph.transaction([("CREATE (:L {p: 1}), (:L {p: 1})", {})])
    live.failed("upgrade", "head")
    assert not live.ledger.exists() or events(live) == []


def test_who_acts_is_said_on_the_command_line_or_in_the_environment(
    chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEMBIC_NEO4J_ACTOR", "robot")
    chain.done("upgrade", "r1")
    chain.done("-x", "actor=alice", "upgrade", "r2")
    assert [e.actor for e in events(chain)] == ["robot", "robot", "alice", "alice"]


def test_a_run_that_fails_in_part_is_partial_and_one_that_wrote_nothing_failed(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", NOT_YET)
    live.failed("upgrade", "head")
    live.revision("r1", f"{CREATE}\n{NOT_YET}")
    live.failed("upgrade", "head")
    found = events(live)
    assert [e.result for e in found] == ["BEGUN", "FAILED", "BEGUN", "PARTIAL"]
    assert "/ by zero" in (found[-1].error or "")
    assert json.loads(found[-1].counts)["total"]["nodes_created"] == 3
    assert verdict(live, neo4j_graph).broken is None


def test_an_error_that_is_not_ours_is_told_by_its_name_alone(live: Project) -> None:
    live.revision(
        "r1", f"{CREATE}\nif not op.is_replaying(): raise RuntimeError('s3cret')"
    )
    with pytest.raises(RuntimeError):
        live.run("upgrade", "head")
    assert events(live)[-1].error == "RuntimeError"


def test_the_password_of_the_graph_is_in_no_event(
    live: Project, neo4j_graph: Graph
) -> None:
    secret = neo4j_graph.settings.credentials.secret
    live.revision("r1", f'op.run_cypher("CREATE (:A) RETURN {secret} BAD")')
    live.run("upgrade", "head")
    told_ = events(live)[-1].error or ""
    assert "***" in told_
    assert secret not in told_


def test_a_run_that_is_gone_on_with_is_said_to_be_resumed(live: Project) -> None:
    live.revision("r1", f"{CREATE}\n{DIES_ONCE}")
    assert live.program("-c", "neo4j.ini", "upgrade", "head").status == KILLED
    assert told(live) == [("upgrade", "BEGUN", None)]
    live.done("upgrade", "head")
    assert told(live) == [
        ("upgrade", "BEGUN", None),
        ("upgrade", "PARTIAL", "resumed"),
        ("upgrade", "BEGUN", None),
        ("upgrade", "SUCCESS", None),
    ]


def test_an_upgrade_that_is_taken_back_is_said_to_be(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.revision(
        "r4",
        f"op.add_index('N', 'p')\n{NOT_YET}",
        "op.drop_index('N', 'p')",
        down="r3",
    )
    chain.failed("upgrade", "head")
    assert told(chain)[-1][:2] == ("upgrade", "PARTIAL")
    chain.done("downgrade", "r3")
    assert [row[:2] for row in told(chain)[-2:]] == [
        ("taking back", "BEGUN"),
        ("taking back", "SUCCESS"),
    ]
    assert verdict(chain, neo4j_graph).broken is None


def test_a_run_that_a_stamp_ends_is_said_to_be_abandoned(chain: Project) -> None:
    outcome = client(chain, ["upgrade", "head"], Kill("ledger.commit.after#4"))
    assert outcome.status == KILLED
    chain.done("stamp", "r1")
    assert ("upgrade", "abandoned") in [(row[0], row[2]) for row in told(chain)]


def test_a_verb_that_writes_is_told(live: Project, neo4j_graph: Graph) -> None:
    live.revision("r1", "")
    live.done("upgrade", "head")
    (live.path / "a.cypher").write_text("CREATE (:A), (:A);")
    assert live.verb("run", "a.cypher").status == 0
    begun, ended = events(live)[-2:]
    assert (begun.action, ended.result) == ("run", "SUCCESS")
    assert json.loads(ended.counts) == {
        "total": {"labels_added": 2, "nodes_created": 2}
    }
    assert verdict(live, neo4j_graph).broken is None


def test_a_tail_that_was_cut_off_with_the_ledgers_own_end_is_found(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "r1")
    chain.done("upgrade", "r2")
    second = events(chain)[1]
    end = json.dumps(second.end.pair)
    forge(
        chain,
        "DELETE FROM alembic_neo4j_audit WHERE sequence > 2",
        f"UPDATE alembic_neo4j_ledger SET value='{end}' "
        "WHERE `key` = 'audit\\:alembic_version'",
    )
    broken = verdict(chain, neo4j_graph).broken
    assert broken is not None
    assert (broken.code, broken.sequence) == ("older-ledger", 3)
    chain.done("upgrade", "r3")
    assert "BROKEN" in [e.result for e in events(chain)]


def test_an_upgrade_goes_on_where_the_table_was_dropped(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "r1")
    with ledger_of(chain) as connection:
        connection.execute(text("DROP TABLE alembic_neo4j_audit"))
        connection.commit()
    chain.done("upgrade", "r2")
    assert [e.result for e in events(chain)] == ["BROKEN", "BEGUN", "SUCCESS"]
    broken = verdict(chain, neo4j_graph).broken
    assert broken is not None
    assert (broken.code, broken.sequence) == ("missing", 1)
