"""Comparing what was transferred with what there was to transfer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from alembic_neo4j.cypher.load_targets import (
    Endpoint,
    LoadTarget,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.cypher.patterns import one_of
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.connection import Graph

_AT_ONCE = 5_000
_NAMED = 5


@dataclass(frozen=True)
class Scope:
    """The nodes that have a value in a property, and the relationships from them."""

    name: str
    value: Any


@dataclass(frozen=True)
class Presence:
    """How many keys there are, how many of them the graph has, and some it has not.

    `scoped` is how many of those that it has are in a scope.
    """

    expected: int = 0
    found: int = 0
    scoped: int = 0
    missing: tuple[tuple[Any, ...], ...] = ()


def presence(
    graph: Graph,
    target: LoadTarget,
    keys: Iterable[Sequence[Any]],
    scope: Scope | None = None,
) -> Presence:
    """Look for what the keys name: a node's, or those of both ends and its own."""
    pattern = _pattern(target)
    scoped = f"s.{quote(scope.name)} = $scope" if scope else "false"
    query = (
        "UNWIND $rows AS row\n"
        f"WITH row, EXISTS {{ MATCH {pattern} }} AS there,\n"
        f"  EXISTS {{ MATCH {pattern} WHERE {scoped} }} AS scoped\n"
        "RETURN count(CASE WHEN there THEN 1 END) AS found,\n"
        "  count(CASE WHEN scoped THEN 1 END) AS scoped,\n"
        f"  collect(CASE WHEN NOT there THEN row END)[..{_NAMED}] AS missing"
    )
    value = scope.value if scope else None
    result = Presence()
    for rows in _portions(keys):
        (counted,) = graph.read(query, {"rows": rows, "scope": value})
        missing = (*result.missing, *(tuple(row) for row in counted["missing"]))
        result = Presence(
            result.expected + len(rows),
            result.found + counted["found"],
            result.scoped + counted["scoped"],
            missing[:_NAMED],
        )
    return result


def count_in_scope(graph: Graph, target: LoadTarget, scope: Scope) -> int:
    """Return how many of a target there are in a scope, whatever their keys."""
    wanted = f"{{{quote(scope.name)}: $value}}"
    if isinstance(target, NodeTarget):
        pattern = f"(x{_labels(target)} {wanted})"
    else:
        source, goal = quote(target.source.label), quote(target.target.label)
        pattern = f"(:{source} {wanted})-[x:{quote(target.type)}]->(:{goal})"
    query = f"MATCH {pattern} RETURN count(x) AS count"
    (row,) = graph.read(query, {"value": scope.value})
    return int(row["count"])


def count_nodes(graph: Graph, labels: Iterable[str], scope: Scope) -> int:
    """Return how many nodes with any of the labels are in a scope."""
    either = one_of(tuple(dict.fromkeys(labels)))
    query = (
        f"MATCH (n:{either}) WHERE n.{quote(scope.name)} = $value "
        "RETURN count(n) AS count"
    )
    (row,) = graph.read(query, {"value": scope.value})
    return int(row["count"])


def unconstrained(graph: Graph, targets: Iterable[NodeTarget]) -> list[str]:
    """Return the labels whose nodes are found by keys that nothing makes unique."""
    rows = graph.read(
        "SHOW CONSTRAINTS YIELD type, labelsOrTypes, properties "
        "WHERE type IN ['UNIQUENESS', 'NODE_PROPERTY_UNIQUENESS', 'NODE_KEY'] "
        "RETURN labelsOrTypes[0] AS label, properties"
    )
    unique = {(row["label"], frozenset(row["properties"])) for row in rows}
    return [
        f"(:{target.owner}) by {', '.join(target.merge_keys)}"
        for target in targets
        if target.merge_keys
        and not any(
            label == target.owner and properties <= set(target.merge_keys)
            for label, properties in unique
        )
    ]


def _pattern(target: LoadTarget) -> str:
    if isinstance(target, NodeTarget):
        return f"(s{_labels(target)} {_keyed(target.merge_keys or (), 0)})"
    return _relationship(target)


def _relationship(target: RelationshipTarget) -> str:
    source, goal, keys = target.source, target.target, target.merge_keys or ()
    ends = len(source.keys) + len(goal.keys)
    own = f" {_keyed(keys, ends)}" if keys else ""
    start, end = _end("s", source, 0), _end("", goal, len(source.keys))
    return f"{start}-[:{quote(target.type)}{own}]->{end}"


def _end(variable: str, end: Endpoint, first: int) -> str:
    return f"({variable}:{quote(end.label)} {_keyed(end.keys, first)})"


def _labels(target: NodeTarget) -> str:
    return "".join(f":{quote(label)}" for label in target.labels)


def _keyed(keys: Sequence[str], first: int) -> str:
    pairs = (f"{quote(key)}: row[{place}]" for place, key in enumerate(keys, first))
    return f"{{{', '.join(pairs)}}}"


def _portions(keys: Iterable[Sequence[Any]]) -> Iterator[list[list[Any]]]:
    rest = iter(keys)
    while portion := [list(row) for row in islice(rest, _AT_ONCE)]:
        yield portion
