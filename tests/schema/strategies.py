"""Random graph schemas and pairs of them, such as a Neo4j server accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from alembic_neo4j.schema.definitions import (
    Constraint,
    Direction,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
    distinct_name,
)
from alembic_neo4j.schema.diff import Renames, certain_renames
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind

HOSTILE = "x`) DETACH DELETE n //\\u0060\n'\"é"
LABELS = ("A", "A_b", "B", "Car", "Person", HOSTILE)
TYPES = ("A", "KNOWS", "LIKES", HOSTILE)
PROPERTIES = ("b_c", "c", "name", "size", HOSTILE)
KGIDS = ("k1", "k2", "k3")

DEFAULTS: dict[str, tuple[Any, ...]] = {
    "STRING": ("x", ""),
    "INTEGER": (0, 7),
    "FLOAT": (0.5,),
    "BOOLEAN": (False, True),
    "LIST<STRING>": (("x", "y"), ()),
    "LOCAL DATETIME | ZONED DATETIME": (),
    "POINT": (),
    "ANY": (1,),
}
FACTORIES = ("now", "uuid4.hex", "app.models.make")

Element = Index | Constraint
T = TypeVar("T")


@st.composite
def properties(draw: st.DrawFn, name: str) -> Property:
    """Return a property with this name."""
    type_ = draw(st.sampled_from(sorted(DEFAULTS)))
    kind = draw(st.sampled_from(("plain", "plain", "required", "default", "factory")))
    default = factory = None
    if kind == "default" and DEFAULTS[type_]:
        default = draw(st.sampled_from(DEFAULTS[type_]))
    elif kind == "factory":
        factory = draw(st.sampled_from(FACTORIES))
    text = type_ == "STRING"
    attribute = draw(st.sampled_from((name, name, "first", "second")))
    return Property(
        name,
        type_,
        required=kind == "required",
        default=default,
        default_factory=factory,
        max_length=draw(st.sampled_from((None, 10))) if text else None,
        choices=draw(st.sampled_from((None, ("x", "y")))) if text else None,
        format=draw(st.sampled_from((None, "%Y"))) if text else None,
        crs=draw(st.sampled_from((None, "wgs-84"))) if type_ == "POINT" else None,
        attribute=attribute,
    )


def property_sets(max_size: int = 3) -> st.SearchStrategy[list[Property]]:
    """Return properties with names of their own."""
    names = st.lists(st.sampled_from(PROPERTIES), unique=True, max_size=max_size)
    return names.flatmap(lambda found: st.tuples(*map(properties, found))).map(list)


@st.composite
def relationships(draw: st.DrawFn, targets: Sequence[str]) -> Relationship:
    """Return a relationship to one of the labels, or to something unresolved."""
    return Relationship(
        draw(st.sampled_from(TYPES)),
        draw(st.sampled_from((*targets, *targets, "?app.Missing"))),
        direction=draw(st.sampled_from(Direction)),
        cardinality=draw(st.sampled_from(("ZeroOrMore", "One"))),
        exclusion_group=draw(st.sampled_from((None, None, "g"))),
        attribute=draw(st.sampled_from(("", "friends", "boss"))),
    )


@st.composite
def node_sets(draw: st.DrawFn, *, inherit: bool = True) -> list[Node]:
    """Return nodes that stand in a hierarchy.

    With `inherit` a model has all that its bases declare, as Python's classes have;
    it may declare the same again in another way. Without, it may lack even the bases
    of its bases, as after a history that a person has written.
    """
    labels = draw(st.lists(st.sampled_from(LABELS), unique=True, max_size=5))
    labels_with_kgid = dict(
        zip(draw(st.permutations(labels)), draw(st.permutations(KGIDS)), strict=False)
    )
    nodes: dict[str, Node] = {}
    for label in labels:
        direct = draw(_some_of(sorted(nodes), 2))
        bases = {b for base in direct for b in nodes[base].labels if inherit} | {
            *direct
        }
        if draw(st.integers(0, 5)) == 0:
            bases.add("Outside")
        declared: dict[str, Property] = {}
        related: dict[tuple[str, str, str], Relationship] = {}
        for base in (b for b in nodes if b in bases) if inherit else ():
            declared |= {p.name: p for p in nodes[base].properties}
            related |= {r.key: r for r in nodes[base].relationships}
        declared |= {p.name: p for p in draw(property_sets())}
        own = draw(st.lists(relationships(labels), max_size=2))
        related |= {r.key: r for r in own}
        nodes[label] = Node(
            label,
            tuple(declared.values()),
            tuple(related.values()),
            bases=tuple(bases),
            optional_labels=tuple(
                draw(st.lists(st.sampled_from(("Vip", "B")), max_size=1))
            ),
            open=draw(st.booleans()),
            databases=draw(st.sampled_from(((), ("neo4j",)))),
            kgid=labels_with_kgid.get(label) if draw(st.booleans()) else None,
        )
    return draw(st.permutations(list(nodes.values())))


@st.composite
def indexes(draw: st.DrawFn) -> Index:
    """Return an index of any kind, on a label or on a relationship type."""
    kind = draw(st.sampled_from(IndexKind))
    entity = draw(st.sampled_from(EntityType))
    names = LABELS if entity is EntityType.NODE else TYPES
    several = kind is IndexKind.FULLTEXT
    composite = several or kind is IndexKind.RANGE
    options: dict[str, Any] = {}
    if kind is IndexKind.VECTOR:
        options["vector.dimensions"] = draw(st.integers(1, 16))
        similarity = draw(st.sampled_from(("cosine", "EUCLIDEAN")))
        options["vector.similarity_function"] = similarity
    elif several:
        analyzers = ("standard-no-stop-words", "english")
        options["fulltext.analyzer"] = draw(st.sampled_from(analyzers))
        options["fulltext.eventually_consistent"] = draw(st.booleans())
    return Index(
        kind,
        entity,
        draw(some(names, 2 if several else 1)),
        draw(some(PROPERTIES, 2 if composite else 1)),
        tuple(options.items()),
        name=draw(st.sampled_from(("", "", "", "mine", "yours"))),
    )


@st.composite
def constraints(draw: st.DrawFn, *, enterprise: bool = False) -> Constraint:
    """Return a constraint that the edition has."""
    kinds = tuple(ConstraintKind) if enterprise else (ConstraintKind.UNIQUE,)
    kind = draw(st.sampled_from(kinds))
    entity = draw(st.sampled_from(EntityType))
    composite = kind in (ConstraintKind.UNIQUE, ConstraintKind.KEY)
    property_type = None
    if kind is ConstraintKind.TYPE:
        property_type = draw(st.sampled_from(("STRING", "INTEGER")))
    return Constraint(
        kind,
        entity,
        draw(st.sampled_from(LABELS if entity is EntityType.NODE else TYPES)),
        draw(some(PROPERTIES, 2 if composite else 1)),
        property_type,
        name=draw(st.sampled_from(("", "", "", "mine", "yours"))),
    )


def some(names: Sequence[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Return some of the names, at least one."""
    chosen = st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=most)
    return chosen.map(tuple)


@st.composite
def schemas(
    draw: st.DrawFn, *, enterprise: bool = False, inherit: bool = True
) -> Schema:
    """Return a schema whose indexes and constraints a server accepts together.

    Each has a name of its own, and no two that need an index of their own lie on the
    same properties. Only with `enterprise` there are kinds that Community lacks.
    """
    types = draw(st.lists(st.sampled_from(TYPES), unique=True, max_size=2))
    elements: list[Element] = [
        *draw(st.lists(indexes(), max_size=4)),
        *draw(st.lists(constraints(enterprise=enterprise), max_size=4)),
    ]
    elements = distinctly_named(compatible(elements))
    return Schema.of(
        nodes=draw(node_sets(inherit=inherit)),
        relationship_types=[
            RelationshipType(
                type_,
                tuple(draw(property_sets(2))),
                kgid=draw(st.sampled_from((None, f"t-{position}"))),
            )
            for position, type_ in enumerate(types)
        ],
        indexes=[e for e in elements if isinstance(e, Index)],
        constraints=[e for e in elements if isinstance(e, Constraint)],
    )


def compatible(elements: Sequence[Element]) -> list[Element]:
    """Return the elements that a server takes together, the first of each clash."""
    kept: dict[object, Element] = {}
    for element in elements:
        kept.setdefault(_claim(element), element)
    return list(kept.values())


def distinctly_named(elements: Sequence[Element]) -> list[Element]:
    """Return the elements, each with a name of its own, as the models give them."""
    named: dict[str, Element] = {}
    for element in elements:
        while element.name in named:
            name = distinct_name(element.name, element.key)
            element = replace(element, name=name)
        named[element.name] = element
    return list(named.values())


def _claim(element: Element) -> object:
    own_index = (IndexKind.RANGE, ConstraintKind.UNIQUE, ConstraintKind.KEY)
    if element.kind in own_index:
        return (element.entity, element.labels, element.properties)
    if isinstance(element, Constraint) and element.kind is ConstraintKind.TYPE:
        return ("TYPE", element.entity, element.label, element.properties)
    return element.key


@st.composite
def evolutions(
    draw: st.DrawFn, *, enterprise: bool = False, inherit: bool = True
) -> tuple[Schema, Schema]:
    """Return a schema and one that a part of it stayed in."""
    before = draw(schemas(enterprise=enterprise, inherit=inherit))
    after = draw(schemas(enterprise=enterprise, inherit=inherit))
    if draw(st.booleans()):
        return before, after
    kept = {e.key: e for e in (*before.indexes.values(), *before.constraints.values())}
    stay = [e for e in kept.values() if draw(st.booleans())]
    others = [*after.indexes.values(), *after.constraints.values()]
    elements = distinctly_named(compatible([*stay, *others]))
    return before, Schema.of(
        nodes=draw(st.sampled_from((before, after))).nodes.values(),
        relationship_types=draw(
            st.sampled_from((before, after))
        ).relationship_types.values(),
        indexes=[e for e in elements if isinstance(e, Index)],
        constraints=[e for e in elements if isinstance(e, Constraint)],
    )


@st.composite
def renames(draw: st.DrawFn, before: Schema, after: Schema) -> Renames:
    """Return renames between two schemas, some of which do not fit."""
    if draw(st.booleans()):
        return certain_renames(before, after)
    labels = draw(_pairs(LABELS))
    types = draw(_pairs(TYPES))
    nodes = sorted((EntityType.NODE, label) for label in after.nodes)
    edges = sorted((EntityType.RELATIONSHIP, t) for t in after.relationship_types)
    owners = [*nodes, *edges]
    chosen = draw(_some_of(owners, 3))
    return Renames(labels, types, {o: draw(_pairs(PROPERTIES)) for o in chosen})


def _some_of(items: Sequence[T], most: int) -> st.SearchStrategy[list[T]]:
    if not items:
        return st.just([])
    return st.lists(st.sampled_from(items), unique=True, max_size=most)


def _pairs(names: Sequence[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(names), st.sampled_from(names), max_size=3)
