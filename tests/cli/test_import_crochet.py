"""``alembic-neo4j import-crochet`` on a project that crochet-migration 0.1.3 made."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, data, indexes, stamped

SHOP = Path(__file__).resolve().parents[1] / "projects" / "crochet"
LEFT_BEHIND = (
    "CREATE CONSTRAINT crochet_uniq_Person_name "
    "FOR (n:Person) REQUIRE n.name IS UNIQUE",
    "CREATE INDEX crochet_idx_Person_country FOR (n:Person) ON (n.country)",
    "UNWIND [{id: 1, name: 'Ada'}, {id: 2, name: 'Alan'}] AS row CREATE (n:Person) "
    "SET n = row, n.country = 'UK', n.seen = true, n._crochet_batch = 'people-1'",
)
"""What crochet's upgrade to 0002_humans has left in the graph."""

PEOPLE = (
    "MATCH (p:Person) OPTIONAL MATCH (p)-[r:LIVES_IN]->(c:City) RETURN p.name AS name, "
    "p.nation AS nation, p.country AS country, c.name AS city, c.size AS size, "
    "r.since AS since ORDER BY name"
)


@pytest.fixture
def shop(live: Project, neo4j_graph: Graph) -> Project:
    """An empty project of ours, and one of crochet's in its directory ``shop``."""
    shutil.copytree(SHOP, live.path / "shop")
    shutil.rmtree(live.path / "shop" / "models")
    live.set("neo4j.batch_property", "_crochet_batch")
    for statement in LEFT_BEHIND:
        neo4j_graph.transaction([(statement, {})])
    return live


def imported(project: Project) -> dict[str, Any]:
    outcome = project.verb("import-crochet", "shop", "--format", "json")
    assert outcome.status == 0, outcome.text
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def refused(project: Project) -> str:
    before = sorted(project.versions.iterdir()), project.remembered()
    outcome = project.verb("import-crochet", "shop")
    assert outcome.status == 2, outcome.text
    assert (sorted(project.versions.iterdir()), project.remembered()) == before
    return outcome.err


def rewrite(project: Project, name: str, old: str, new: str) -> None:
    path = project.path / "shop" / "migrations" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def on_ledger(project: Project, statement: str) -> None:
    path = project.path / "shop" / ".crochet" / "ledger.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_the_whole_project_is_taken_over(shop: Project, neo4j_graph: Graph) -> None:
    before = {
        p: p.read_bytes() for p in shop.path.joinpath("shop").rglob("*") if p.is_file()
    }

    found = imported(shop)

    assert [(m["migration"], m["applied"]) for m in found["migrations"]] == [
        ("0001_first_people", True),
        ("0002_humans", True),
        ("0003_homes", False),
    ]
    first, second, third = (m["revision"] for m in found["migrations"])
    assert found["batches"] == ["people-1"]
    assert found["head"] == second
    assert shop.heads() == [second] == stamped(neo4j_graph)
    text = Path(found["migrations"][1]["file"]).read_text()
    assert "Migration of crochet: 0002_humans\n" in text
    assert f"Revises: {first}\n" in text
    assert "crochet.migrations" not in text
    assert before == {p: p.read_bytes() for p in before}
    history = shop.done("history")
    assert f"{second} -> {third} (head), homes" in history

    assert "people-1  loaded" in shop.verb("ingest", "list").out
    shop.done("upgrade", "head")
    assert [tuple(row.values()) for row in neo4j_graph.read(PEOPLE)] == [
        ("Ada", "UK", None, "London", 9, None),
        ("Alan", "UK", None, "London", 9, 1936),
    ]
    shop.done("downgrade", second)
    assert [tuple(row.values()) for row in neo4j_graph.read(PEOPLE)] == [
        ("Ada", None, "UK", None, None, None),
        ("Alan", None, "UK", None, None, None),
    ]
    # What a rename has moved has the name that we give.
    assert "index_Person_country" in indexes(neo4j_graph)
    shop.done("downgrade", "base")
    assert data(neo4j_graph) == []
    assert neo4j_graph.read("SHOW CONSTRAINTS YIELD labelsOrTypes AS l "
                            "WHERE 'Person' IN l RETURN l") == []  # fmt: skip


def test_what_crochet_left_is_what_the_history_says(
    shop: Project, neo4j_graph: Graph
) -> None:
    imported(shop)
    report = json.loads(shop.verb("verify", "--format", "json").out)
    codes = {finding["code"] for finding in report["findings"]}
    # The names are crochet's.
    drift = {code for code in codes if code.startswith(("element-", "index-"))}
    assert drift <= {"element-renamed"}
    assert report["unchecked"] == []


def test_again_it_does_what_is_left(shop: Project, neo4j_graph: Graph) -> None:
    found = imported(shop)
    (shop.path / "neo4j_ledger.db").unlink()
    neo4j_graph.transaction([("MATCH (s:__AlembicNeo4jStamp) DELETE s", {})])
    Path(found["migrations"][2]["file"]).unlink()
    assert imported(shop) == found
    assert shop.heads() == [found["head"]]


def test_ids_are_the_same_wherever_it_is_imported(
    shop: Project, neo4j_graph: Graph
) -> None:
    ids = [m["revision"] for m in imported(shop)["migrations"]]
    assert ids == ["a7355fa4dccf", "2e4d67413fc7", "47256dbc8480"]


def test_nothing_applied_is_nothing_stamped(shop: Project, neo4j_graph: Graph) -> None:
    shutil.rmtree(shop.path / "shop" / ".crochet")
    found = imported(shop)
    assert (found["head"], found["batches"]) == (None, [])
    assert shop.heads() == []
    assert stamped(neo4j_graph) is None


def test_an_unsafe_rollback_stays_unsafe(shop: Project) -> None:
    # As the ledger says it, whatever the file says since.
    on_ledger(shop, "UPDATE applied_migrations SET rollback_safe = 0")
    found = imported(shop)
    safe = [
        "rollback_safe: bool = True" in Path(m["file"]).read_text()
        for m in found["migrations"]
    ]
    assert safe == [False, False, True]


def test_another_address_is_told(shop: Project) -> None:
    outcome = shop.verb("import-crochet", "shop")
    assert outcome.status == 0, outcome.text
    assert "crochet's graph is at bolt://localhost:7687" in outcome.err


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "0003_homes.py",
            "parent_id = '0002_humans'",
            "parent_id = '0009_gone'",
            "0003_homes builds on 0009_gone, which has no file",
        ),
        (
            "0001_first_people.py",
            "parent_id = None",
            'parent_id = "0003_homes"',
            "0001_first_people is applied, 0003_homes below it is not",
        ),
        (
            "0003_homes.py",
            'revision_id = "0003_homes"',
            'revision_id = "0002_humans"',
            "0002_humans is in two files",
        ),
        (
            "0002_humans.py",
            'revision_id = "0002_humans"',
            'revision_id = "0002_other"',
            "0002_humans is applied and has no file",
        ),
        (
            "0003_homes.py",
            "ctx.bulk_create_nodes(",
            "ctx.create_everything(",
            "0003_homes.py, line 23: `op` has no create_everything",
        ),
        (
            "0003_homes.py",
            'ctx.upsert_nodes("City", [{"id": 7, "size": 9}], ["id"])',
            "helped(ctx)",
            "ctx is used for something else than a call",
        ),
        ("0003_homes.py", "def upgrade(", "def upgrade(:", "can't be read"),
        (
            "0003_homes.py",
            'ctx.rename_node_property("Person", "country", "nation")',
            'ctx.run_cypher("RETURN 1").counters',
            "can't be replayed in memory",
        ),
    ],
)
def test_what_can_not_be_imported(
    shop: Project, neo4j_graph: Graph, name: str, old: str, new: str, message: str
) -> None:
    rewrite(shop, name, old, new)
    assert message in refused(shop)
    assert stamped(neo4j_graph) is None


def test_nothing_is_overwritten(shop: Project, neo4j_graph: Graph) -> None:
    shop.revision("r1", 'op.add_index("A", "b")')
    assert "has revisions already: r1_.py" in refused(shop)
    assert stamped(neo4j_graph) is None


def test_batches_need_their_property(shop: Project) -> None:
    shop.set("neo4j.batch_property", None)
    assert "set neo4j.batch_property = _crochet_batch" in refused(shop)


def test_a_server_that_is_not_there_leaves_nothing(shop: Project) -> None:
    shop.set("neo4j.url", "bolt://127.0.0.1:1")
    outcome = shop.verb("-x", "neo4j.url=bolt://127.0.0.1:1", "import-crochet", "shop")
    assert outcome.status == 2, outcome.text
    assert list(shop.versions.glob("*.py*")) == []
    assert shop.heads() == []


def test_without_a_project_of_crochet(live: Project) -> None:
    outcome = live.verb("import-crochet", ".")
    assert outcome.status == 2
    assert "expected a project of crochet, found no crochet.toml" in outcome.err
