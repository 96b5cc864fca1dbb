"""What each kind of difference between two schemas becomes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from alembic_neo4j.schema import properties as model_properties
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddNode,
    AddProperty,
    AddRelationship,
    AddRelationshipType,
    AlterNode,
    AlterProperty,
    AlterRelationship,
    AlterRelationshipType,
    Change,
    DropConstraint,
    DropIndex,
    Placeholder,
    RemoveLabel,
    RemoveNode,
    RemoveProperty,
    RemoveRelationship,
    RemoveRelationshipType,
    ReverseRelationships,
)
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
)
from alembic_neo4j.schema.diff import Note, Renames, diff
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
FILL_IN = Placeholder.FILL_IN
EMPTY = Schema()


def changes(before: Schema, after: Schema, **options: Any) -> list[Change]:
    return list(diff(before, after, **options).changes)


def notes(before: Schema, after: Schema, **options: Any) -> list[str]:
    return [written(note) for note in diff(before, after, **options).notes]


def written(note: Note) -> str:
    return f"{note.text} {note.code}".strip()


def person(*properties: Property, **values: Any) -> Schema:
    return Schema.of(nodes=[Node("Person", properties, **values)])


def related(*relationships: Relationship) -> Schema:
    nodes = [Node("Person", (), relationships), Node("City"), Node("Town")]
    return Schema.of(nodes=nodes)


def typed(*properties: Property, **values: Any) -> Schema:
    """A type in use, with the properties of its model."""
    nodes = [Node("Person", (), (Relationship("KNOWS", "Person"),))]
    types = [RelationshipType("KNOWS", properties, **values)]
    return Schema.of(nodes=nodes, relationship_types=types)


def with_elements(schema: Schema, *elements: Index | Constraint) -> Schema:
    return Schema.of(
        nodes=schema.nodes.values(),
        relationship_types=schema.relationship_types.values(),
        indexes=[e for e in elements if isinstance(e, Index)],
        constraints=[e for e in elements if isinstance(e, Constraint)],
    )


def index(
    *properties: str,
    kind: IndexKind = IndexKind.RANGE,
    entity: EntityType = NODE,
    labels: Iterable[str] = ("Person",),
    options: tuple[tuple[str, Any], ...] = (),
    name: str = "",
) -> Index:
    return Index(kind, entity, tuple(labels), properties, options, name=name)


def unique(*properties: str, label: str = "Person", name: str = "") -> Constraint:
    return Constraint(ConstraintKind.UNIQUE, NODE, label, properties, name=name)


def elements(*found: Index | Constraint) -> Schema:
    return with_elements(EMPTY, *found)


def vector(dimensions: int, similarity: str = "COSINE") -> Index:
    options = (
        ("vector.dimensions", dimensions),
        ("vector.similarity_function", similarity),
    )
    return index("face", kind=IndexKind.VECTOR, options=options)


ALL_KINDS = [
    index("name"),
    index("since", entity=RELATIONSHIP, labels=("KNOWS",)),
    index("name", kind=IndexKind.TEXT),
    index("at", kind=IndexKind.POINT),
    index("name", kind=IndexKind.FULLTEXT, labels=("Person", "Film")),
    vector(4),
    index("name", "born"),
]
ALL_CONSTRAINTS = [
    unique("name"),
    unique("name", "born"),
    Constraint("UNIQUE", "RELATIONSHIP", "KNOWS", ("id",)),
    Constraint("KEY", "NODE", "Person", ("name",)),
    Constraint("EXISTENCE", "NODE", "Person", ("name",)),
    Constraint("TYPE", "NODE", "Person", ("name",), "STRING"),
]


class TestIndexesAndConstraints:
    """Rows 1 to 17."""

    @pytest.mark.parametrize("element", ALL_KINDS, ids=lambda i: i.name)
    def test_an_index_comes_and_goes(self, element: Index) -> None:
        assert changes(EMPTY, elements(element)) == [AddIndex(element)]
        assert changes(elements(element), EMPTY) == [DropIndex(element)]

    @pytest.mark.parametrize("element", ALL_CONSTRAINTS, ids=lambda c: c.name)
    def test_a_constraint_comes_and_goes(self, element: Constraint) -> None:
        assert changes(EMPTY, elements(element)) == [AddConstraint(element)]
        assert changes(elements(element), EMPTY) == [DropConstraint(element)]

    def test_an_index_becomes_a_unique_constraint(self) -> None:
        assert changes(elements(index("name")), elements(unique("name"))) == [
            DropIndex(index("name")),
            AddConstraint(unique("name")),
        ]

    def test_a_unique_constraint_becomes_an_index(self) -> None:
        assert changes(elements(unique("name")), elements(index("name"))) == [
            DropConstraint(unique("name")),
            AddIndex(index("name")),
        ]

    def test_an_analyzer_changes(self) -> None:
        old = index("name", kind=IndexKind.FULLTEXT)
        new = replace(old, options=(("fulltext.analyzer", "english"),))
        assert changes(elements(old), elements(new)) == [DropIndex(old), AddIndex(new)]

    def test_a_fulltext_index_covers_a_further_label(self) -> None:
        old = index("name", kind=IndexKind.FULLTEXT)
        new = replace(old, labels=("Person", "Film"), name="")
        assert changes(elements(old), elements(new)) == [DropIndex(old), AddIndex(new)]

    def test_the_order_of_fulltext_labels_is_no_difference(self) -> None:
        old = index("name", kind=IndexKind.FULLTEXT, labels=("Person", "Film"))
        new = index("name", kind=IndexKind.FULLTEXT, labels=("Film", "Person"))
        assert changes(elements(old), elements(new)) == []

    def test_embeddings_of_another_size_are_remarked_on(self) -> None:
        old, new = elements(vector(4)), elements(vector(8))
        assert changes(old, new) == [DropIndex(vector(4)), AddIndex(vector(8))]
        (note,) = diff(old, new).notes
        assert note.subject == "Person"
        assert "embeddings of 8 numbers" in note.text
        assert "silently not indexed" in note.text

    def test_a_similarity_changes(self) -> None:
        old, new = vector(4), vector(4, "EUCLIDEAN")
        assert changes(elements(old), elements(new)) == [DropIndex(old), AddIndex(new)]
        assert notes(elements(old), elements(new)) == []

    def test_the_order_of_properties_changes(self) -> None:
        old, new = index("name", "born"), index("born", "name")
        assert changes(elements(old), elements(new)) == [DropIndex(old), AddIndex(new)]

    def test_a_range_index_becomes_a_text_index(self) -> None:
        old, new = index("name"), index("name", kind=IndexKind.TEXT)
        assert changes(elements(old), elements(new)) == [DropIndex(old), AddIndex(new)]

    def test_a_property_type_changes(self) -> None:
        old = Constraint("TYPE", "NODE", "Person", ("age",), "STRING")
        new = replace(old, property_type="INTEGER")
        assert changes(elements(old), elements(new)) == [
            DropConstraint(old),
            AddConstraint(new),
        ]

    def test_a_name_is_no_difference_unless_asked_for(self) -> None:
        old, new = index("name", name="mine"), index("name", name="yours")
        assert changes(elements(old), elements(new)) == []
        found = changes(elements(old), elements(new), compare_names=True)
        assert found == [DropIndex(old), AddIndex(new)]
        assert [c.index.name for c in found] == ["mine", "yours"]

    def test_a_name_that_another_element_keeps_gets_a_suffix(self) -> None:
        old = elements(index("name", name="mine"))
        new = elements(index("name"), index("born", name="mine"))
        (added,) = changes(old, new)
        assert added.index.name.startswith("mine_")

    def test_drops_come_first_and_constraints_last(self) -> None:
        before = with_elements(person(), index("a"), unique("b"))
        after = with_elements(
            person(Property("c", "STRING")), index("c"), unique("d"), index("e")
        )
        assert [type(change) for change in changes(before, after)] == [
            DropConstraint,
            DropIndex,
            AddProperty,
            AddIndex,
            AddIndex,
            AddConstraint,
        ]


class TestModels:
    """Rows 21 to 26 and 53."""

    def test_a_model_comes_with_all_that_it_declares(self) -> None:
        node = Node(
            "Person", (Property("name", "STRING"),), (Relationship("KNOWS", "Person"),)
        )
        after = with_elements(Schema.of(nodes=[node]), unique("name"))
        assert changes(EMPTY, after) == [AddNode(node), AddConstraint(unique("name"))]

    def test_a_base_comes_before_what_is_below_it(self) -> None:
        zebra, ant = Node("Zebra"), Node("Ant", bases=("Zebra",))
        after = Schema.of(nodes=[ant, zebra])
        assert changes(EMPTY, after) == [AddNode(zebra), AddNode(ant)]

    def test_a_model_goes_and_its_nodes_stay(self) -> None:
        before = with_elements(person(Property("name")), index("name"))
        assert changes(before, EMPTY) == [
            DropIndex(index("name")),
            RemoveNode("Person", before.nodes["Person"]),
        ]
        (note,) = diff(before, EMPTY).notes
        assert note.subject == "Person"
        assert "op.run_cypher('MATCH (n:Person) DETACH DELETE n')" in note.code

    def test_a_remark_is_one_line_and_safe_whatever_the_label_is(self) -> None:
        before = Schema.of(nodes=[Node("A`) //\n")])
        (note,) = notes(before, EMPTY)
        assert "\n" not in note
        assert r"op.run_cypher('MATCH (n:`A``) //\n`) DETACH DELETE n')" in note

    def test_a_base_gets_a_label(self) -> None:
        before = Schema.of(nodes=[Node("Dog"), Node("Puppy", bases=("Dog",))])
        animal = Node("Animal")
        after = Schema.of(
            nodes=[
                animal,
                Node("Dog", bases=("Animal",)),
                Node("Puppy", bases=("Animal", "Dog")),
            ]
        )
        assert changes(before, after) == [AddNode(animal), AddLabel("Dog", "Animal")]

    def test_a_base_becomes_abstract(self) -> None:
        animal = Node("Animal")
        before = Schema.of(nodes=[animal, Node("Dog", bases=("Animal",))])
        after = Schema.of(nodes=[Node("Dog")])
        assert changes(before, after) == [
            RemoveNode("Animal", animal),
            RemoveLabel("Dog", "Animal"),
        ]

    def test_deleting_nodes_is_not_proposed_while_others_have_the_label(self) -> None:
        before = Schema.of(nodes=[Node("Animal"), Node("Dog", bases=("Animal",))])
        after = Schema.of(nodes=[Node("Dog", bases=("Animal",))])
        (note,) = notes(before, after)
        assert "it is a base of Dog" in note
        assert "DELETE" not in note

    def test_a_class_is_put_in_between(self) -> None:
        before = Schema.of(nodes=[Node("Animal"), Node("Dog", bases=("Animal",))])
        pet = Node("Pet", bases=("Animal",))
        after = Schema.of(
            nodes=[Node("Animal"), pet, Node("Dog", bases=("Animal", "Pet"))]
        )
        assert changes(before, after) == [AddNode(pet), AddLabel("Dog", "Pet")]

    def test_two_classes_change_places(self) -> None:
        before = Schema.of(nodes=[Node("A"), Node("B", bases=("A",))])
        after = Schema.of(nodes=[Node("B"), Node("A", bases=("B",))])
        assert changes(before, after) == [RemoveLabel("B", "A"), AddLabel("A", "B")]

    def test_what_a_model_says_of_its_nodes_changes_at_once(self) -> None:
        before = person(optional_labels=("Vip",), databases=("a",))
        after = person(optional_labels=("Gold",), databases=("b",), open=True, kgid="k")
        assert changes(before, after) == [
            AlterNode(
                "Person",
                (
                    ("databases", ("b",)),
                    ("kgid", "k"),
                    ("open", True),
                    ("optional_labels", ("Gold",)),
                ),
                (
                    ("databases", ("a",)),
                    ("kgid", None),
                    ("open", False),
                    ("optional_labels", ("Vip",)),
                ),
            )
        ]

    def test_an_optional_label_that_goes_is_remarked_on(self) -> None:
        (note,) = notes(person(optional_labels=("Vip",)), person())
        assert "op.run_cypher('MATCH (n:Person:Vip) REMOVE n:Vip')" in note

    def test_a_model_that_is_closed_is_remarked_on(self) -> None:
        (note,) = notes(person(open=True), person())
        assert "stay" in note
        assert notes(person(), person(open=True)) == []


def added(declared: Property, *others: Index | Constraint) -> Any:
    (change,) = [
        c
        for c in changes(person(), with_elements(person(declared), *others))
        if isinstance(c, AddProperty)
    ]
    return change


class TestAddedAndRemovedProperties:
    """Rows 28 to 32."""

    def test_an_optional_property_is_declared(self) -> None:
        declared = Property("age", "INTEGER")
        assert changes(person(), person(declared)) == [
            AddProperty(NODE, "Person", declared)
        ]

    @pytest.mark.parametrize("default", [7, 0, False, "", ()])
    def test_a_static_default_is_filled_in(self, default: Any) -> None:
        assert added(Property("age", "ANY", default=default)).backfill is True

    def test_the_same_default_everywhere_can_not_be_unique(self) -> None:
        declared = Property("age", "INTEGER", default=7)
        assert added(declared, unique("age")).backfill is FILL_IN

    def test_a_required_property_without_a_default_has_to_be_filled_in(self) -> None:
        assert added(Property("age", "INTEGER", required=True)).backfill is FILL_IN

    def test_so_has_one_that_a_constraint_wants(self) -> None:
        existence = Constraint("EXISTENCE", "NODE", "Person", ("age",))
        assert added(Property("age", "INTEGER"), existence).backfill is FILL_IN

    def test_a_new_model_needs_no_backfill(self) -> None:
        after = person(Property("age", "INTEGER", required=True))
        assert changes(EMPTY, after) == [AddNode(after.nodes["Person"])]

    @pytest.mark.parametrize(
        ("type_", "factory", "backfill"),
        [
            ("STRING", model_properties.UNIQUE_ID, "replace(randomUUID(), '-', '')"),
            ("STRING", "uuid.uuid4", "randomUUID()"),
            ("FLOAT", model_properties.NOW, "datetime().epochMillis / 1000.0"),
            ("LOCAL DATETIME", "now", "localdatetime()"),
            ("ZONED DATETIME", "now", "datetime()"),
            ("LOCAL DATETIME | ZONED DATETIME", "now", "datetime()"),
            ("STRING", "now", FILL_IN),
            ("STRING", "app.models.make", FILL_IN),
            ("INTEGER", "uuid4.hex", FILL_IN),
        ],
    )
    def test_a_unique_property_gets_values_of_its_own(
        self, type_: str, factory: str, backfill: object
    ) -> None:
        declared = Property("id", type_, default_factory=factory)
        assert added(declared, unique("id")).backfill == backfill
        assert added(declared).backfill is None

    def test_values_come_before_the_constraint(self) -> None:
        declared = Property("id", "STRING", default_factory="uuid4.hex")
        after = with_elements(person(declared), unique("id"))
        assert [type(change) for change in changes(person(), after)] == [
            AddProperty,
            AddConstraint,
        ]

    def test_a_property_goes_with_its_indexes_first(self) -> None:
        declared = Property("age", "INTEGER")
        before = with_elements(person(declared), index("age"))
        assert changes(before, person()) == [
            DropIndex(index("age")),
            RemoveProperty(NODE, "Person", "age", "archive", declared),
        ]

    def test_what_is_added_may_be_filled_from_what_is_removed(self) -> None:
        first = Property("first", "STRING", required=True)
        name = Property("name", "STRING")
        assert [type(c) for c in changes(person(name), person(first))] == [
            AddProperty,
            RemoveProperty,
        ]


def altered(before: Property, after: Property) -> AlterProperty:
    (change,) = changes(person(before), person(after))
    assert isinstance(change, AlterProperty)
    return change


class TestAlteredProperties:
    """Rows 34 to 43."""

    def test_another_attribute_is_no_difference(self) -> None:
        old, new = Property("age", attribute="age"), Property("age", attribute="years")
        assert changes(person(old), person(new)) == []

    def test_a_type_changes_with_its_indexes_dropped_and_created(self) -> None:
        before = with_elements(
            person(Property("age", "STRING")), index("age"), unique("name")
        )
        after = with_elements(
            person(Property("age", "INTEGER")), index("age"), unique("name")
        )
        assert changes(before, after) == [
            DropIndex(index("age")),
            AlterProperty(
                NODE,
                "Person",
                "age",
                (("type", "INTEGER"),),
                (("type", "STRING"),),
                "toInteger(value)",
                "toString(value)",
            ),
            AddIndex(index("age")),
        ]

    def test_several_fields_change_at_once(self) -> None:
        change = altered(
            Property("age", "STRING", max_length=3),
            Property("age", "INTEGER", required=True),
        )
        assert change.values == (
            ("max_length", None),
            ("required", True),
            ("type", "INTEGER"),
        )
        assert change.existing == (
            ("max_length", 3),
            ("required", False),
            ("type", "STRING"),
        )

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"required": False}, {"required": True}),
            ({"required": True}, {"required": False}),
            ({"choices": ("a", "b")}, {"choices": ("a",)}),
            ({"choices": ("a",)}, {"choices": ("a", "b")}),
            ({"max_length": 20}, {"max_length": 10}),
            ({"pattern": None}, {"pattern": "a+"}),
            ({"default": None}, {"default": "a"}),
        ],
        ids=str,
    )
    def test_what_is_allowed_changes_and_no_value(
        self, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        change = altered(
            Property("name", "STRING", **before), Property("name", "STRING", **after)
        )
        assert change.values == tuple(after.items())
        assert change.existing == tuple(before.items())
        assert change.using is change.reverse_using is None

    def test_another_default_is_remarked_on(self) -> None:
        old, new = Property("age", default=1), Property("age", default=2)
        assert notes(person(old), person(new)) == [
            "the default of Person.age changes from 1 to 2; what has got the old one "
            "keeps it"
        ]

    def test_a_list_that_becomes_a_scalar_is_remarked_on(self) -> None:
        old, new = Property("tags", "LIST<STRING>"), Property("tags", "STRING")
        change = altered(old, new)
        assert (change.using, change.reverse_using) == ("value[0]", "[value]")
        (note,) = notes(person(old), person(new))
        assert "keeps a part" in note

    @pytest.mark.parametrize("field", ["format", "crs"])
    def test_another_form_of_one_type_is_for_a_person_to_convert(
        self, field: str
    ) -> None:
        change = altered(
            Property("at", "POINT", **{field: "a"}),
            Property("at", "POINT", **{field: "b"}),
        )
        assert change.using is change.reverse_using is FILL_IN


KNOWS = Relationship("KNOWS", "City")


class TestRelationships:
    """Rows 44 to 50 and 52."""

    def test_a_relationship_comes(self) -> None:
        assert changes(related(), related(KNOWS)) == [AddRelationship("Person", KNOWS)]

    def test_a_relationship_goes_and_those_in_the_graph_stay(self) -> None:
        assert changes(related(KNOWS), related()) == [
            RemoveRelationship("Person", KNOWS)
        ]
        assert notes(related(KNOWS), related()) == [
            "relationships (Person)-[KNOWS]->(City) stay; to delete them: "
            "op.run_cypher('MATCH (:Person)-[r:KNOWS]->(:City) DELETE r')"
        ]

    def test_one_that_the_other_end_declares_is_not_remarked_on(self) -> None:
        city = Node("City", (), (Relationship("KNOWS", "Person", direction="IN"),))
        person_ = Node("Person", (), (KNOWS,))
        before = Schema.of(nodes=[person_, city])
        after = Schema.of(nodes=[Node("Person"), city])
        assert notes(before, after) == []

    def test_both_ends_turn_round_at_once(self) -> None:
        def schema(here: str, there: str) -> Schema:
            to_city = Relationship("LIVES", "City", direction=here)
            to_person = Relationship("LIVES", "Person", direction=there)
            return Schema.of(
                nodes=[
                    Node("Person", (), (to_city,)),
                    Node("Boss", (), (to_city,), bases=("Person",)),
                    Node("City", (), (to_person,)),
                ]
            )

        (change,) = changes(schema("OUT", "IN"), schema("IN", "OUT"))
        assert change == ReverseRelationships("Person", "LIVES", "City")

    def test_one_end_alone_is_enough(self) -> None:
        incoming = replace(KNOWS, direction=Direction.IN)
        assert changes(related(KNOWS), related(incoming)) == [
            ReverseRelationships("Person", "KNOWS", "City")
        ]
        assert changes(related(incoming), related(KNOWS)) == [
            ReverseRelationships("City", "KNOWS", "Person")
        ]

    def test_ends_that_disagree_turn_nothing_round(self) -> None:
        city = Node("City", (), (Relationship("KNOWS", "Person", direction="IN"),))
        incoming = replace(KNOWS, direction=Direction.IN)
        before = Schema.of(nodes=[Node("Person", (), (KNOWS,)), city])
        after = Schema.of(nodes=[Node("Person", (), (incoming,)), city])
        assert changes(before, after) == [
            RemoveRelationship("Person", KNOWS),
            AddRelationship("Person", incoming),
        ]

    @pytest.mark.parametrize("gone", [0, 1])
    def test_one_of_both_ends_to_its_own_kind_goes(self, gone: int) -> None:
        ends = (
            Relationship("CITES", "Doc", attribute="cites"),
            Relationship("CITES", "Doc", direction="IN", attribute="cited_by"),
        )
        before = Schema.of(nodes=[Node("Doc", (), ends)])
        after = Schema.of(nodes=[Node("Doc", (), (ends[1 - gone],))])
        assert changes(before, after) == [RemoveRelationship("Doc", ends[gone])]
        assert changes(after, before) == [AddRelationship("Doc", ends[gone])]

    def test_a_relationship_to_its_own_kind_turns_round(self) -> None:
        cites = Relationship("CITES", "Doc")
        turned = replace(cites, direction=Direction.IN)
        before = Schema.of(nodes=[Node("Doc", (), (cites,))])
        after = Schema.of(nodes=[Node("Doc", (), (turned,))])
        assert changes(before, after) == [ReverseRelationships("Doc", "CITES", "Doc")]

    @pytest.mark.parametrize("bases", [(), ("Doc",)])
    def test_a_direction_that_the_other_end_had_before_is_not_new(
        self, bases: tuple[str, ...]
    ) -> None:
        cites = Relationship("CITES", "Book")
        turned = replace(cites, direction=Direction.IN)
        own = (cites,) if bases else ()
        book = Node("Book", (), (*own, Relationship("CITES", "Doc")), bases=bases)
        kept = replace(book, relationships=(Relationship("CITES", "Doc"),))
        kept = kept.with_relationship(turned) if bases else kept
        found = changes(
            Schema.of(nodes=[Node("Doc", (), (cites,)), book]),
            Schema.of(nodes=[Node("Doc", (), (turned,)), kept]),
        )
        assert not any(isinstance(c, ReverseRelationships) for c in found)

    @pytest.mark.parametrize("before", [True, False])
    def test_what_is_declared_without_a_direction_turns_nothing_round(
        self, before: bool
    ) -> None:
        book = Node("Book", (), (Relationship("CITES", "Doc", direction="ANY"),))
        cites = Relationship("CITES", "Book")
        old = Schema.of(nodes=[Node("Doc", (), (cites,)), book])
        turned = replace(cites, direction=Direction.IN)
        new = Schema.of(nodes=[Node("Doc", (), (turned,)), book])
        none = Schema.of(nodes=[*old.nodes.values(), Node("Book")])
        found = changes(old if before else none, new)
        assert not any(isinstance(c, ReverseRelationships) for c in found)

    def test_a_direction_that_a_subclass_keeps_is_not_turned_round(self) -> None:
        cites = Relationship("CITES", "Book")
        turned = replace(cites, direction=Direction.IN)
        report = Node("Report", (), (cites,), bases=("Doc",))
        found = changes(
            Schema.of(nodes=[Node("Doc", (), (cites,)), Node("Book"), report]),
            Schema.of(
                nodes=[
                    Node("Doc", (), (turned,)),
                    Node("Book"),
                    report.with_relationship(turned),
                ]
            ),
        )
        assert not any(isinstance(c, ReverseRelationships) for c in found)

    def test_an_attribute_that_stays_is_no_other_ones_successor(self) -> None:
        home = Relationship("KNOWS", "City", attribute="home")
        liked = Relationship("LIKES", "City", attribute="home")
        work = Relationship("KNOWS", "Town", attribute="work")
        other = Relationship("LIKES", "Town")
        assert changes(related(home, other), related(liked, work, other)) == [
            RemoveRelationship("Person", home),
            AddRelationship("Person", work),
            AddRelationship("Person", liked),
        ]

    def test_a_direction_is_given_up(self) -> None:
        undirected = replace(KNOWS, direction=Direction.ANY)
        assert changes(related(KNOWS), related(undirected)) == [
            AlterRelationship("Person", KNOWS, (("direction", Direction.ANY),))
        ]

    def test_another_target(self) -> None:
        town = replace(KNOWS, target="Town")
        assert changes(related(KNOWS), related(town)) == [
            AlterRelationship("Person", KNOWS, (("target", "Town"),))
        ]

    def test_the_attribute_tells_which_target_became_which(self) -> None:
        home, work = (
            replace(KNOWS, attribute="home"),
            Relationship("KNOWS", "Town", attribute="work"),
        )
        at_work = Relationship("KNOWS", "Person", attribute="work")
        at_home = Relationship("KNOWS", "Shop", attribute="home")
        assert changes(related(home, work), related(at_work, at_home)) == [
            AlterRelationship("Person", home, (("target", "Shop"),)),
            AlterRelationship("Person", work, (("target", "Person"),)),
        ]

    def test_targets_that_can_not_be_told_apart_go_and_come(self) -> None:
        town, shop = replace(KNOWS, target="Town"), replace(KNOWS, target="Shop")
        assert changes(related(KNOWS), related(town, shop)) == [
            RemoveRelationship("Person", KNOWS),
            AddRelationship("Person", shop),
            AddRelationship("Person", town),
        ]

    def test_cardinality_and_exclusion_group_change_at_once(self) -> None:
        one = replace(KNOWS, cardinality="One", exclusion_group="g")
        assert changes(related(KNOWS), related(one)) == [
            AlterRelationship(
                "Person", KNOWS, (("cardinality", "One"), ("exclusion_group", "g"))
            )
        ]

    def test_another_type_that_was_there_before_is_no_rename(self) -> None:
        old = Relationship("KNOWS", "City", attribute="city")
        new = Relationship("LIKES", "City", attribute="city")
        other = Relationship("LIKES", "Town")
        assert changes(related(old, other), related(new, other)) == [
            RemoveRelationship("Person", old),
            AddRelationship("Person", new),
        ]
        (note,) = notes(related(old, other), related(new, other))
        assert "Person.city is no rename" in note


class TestRelationshipTypes:
    """Row 51."""

    def test_a_type_comes_and_goes(self) -> None:
        declared = RelationshipType("KNOWS", (Property("since", "INTEGER"),))
        schema = Schema.of(relationship_types=[declared])
        assert changes(EMPTY, schema) == [AddRelationshipType(declared)]
        assert changes(schema, EMPTY) == [RemoveRelationshipType("KNOWS", declared)]

    def test_a_model_for_a_type_in_use_fills_its_properties_in(self) -> None:
        since = Property("since", "INTEGER", default=2000)
        note = Property("note", "STRING")
        before = replace(typed(), relationship_types={})
        assert changes(before, typed(since, note)) == [
            AddRelationshipType(RelationshipType("KNOWS", (note,))),
            AddProperty(RELATIONSHIP, "KNOWS", since, True),
        ]

    def test_its_properties_change_like_those_of_nodes(self) -> None:
        weight = Property("weight", "FLOAT", default=1.0)
        found = changes(
            typed(Property("since", "STRING"), Property("old", "STRING")),
            typed(Property("since", "INTEGER"), weight),
        )
        assert found == [
            AddProperty(RELATIONSHIP, "KNOWS", weight, True),
            AlterProperty(
                RELATIONSHIP,
                "KNOWS",
                "since",
                (("type", "INTEGER"),),
                (("type", "STRING"),),
                "toInteger(value)",
                "toString(value)",
            ),
            RemoveProperty(
                RELATIONSHIP, "KNOWS", "old", "archive", Property("old", "STRING")
            ),
        ]

    def test_its_kgid_changes(self) -> None:
        assert changes(typed(), typed(kgid="k")) == [
            AlterRelationshipType("KNOWS", (("kgid", "k"),), (("kgid", None),))
        ]

    def test_an_index_on_a_converted_property_is_created_again(self) -> None:
        since = index("since", entity=RELATIONSHIP, labels=("KNOWS",))
        before = with_elements(typed(Property("since", "STRING")), since)
        after = with_elements(typed(Property("since", "INTEGER")), since)
        assert [type(change) for change in changes(before, after)] == [
            DropIndex,
            AlterProperty,
            AddIndex,
        ]


def test_nothing_differs_between_equal_schemas() -> None:
    schema = with_elements(typed(Property("since")), *ALL_KINDS)
    found = diff(schema, schema)
    assert not found
    assert found.changes == found.notes == ()


def test_renames_that_do_not_fit_are_left_out() -> None:
    renames = Renames(
        {"Nobody": "Person", "Person": "Gone"},
        {"KNOWS": "HATES"},
        {(NODE, "Person"): {"age": "years"}, (NODE, "Gone"): {"a": "b"}},
    )
    assert changes(typed(), typed(), renames=renames) == []
