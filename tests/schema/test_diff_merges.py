"""Which renames are refused and why, and types that become one."""

from __future__ import annotations

import functools

import pytest

from alembic_neo4j.schema.changes import RenameRelationshipType
from alembic_neo4j.schema.definitions import (
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.diff import (
    Candidate,
    Refusal,
    Renames,
    accepted,
    candidates,
    certain_renames,
    diff,
    likely_candidates,
    refused_renames,
)

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
AGE = Property("age", "INTEGER")


def owning(
    *types: str,
    attributes: tuple[str, ...] = ("has", "has"),
    bases: tuple[str, ...] = (),
    declared: tuple[Property, ...] = (),
) -> Schema:
    """Two labels that have a relationship to Thing, each of its own type."""
    first, second = (
        Relationship(type_, "Thing", attribute=attribute)
        for type_, attribute in zip(types, attributes, strict=True)
    )
    own = (second, first) if bases else (second,)
    thing = Node(
        "Thing", (), (Relationship(types[1], "B", direction="IN", attribute="owner"),)
    )
    return Schema.of(
        nodes=[Node("A", (), (first,)), Node("B", (), own, bases=bases), thing],
        relationship_types=[RelationshipType(t, declared) for t in set(types)]
        if declared
        else [],
        indexes=[
            Index("RANGE", "RELATIONSHIP", (t,), (p.name,))
            for t in set(types)
            for p in declared
        ],
    )


def there_and_back(before: Schema, after: Schema, renames: Renames) -> list:
    found = diff(before, after, renames=renames).changes
    reached = functools.reduce(lambda s, change: change.apply(s), found, before)
    assert reached == after
    undone = [change.reverse() for change in reversed(found)]
    assert functools.reduce(lambda s, change: change.apply(s), undone, after) == before
    return [c for c in found if isinstance(c, RenameRelationshipType)]


def why(before: Schema, after: Schema, renames: Renames) -> list[str]:
    refusals = refused_renames(before, after, renames)
    assert refusals == diff(before, after, renames=renames).refusals
    return [refusal.why for refusal in refusals]


class TestTypesThatBecomeOne:
    together = Renames(types={"HAS_A": "HAS", "HAS_B": "HAS"})

    @pytest.mark.parametrize("declared", [(), (AGE,)])
    def test_each_moves_from_where_it_begins(
        self, declared: tuple[Property, ...]
    ) -> None:
        before = owning("HAS_A", "HAS_B", declared=declared)
        after = owning("HAS", "HAS", declared=declared)
        assert certain_renames(before, after) == self.together
        assert there_and_back(before, after, self.together) == [
            RenameRelationshipType("HAS_A", "HAS", source_labels=("A",)),
            RenameRelationshipType("HAS_B", "HAS", source_labels=("B",)),
        ]

    def test_one_may_join_another_that_stays(self) -> None:
        before, after = owning("HAS", "HAS_B"), owning("HAS", "HAS")
        told = Renames(types={"HAS_B": "HAS"})
        assert certain_renames(before, after) == Renames()
        assert there_and_back(before, after, told) == [
            RenameRelationshipType("HAS_B", "HAS", source_labels=("B",))
        ]

    def test_not_where_both_begin_at_the_same_nodes(self) -> None:
        before = owning("HAS_A", "HAS_B", bases=("A",))
        after = owning("HAS", "HAS", bases=("A",))
        assert certain_renames(before, after) == Renames()
        assert there_and_back(before, after, self.together) == []
        (text, _) = why(before, after, self.together)
        assert text.startswith("both HAS_A and HAS_B begin at A")

    def test_not_where_a_model_of_both_is_new(self) -> None:
        after = owning("HAS", "HAS")
        both = Node("Both", (), after.nodes["A"].relationships, bases=("A", "B"))
        after = Schema.of(nodes=[*after.nodes.values(), both])
        before = owning("HAS_A", "HAS_B")
        assert there_and_back(before, after, self.together) == []

    def test_not_where_they_declare_different_properties(self) -> None:
        before = owning("HAS_A", "HAS_B")
        typed = RelationshipType("HAS_A", (AGE,))
        before = Schema.of(nodes=before.nodes.values(), relationship_types=[typed])
        after = owning("HAS", "HAS", declared=(AGE,))
        assert there_and_back(before, after, self.together) == []
        (text, _) = why(before, after, self.together)
        assert text == "HAS_A, HAS_B declare different properties"

    def test_not_where_the_beginning_is_not_known(self) -> None:
        raw = Relationship("HAS_A", "?app.Gone", direction="IN")
        new = Relationship("HAS", "?app.Gone", direction="IN")
        before = owning("HAS_A", "HAS_B").nodes
        after = owning("HAS", "HAS").nodes
        told = there_and_back(
            Schema.of(nodes=[*before.values(), Node("C", (), (raw,))]),
            Schema.of(nodes=[*after.values(), Node("C", (), (new,))]),
            self.together,
        )
        assert told == []


class TestRefusals:
    def test_two_labels_into_one(self) -> None:
        before = Schema.of(nodes=[Node("A"), Node("B")])
        after = Schema.of(nodes=[Node("C")])
        found = refused_renames(before, after, Renames({"A": "C", "B": "C"}))
        assert [(r.entity, r.owner, r.old, r.new) for r in found] == [
            (NODE, None, "A", "C"),
            (NODE, None, "B", "C"),
        ]
        assert "B is to be called so too" in found[0].why

    def test_a_label_that_only_a_relationship_mentions(self) -> None:
        before = Schema.of(nodes=[Node("A", (AGE,), (Relationship("R", "B"),))])
        after = Schema.of(nodes=[Node("B", (AGE,), (Relationship("R", "B"),))])
        assert why(before, after, Renames({"A": "B"})) == [
            "B is in use already, and a downgrade could not tell their nodes apart"
        ]
        assert likely_candidates(before, after, Renames()) == ()

    @pytest.mark.parametrize("entity", EntityType)
    def test_two_properties_into_one(self, entity: EntityType) -> None:
        def schema(*names: str) -> Schema:
            properties = tuple(Property(name, "STRING") for name in names)
            if entity is EntityType.NODE:
                return Schema.of(nodes=[Node("A", properties)])
            return Schema.of(relationship_types=[RelationshipType("A", properties)])

        told = Renames(properties={(entity, "A"): {"x": "z", "y": "z"}})
        found = refused_renames(schema("x", "y"), schema("z"), told)
        assert [(r.entity, r.owner, r.old, r.new) for r in found] == [
            (entity, "A", "x", "z"),
            (entity, "A", "y", "z"),
        ]
        into = Renames(properties={(entity, "A"): {"x": "y"}})
        (text,) = why(schema("x", "y"), schema("y"), into)
        assert text.startswith("y is in use already")

    def test_a_type_that_another_label_keeps(self) -> None:
        before, after = owning("HAS", "HAS"), owning("OWNS", "HAS")
        (refusal,) = refused_renames(before, after, Renames(types={"HAS": "OWNS"}))
        assert str(refusal) == (
            "HAS is not renamed to OWNS: B, Thing still has HAS, so which "
            "relationships move is for a person to write"
        )

    def test_a_property_that_a_subclass_keeps_is_not_offered(self) -> None:
        name, full = Property("name", "STRING"), Property("full_name", "STRING")
        before = Schema.of(nodes=[Node("A", (name,)), Node("B", (name,), bases=("A",))])
        after = Schema.of(
            nodes=[Node("A", (full,)), Node("B", (name, full), bases=("A",))]
        )
        assert candidates(before, after, Renames())
        assert likely_candidates(before, after, Renames()) == ()


class TestOffers:
    def test_what_is_offered_can_be_followed_together(self) -> None:
        before = owning("HAS_A", "HAS_B", attributes=("a", "b"))
        after = owning("HAS", "HAS", attributes=("c", "d"))
        found = likely_candidates(before, after, Renames())
        assert [(c.owner, c.old, c.new) for c in found] == [
            ("A", "HAS_A", "HAS"),
            ("B", "HAS_B", "HAS"),
        ]
        told = functools.reduce(accepted, found, Renames())
        assert refused_renames(before, after, told) == ()

    def test_a_name_is_offered_once_and_only_for_what_is_likely(self) -> None:
        def schema(*names: str) -> Schema:
            properties = tuple(Property(name, "STRING") for name in names)
            return Schema.of(nodes=[Node("A", properties)])

        before = schema("first_name", "phone", "street", "zip")
        after = schema("given_first_name", "telephone", "remark", "size")
        found = likely_candidates(before, after, Renames())
        assert {(c.old, c.new) for c in found} == {
            ("first_name", "given_first_name"),
            ("phone", "telephone"),
        }
        assert len(candidates(before, after, Renames())) == 16
        asked = [(c.old, c.new) for c in candidates(before, after, Renames())]
        assert set(asked[:2]) == {(c.old, c.new) for c in found}

    def test_what_is_told_of_a_base_is_not_asked_below(self) -> None:
        def schema(name: str) -> Schema:
            declared = (Property(name, "STRING"),)
            return Schema.of(
                nodes=[
                    Node("Party", declared),
                    *(
                        Node(x, declared, bases=("Party",))
                        for x in ("Customer", "Shop")
                    ),
                ]
            )

        before, after = schema("name"), schema("full_name")
        (found,) = candidates(before, after, Renames())
        assert found.owners == ("Party",)
        assert candidates(before, after, accepted(Renames(), found)) == ()

    def test_one_that_a_base_without_a_label_gives_is_asked_about_once(self) -> None:
        before = Schema.of(nodes=[Node("A", (AGE,)), Node("B", (AGE,))])
        years = Property("years", "INTEGER")
        after = Schema.of(nodes=[Node("A", (years,)), Node("B", (years,))])
        (found,) = candidates(before, after, Renames())
        assert found == Candidate(
            *("property", NODE, "A", "age", "years", "same type INTEGER"), ("B",)
        )
        assert accepted(Renames(), found).properties == {
            (NODE, "A"): {"age": "years"},
            (NODE, "B"): {"age": "years"},
        }

    def test_two_types_with_an_identity_each_are_no_candidate(self) -> None:
        def schema(type_: str) -> Schema:
            return Schema.of(
                nodes=[Node("A", (), (Relationship(type_, "A", attribute=type_),))],
                relationship_types=[RelationshipType(type_, kgid=type_)],
            )

        assert candidates(schema("KNOWS"), schema("KNOWN"), Renames()) == ()


def test_a_refusal_names_the_owner_of_a_property() -> None:
    refusal = Refusal(NODE, "A", "x", "y", "of something")
    assert str(refusal) == "A.x is not renamed to y: of something"
