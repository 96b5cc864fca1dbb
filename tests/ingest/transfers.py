"""SQLite databases that graphs are transferred from, made for a test."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE graphs (id TEXT PRIMARY KEY, repo_id TEXT NOT NULL);
CREATE TABLE nodes (graph_id TEXT, id INTEGER, type TEXT, name TEXT, path TEXT,
  fqn TEXT, lines TEXT, docstring TEXT, stars INTEGER, PRIMARY KEY (graph_id, id));
CREATE TABLE edges (graph_id TEXT, source INTEGER, target INTEGER, type TEXT,
  line INTEGER);
"""
FILES, CLASSES, FUNCTIONS = 2, 2, 6
"""How many nodes `code_graph` makes of each type for one graph."""

EDGES = [
    (1, 3, "CONTAINS", None),
    (2, 4, "CONTAINS", None),
    (1, 5, "CONTAINS", None),
    (2, 1, "IMPORTS", 3),
    (4, 3, "EXTENDS", 7),
    (5, 6, "CALLS", 11),
    (5, 7, "CALLS", 12),
    (3, 8, "HAS_METHOD", 5),
]
"""Those of one graph, between its nodes by number."""


def make_source(path: Path, *graphs: str, wal: bool = False) -> Path:
    """Write a database with these code graphs; each is its own repository."""
    with closing(sqlite3.connect(path)) as connection, connection:
        if wal:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(TABLES)
        for graph in graphs:
            add_graph(connection, graph, graph)
    return path


def add_graph(
    connection: sqlite3.Connection,
    graph: str,
    repo: str,
    edges: Iterable[Sequence[Any]] = EDGES,
) -> None:
    """Add a graph: two files, two classes, six functions."""
    connection.execute("INSERT INTO graphs VALUES (?, ?)", (graph, repo))
    kinds = ["file"] * FILES + ["class"] * CLASSES + ["function"] * FUNCTIONS
    for number, kind in enumerate(kinds, 1):
        key = f"{repo}/{number}.py" if kind == "file" else f"{repo}.{number}"
        path, fqn = (key, None) if kind == "file" else (None, key)
        lines, doc = json.dumps([number, number + 5]), f"what {number} does"
        row = (graph, number, kind, f"n{number}", path, fqn, lines, doc, number * 2)
        places = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO nodes VALUES ({places})", row)
    for edge in edges:
        connection.execute("INSERT INTO edges VALUES (?, ?, ?, ?, ?)", (graph, *edge))


def change(path: Path, *statements: str) -> None:
    """Write to a database, as its own program does."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def make_documents(path: Path, *graphs: str) -> Path:
    """Write a database that keeps the same graphs as JSON documents."""
    tables = path.with_suffix(".tables")
    make_source(tables, *graphs)
    with closing(sqlite3.connect(tables)) as source:
        source.row_factory = sqlite3.Row
        documents = [(graph, graph, _document(source, graph)) for graph in graphs]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE graphs (id TEXT PRIMARY KEY, repo_name TEXT, graph_data TEXT)"
        )
        connection.executemany("INSERT INTO graphs VALUES (?, ?, ?)", documents)
    tables.unlink()
    return path


def _document(source: sqlite3.Connection, graph: str) -> str:
    rows = source.execute("SELECT * FROM nodes WHERE graph_id = ?", (graph,))
    nodes = {row["id"]: row for row in rows}
    ids = {number: row["fqn"] or f"file {number}" for number, row in nodes.items()}
    edges = source.execute("SELECT * FROM edges WHERE graph_id = ?", (graph,))
    return json.dumps(
        {
            "nodes": [
                {
                    "id": ids[number],
                    "type": row["type"],
                    "name": row["name"],
                    "path": row["path"] or "",
                    "lines": json.loads(row["lines"]),
                    "docstring": row["docstring"],
                }
                for number, row in nodes.items()
            ],
            "edges": [
                {
                    "source": ids[edge["source"]],
                    "target": ids[edge["target"]],
                    "type": edge["type"],
                    "line": edge["line"],
                }
                for edge in edges
            ],
        }
    )
