"""The Cypher that turns rows into nodes and relationships of a batch.

A row is sent as a list of values. Where all rows of a statement have the same
properties their names stand in the text once, which is quicker on both sides than
sending them with each row; else each row ends in a map of its properties. What is
created gets defaults where its row has no value; what is found does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from alembic_neo4j.cypher.before_images import taking
from alembic_neo4j.cypher.load_targets import (
    Endpoint,
    LoadTarget,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.schema.definitions import EntityType

Names: TypeAlias = "tuple[str, ...] | None"
"""The properties that all rows have, in their order; None where each has its own."""

DefaultTexts: TypeAlias = "tuple[tuple[str, str], ...]"
"""The properties that have a default, each with its Cypher."""

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
    parameters ``rows`` and `parameters`; `write` needs those of the defaults too.
    """

    write: str
    several: str = ""
    missing: str = ""
    pairs: str = ""
    images: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=64)
def load_statements(
    target: LoadTarget,
    names: Names,
    tag: str,
    batch: str,
    defaults: DefaultTexts = (),
) -> LoadStatements:
    """Return the statements for rows with these names.

    `defaults` are the properties that have one, and the Cypher of it.
    """
    if isinstance(target, RelationshipTarget):
        return _relationships(target, names, tag, batch, defaults)
    if target.merge_keys is None:
        return _created_nodes(target, names, tag, batch, defaults)
    return _merged_nodes(target, target.merge_keys, names, tag, batch, defaults)


def _created_nodes(
    target: NodeTarget, names: Names, tag: str, batch: str, defaults: DefaultTexts
) -> LoadStatements:
    labels = "".join(f":{quote(label)}" for label in target.labels)
    if names is None:
        values = ["n = row[0]", *_filled("n", "row[0]", defaults)]
        made = f"(n{labels}) SET {', '.join(values)}, n.{quote(tag)} = $batch"
    else:
        made = f"(n{labels} {_values(names, tag, defaults)})"
    return LoadStatements(
        f"{_ROWS}\nCREATE {made}\nRETURN count(*) AS made", parameters={"batch": batch}
    )


def _merged_nodes(
    target: NodeTarget,
    keys: tuple[str, ...],
    names: Names,
    tag: str,
    batch: str,
    defaults: DefaultTexts,
) -> LoadStatements:
    label, *more = target.labels
    pattern = f":{quote(label)} {_keyed(keys, _places(keys, names))}"
    find = f"{_ROWS}\nMATCH (x{pattern})\nWHERE {_not_by_batch('x', tag)}"
    also = "".join(f":{quote(name)}" for name in more)
    labelled = [f"n{also}"] if more else []
    changed = _changed("n", names, keys, len(keys))
    change = labelled + changed
    write = _lines(
        _ROWS,
        f"MERGE (n{pattern})",
        *_set("n", tag, labelled, changed, _made("n", names, keys, 0, defaults)),
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
        images = taking(find, EntityType.NODE, keys, _names_of_rows(names, len(keys)))
    return LoadStatements(write, several=several, images=images, parameters=parameters)


def _relationships(
    target: RelationshipTarget,
    names: Names,
    tag: str,
    batch: str,
    defaults: DefaultTexts,
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
            row = f"row[{ends}]"
            made = ", ".join([f"r = {row}", *_filled("r", row, defaults)])
            values = f"]->(e) SET {made}, r.{quote(tag)} = $batch"
        else:
            values = f" {_values(names, tag, defaults, ends)}]->(e)"
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
        *_set("r", tag, [], change, _made("r", names, keys, ends, defaults)),
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
            find, EntityType.RELATIONSHIP, keys, _names_of_rows(names, position)
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
    names: Sequence[str], tag: str, defaults: DefaultTexts, first: int = 0
) -> str:
    """Return the map of the properties that an entity is created with."""
    given = {name: f"row[{place}]" for place, name in enumerate(names, first)}
    values = [f"{quote(name)}: {value}" for name, value in _or_default(given, defaults)]
    return f"{{{', '.join([*values, f'{quote(tag)}: $batch'])}}}"


def _or_default(
    given: Mapping[str, str], defaults: DefaultTexts
) -> Iterator[tuple[str, str]]:
    """Yield each property's name and expression, defaults for null and the rest."""
    known = dict(defaults)
    for name, value in given.items():
        default = known.pop(name, None)
        yield name, value if default is None else f"coalesce({value}, {default})"
    yield from known.items()


def _filled(variable: str, row: str, defaults: DefaultTexts) -> list[str]:
    """Return what SET does for the defaults behind a row that is a map."""
    return [
        f"{variable}.{quote(name)} = coalesce({row}.{quote(name)}, {default})"
        for name, default in defaults
    ]


def _made(
    variable: str,
    names: Names,
    keys: Sequence[str],
    first: int,
    defaults: DefaultTexts,
) -> list[str]:
    """Return what SET does to an entity that was created; nothing without defaults."""
    defaults = tuple(default for default in defaults if default[0] not in keys)
    if not defaults:
        return []
    if names is None:
        row = f"row[{first + len(keys)}]"
        return [f"{variable} += {row}", *_filled(variable, row, defaults)]
    given = {
        name: f"row[{place}]"
        for place, name in enumerate(names, first)
        if name not in keys
    }
    return [
        f"{variable}.{quote(name)} = {value}"
        for name, value in _or_default(given, defaults)
    ]


def _set(
    variable: str, tag: str, always: list[str], found: list[str], made: list[str]
) -> Iterator[str]:
    """Yield the SET behind a MERGE: what was created may be another one."""
    created = [f"{variable}.{quote(tag)} = $batch", *made]
    yield f"ON CREATE SET {', '.join(created)}"
    if made and found:
        yield f"ON MATCH SET {', '.join(found)}"
        found = []
    if changed := always + found:
        yield f"SET {', '.join(changed)}"


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
