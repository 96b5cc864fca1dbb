"""Which renames are certain, which are asked about, and what they become."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings

from alembic_neo4j.schema.changes import (
    AddIndex,
    AddNode,
    AddProperty,
    AlterProperty,
    AlterRelationship,
    Change,
    DropIndex,
    RemoveNode,
    RemoveProperty,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
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
    Renames,
    candidates,
    certain_renames,
    diff,
)

from .strategies import schemas

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
AGE = Property("age", "INTEGER")
YEARS = Property("years", "INTEGER")


def schema(*nodes: Node, elements: tuple[Index | Constraint, ...] = ()) -> Schema:
    return Schema.of(
        nodes=nodes,
        indexes=[e for e in elements if isinstance(e, Index)],
        constraints=[e for e in elements if isinstance(e, Constraint)],
    )


def on(label: str, name: str) -> Index:
    return Index("RANGE", "NODE", (label,), (name,))


def changes(before: Schema, after: Schema, renames: Renames) -> list[Change]:
    """The changes, having led there and back."""
    found = diff(before, after, renames=renames).changes
    reached = functools.reduce(lambda s, change: change.apply(s), found, before)
    assert reached == after
    undone = [change.reverse() for change in reversed(found)]
    assert functools.reduce(lambda s, change: change.apply(s), undone, after) == before
    return list(found)


class TestCertainLabels:
    def test_a_kgid_that_moved_is_a_rename(self) -> None:
        before, after = schema(Node("A", kgid="k")), schema(Node("B", kgid="k"))
        assert certain_renames(before, after) == Renames(labels={"A": "B"})

    def test_no_kgid_is_no_rename(self) -> None:
        assert certain_renames(schema(Node("A")), schema(Node("B"))) == Renames()

    def test_a_kgid_on_two_labels_tells_nothing(self) -> None:
        before = schema(Node("A", kgid="k"), Node("C", kgid="k"))
        assert certain_renames(before, schema(Node("B", kgid="k"))) == Renames()

    def test_what_is_given_wins(self) -> None:
        before = schema(Node("A", kgid="k"), Node("C"))
        after = schema(Node("B", kgid="k"))
        given_ = Renames(labels={"C": "B"})
        assert certain_renames(before, after, given=given_) == given_

    def test_a_kgid_that_went_to_what_was_there_before_is_no_rename(self) -> None:
        before = schema(Node("A", kgid="k"), Node("B"), Node("C", kgid="c"))
        after = schema(Node("B", kgid="k"), Node("A", kgid="c"))
        assert certain_renames(before, after) == Renames()
        _, note = diff(before, schema(Node("B", kgid="k"))).notes
        assert "B has the __kgid__ of A and was there before" in note.text
        assert note.code == "op.run_cypher('MATCH (n:A) SET n:B')"

    def test_a_type_with_a_kgid_too(self) -> None:
        before = Schema.of(relationship_types=[RelationshipType("A", kgid="k")])
        after = Schema.of(relationship_types=[RelationshipType("B", kgid="k")])
        assert certain_renames(before, after) == Renames(types={"A": "B"})


class TestCertainProperties:
    def test_an_attribute_with_another_name_in_the_graph(self) -> None:
        before = schema(Node("A", (Property("age", attribute="years"),)))
        after = schema(Node("A", (Property("y", attribute="years"),)))
        assert certain_renames(before, after) == Renames(
            properties={(NODE, "A"): {"age": "y"}}
        )

    def test_the_owner_goes_by_the_name_it_gets(self) -> None:
        before = schema(Node("A", (Property("age"),), kgid="k"))
        after = schema(Node("B", (Property("y", attribute="age"),), kgid="k"))
        assert certain_renames(before, after) == Renames(
            {"A": "B"}, {}, {(NODE, "B"): {"age": "y"}}
        )

    def test_names_that_stay_are_not_renamed(self) -> None:
        before = schema(Node("A", (Property("a"), Property("b"))))
        after = schema(
            Node("A", (Property("b", attribute="a"), Property("a", attribute="b")))
        )
        assert certain_renames(before, after) == Renames()

    def test_on_a_relationship_type(self) -> None:
        old = RelationshipType("T", (Property("age", attribute="years"),))
        new = RelationshipType("T", (Property("y", attribute="years"),))
        before = Schema.of(relationship_types=[old])
        after = Schema.of(relationship_types=[new])
        assert certain_renames(before, after) == Renames(
            properties={(RELATIONSHIP, "T"): {"age": "y"}}
        )

    def test_a_subclass_that_keeps_the_name_keeps_its_values(self) -> None:
        name = Property("name", attribute="name")
        full = Property("full_name", attribute="name")
        before = schema(Node("A", (name,)), Node("Sub", (name,), bases=("A",)))
        after = schema(Node("A", (full,)), Node("Sub", (name,), bases=("A",)))
        renames = certain_renames(before, after)
        found = changes(before, after, renames)
        assert not any(isinstance(change, RenameProperty) for change in found)
        assert {c.values for c in found if isinstance(c, RemoveProperty)} == {"keep"}
        (note, *_) = diff(before, after, renames=renames).notes
        assert "A.name is not renamed to full_name: Sub keeps name" in note.text


class TestCertainTypes:
    old = Relationship("KNOWS", "A", attribute="friends")
    new = Relationship("LIKES", "A", attribute="friends")

    def test_an_attribute_with_another_type(self) -> None:
        before, after = (
            schema(Node("A", (), (self.old,))),
            schema(Node("A", (), (self.new,))),
        )
        assert certain_renames(before, after) == Renames(types={"KNOWS": "LIKES"})

    def test_a_type_that_is_used_elsewhere_stays(self) -> None:
        other = Node("B", (), (Relationship("KNOWS", "B"),))
        before = schema(Node("A", (), (self.old,)), other)
        after = schema(Node("A", (), (self.new,)), other)
        assert certain_renames(before, after) == Renames()

    def test_a_kgid_on_a_type_that_was_there_before_or_stays_is_no_rename(
        self,
    ) -> None:
        typed = RelationshipType("KNOWS", kgid="k")
        moved = RelationshipType("LIKES", kgid="k")
        only_old = Schema.of(
            nodes=[Node("A", (), (self.old,))], relationship_types=[typed]
        )
        both = (self.old, replace(self.new, attribute="liked"))
        stays = Schema.of(nodes=[Node("A", (), both)], relationship_types=[moved])
        assert certain_renames(only_old, stays) == Renames()
        there = Schema.of(nodes=[Node("A", (), both)], relationship_types=[typed])
        after = Schema.of(nodes=[Node("A", (), both[1:])], relationship_types=[moved])
        assert certain_renames(there, after) == Renames()

    def test_a_type_that_splits_is_no_rename(self) -> None:
        hates = Relationship("HATES", "A", attribute="friends")
        before = schema(Node("A", (), (self.old,)), Node("B", (), (self.old,)))
        after = schema(Node("A", (), (self.new,)), Node("B", (), (hates,)))
        assert certain_renames(before, after) == Renames()


class TestRenamedLabels:
    def test_indexes_and_mentions_move_with_it(self) -> None:
        before = schema(
            Node("A", (AGE,), (Relationship("KNOWS", "A"),)),
            Node("Sub", (AGE,), (Relationship("KNOWS", "A"),), bases=("A",)),
            elements=(on("A", "age"), Constraint("UNIQUE", "NODE", "A", ("age", "b"))),
        )
        after = schema(
            Node("B", (AGE,), (Relationship("KNOWS", "B"),)),
            Node("Sub", (AGE,), (Relationship("KNOWS", "B"),), bases=("B",)),
            elements=(on("B", "age"), Constraint("UNIQUE", "NODE", "B", ("age", "b"))),
        )
        found = changes(before, after, Renames({"A": "B"}))
        assert found == [RenameLabel("A", "B")]

    def test_what_is_dropped_goes_under_its_old_name(self) -> None:
        before = schema(Node("A", (AGE,)), elements=(on("A", "age"),))
        after = schema(Node("B", (YEARS,)), elements=(on("B", "years"),))
        assert changes(before, after, Renames({"A": "B"})) == [
            DropIndex(on("A", "age")),
            RenameLabel("A", "B"),
            AddProperty(NODE, "B", YEARS),
            RemoveProperty(NODE, "B", "age", "archive", AGE),
            AddIndex(on("B", "years")),
        ]

    def test_a_chain_begins_at_its_end(self) -> None:
        before = schema(Node("A", kgid="1"), Node("B", kgid="2"))
        after = schema(Node("B", kgid="1"), Node("C", kgid="2"))
        renames = certain_renames(before, after)
        assert changes(before, after, renames) == [
            RenameLabel("B", "C"),
            RenameLabel("A", "B"),
        ]

    def test_labels_that_change_places_take_a_detour(self) -> None:
        elements = (on("A", "x"), on("B", "y"))
        before = schema(Node("A", kgid="1"), Node("B", kgid="2"), elements=elements)
        after = schema(
            Node("B", kgid="1"),
            Node("A", kgid="2"),
            elements=(on("B", "x"), on("A", "y")),
        )
        assert changes(before, after, certain_renames(before, after)) == [
            RenameLabel("A", "A_renamed"),
            RenameLabel("B", "A"),
            RenameLabel("A_renamed", "B"),
        ]

    def test_the_old_name_may_be_taken_by_a_new_model(self) -> None:
        before = schema(Node("A", kgid="k"))
        after = schema(Node("B", kgid="k"), Node("A"))
        assert changes(before, after, certain_renames(before, after)) == [
            RenameLabel("A", "B"),
            AddNode(Node("A")),
        ]

    def test_two_labels_are_not_brought_together(self) -> None:
        before, after = schema(Node("A"), Node("B")), schema(Node("B"))
        renames = Renames({"A": "B"})
        assert changes(before, after, renames) == [RemoveNode("A", Node("A"))]
        notes = [n.text for n in diff(before, after, renames=renames).notes]
        assert any("A is not renamed to B" in note for note in notes)

    def test_an_index_in_the_way_is_dropped_and_created(self) -> None:
        # On the way back it would become an index on the old label.
        before = schema(Node("A"), elements=(on("B", "age"),))
        after = schema(Node("B"), elements=(on("B", "age"),))
        assert changes(before, after, Renames({"A": "B"})) == [
            DropIndex(on("B", "age")),
            RenameLabel("A", "B"),
            AddIndex(on("B", "age")),
        ]

    def test_a_fulltext_index_moves_by_the_label_that_is_renamed(self) -> None:
        both = Index("FULLTEXT", "NODE", ("A", "C"), ("text",))
        moved = Index("FULLTEXT", "NODE", ("B", "C"), ("text",))
        before = schema(Node("A"), Node("C"), elements=(both,))
        after = schema(Node("B"), Node("C"), elements=(moved,))
        assert changes(before, after, Renames({"A": "B"})) == [RenameLabel("A", "B")]


class TestRenamedProperties:
    def rename(self, owner: str = "A") -> Renames:
        return Renames(properties={(NODE, owner): {"age": "years"}})

    def test_indexes_move_with_it(self) -> None:
        before = schema(Node("A", (AGE,)), elements=(on("A", "age"),))
        after = schema(Node("A", (YEARS,)), elements=(on("A", "years"),))
        assert changes(before, after, self.rename()) == [
            RenameProperty(NODE, "A", "age", "years")
        ]

    def test_subclasses_and_their_indexes_follow(self) -> None:
        before = schema(
            Node("A", (AGE,)),
            Node("Sub", (AGE,), bases=("A",)),
            elements=(on("A", "age"), on("Sub", "age")),
        )
        after = schema(
            Node("A", (YEARS,)),
            Node("Sub", (YEARS,), bases=("A",)),
            elements=(on("A", "years"), on("Sub", "years")),
        )
        renames = Renames(
            properties={
                (NODE, "A"): {"age": "years"},
                (NODE, "Sub"): {"age": "years"},
            }
        )
        assert changes(before, after, renames) == [
            RenameProperty(NODE, "A", "age", "years")
        ]

    def test_with_another_type_it_is_converted_under_its_new_name(self) -> None:
        text = replace(YEARS, type="STRING")
        before, after = schema(Node("A", (AGE,))), schema(Node("A", (text,)))
        assert changes(before, after, self.rename()) == [
            RenameProperty(NODE, "A", "age", "years"),
            AlterProperty(
                NODE,
                "A",
                "years",
                (("type", "STRING"),),
                (("type", "INTEGER"),),
                "toString(value)",
                "toInteger(value)",
            ),
        ]

    def test_names_that_change_places_take_a_detour(self) -> None:
        text = Property("years", "STRING")
        before = schema(Node("A", (AGE, text)))
        after = schema(
            Node("A", (replace(AGE, name="years"), replace(text, name="age")))
        )
        pairs = {"age": "years", "years": "age"}
        assert changes(before, after, Renames(properties={(NODE, "A"): pairs})) == [
            RenameProperty(NODE, "A", "age", "age_renamed"),
            RenameProperty(NODE, "A", "years", "age", attribute="years"),
            RenameProperty(NODE, "A", "age_renamed", "years", attribute="age"),
        ]

    def test_a_name_that_a_subclass_has_already_is_not_taken(self) -> None:
        before = schema(Node("A", (AGE,)), Node("Sub", (AGE, YEARS), bases=("A",)))
        after = schema(Node("A", (YEARS,)), Node("Sub", (YEARS,), bases=("A",)))
        found = changes(before, after, self.rename())
        assert not any(isinstance(change, RenameProperty) for change in found)
        notes = diff(before, after, renames=self.rename()).notes
        assert any("A.age is not renamed to years" in note.text for note in notes)

    def test_a_composite_index_on_both_names_is_made_anew(self) -> None:
        both = Index("RANGE", "NODE", ("A",), ("age", "years"))
        before = schema(Node("A", (AGE,)), elements=(both,))
        after = schema(Node("A", (YEARS,)), elements=(both,))
        assert changes(before, after, self.rename()) == [
            DropIndex(both),
            RenameProperty(NODE, "A", "age", "years"),
            AddIndex(both),
        ]

    def test_on_a_relationship_type(self) -> None:
        index = Index("RANGE", "RELATIONSHIP", ("T",), ("age",))
        before = Schema.of(
            relationship_types=[RelationshipType("T", (AGE,))], indexes=[index]
        )
        after = Schema.of(
            relationship_types=[RelationshipType("T", (YEARS,))],
            indexes=[replace(index, properties=("years",), name="")],
        )
        renames = Renames(properties={(RELATIONSHIP, "T"): {"age": "years"}})
        assert changes(before, after, renames) == [
            RenameProperty(RELATIONSHIP, "T", "age", "years")
        ]


class TestRenamedTypes:
    def test_declarations_and_indexes_move_with_it(self) -> None:
        def knows(type_: str) -> Schema:
            return Schema.of(
                nodes=[
                    Node("A", (), (Relationship(type_, "B"),)),
                    Node("B", (), (Relationship(type_, "A", direction="IN"),)),
                ],
                relationship_types=[RelationshipType(type_, (AGE,))],
                indexes=[Index("RANGE", "RELATIONSHIP", (type_,), ("age",))],
            )

        before, after = knows("KNOWS"), knows("LIKES")
        assert changes(before, after, Renames(types={"KNOWS": "LIKES"})) == [
            RenameRelationshipType("KNOWS", "LIKES")
        ]

    def test_with_another_target(self) -> None:
        old = Relationship("KNOWS", "A")
        before = schema(Node("A", (), (old,)), Node("B"))
        after = schema(Node("A", (), (Relationship("LIKES", "B"),)), Node("B"))
        assert changes(before, after, Renames(types={"KNOWS": "LIKES"})) == [
            RenameRelationshipType("KNOWS", "LIKES"),
            AlterRelationship("A", replace(old, type="LIKES"), (("target", "B"),)),
        ]

    def test_a_type_that_stays_in_use_is_not_renamed(self) -> None:
        knows, likes = Relationship("KNOWS", "A"), Relationship("LIKES", "A")
        before = schema(Node("A", (), (knows,)), Node("B", (), (knows,)))
        after = schema(Node("A", (), (likes,)), Node("B", (), (knows,)))
        renames = Renames(types={"KNOWS": "LIKES"})
        found = changes(before, after, renames)
        assert not any(isinstance(c, RenameRelationshipType) for c in found)
        notes = diff(before, after, renames=renames).notes
        assert any("KNOWS is not renamed to LIKES" in note.text for note in notes)


class TestCandidates:
    def test_a_label_with_most_properties_alike(self) -> None:
        shared = tuple(Property(f"p{i}", "STRING") for i in range(7))
        before = schema(Node("Person", (*shared, AGE)))
        after = schema(Node("Human", (*shared, YEARS)))
        assert candidates(before, after, Renames()) == (
            Candidate("label", NODE, "", "Person", "Human", "7 of 8 properties alike"),
        )

    def test_the_likelier_label_comes_first(self) -> None:
        before = schema(Node("Person", (AGE, YEARS)))
        after = schema(Node("Place", (AGE,)), Node("Persons", (AGE, YEARS)))
        found = candidates(before, after, Renames())
        assert [(c.new, c.why) for c in found] == [
            ("Persons", "the same properties"),
            ("Place", "1 of 2 properties alike"),
        ]

    def test_a_label_with_little_in_common_is_none(self) -> None:
        name = Property("name", "STRING")
        before = schema(Node("Person", (AGE, YEARS, name)))
        assert candidates(before, schema(Node("Human", (AGE,))), Renames()) == ()

    @pytest.mark.parametrize("labels", [{"Person": "Human"}, {"Dog": "Human"}])
    def test_what_is_decided_is_not_asked_about(
        self, labels: Mapping[str, str]
    ) -> None:
        before = schema(Node("Person", (AGE,)), Node("Dog", (YEARS,)))
        after = schema(Node("Human", (AGE,)))
        assert not [
            c for c in candidates(before, after, Renames(labels)) if c.kind == "label"
        ]

    def test_a_property_of_the_same_type_with_the_same_index(self) -> None:
        before = schema(Node("A", (AGE,)), elements=(on("A", "age"),))
        after = schema(Node("A", (YEARS,)), elements=(on("A", "years"),))
        assert candidates(before, after, Renames()) == (
            Candidate(
                "property",
                NODE,
                "A",
                "age",
                "years",
                "same type INTEGER, both with RANGE index",
            ),
        )

    def test_a_property_of_another_type_is_none(self) -> None:
        text = replace(YEARS, type="STRING")
        before, after = schema(Node("A", (AGE,))), schema(Node("A", (text,)))
        assert candidates(before, after, Renames()) == ()

    def test_a_property_is_asked_about_on_the_base_alone(self) -> None:
        before = schema(Node("A", (AGE,)), Node("Sub", (AGE,), bases=("A",)))
        after = schema(Node("A", (YEARS,)), Node("Sub", (YEARS,), bases=("A",)))
        assert [c.owner for c in candidates(before, after, Renames())] == ["A"]

    def test_properties_of_a_renamed_label_go_by_its_new_name(self) -> None:
        before, after = schema(Node("A", (AGE,))), schema(Node("B", (YEARS,)))
        (found,) = candidates(before, after, Renames({"A": "B"}))
        assert (found.owner, found.old, found.new) == ("B", "age", "years")

    def test_a_type_between_the_same_ends(self) -> None:
        before = schema(Node("A", (), (Relationship("KNOWS", "A"),)))
        after = schema(Node("A", (), (Relationship("LIKES", "A"),)))
        assert candidates(before, after, Renames()) == (
            Candidate(
                "type", RELATIONSHIP, "A", "KNOWS", "LIKES", "the same ends, A and A"
            ),
        )

    def test_a_type_with_other_properties_is_none(self) -> None:
        before = schema(Node("A", (), (Relationship("KNOWS", "A"),)))
        after = schema(Node("A", (), (Relationship("LIKES", "A"),)))
        typed = RelationshipType("LIKES", (AGE,))
        after = replace(after, relationship_types={"LIKES": typed})
        assert candidates(before, after, Renames()) == ()


@given(schemas(enterprise=True))
@settings(deadline=None)
def test_a_rename_of_everything_is_nothing_else(before: Schema) -> None:
    labels = {label: f"{label}2" for label in before.nodes}
    types = {r.type for n in before.nodes.values() for r in n.relationships}
    types |= set(before.relationship_types)
    renames = Renames(labels, {type_: f"{type_}2" for type_ in types})
    after = before
    for old, new in renames.labels.items():
        after = RenameLabel(old, new).apply(after)
    for old, new in renames.types.items():
        after = RenameRelationshipType(old, new).apply(after)
    found = changes(before, after, renames)
    assert {type(c) for c in found} <= {RenameLabel, RenameRelationshipType}
    assert len(found) == len(labels) + len(types)
