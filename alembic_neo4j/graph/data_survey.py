"""Reading what the data of a graph hold, and what of it does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_neo4j.cypher.catalogue import OWN_LABEL_PREFIX
from alembic_neo4j.cypher.data_checks import Large, may_be_large
from alembic_neo4j.cypher.data_survey import (
    OWN_PROPERTY_PREFIX,
    SAMPLE,
    Contents,
    Declarations,
    Declared,
    LackingLabels,
    Shape,
    Unreadable,
)
from alembic_neo4j.cypher.patterns import Scope, nodes
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.connection import Graph, Row
from alembic_neo4j.schema.changes.change import TouchedNames, labels, properties, types
from alembic_neo4j.schema.definitions import EntityType, Node, Property, Schema
from alembic_neo4j.schema.property_classes import judged_when_read, unreadable

_COUNTED_AT_ONCE = 100


MOST_SHAPES = 10_000
"""How many different shapes are kept in memory, whatever the graph holds."""


def read_contents(graph: Graph, expected: Declarations, *, full: bool) -> Contents:
    """Return what the data hold, our own nodes and properties left out.

    Labels and types are known exactly. Of properties the first SAMPLE entities of each
    declared label and type are read; with `full` all entities, in one pass for nodes
    and one for relationships in which the server keeps no more than a row for each
    different shape that is not as declared.
    """
    labels = label_counts(graph)
    ours = {k: n for k, n in labels.items() if k.startswith(OWN_LABEL_PREFIX)}
    labels = {k: n for k, n in labels.items() if k not in ours}
    types = _counts(graph, _TYPES, "COUNT {{ ()-[:{}]->() }}")
    all_nodes = _count(graph, _ALL_NODES) - sum(ours.values())
    all_relationships = _count(graph, _ALL_RELATIONSHIPS)
    shapes = _Shapes()
    if full:
        _read_all(graph, expected, shapes)
        nodes, relationships = all_nodes, all_relationships
    else:
        nodes = _sampled(graph, EntityType.NODE, expected.nodes, labels, shapes)
        relationships = _sampled(
            graph, EntityType.RELATIONSHIP, expected.relationships, types, shapes
        )
    return Contents(
        labels,
        types,
        shapes.found,
        # A node with two labels may be in the samples of both.
        min(nodes, all_nodes),
        all_nodes,
        relationships,
        all_relationships,
        full,
        truncated=shapes.truncated,
    )


def label_counts(graph: Graph) -> dict[str, int]:
    """Return how many nodes each label in use has, our own included."""
    return _counts(graph, _LABELS, "COUNT {{ (:{}) }}")


_ALL_NODES = "MATCH (n) RETURN count(n) AS count"
_ALL_RELATIONSHIPS = "MATCH ()-[r]->() RETURN count(r) AS count"

_LABELS = "CALL db.labels() YIELD label AS name RETURN name"
_TYPES = "CALL db.relationshipTypes() YIELD relationshipType AS name RETURN name"

_SHAPES = (
    "UNWIND keys({0}) AS key\n"
    "WITH {0}, key WHERE NOT key STARTS WITH $own\n"
    "RETURN {1} AS labels, key, valueType({0}[key]) AS type, count(*) AS count, "
    "min(elementId({0})) AS example"
)
_LABELS_OF = {
    EntityType.NODE: ("n", "labels(n)"),
    EntityType.RELATIONSHIP: ("r", "[type(r)]"),
}

# A label that is not declared adds nothing to what the others allow.
_NOT_AS_DECLARED = (
    "MATCH {pattern}\n"
    "WITH {variable}, {labels} AS labels\n"
    "WHERE any(label IN labels WHERE $declared[label] IS NOT NULL)\n"
    "UNWIND keys({variable}) AS key\n"
    "WITH {variable}, labels, key, valueType({variable}[key]) AS type,\n"
    "  [label IN labels WHERE $declared[label][key] IS NOT NULL "
    "| $declared[label][key]] AS allowed\n"
    "WHERE NOT key STARTS WITH $own\n"
    "  AND (size(allowed) > 0 OR none(label IN labels WHERE label IN $open))\n"
    "  AND none(types IN allowed WHERE size(types) = 0 OR type IN types)\n"
    "RETURN labels, key, type, count(*) AS count, "
    "min(elementId({variable})) AS example"
)


class _Shapes:
    """The shapes found so far, a bounded number of them."""

    def __init__(self) -> None:
        self._found: dict[Any, Shape] = {}
        self.truncated = False

    @property
    def found(self) -> tuple[Shape, ...]:
        return tuple(self._found.values())

    def add(self, entity: EntityType, row: Row) -> None:
        labels = tuple(sorted(row["labels"]))
        key = (entity, labels, row["key"], row["type"])
        known = self._found.get(key)
        if known is not None:
            # The samples of two labels may have the same nodes.
            if row["count"] <= known.count:
                return
        elif len(self._found) >= MOST_SHAPES:
            self.truncated = True
            return
        self._found[key] = Shape(*key, row["count"], row["example"])


def _counts(graph: Graph, listing: str, expression: str) -> dict[str, int]:
    names = sorted(row["name"] for row in graph.read(listing))
    counts: list[int] = []
    # The server has these counts at hand; what takes time is to plan the statement.
    for start in range(0, len(names), _COUNTED_AT_ONCE):
        some = names[start : start + _COUNTED_AT_ONCE]
        expressions = ", ".join(expression.format(quote(name)) for name in some)
        counts += graph.read(f"RETURN [{expressions}] AS counts")[0]["counts"]
    # An index alone keeps a name in use.
    return {n: count for n, count in zip(names, counts, strict=True) if count}


def _sampled(
    graph: Graph,
    entity: EntityType,
    declared: Declared,
    counts: Mapping[str, int],
    shapes: _Shapes,
) -> int:
    variable, labels = _LABELS_OF[entity]
    shown = _SHAPES.format(variable, labels)
    read = 0
    for name in sorted(set(declared) & set(counts)):
        pattern = _pattern(entity, name)
        query = f"MATCH {pattern}\nWITH {variable} LIMIT $sample\n{shown}"
        parameters = {"sample": SAMPLE, "own": OWN_PROPERTY_PREFIX}
        for row in graph.stream(query, parameters):
            shapes.add(entity, row)
        read += min(SAMPLE, counts[name])
    return read


def _count(graph: Graph, query: str) -> int:
    count: int = graph.read(query)[0]["count"]
    return count


def _read_all(graph: Graph, expected: Declarations, shapes: _Shapes) -> None:
    for entity, declared in (
        (EntityType.NODE, expected.nodes),
        (EntityType.RELATIONSHIP, expected.relationships),
    ):
        variable, labels = _LABELS_OF[entity]
        query = _NOT_AS_DECLARED.format(
            pattern=_pattern(entity), variable=variable, labels=labels
        )
        parameters = {
            "declared": {k: dict(v) for k, v in declared.items()},
            "open": sorted(expected.open),
            "own": OWN_PROPERTY_PREFIX,
        }
        for row in graph.stream(query, parameters):
            shapes.add(entity, row)


def _pattern(entity: EntityType, name: str | None = None) -> str:
    named = "" if name is None else f":{quote(name)}"
    return f"(n{named})" if entity is EntityType.NODE else f"()-[r{named}]->()"


# Which labels, relationship types and properties a graph has anything of --------------


_IN_USE = (
    "RETURN COLLECT { CALL db.labels() YIELD label RETURN label } AS labels, "
    "COLLECT { CALL db.relationshipTypes() YIELD relationshipType AS type "
    "RETURN type } AS types"
)


def names_in_use(graph: Graph) -> dict[EntityType, frozenset[str]]:
    """Return the labels that nodes carry and the types that relationships are of.

    The server counts them as it writes: this reads no data. Some that are not in use
    any more may be among them.
    """
    (found,) = graph.read(_IN_USE)
    return {
        EntityType.NODE: frozenset(found["labels"]),
        EntityType.RELATIONSHIP: frozenset(found["types"]),
    }


def has_property(graph: Graph, scope: Scope, name: str) -> bool:
    """Tell whether any of the nodes or relationships has a value of a property.

    Where nothing in the graph has had one, that is known without reading data.
    """
    if not graph.read(_KEY, {"name": name}):
        return False
    found = f"MATCH {scope.pattern} WHERE {scope.value(name)} IS NOT NULL"
    return bool(graph.read(f"{found} RETURN true AS found LIMIT 1"))


_KEY = (
    "CALL db.propertyKeys() YIELD propertyKey WHERE propertyKey = $name "
    "RETURN propertyKey"
)


# What nodes with some labels have besides: what goes with them when they go -----------


def carried_names(graph: Graph, names: frozenset[str]) -> TouchedNames:
    """Return the labels and properties of the nodes with any of some labels.

    The types of the relationships at them, and their properties, come with them. It
    goes through all of these nodes.
    """
    node = nodes(*sorted(names)).pattern
    found = {
        name: [row["name"] for row in graph.read(f"{text} RETURN DISTINCT name")]
        for name, text in {
            "labels": f"MATCH {node} UNWIND labels(n) AS name",
            "values": f"MATCH {node} UNWIND keys(n) AS name",
            "types": f"MATCH {node}-[r]-() WITH type(r) AS name",
            "others": f"MATCH {node}-[r]-() UNWIND keys(r) AS name",
        }.items()
    }
    return (
        labels(*found["labels"])
        | types(*found["types"])
        | properties(EntityType.NODE, *found["values"])
        | properties(EntityType.RELATIONSHIP, *found["others"])
    )


# Looking for nodes that lack a label which their model gives to all of its nodes ------


def find_lacking(
    graph: Graph,
    models: Iterable[Node],
    counts: Mapping[str, int],
    *,
    full: bool,
) -> Iterator[LackingLabels]:
    """Yield the models whose nodes lack labels, of each what it alone is to blame for.

    `counts` says how many nodes each label in use has: where a base has fewer than the
    model, so many lack it for certain. What the counts do not tell is looked for in the
    first SAMPLE nodes of the model, or with `full` in all of them. A label that comes
    with another base is that one's, as far as a node has it.
    """
    known = {model.label: model for model in models}
    for model in known.values():
        if model.bases and counts.get(model.label):
            found = _lacking(graph, _Question(model, known), counts, full=full)
            if found is not None:
                yield found


@dataclass(frozen=True)
class _Question:
    """What is asked of the nodes ``n`` of a model."""

    model: Node
    models: Mapping[str, Node]

    @property
    def lacks(self) -> list[str]:
        """For each base, the predicate of the nodes that lack it."""
        return [
            " AND ".join(
                f"NOT n:{quote(label)}" for label in (base, *self.through(base))
            )
            for base in self.model.bases
        ]

    @property
    def lacks_any(self) -> str:
        """The predicate of the nodes that lack any base."""
        return " OR ".join(f"({lacks})" for lacks in self.lacks)

    @property
    def pattern(self) -> str:
        """The nodes of the model."""
        return f"MATCH (n:{quote(self.model.label)})"

    def through(self, base: str) -> Sequence[str]:
        """Return the other bases whose models bring this one."""
        return [
            other
            for other in self.model.bases
            if other in self.models and base in self.models[other].bases
        ]

    def fewer(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return how many nodes lack each base for certain, by the counts alone."""
        count = counts[self.model.label]
        lacking = {
            base: count - counts.get(base, 0)
            for base in self.model.bases
            if not self.through(base)
        }
        return {base: number for base, number in lacking.items() if number > 0}


def _lacking(
    graph: Graph, question: _Question, counts: Mapping[str, int], *, full: bool
) -> LackingLabels | None:
    model = question.model
    sample = "" if full else f"WITH n LIMIT {SAMPLE}\n"
    each = ", ".join(f"count(CASE WHEN {one} THEN 1 END)" for one in question.lacks)
    (row,) = graph.read(
        f"{question.pattern}\n{sample}WITH n WHERE {question.lacks_any}\n"
        f"RETURN count(n) AS count, min(elementId(n)) AS example, [{each}] AS each"
    )
    seen = {base for base, one in zip(model.bases, row["each"], strict=True) if one}
    fewer = {} if full else question.fewer(counts)
    count = max(row["count"], *fewer.values(), 0)
    if not count:
        return None
    example = row["example"]
    if example is None:
        found = graph.read(
            f"{question.pattern}\nWHERE {question.lacks_any}\n"
            "RETURN elementId(n) AS id LIMIT 1"
        )
        if not found:
            # Somebody has mended it meanwhile.
            return None
        example = found[0]["id"]
    bases = tuple(base for base in model.bases if base in seen or base in fewer)
    return LackingLabels(model.label, bases, count, example, full)


# Looking whether the graph holds values that are larger than an index can take --------


VISITS = 10_000
"""How many values may be looked at to save the server from planning one query.

A check has a text of its own, which takes the server some 50 ms to plan.
"""


def found_large(graph: Graph, wanted: Sequence[Large]) -> list[Large]:
    """Return those of the wanted that may be there.

    Where they are many beside what the graph holds, all of that is looked at once, by
    a query that is the same for all. Otherwise every one may be there.
    """
    found: list[Large] = []
    for entity in EntityType:
        asked = [one for one in wanted if one.entity is entity]
        if asked:
            found += _too_large(graph, entity, asked)
    return found


def _too_large(
    graph: Graph, entity: EntityType, wanted: Sequence[Large]
) -> list[Large]:
    keys = frozenset[str]().union(*(one.properties for one in wanted))
    (row,) = graph.read(_COUNTS[entity])
    if row["count"] * len(keys) > VISITS * len(wanted):
        return list(wanted)
    characters = min(one.characters for one in wanted)
    rows = graph.read(_LARGE[entity], {"keys": sorted(keys), "characters": characters})
    found = {(row["name"], row["key"]) for row in rows}
    return [
        one
        for one in wanted
        if any((name, key) in found for name in one.names for key in one.properties)
    ]


_COUNTS = {
    EntityType.NODE: "MATCH (n) RETURN count(n) AS count",
    EntityType.RELATIONSHIP: "MATCH ()-[r]->() RETURN count(r) AS count",
}


_LARGE = {
    entity: f"{match}\nWITH {variable}, [key IN $keys "
    f"WHERE {may_be_large(f'{variable}[key]', '$characters')}] AS keys\n"
    "WHERE size(keys) > 0\n"
    f"UNWIND {names} AS name UNWIND keys AS key\n"
    "RETURN DISTINCT name, key"
    for entity, match, variable, names in (
        (EntityType.NODE, "MATCH (n)", "n", "labels(n)"),
        (EntityType.RELATIONSHIP, "MATCH ()-[r]->()", "r", "[type(r)]"),
    )
}


# Looking for values in the graph that the class of their property can't read ----------


def read_unreadable(graph: Graph, schema: Schema) -> tuple[Unreadable, ...]:
    """Return what the classes of the schema can't read, of all that the graph holds.

    The values come from the server as a stream, one pass for each label and type with
    properties that may refuse a value of their type; nothing but counts is kept.
    """
    found: list[Unreadable] = []
    for entity, owner, stored, others in _owners(schema):
        found += _of_owner(graph, entity, owner, stored, others)
    return tuple(found)


def _owners(
    schema: Schema,
) -> Iterator[tuple[EntityType, str, list[Property], Mapping[str, list[str]]]]:
    """Yield each owner with its properties, and the labels that have their own ones.

    What a base declares alike is looked at with the base.
    """
    for label, node in schema.nodes.items():
        bases = [schema.nodes[base] for base in node.bases if base in schema.nodes]
        own = [
            declared
            for declared in node.properties
            if judged_when_read(declared)
            and not any(base.property(declared.name) == declared for base in bases)
        ]
        below = [n for n in schema.models_with(label) if n.label != label]
        others = {
            declared.name: [
                n.label for n in below if n.property(declared.name) != declared
            ]
            for declared in own
        }
        yield EntityType.NODE, label, own, others
    for name, type_ in schema.relationship_types.items():
        judged = [p for p in type_.properties if judged_when_read(p)]
        yield EntityType.RELATIONSHIP, name, judged, {}


def _of_owner(
    graph: Graph,
    entity: EntityType,
    owner: str,
    properties: Iterable[Property],
    others: Mapping[str, list[str]],
) -> list[Unreadable]:
    found = [Unreadable(entity, owner, declared) for declared in properties]
    if not found:
        return []
    is_node = entity is EntityType.NODE
    variable = "n" if is_node else "r"
    pattern = f"(n:{quote(owner)})" if is_node else f"()-[r:{quote(owner)}]->()"
    values = [
        _value(variable, unread.property.name, others.get(unread.property.name, ()))
        for unread in found
    ]
    present = " OR ".join(
        f"{variable}.{quote(unread.property.name)} IS NOT NULL" for unread in found
    )
    query = (
        f"MATCH {pattern}\nWHERE {present}\n"
        f"RETURN elementId({variable}) AS id, [{', '.join(values)}] AS values"
    )
    for row in graph.stream(query):
        for unread, value in zip(found, row["values"], strict=True):
            if value is not None:
                reason = unreadable(unread.property, value)
                if reason is not None:
                    unread.add(row["id"], value, reason)
    return [unread for unread in found if unread.count]


def _value(variable: str, name: str, others: Iterable[str]) -> str:
    value = f"{variable}.{quote(name)}"
    labels = "|".join(map(quote, others))
    return f"CASE WHEN n:{labels} THEN null ELSE {value} END" if labels else value
