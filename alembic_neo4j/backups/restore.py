"""Restoring a backup into an empty graph, and comparing what is there then.

While it goes on every node has a label and a number of ours, by which relationships
find their ends; they go in the end. A node of ours is there from before the first write
until after the comparison, so that a graph in which a restore was killed is known: it
was empty when that began.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from alembic_neo4j.backups.contents import IMAGES, UNFINISHED
from alembic_neo4j.backups.create import Progress, checksums_of, schema_commands
from alembic_neo4j.backups.format import (
    SCHEMA,
    Manifest,
    read_manifest,
    read_rows,
    verify,
)
from alembic_neo4j.cypher.lexer import split_statements
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.errors import BackupError
from alembic_neo4j.graph.connection import Graph, Row
from alembic_neo4j.graph.schema_commands import live_catalogue
from alembic_neo4j.graph.typed_json import untyped
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.waiting import waiting_for

_LABEL = "__AlembicNeo4jRestored"
_NUMBER = "__alembic_neo4j_restored"
_CONSTRAINT = "__alembic_neo4j_restored"
_AT_ONCE = 5_000
_STRIPPED_AT_ONCE = 10_000

_CONSTRAIN = (
    f"CREATE CONSTRAINT {_CONSTRAINT} IF NOT EXISTS FOR (n:{_LABEL}) "
    f"REQUIRE n.{_NUMBER} IS UNIQUE"
)
_FREE = f"DROP CONSTRAINT {_CONSTRAINT} IF EXISTS"
_COUNT = "MATCH (n) RETURN count(n) AS count"
_IS_UNFINISHED = f"MATCH (n:{UNFINISHED}) RETURN n.backup AS backup"
_BEGIN = f"CREATE (:{UNFINISHED} {{backup: $backup}})"
_END = f"MATCH (n:{UNFINISHED}) DELETE n"
_STRIP = (
    f"MATCH (n:{_LABEL}) WITH n LIMIT $size REMOVE n:{_LABEL}, n.{_NUMBER} "
    "RETURN count(*) AS count"
)
_IMAGES = f"MATCH (i:{IMAGES}) RETURN i.{_NUMBER} AS number"
_POPULATING = (
    "SHOW INDEXES YIELD name, state WHERE state = 'POPULATING' RETURN name, state"
)


def _number_of(element_id: str) -> str:
    """Return the internal id of an element id, as Cypher."""
    return f"toInteger(split({element_id}, ':')[2])"


_RENEW_NODES = (
    f"UNWIND $numbers AS number MATCH (i:{_LABEL} {{{_NUMBER}: number}}) "
    "WHERE i.entity = 'NODE' "
    f"MATCH (n:{_LABEL} {{{_NUMBER}: {_number_of('i.element')}}}) "
    "SET i.element = elementId(n)"
)
_RENEW_RELATIONSHIPS = (
    f"UNWIND $numbers AS number MATCH (i:{_LABEL} {{{_NUMBER}: number}}) "
    "WHERE i.entity = 'RELATIONSHIP' "
    f"MATCH (a:{_LABEL} {{{_NUMBER}: {_number_of('i.start')}}})-[r]->(b) "
    f"WHERE r.{_NUMBER} = {_number_of('i.element')} "
    "SET i.element = elementId(r), i.start = elementId(a), i.end = elementId(b)"
)


@dataclass(frozen=True)
class Restored:
    """A backup that was restored, how long that took, and where it is not the same."""

    manifest: Manifest
    seconds: float
    differences: tuple[str, ...]


def restore_backup(
    directory: Path,
    graph: Graph,
    *,
    timeout: float = 3600.0,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Make an empty graph be what a backup is of, and compare it with that.

    The backup is verified to the last bit first. What a restore that was killed has
    left in the graph is removed. `timeout` is how many seconds indexes may take.

    Raises BackupError where the backup is not whole, or the graph has anything: nothing
    is written then. What fails later leaves what the next restore there removes.
    """
    began = time.monotonic()
    problems = verify(directory)
    if problems:
        raise BackupError(
            f"expected a backup as it was made in {directory}, found "
            f"{'; '.join(problems)}. Nothing was restored: take another one"
        )
    manifest = read_manifest(directory)
    _clear(graph)
    graph.transaction([(_BEGIN, {"backup": manifest.id})])
    graph.transaction([(_CONSTRAIN, {})])
    _await_indexes(graph, timeout)
    has_images = any(IMAGES in labels for labels in manifest.checksums.nodes)
    _add_nodes(graph, directory, manifest, progress)
    _add_relationships(graph, directory, manifest, progress, numbered=has_images)
    if has_images:
        _renew_images(graph)
    for name in manifest.checksums.relationships if has_images else ():
        _until_none(graph, _stripping(name))
    _until_none(graph, _STRIP)
    graph.transaction([(_FREE, {})])
    text = (directory / SCHEMA).read_text()
    commands = [statement.text for statement in split_statements(text)]
    for command in commands:
        graph.transaction([(command, {})])
    _await_indexes(graph, timeout)
    differences = (
        *manifest.checksums.differences(checksums_of(graph, progress=progress)),
        *_schema_differences(commands, schema_commands(graph)),
    )
    graph.transaction([(_END, {})])
    return Restored(manifest, time.monotonic() - began, differences)


def _clear(graph: Graph) -> None:
    """Remove what a killed restore has left; raise BackupError for anything else."""
    if graph.read(_IS_UNFINISHED):
        wipe(graph)
        return
    (nodes,) = graph.read(_COUNT)
    catalogue = live_catalogue(graph).schema.elements
    if nodes["count"] or catalogue:
        raise BackupError(
            f"expected an empty graph to restore to, found {nodes['count']:,} nodes "
            f"and {len(catalogue)} indexes and constraints at {graph.url}. Nothing was "
            "restored, and nothing is overwritten: take another graph, or empty it "
            "(--replace empties the local one that is there for restores)"
        )


def _add_nodes(
    graph: Graph, directory: Path, manifest: Manifest, progress: Progress
) -> None:
    done = 0
    for page in _pages(read_rows(directory, manifest.of("nodes-"))):
        by_labels: dict[tuple[str, ...], list[Any]] = {}
        for number, labels, properties in page:
            values = _untyped(properties)
            by_labels.setdefault(tuple(labels), []).append([number, values])
        graph.transaction(
            [(_creating(labels), {"rows": rows}) for labels, rows in by_labels.items()]
        )
        done += len(page)
        progress("nodes", done, manifest.nodes)


def _creating(labels: tuple[str, ...]) -> str:
    names = "".join(f":{quote(label)}" for label in (*labels, _LABEL))
    return f"UNWIND $rows AS row CREATE (n{names}) SET n = row[1], n.{_NUMBER} = row[0]"


def _add_relationships(
    graph: Graph,
    directory: Path,
    manifest: Manifest,
    progress: Progress,
    *,
    numbered: bool,
) -> None:
    done = 0
    for page in _pages(read_rows(directory, manifest.of("relationships-"))):
        by_type: dict[str, list[Any]] = {}
        for number, name, start, end, properties in page:
            row = [start, end, _untyped(properties), number]
            by_type.setdefault(name, []).append(row)
        graph.transaction(
            [
                (_relating(name, numbered=numbered), {"rows": rows})
                for name, rows in by_type.items()
            ]
        )
        done += len(page)
        progress("relationships", done, manifest.relationships)


def _relating(name: str, *, numbered: bool) -> str:
    number = f", r.{_NUMBER} = row[3]" if numbered else ""
    return (
        f"UNWIND $rows AS row MATCH (a:{_LABEL} {{{_NUMBER}: row[0]}}) "
        f"MATCH (b:{_LABEL} {{{_NUMBER}: row[1]}}) "
        f"CREATE (a)-[r:{quote(name)}]->(b) SET r = row[2]{number}"
    )


def _renew_images(graph: Graph) -> None:
    """Have the images of batches name the elements by the ids that they have now."""
    numbers = [row["number"] for row in graph.read(_IMAGES)]
    for start in range(0, len(numbers), _AT_ONCE):
        some = {"numbers": numbers[start : start + _AT_ONCE]}
        graph.transaction([(_RENEW_NODES, some), (_RENEW_RELATIONSHIPS, some)])


def _stripping(name: str) -> str:
    return (
        f"MATCH ()-[r:{quote(name)}]->() WHERE r.{_NUMBER} IS NOT NULL "
        f"WITH r LIMIT $size REMOVE r.{_NUMBER} RETURN count(*) AS count"
    )


def _until_none(graph: Graph, text: str) -> None:
    count = _STRIPPED_AT_ONCE
    while count == _STRIPPED_AT_ONCE:
        ((row,),) = graph.transaction([(text, {"size": _STRIPPED_AT_ONCE})])
        count = row["count"]


def _await_indexes(graph: Graph, timeout: float) -> None:
    until = time.monotonic() + timeout
    with waiting_for("the indexes to be populated", limit=timeout):
        # One that fails did so in the graph that the backup is of.
        while populating := graph.read(_POPULATING):
            if time.monotonic() > until:
                raise BackupError(
                    f"expected all indexes online within {timeout:g} s, found "
                    f"{populating[0]['name']} being populated. The data are "
                    "restored; give it more time (neo4j.schema_timeout)"
                )
            time.sleep(0.05)


def _schema_differences(expected: Iterable[str], found: Iterable[str]) -> Iterator[str]:
    expected, found = set(expected), set(found)
    yield from (f"expected {each}, found nothing" for each in sorted(expected - found))
    yield from (f"expected nothing, found {each}" for each in sorted(found - expected))


def _pages(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while page := list(islice(rows, _AT_ONCE)):
        yield page


def _untyped(properties: dict[str, Any]) -> Row:
    return {name: untyped(value) for name, value in properties.items()}
