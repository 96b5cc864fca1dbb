"""Every verb that writes is in the audit trail, as it begins and how it has ended."""

from __future__ import annotations

import shutil
from contextlib import suppress

import pyrage

from alembic_neo4j.entities import Entity, EntityRepository
from alembic_neo4j.errors import LockError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import Owner, graph_lock
from alembic_neo4j.ingest.cache import Cache
from tests.cli.effects import AUDITED
from tests.cli.test_import_crochet import LEFT_BEHIND, SHOP
from tests.cli.test_transfer import OPTIONS, STAFF
from tests.crash.harness import KILLED, Kill, client, points
from tests.ingest.test_cache import keep
from tests.ingest.transfers import change
from tests.migration.project import Project
from tests.migration.test_audit import events


def tells(project: Project, verb: str, *arguments: str) -> str:
    """Run a verb, whose beginning and end are told; return what it wrote."""
    before = len(events(project))
    outcome = project.verb(*verb.split(), *arguments)
    assert outcome.status == 0, outcome.text
    told = events(project)
    begun, ended = told[-2:]
    assert len(told) >= before + 2
    assert (begun.action, begun.result) == (verb, "BEGUN")
    assert (ended.action, ended.result) == (verb, "SUCCESS")
    assert ended.closes == begun.sequence
    return outcome.out


def write(graph: Graph, *statements: str) -> None:
    graph.transaction([(statement, {}) for statement in statements])


def test_each_verb_that_writes_is_told_as_it_begins_and_how_it_ended(
    applied: Project, neo4j_graph: Graph
) -> None:
    files, told = applied.path, set(AUDITED)

    def does(verb: str, *arguments: str) -> str:
        told.discard(verb)
        return tells(applied, verb, *arguments)

    (files / "more.cypher").write_text("CREATE (:Old {x: 1, y: 1});\n")
    does("run", "more.cypher")
    removes = "op.remove_node_property('Old', 'x')\nop.remove_node_property('Old', 'y')"
    applied.revision("r3", removes, down="r2")
    does("upgrade", "--type", "schema")
    does("archive restore", "r3", "x", "--yes")
    does("archive purge", "r3", "y", "--yes")

    (files / "people.csv").write_text("name\nAda\n")
    person = ("--label", "Person", "--merge-key", "name", "--batch", "b1")
    does("ingest load", "people.csv", *person)
    does("ingest rollback", "b1", "--yes")

    write(neo4j_graph, "DROP INDEX person_born")
    does("repair", "--yes")
    with (
        suppress(LockError),
        graph_lock(neo4j_graph, Owner.of_this_process(), timeout=5),
    ):
        does("unlock", "--yes")

    does("ledger note", "why", "--slug", "a")
    with EntityRepository(files / "other.db") as other:
        other.create(Entity("note-a", "note", "draft"))
    does("ledger sync", "other.db", "--resolver", "defer")
    does("ledger resolve", "note-a", "--take", "1")
    (files / "key.txt").write_text(str(pyrage.x25519.Identity.generate()))
    key = ("--identity", "key.txt")
    assert applied.verb("ledger", "export", "notes.age", *key).status == 0
    does("ledger import", "notes.age", *key)
    (files / ".neo4j" / "5.26.30" / "data").mkdir(parents=True)
    does("local wipe", "--yes")
    keep(Cache(files / "cache"), b"a\n1\n", "a.csv")
    does("ingest cache clear", "--cache-dir", "cache", "--yes")
    (files / "staff.toml").write_text(STAFF)
    change(
        files / "staff.db",
        "CREATE TABLE people (id INTEGER, boss INTEGER, team TEXT, size TEXT)",
        "INSERT INTO people VALUES (1, NULL, 'a', '10')",
    )
    does("transfer", *OPTIONS, "--all", "--without-constraints")
    path = applied.verb("ledger", "backup", "create").out.strip()
    does("ledger backup restore", path, "--force")
    does("reset", "--yes")
    # Those have tests of their own.
    assert told == {"import-crochet", "backup restore"}


def test_an_import_from_crochet_is_told(live: Project, neo4j_graph: Graph) -> None:
    shutil.copytree(SHOP, live.path / "shop")
    shutil.rmtree(live.path / "shop" / "models")
    live.set("neo4j.batch_property", "_crochet_batch")
    for statement in LEFT_BEHIND:
        write(neo4j_graph, statement)
    live.revision("r0", "pass")
    live.done("upgrade", "head")
    live.done("downgrade", "base")
    (live.versions / "r0_.py").unlink()
    tells(live, "import-crochet", "shop")


def test_where_there_is_nothing_to_remove_or_no_trail_nothing_is_told(
    project: Project,
) -> None:
    cache = Cache(project.path / "cache")
    keep(cache, b"a\n1\n", "a.csv")
    for _ in range(2):
        for verb in ("ingest cache clear --cache-dir cache", "local wipe"):
            assert project.verb(*verb.split(), "--yes").status == 0
    assert cache.entries() == []
    assert not project.ledger.exists()
    # A project that can't be looked at keeps nobody from it.
    home = project.path / ".neo4j" / "5.26.30"
    (home / "data").mkdir(parents=True)
    project.set("neo4j.lock_timeout", "soon")
    wiped = project.verb("local", "wipe", "--yes")
    assert wiped.status == 0
    assert not home.exists()
    assert "could not be told of this: neo4j.lock_timeout" in wiped.err


def test_a_restore_that_is_killed_is_told_by_the_next_run(
    applied: Project, neo4j_graph: Graph
) -> None:
    path = applied.verb("ledger", "backup", "create").out.strip()
    restore = ("alembic-neo4j", "ledger", "backup", "restore", path, "--force")
    first = len(events(applied))
    places = [p for p in points(applied, restore) if "file.replace" in p]
    replaced = places[-1].replace("before", "after")
    outcome = client(applied, restore, Kill(replaced))
    assert outcome.status == KILLED, outcome.text
    # What was restored knows that it was, and nothing of an end.
    begun = events(applied)[first:]
    assert [(e.action, e.result) for e in begun] == [("ledger backup restore", "BEGUN")]
    applied.revision("r3", "op.run_cypher('RETURN 1')", down="r2")
    applied.done("upgrade", "head")
    told = events(applied)[first + 1]
    assert (told.action, told.result) == ("ledger backup restore", "PARTIAL")
    assert (told.closes, told.became) == (begun[0].sequence, "unknown")
    assert applied.verb("audit", "verify").status == 0
