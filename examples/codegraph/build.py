"""Writes the source of packages into a SQLite database: python build.py [PACKAGE ...].

Without a package it is this project's own, and Alembic's. Each is a graph of its own in
code.db, which is made anew.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from code_graph.source import CodeNode, read_package

DATABASE = Path("code.db")
PACKAGES = ("alembic_neo4j", "alembic")

TABLES = """
CREATE TABLE graphs (
    id TEXT PRIMARY KEY,
    repo_id TEXT NOT NULL
);
CREATE TABLE nodes (
    graph_id TEXT NOT NULL REFERENCES graphs (id),
    id INTEGER NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('file', 'class', 'function')),
    name TEXT NOT NULL,
    path TEXT,
    fqn TEXT,
    lines TEXT,
    docstring TEXT,
    PRIMARY KEY (graph_id, id)
);
CREATE TABLE edges (
    graph_id TEXT NOT NULL REFERENCES graphs (id),
    source INTEGER NOT NULL,
    target INTEGER NOT NULL,
    type TEXT NOT NULL,
    line INTEGER,
    PRIMARY KEY (graph_id, source, target, type)
);
"""


def build(database: Path, packages: tuple[str, ...]) -> None:
    """Write the graphs of the packages into a new database."""
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(TABLES)
        for package in packages:
            nodes, edges = _rows(package)
            connection.execute("INSERT INTO graphs VALUES (?, ?)", (package, package))
            connection.executemany(
                "INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", nodes
            )
            connection.executemany("INSERT INTO edges VALUES (?, ?, ?, ?, ?)", edges)
            print(f"{package}: {len(nodes):,} nodes, {len(edges):,} edges")


def _rows(package: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    found, named = read_package(package)
    numbers = {node.key: number for number, node in enumerate(found, start=1)}
    edges = [
        (package, numbers[edge.source], numbers[edge.target], edge.type, edge.line)
        for edge in named
    ]
    return list(_node_rows(package, found, numbers)), edges


def _node_rows(
    package: str, found: list[CodeNode], numbers: dict[str, int]
) -> Iterator[tuple[Any, ...]]:
    for node in found:
        is_file = node.type == "file"
        path, fqn = (node.key, None) if is_file else (None, node.key)
        lines = json.dumps(node.lines)
        yield (
            package,
            numbers[node.key],
            node.type,
            node.name,
            path,
            fqn,
            lines,
            node.docstring,
        )


if __name__ == "__main__":
    build(DATABASE, tuple(sys.argv[1:]) or PACKAGES)
