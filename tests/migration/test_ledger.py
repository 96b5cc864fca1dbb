"""What the ledger remembers, and that ledger and graph can't part unseen."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.ledger import store
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.digest import schema_digest
from tests.migration.project import Project, graph_state, indexes, stamped

Move = Callable[[Project], None]


@pytest.fixture
def applied(chain: Project) -> Project:
    """The chain at r2."""
    chain.done("upgrade", "r2")
    return chain


def _unchanged(project: Project, graph: Graph, *verb: str) -> str:
    """Run a verb that is refused and changes nothing; return its message."""
    before, remembered = graph_state(graph), project.remembered()
    message = project.failed(*verb)
    assert graph_state(graph) == before
    assert project.remembered() == remembered
    return message


def test_each_applied_revision_has_its_hashes(applied: Project) -> None:
    rows = (applied.remembered() or {})["alembic_neo4j_revision"]
    history = History(ScriptDirectory.from_config(applied.config()))
    for row, revision in zip(rows, ("r1", "r2"), strict=True):
        table, name, schema_hash, file_hash, when, who, code_hash, seconds, *told = row
        assert (table, name) == ("alembic_version", revision)
        assert schema_hash == schema_digest(history.at([revision]))
        source = (applied.versions / f"{revision}_.py").read_bytes()
        assert file_hash == hashlib.sha256(source).hexdigest()
        assert when
        assert who
        assert len(code_hash) == 64
        assert code_hash != file_hash
        assert 0 < seconds < 60
        assert told == ["schema", 0, None]
    applied.done("downgrade", "r1")
    rows = (applied.remembered() or {})["alembic_neo4j_revision"]
    assert [row[1] for row in rows] == ["r1"]


def test_our_tables_have_a_version_of_their_own(applied: Project) -> None:
    versions = ScriptDirectory(str(Path(store.__file__).parent))
    head = versions.get_current_head()
    assert (applied.remembered() or {})["alembic_neo4j_version"] == [(head,)]


def test_the_stamp_names_ledger_and_heads(applied: Project, neo4j_graph: Graph) -> None:
    rows = neo4j_graph.read("MATCH (s:__AlembicNeo4jStamp) RETURN s.ledger AS ledger")
    facts = dict((applied.remembered() or {})["alembic_neo4j_ledger"])
    assert rows == [{"ledger": facts["identity:alembic_version"]}]
    assert stamped(neo4j_graph) == ["r2"]


def test_a_ledger_pointed_at_another_graph_is_noticed(
    applied: Project, neo4j_graph: Graph
) -> None:
    wipe(neo4j_graph)
    for verb in ("upgrade head", "upgrade r2", "downgrade base"):
        message = _unchanged(applied, neo4j_graph, *verb.split())
        assert "the ledger is at r2, but the graph has no stamp" in message
        assert "alembic -c neo4j.ini stamp --purge" in message
    applied.done("stamp", "--purge", "base")
    applied.done("upgrade", "head")
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}


def test_a_second_ledger_on_the_graph_is_noticed(
    applied: Project, neo4j_graph: Graph
) -> None:
    applied.set("sqlalchemy.url", "sqlite:///%(here)s/second.db")
    for verb in ("upgrade head", "stamp head"):
        message = _unchanged(applied, neo4j_graph, *verb.split())
        assert "another ledger manages this graph, at r2" in message
        assert "this one is at base" in message
    assert not (applied.path / "second.db").exists()


def test_a_ledger_that_was_lost_is_adopted_by_purging(
    applied: Project, neo4j_graph: Graph
) -> None:
    applied.ledger.unlink()
    assert "another ledger manages this graph, at r2" in applied.failed(
        "upgrade", "head"
    )
    applied.done("stamp", "--purge", "r2")
    applied.done("upgrade", "head")
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}


def test_the_ledger_that_lost_its_graph_is_told(
    applied: Project, neo4j_graph: Graph
) -> None:
    first, second = applied.ledger, applied.path / "second.db"
    applied.set("sqlalchemy.url", "sqlite:///%(here)s/second.db")
    applied.done("stamp", "--purge", "r2")
    assert second.exists()
    applied.set("sqlalchemy.url", f"sqlite:///{first}")
    assert "another ledger" in _unchanged(applied, neo4j_graph, "upgrade", "head")


def test_a_restored_ledger_is_noticed(applied: Project, neo4j_graph: Graph) -> None:
    backup = applied.path / "backup.db"
    _copy(applied.ledger, backup)
    applied.done("upgrade", "head")
    _copy(backup, applied.ledger)
    message = _unchanged(applied, neo4j_graph, "upgrade", "head")
    assert "the graph is stamped r3 and the ledger is at r2" in message


@pytest.mark.parametrize("older", ["r1", None])
def test_a_restored_graph_is_noticed(
    applied: Project, neo4j_graph: Graph, older: str | None
) -> None:
    heads = [older] if older else []
    neo4j_graph.transaction(
        [("MATCH (s:__AlembicNeo4jStamp) SET s.heads = $heads", {"heads": heads})]
    )
    message = _unchanged(applied, neo4j_graph, "upgrade", "head")
    assert f"the graph is stamped {older or 'base'} and the ledger is at r2" in message
    assert "the graph is stamped" in _unchanged(applied, neo4j_graph, "upgrade", "r2")


def test_a_graph_that_a_ledger_left_is_not_its_own_any_more(
    applied: Project, neo4j_graph: Graph
) -> None:
    (stamp,) = neo4j_graph.read(
        "MATCH (s:__AlembicNeo4jStamp) RETURN properties(s) AS p"
    )
    wipe(neo4j_graph)
    applied.done("stamp", "--purge", "r2")
    wipe(neo4j_graph)
    neo4j_graph.transaction([("CREATE (s:__AlembicNeo4jStamp) SET s = $p", stamp)])
    assert "another ledger" in _unchanged(applied, neo4j_graph, "upgrade", "head")


@pytest.mark.parametrize("before", ["base", "r1"])
def test_a_stamp_that_was_not_written_in_time_is_made_up_for(
    chain: Project, neo4j_graph: Graph, before: str
) -> None:
    if before != "base":
        chain.done("upgrade", before)
    remembered = [before] if before != "base" else []
    chain.done("upgrade", "+1")
    # As it is when the client dies between the ledger's commit and the graph's.
    neo4j_graph.transaction(
        [("MATCH (s:__AlembicNeo4jStamp) SET s.heads = $h", {"h": remembered})]
    )
    _set_fact(
        chain.ledger, "stamped:alembic_version", str(remembered).replace("'", '"')
    )
    chain.done("upgrade", "head")
    assert stamped(neo4j_graph) == ["r3"]
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}


def test_a_failed_run_remembers_what_the_graph_is_stamped_with(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.revision("r3", "op.execute('RETURN 1 / 0')", down="r2")
    assert "r3" in chain.failed("upgrade", "head")
    assert chain.heads() == stamped(neo4j_graph) == ["r2"]
    assert _fact(chain.ledger, "stamped:alembic_version") == '["r2"]'
    neo4j_graph.transaction(
        [("MATCH (s:__AlembicNeo4jStamp) SET s.heads = ['r1']", {})]
    )
    assert "the graph is stamped r1" in chain.failed("upgrade", "head")


def test_an_edited_applied_revision_is_refused(
    applied: Project, neo4j_graph: Graph
) -> None:
    path = applied.versions / "r1_.py"
    source = path.read_text()
    path.write_text(source + "\n# edited\n")
    for verb in ("upgrade head", "upgrade r2", "downgrade base"):
        message = _unchanged(applied, neo4j_graph, *verb.split())
        assert "revision r1 was edited after it was applied" in message
        assert str(path) in message
    path.write_text(source)
    applied.done("upgrade", "head")


def test_an_applied_revision_without_its_file_is_refused(
    applied: Project, neo4j_graph: Graph
) -> None:
    (applied.versions / "r1_.py").unlink()
    applied.revision("r12")
    applied.revision("r2", down="r12")
    message = _unchanged(applied, neo4j_graph, "upgrade", "head")
    assert "revision r1 was applied" in message
    assert "there is no file of it" in message


def test_other_line_ends_are_no_edit(applied: Project) -> None:
    path = applied.versions / "r1_.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    applied.done("upgrade", "head")


def test_a_revision_that_is_not_applied_may_be_edited(applied: Project) -> None:
    path = applied.versions / "r3_.py"
    path.write_text(path.read_text() + "\n# edited\n")
    applied.done("upgrade", "head")


def test_purging_takes_the_files_as_they_are(applied: Project) -> None:
    path = applied.versions / "r1_.py"
    path.write_text(path.read_text() + "\n# edited\n")
    applied.done("stamp", "--purge", "r2")
    applied.done("upgrade", "head")


def test_a_stamp_on_a_wrong_graph_is_noticed_where_nothing_moves(
    applied: Project, neo4j_graph: Graph
) -> None:
    wipe(neo4j_graph)
    assert "the graph has no stamp" in _unchanged(applied, neo4j_graph, "stamp", "r2")


def test_a_stamp_is_refused_when_a_stamped_revision_can_not_be_replayed(
    applied: Project, neo4j_graph: Graph
) -> None:
    applied.revision("r3", "op.add_node_property('P', 'x', 1, 2, 3)", down="r2")
    before = graph_state(neo4j_graph)
    applied.failed("stamp", "head")
    assert applied.heads() == ["r2"]
    assert graph_state(neo4j_graph) == before


def test_two_ledgers_share_a_database_by_their_version_table(
    applied: Project, neo4j_graph: Graph
) -> None:
    env = applied.path / "migrations" / "env.py"
    source = env.read_text()
    env.write_text(
        source.replace(
            "target_metadata=target_metadata",
            "target_metadata=target_metadata, version_table='second'",
        )
    )
    assert "another ledger manages this graph" in applied.failed("upgrade", "head")
    applied.done("stamp", "--purge", "r1")
    tables = applied.remembered() or {}
    assert tables["second"] == [("r1",)]
    assert tables["alembic_version"] == [("r2",)]
    assert [row[:2] for row in tables["alembic_neo4j_revision"]] == [
        ("alembic_version", "r1"),
        ("alembic_version", "r2"),
        ("second", "r1"),
    ]


def _copy(source: Path, target: Path) -> None:
    engine = create_engine(f"sqlite:///{source}")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()
    shutil.copy(source, target)


def _fact(ledger: Path, key: str) -> str:
    engine = create_engine(f"sqlite:///{ledger}")
    query = text("SELECT value FROM alembic_neo4j_ledger WHERE key = :key")
    with engine.connect() as connection:
        value = connection.execute(query, {"key": key}).scalar_one()
    engine.dispose()
    return str(value)


def _set_fact(ledger: Path, key: str, value: str) -> None:
    engine = create_engine(f"sqlite:///{ledger}")
    query = text("UPDATE alembic_neo4j_ledger SET value = :value WHERE key = :key")
    with engine.begin() as connection:
        connection.execute(query, {"key": key, "value": value})
    engine.dispose()
