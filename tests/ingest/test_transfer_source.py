"""A SQLite source is only read, as of one moment, and its rows get their types."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.transfer import chosen_graphs, mapping_for, parts_of
from alembic_neo4j.ingest.transfer_mapping import TransferMapping, mapping_from_value
from alembic_neo4j.ingest.transfer_source import (
    SourceGraph,
    TransferSource,
    open_source,
)

from .transfers import add_graph, change, make_documents, make_source

ONE = SourceGraph("one", None)


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., Path]:
    def made(*statements: str) -> Path:
        path = tmp_path / "source.db"
        change(path, *statements)
        return path

    return made


def mapped(properties: Any = None, key: Any = "id", **more: Any) -> TransferMapping:
    node = {"labels": "A", "table": "a", "key": key, "properties": properties or {}}
    return mapping_from_value({"nodes": [{**node, **more}]})


def rows(path: Path, mapping: TransferMapping) -> list[list[dict[str, Any]]]:
    """The rows of each part of the only graph."""
    with open_source(path) as source, source.snapshot():
        (graph,) = source.graphs(mapping)
        return [list(part) for part in parts_of(source, mapping, graph)]


def refusal(path: Path, mapping: TransferMapping | None = None) -> str:
    with pytest.raises(IngestError) as refused:
        rows(path, mapping or mapped())
    return str(refused.value)


# Rows --------------------------------------------------------------------------------


def test_columns_become_properties_of_their_own_name(
    database: Callable[..., Path],
) -> None:
    path = database(
        "CREATE TABLE a (id, name, size, raw, empty)",
        "INSERT INTO a VALUES (1, 'x', 1.5, x'00ff', NULL)",
    )
    (found,) = rows(path, mapped())
    assert found == [
        {"id": 1, "name": "x", "size": 1.5, "raw": b"\x00\xff", "empty": None}
    ]


def test_types_columns_values_and_what_is_left_out(
    database: Callable[..., Path],
) -> None:
    path = database(
        "CREATE TABLE a (id, born, tags, is_new, secret)",
        "INSERT INTO a VALUES ('7', '2020-02-29', '[\"x\", \"y\"]', 1, 's')",
    )
    properties = {
        "id": {"type": "INTEGER"},
        "birthday": {"column": "born", "type": "DATE"},
        "tags": {"type": "LIST<STRING>"},
        "fresh": {"column": "is_new", "type": "BOOLEAN"},
        "origin": {"value": "old"},
    }
    (found,) = rows(path, mapped(properties, other_columns=["secret"]))
    assert found == [
        {
            "id": 7,
            "birthday": date(2020, 2, 29),
            "tags": ["x", "y"],
            "fresh": True,
            "origin": "old",
        }
    ]
    (found,) = rows(path, mapped({"id": "id"}, other_columns="ignore"))
    assert found == [{"id": "7"}]


def test_relationships_have_ends_and_the_rest_as_properties(
    database: Callable[..., Path],
) -> None:
    path = database(
        "CREATE TABLE r (a, b, c, since)", "INSERT INTO r VALUES (1, '2', 'x', 1999)"
    )
    mapping = mapping_from_value(
        {
            "nodes": [{"labels": "A", "query": "SELECT 1 AS id", "key": "id"}],
            "relationships": [
                {
                    "type": "R",
                    "table": "r",
                    "source": {"label": "A", "key": {"id": "a"}},
                    "target": {
                        "label": "B",
                        "key": {"id": {"column": "b", "type": "INTEGER"}, "c": "c"},
                    },
                }
            ],
        }
    )
    assert rows(path, mapping)[1] == [
        {
            "source": {"id": 1},
            "target": {"id": 2, "c": "x"},
            "properties": {"since": 1999},
        }
    ]


def test_names_that_need_quotes(database: Callable[..., Path]) -> None:
    path = database(
        'CREATE TABLE "a ""b" ("an id`" INTEGER)', 'INSERT INTO "a ""b" VALUES (1)'
    )
    mapping = mapped(key="an id`", table='a "b')
    assert rows(path, mapping) == [[{"an id`": 1}]]
    with open_source(path) as source:
        part = mapping.nodes[0]
        assert list(source.distinct_keys(part, ONE, mapping.values)) == [[1]]


def test_rows_are_read_as_they_are_asked_for(database: Callable[..., Path]) -> None:
    path = database("CREATE TABLE a (id)")
    endless = (
        "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) "
        "SELECT id FROM n"
    )
    mapping = mapping_from_value(
        {"nodes": [{"labels": "A", "query": endless, "key": "id"}]}
    )
    with open_source(path) as source:
        (part,) = parts_of(source, mapping, ONE)
        assert next(iter(part)) == {"id": 1}


@pytest.mark.parametrize(
    ("statements", "options", "message"),
    [
        ((), {}, "nodes :A: no such table: a"),
        (("CREATE TABLE a (x)",), {"key": "id", "properties": {"id": "y"}}, "'y'"),
        (
            ("CREATE TABLE a (id, n)", "INSERT INTO a VALUES (1, 1), (2, 'x')"),
            {"properties": {"n": {"type": "INTEGER"}}},
            "nodes :A, row 2, column 'n': expected INTEGER, found 'x'",
        ),
        (
            ("CREATE TABLE a (id)", "INSERT INTO a VALUES (CAST(x'ff' AS TEXT))"),
            {},
            "Could not decode to UTF-8",
        ),
        (
            ("CREATE TABLE a (id)", "CREATE TABLE b (id)"),
            {"table": None, "query": "SELECT a.id, b.id FROM a, b"},
            "expected a column 'id', found two columns 'id'",
        ),
        (
            ("CREATE TABLE a (id)",),
            {"table": None, "query": "SELECT id FROM a WHERE id = :grph"},
            "binding",
        ),
    ],
)
def test_what_can_not_be_read_is_told(
    database: Callable[..., Path],
    statements: tuple[str, ...],
    options: dict[str, Any],
    message: str,
) -> None:
    path = database("CREATE TABLE other (x)", *statements)
    node = {"labels": "A", "table": "a", "key": "id", **options}
    node = {key: value for key, value in node.items() if value is not None}
    told = refusal(path, mapping_from_value({"nodes": [node]}))
    assert str(path) in told
    assert message in told


# Graphs ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_source, make_documents])
def test_a_code_graph_is_known_by_its_tables(
    tmp_path: Path, make: Callable[..., Path]
) -> None:
    path = make(tmp_path / "code.db", "one", "two")
    with open_source(path) as source:
        mapping = mapping_for(source)
        graphs = source.graphs(mapping)
        assert graphs == [
            SourceGraph("one", "one", "one"),
            SourceGraph("two", "two", "two"),
        ]
        counts = [
            [len(list(part)), source.row_count(part.part, graphs[0])]
            for part in parts_of(source, mapping, graphs[0])
        ]
        left_out = [source.left_out(mapping, graph) for graph in (graphs[0], None)]
    expected = [2, 2, 6, 2, 1, 1, 1, 2, 1]
    assert counts == [[number, number] for number in expected]
    assert left_out == [(), ()]


def test_both_layouts_give_the_same_nodes(tmp_path: Path) -> None:
    found = []
    for make in (make_source, make_documents):
        with open_source(make(tmp_path / f"{make.__name__}.db", "one")) as source:
            mapping = mapping_for(source)
            (graph,) = source.graphs(mapping)
            parts = parts_of(source, mapping, graph)[:3]
            found.append(
                [
                    {k: v for k, v in row.items() if k != "stars"}
                    for p in parts
                    for row in p
                ]
            )
    assert sorted(map(str, map(sorted, map(dict.items, found[0])))) == sorted(
        map(str, map(sorted, map(dict.items, found[1])))
    )


def test_a_source_that_is_no_code_graph_needs_a_mapping(
    database: Callable[..., Path],
) -> None:
    path = database("CREATE TABLE graphs (id)", "CREATE TABLE other (id)")
    with (
        open_source(path) as source,
        pytest.raises(IngestError, match=r"found graphs, other\. Say with a mapping"),
    ):
        mapping_for(source)


def test_graphs_are_chosen_by_their_ids(tmp_path: Path) -> None:
    path = make_source(tmp_path / "code.db", "one", "two", "three")
    with open_source(path) as source:
        mapping = mapping_for(source)
        all_ids = [graph.id for graph in chosen_graphs(source, mapping, None)]
        chosen = chosen_graphs(source, mapping, ["two", "one", "two"])
        assert all_ids == ["one", "three", "two"]
        assert [graph.id for graph in chosen] == ["two", "one"]
        with pytest.raises(
            IngestError, match=r"found 'tow'; there are one, three, two"
        ):
            chosen_graphs(source, mapping, ["one", "tow"])


def test_two_graphs_of_one_id_are_refused(database: Callable[..., Path]) -> None:
    path = database("CREATE TABLE g (id)", "INSERT INTO g VALUES (1), ('1')")
    mapping = mapping_from_value(
        {
            "graphs": {"table": "g"},
            "nodes": [{"labels": "A", "table": "g", "key": "id"}],
        }
    )
    with open_source(path) as source, pytest.raises(IngestError, match="two graphs"):
        source.graphs(mapping)


# Only read, as of one moment ---------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["journal", "wal"])
def code(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    path = make_source(tmp_path / "code.db", "one", wal=request.param)
    # Somebody has it open, as its own program does.
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM graphs").fetchall()
        yield path


def function_names(source: TransferSource) -> set[str]:
    mapping = mapping_for(source)
    (graph,) = source.graphs(mapping)
    functions = parts_of(source, mapping, graph)[2]
    return {row["name"] for row in functions}


def test_nothing_is_written(code: Path) -> None:
    before = code.read_bytes(), code.stat().st_mtime_ns
    with open_source(code) as source, source.snapshot():
        assert function_names(source) == {f"n{n}" for n in range(5, 11)}
    assert (code.read_bytes(), code.stat().st_mtime_ns) == before


def test_a_writer_is_not_seen_in_a_snapshot(tmp_path: Path) -> None:
    path = make_source(tmp_path / "code.db", "one", wal=True)
    with open_source(path) as source:
        with source.snapshot():
            change(path, "UPDATE nodes SET name = 'new' WHERE type = 'function'")
            assert "new" not in function_names(source)
        assert function_names(source) == {"new"}


def test_what_is_not_committed_is_not_seen(code: Path) -> None:
    with closing(sqlite3.connect(code)) as writer:
        writer.execute("BEGIN")
        add_graph(writer, "two", "two")
        with open_source(code) as source:
            assert [g.id for g in source.graphs(mapping_for(source))] == ["one"]
        writer.rollback()


def test_a_url_is_a_path_as_well(tmp_path: Path) -> None:
    path = make_source(tmp_path / "a b%?#.db", "one")
    with open_source(str(path)) as source:
        assert source.path == path
    with open_source(f"sqlite:///{str(path).replace('%', '%25')}") as source:
        assert source.path == path


def test_there_has_to_be_a_database(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to be one")
    for name, message in {
        "none.db": "found no file",
        ".": "found no file",
        "text.db": "file is not a database",
    }.items():
        with (
            pytest.raises(IngestError, match=message),
            open_source(tmp_path / name) as source,
        ):
            source.columns()
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(IngestError, match="as a path or sqlite:///path"):
        open_source("postgresql://host/db").__enter__()


def test_a_journal_that_was_left_behind_is_told(tmp_path: Path) -> None:
    path = make_source(tmp_path / "code.db", "one")
    left_behind(path)
    with (
        pytest.raises(IngestError, match="open it once with that program"),
        open_source(path) as source,
    ):
        source.columns()


def left_behind(path: Path) -> None:
    """Leave what a program leaves that is killed while it writes."""
    code = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1])\n"
        "c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('BEGIN')\n"
        "c.executemany('INSERT INTO edges VALUES (?, ?, ?, ?, ?)', "
        "(('one', n, n, 'x' * 900, n) for n in range(2000)))\n"
        "os._exit(0)\n"
    )
    pid = os.spawnvp(os.P_WAIT, "python3", ["python3", "-c", code, str(path)])
    assert pid == 0
    assert path.with_name(f"{path.name}-journal").stat().st_size > 0
