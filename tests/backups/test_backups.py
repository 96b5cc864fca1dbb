"""A graph that is backed up and restored is the very graph."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neo4j.spatial import CartesianPoint, WGS84Point
from neo4j.time import Date, DateTime, Duration, Time

from alembic_neo4j.backups.checksums import Adding, Checksums
from alembic_neo4j.backups.create import BackupOrigin, create_backup, list_backups
from alembic_neo4j.backups.format import MANIFEST, read_manifest, verify
from alembic_neo4j.backups.restore import restore_backup
from alembic_neo4j.errors import BackupError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from tests.backups.contents import content
from tests.migration.conftest import live, project
from tests.migration.project import Project

__all__ = ["live", "project"]

ORIGIN = BackupOrigin("bolt://somewhere", "me@laptop", ("r1",))


def restored(graph: Graph, directory: Path) -> tuple[str, ...]:
    wipe(graph)
    return restore_backup(directory, graph).differences


KINDS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.booleans(),
    st.binary(max_size=8),
    st.just(Date(2024, 2, 29)),
    st.just(Time(12, 50, 35, 556000001)),
    st.just(DateTime(2015, 7, 4, 19, 32, 24, 1)),
    st.just(Duration(months=1, days=-2, seconds=3, nanoseconds=-4)),
    st.builds(lambda x: CartesianPoint((x, -0.0)), st.floats(allow_nan=False)),
    st.just(WGS84Point((1.5, 2.5, 3.0))),
    st.lists(st.integers(0, 9), max_size=3),
    st.lists(st.text("ab", max_size=3), min_size=1, max_size=3),
)
NAMES = st.sampled_from(["a", "b", "a`b", "back\\u0060slash", "ключ", " "])
PROPERTIES = st.dictionaries(NAMES, KINDS, max_size=3)
LABELS = st.lists(st.sampled_from(["A", "B", "A`B", "имя", "\\u0060"]), max_size=3)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    nodes = draw(st.lists(st.tuples(LABELS, PROPERTIES), max_size=6))
    ends = st.integers(0, max(len(nodes) - 1, 0))
    names = st.sampled_from(["R", "S`", "т"])
    edges = st.tuples(ends, ends, names, PROPERTIES)
    return nodes, draw(st.lists(edges, max_size=8 if nodes else 0))


@pytest.fixture
def directories(tmp_path: Path) -> Iterator[Path]:
    return (tmp_path / f"b{number}" for number in count())


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(graphs())
def test_random_graphs_come_back(
    neo4j_graph: Graph, directories: Iterator[Path], made: tuple[list[Any], list[Any]]
) -> None:
    wipe(neo4j_graph)
    nodes, edges = made
    with neo4j_graph.begin() as run:
        ids = [
            run(
                "CREATE (n:$($labels)) SET n = $p RETURN elementId(n) AS id",
                {"labels": labels, "p": properties},
            )[0]["id"]
            for labels, properties in nodes
        ]
        for start, end, name, properties in edges:
            run(
                "MATCH (a), (b) WHERE elementId(a) = $a AND elementId(b) = $b "
                "CREATE (a)-[r:$($t)]->(b) SET r = $p",
                {"a": ids[start], "b": ids[end], "t": name, "p": properties},
            )
    before = content(neo4j_graph)
    directory = next(directories)
    manifest = create_backup(neo4j_graph, directory, ORIGIN)
    assert manifest.consistent
    assert (manifest.nodes, manifest.relationships) == (len(nodes), len(edges))
    assert verify(directory / manifest.id) == ()
    assert restored(neo4j_graph, directory / manifest.id) == ()
    assert content(neo4j_graph) == before


def test_schema_long_values_twins_and_zones(neo4j_graph: Graph, tmp_path: Path) -> None:
    neo4j_graph.transaction(
        [
            ("CREATE CONSTRAINT c FOR (n:A) REQUIRE n.id IS UNIQUE", {}),
            ("CREATE TEXT INDEX `t;\n` FOR (n:A) ON (n.text)", {}),
            ("CREATE FULLTEXT INDEX f FOR (n:A|B) ON EACH [n.text, n.x]", {}),
            ("CREATE POINT INDEX p FOR ()-[r:R]-() ON (r.at)", {}),
        ]
    )
    neo4j_graph.transaction(
        [
            (
                "CREATE (a:A {id: 1, x: $long, at: "
                "datetime('2024-10-27T02:30:00+01:00[Europe/Berlin]')})-[:R {w: 1}]->"
                "(:B), (a)-[:R {w: 1}]->(:B), (a)-[:SELF]->(a), (:B), (:B)",
                {"long": "ü" * 100_000},
            )
        ]
    )
    before = content(neo4j_graph)
    manifest = create_backup(neo4j_graph, tmp_path, ORIGIN)
    assert list_backups(tmp_path) == [tmp_path / manifest.id]
    assert read_manifest(tmp_path / manifest.id) == manifest
    assert (tmp_path / manifest.id).stat().st_mode & 0o077 == 0
    assert restored(neo4j_graph, tmp_path / manifest.id) == ()
    assert content(neo4j_graph) == before
    # A graph that has anything is left alone.
    with pytest.raises(BackupError, match="expected an empty graph"):
        restore_backup(tmp_path / manifest.id, neo4j_graph)
    assert content(neo4j_graph) == before


def test_what_is_not_the_same_is_told(neo4j_graph: Graph, tmp_path: Path) -> None:
    neo4j_graph.transaction(
        [("CREATE (:A {x: 1})-[:R]->(:B), (:A {x: 2}), (:A {x: 2})", {})]
    )
    manifest = create_backup(neo4j_graph, tmp_path, ORIGIN)
    for change, told in {
        "MATCH (n:A {x: 1}) SET n.x = 1.0": "(:A): 3 there, with other values",
        "MATCH (n:A {x: 2}) WITH n LIMIT 1 SET n.x = 3": "(:A): 3 there",
        "MATCH (a)-[r:R]->(b), (c:A {x: 2}) WITH a, r, b, c LIMIT 1 "
        "DELETE r CREATE (c)-[:R]->(b)": "[:R]: 1 there, with other values or other",
        "MATCH (n:B) SET n:C": "(:B): expected 1, found 0",
        "MATCH ()-[r]->() DELETE r": "[:R]: expected 1, found 0",
    }.items():
        assert restored(neo4j_graph, tmp_path / manifest.id) == ()
        neo4j_graph.transaction([(change, {})])
        again = create_backup(neo4j_graph, tmp_path, ORIGIN)
        found = manifest.checksums.differences(again.checksums)
        assert any(line.startswith(told) for line in found), (change, found)


def test_a_batch_is_rolled_back_in_the_restored_graph(
    live: Project, neo4j_graph: Graph, tmp_path: Path
) -> None:
    live.revision(
        "r1",
        "op.add_node('P', op.Property('name', 'STRING'), op.Property('x', 'STRING'))",
    )
    live.done("upgrade", "head")
    neo4j_graph.transaction(
        [
            (
                "CREATE (:P {name: 'a', x: 'old'})-[:K {id: '1', w: 'old'}]->"
                "(:P {name: 'b'})",
                {},
            )
        ]
    )
    before = content(neo4j_graph)
    (live.path / "p.csv").write_text("name,x\na,new\nc,new\n")
    (live.path / "k.csv").write_text("s,t,id,w\na,b,1,new\n")
    load = ("ingest", "load", "p.csv", "--label", "P", "--merge-key", "name")
    done = live.verb(*load, "--batch", "b")
    assert done.status == 0, done.text
    load = ("ingest", "load", "k.csv", "--relationship-type", "K", "--batch", "k")
    ends = ("--source-label", "P", "--source-key", "name", "--source-column", "s")
    ends += ("--target-label", "P", "--target-key", "name", "--target-column", "t")
    done = live.verb(*load, *ends, "--merge-key", "id", "--allow-unknown")
    assert done.status == 0, done.text
    manifest = create_backup(neo4j_graph, tmp_path / "backups", ORIGIN)
    assert restored(neo4j_graph, tmp_path / "backups" / manifest.id) == ()
    for batch in ("k", "b"):
        done = live.verb("ingest", "rollback", batch, "--yes")
        assert done.status == 0, done.text
    rows = neo4j_graph.read("MATCH (p:P) RETURN p.name AS n, p.x AS x ORDER BY n")
    assert rows == [{"n": "a", "x": "old"}, {"n": "b", "x": None}]
    assert before[1] == content(neo4j_graph)[1]


def test_a_writer_during_the_export_is_noticed(
    neo4j_graph: Graph, tmp_path: Path
) -> None:
    neo4j_graph.transaction([("UNWIND range(1, 50) AS i CREATE (:A {i: i})", {})])
    reads = 0

    def write(what: str, number: int, _of: int) -> None:
        nonlocal reads
        if (what, number) == ("nodes", 1):
            reads += 1
            if reads <= 2:
                neo4j_graph.transaction([("CREATE (:Late)", {})])

    once = create_backup(neo4j_graph, tmp_path, ORIGIN, attempts=1, progress=write)
    assert not once.consistent
    twice = create_backup(neo4j_graph, tmp_path, ORIGIN, attempts=3, progress=write)
    assert twice.consistent
    assert reads == 3
    assert [p.name for p in list_backups(tmp_path)] == [once.id, twice.id]


def test_whatever_is_changed_is_found(neo4j_graph: Graph, tmp_path: Path) -> None:
    neo4j_graph.transaction(
        [("UNWIND range(1, 200) AS i CREATE (:A {i: i})-[:R]->(:B {i: i})", {})]
    )
    first = tmp_path / create_backup(neo4j_graph, tmp_path, ORIGIN).id
    neo4j_graph.transaction([("CREATE (:C)", {})])
    other = tmp_path / create_backup(neo4j_graph, tmp_path, ORIGIN).id
    assert verify(first) == ()
    chance = random.Random(5)
    # One of an empty schema has no bit.
    files = [path for path in first.iterdir() if path.stat().st_size]
    assert len(files) == 3
    for _ in range(1_000):
        path = chance.choice(files)
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        kept = path.read_bytes()
        path.write_bytes(content)
        assert found(first), path
        path.write_bytes(kept)
    nodes = first / "nodes-00001.jsonl.zst"
    kept = nodes.read_bytes()
    nodes.write_bytes(kept[:-1])
    assert "expected" in found(first)
    nodes.write_bytes((other / nodes.name).read_bytes())
    assert nodes.name in found(first)
    nodes.unlink()
    assert f"{nodes.name}: expected a file" in found(first)
    nodes.write_bytes(kept)
    (first / "more").write_text("")
    assert "more: expected nothing else" in found(first)
    (first / "more").unlink()
    assert verify(first) == ()
    (first / MANIFEST).write_bytes((other / MANIFEST).read_bytes())
    assert found(first)


def found(directory: Path) -> str:
    try:
        return "; ".join(verify(directory))
    except BackupError as error:
        return str(error)


def test_ids_may_be_far_apart() -> None:
    def added(ids: list[int]) -> Checksums:
        adding = Adding()
        for place, number in enumerate(ids):
            adding.node(number, ["A"], {"place": {"$type": "Integer", "_value": place}})
        for start, end in pairwise(ids):
            assert adding.relationship("R", start, end, {})
        assert not adding.relationship("S", ids[0], 10**15 + 1, {})
        return adding.checksums

    near, far = added([0, 1, 2, 3]), added([7, 3_000_000, 10**15, 4])
    assert near.differences(far) == ()
    assert near.nodes == far.nodes
