"""The Cypher that turns rows into nodes and relationships of a batch.

A row is sent as a list of values. Where all rows of a statement have the same
properties their names stand in the text once, which is quicker on both sides than
sending them with each row; else each row ends in a map of its properties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from alembic_neo4j.graph.before_images import taking
from alembic_neo4j.graph.load_targets import (
    Endpoint,
    LoadTarget,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.graph.quoting import quote
from alembic_neo4j.schema.elements import Entity

Names: TypeAlias = "tuple[str, ...] | None"
"""The properties that all rows have, in their order; None where each has its own."""

_ROWS = "UNWIND $rows AS row"
_NUMBERED = "UNWIND range(0, size($rows) - 1) AS i\nWITH i, $rows[i] AS row"


@dataclass(frozen=True)
class LoadStatements:
    """The statements that load rows of one layout, in the order in which they run.

    `pairs` returns ``found``, how often both ends of a row were found, and how many
    rows ``matched``; `images` are those of `before_images.taking`. `write` creates and
    changes; it returns ``made``, how many entities it gave for the rows, and of
    relationships ``matched`` as well. `several` finds rows (``i``) whose keys fit
    several nodes, `missing` those of which an end is missing. All of them need the
    parameters ``rows`` and `parameters`.
    """

    write: str
    several: str = ""
    missing: str = ""
    pairs: str = ""
    images: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=64)
def load_statements(
    target: LoadTarget, names: Names, tag: str, batch: str
) -> LoadStatements:
    """Return the statements for rows with these names."""
    if isinstance(target, RelationshipTarget):
        return _relationships(target, names, tag, batch)
    if target.merge_keys is None:
        return _created_nodes(target, names, tag, batch)
    return _merged_nodes(target, target.merge_keys, names, tag, batch)


def _created_nodes(
    target: NodeTarget, names: Names, tag: str, batch: str
) -> LoadStatements:
    labels = "".join(f":{quote(label)}" for label in target.labels)
    if names is None:
        made = f"(n{labels}) SET n = row[0], n.{quote(tag)} = $batch"
    else:
        made = f"(n{labels} {_values(names, names, tag)})"
    return LoadStatements(
        f"{_ROWS}\nCREATE {made}\nRETURN count(*) AS made", parameters={"batch": batch}
    )


def _merged_nodes(
    target: NodeTarget, keys: tuple[str, ...], names: Names, tag: str, batch: str
) -> LoadStatements:
    label, *more = target.labels
    pattern = f":{quote(label)} {_keyed(keys, _places(keys, names))}"
    find = f"{_ROWS}\nMATCH (x{pattern})\nWHERE {_not_by_batch('x', tag)}"
    also = "".join(f":{quote(name)}" for name in more)
    change = [f"n{also}"] if more else []
    change += _changed("n", names, keys, len(keys))
    write = _lines(
        _ROWS,
        f"MERGE (n{pattern})",
        f"ON CREATE SET n.{quote(tag)} = $batch",
        change and f"SET {', '.join(change)}",
        "RETURN count(*) AS made",
    )
    several = (
        f"{_NUMBERED}\nWITH i, COUNT {{ MATCH (n{pattern}) }} AS found\n"
        "WHERE found > 1\nRETURN i, found ORDER BY i LIMIT 5"
    )
    parameters = {
        "batch": batch,
        "owner": label,
        "keys": list(keys),
        "labels": more,
        "names": _written(names, keys),
    }
    # What is written nowhere needs no image.
    images: tuple[str, ...] = ()
    if change:
        images = taking(find, Entity.NODE, keys, _names_of_rows(names, len(keys)))
    return LoadStatements(write, several=several, images=images, parameters=parameters)


def _relationships(
    target: RelationshipTarget, names: Names, tag: str, batch: str
) -> LoadStatements:
    source, goal, keys = target.source, target.target, target.merge_keys
    ends = len(source.keys) + len(goal.keys)
    first, second = _end("s", source, 0), _end("e", goal, len(source.keys))
    matched = f"MATCH {first}\nMATCH {second}"
    counts = "RETURN count(*) AS made, count(DISTINCT i) AS matched"
    type_ = quote(target.type)
    sought = (
        f"{_NUMBERED}\nWITH i, COUNT {{ MATCH {first} }} AS sources, "
        f"COUNT {{ MATCH {second} }} AS targets\n"
    )
    several = (
        f"{sought}WHERE sources > 1 AND targets > 0 OR targets > 1 AND sources > 0\n"
        "RETURN i, sources, targets ORDER BY i LIMIT 5"
    )
    missing = (
        f"{sought}WHERE sources = 0 OR targets = 0\n"
        "RETURN i, sources, targets ORDER BY i LIMIT 5"
    )
    parameters: dict[str, Any] = {"batch": batch}
    if keys is None:
        if names is None:
            values = f"]->(e) SET r = row[{ends}], r.{quote(tag)} = $batch"
        else:
            values = f" {_values(names, names, tag, ends)}]->(e)"
        write = _lines(_NUMBERED, matched, f"CREATE (s)-[r:{type_}{values}", counts)
        return LoadStatements(
            write, several=several, missing=missing, parameters=parameters
        )
    places = _places(keys, names, ends)
    pattern = f":{type_}{(keys and f' {_keyed(keys, places)}') or ''}"
    change = _changed("r", names, keys, ends + len(keys), ends)
    write = _lines(
        _NUMBERED,
        matched,
        f"MERGE (s)-[r{pattern}]->(e)",
        f"ON CREATE SET r.{quote(tag)} = $batch",
        change and f"SET {', '.join(change)}",
        counts,
    )
    find = _lines(
        _ROWS,
        matched,
        f"MATCH (s)-[x{pattern}]->(e)",
        f"WHERE {_not_by_batch('x', tag)}",
    )
    images: tuple[str, ...] = ()
    if change:
        position = ends + len(keys)
        images = taking(
            find, Entity.RELATIONSHIP, keys, _names_of_rows(names, position)
        )
    parameters |= {
        "owner": target.type,
        "keys": list(keys),
        "labels": [],
        "names": _written(names, keys),
    }
    return LoadStatements(
        write,
        several=several,
        missing=missing,
        pairs=_lines(
            _NUMBERED, matched, "RETURN count(*) AS found, count(DISTINCT i) AS matched"
        ),
        images=images,
        parameters=parameters,
    )


# Pieces ------------------------------------------------------------------------------


def _end(variable: str, end: Endpoint, first: int) -> str:
    places = range(first, first + len(end.keys))
    return f"({variable}:{quote(end.label)} {_keyed(end.keys, places)})"


def _keyed(keys: Sequence[str], places: Sequence[int]) -> str:
    pairs = zip(keys, places, strict=True)
    return f"{{{', '.join(f'{quote(key)}: row[{place}]' for key, place in pairs)}}}"


def _places(keys: Sequence[str], names: Names, first: int = 0) -> list[int]:
    """Return where the values of the keys stand: among the others, or before them."""
    if names is None:
        return list(range(first, first + len(keys)))
    return [first + names.index(key) for key in keys]


def _values(
    names: Sequence[str], among: Sequence[str], tag: str, first: int = 0
) -> str:
    """Return the map of the properties that an entity is created with."""
    values = [f"{quote(n)}: row[{first + among.index(n)}]" for n in names]
    return f"{{{', '.join([*values, f'{quote(tag)}: $batch'])}}}"


def _written(names: Names, keys: Sequence[str]) -> list[str]:
    return [name for name in names or () if name not in keys]


def _changed(
    variable: str, names: Names, keys: Sequence[str], of_map: int, first: int = 0
) -> list[str]:
    """Return what SET does to an entity that was found or created."""
    if names is None:
        return [f"{variable} += row[{of_map}]"]
    return [
        f"{variable}.{quote(name)} = row[{first + names.index(name)}]"
        for name in _written(names, keys)
    ]


def _names_of_rows(names: Names, of_map: int) -> str:
    """Return the expression for what is written to ``x``, over all of its rows."""
    if names is not None:
        # An aggregation, so that each entity comes once.
        return "CASE WHEN count(*) > 0 THEN $names END"
    return (
        f"reduce(names = [], some IN collect(keys(row[{of_map}])) | "
        "names + [name IN some WHERE NOT name IN names])"
    )


def _not_by_batch(variable: str, tag: str) -> str:
    value = f"{variable}.{quote(tag)}"
    return f"({value} IS NULL OR {value} <> $batch)"


def _lines(*lines: str | list[str]) -> str:
    return "\n".join(line for line in lines if isinstance(line, str) and line)
