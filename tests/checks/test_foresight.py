"""Which checks of a run are asked before it, and for which names and values."""

from __future__ import annotations

import pytest

from alembic_neo4j.checks.foresight import (
    OpenQuestion,
    Question,
    RevisionForesight,
    Writer,
    foresight,
    wanted,
)
from alembic_neo4j.cypher.change_steps import steps
from alembic_neo4j.cypher.data_checks import constraint_checks, large, size_checks
from alembic_neo4j.cypher.events import ChangeEvent, Event, StatementEvent, UnseenEvent
from alembic_neo4j.cypher.steps import Batched, Check
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddNode,
    AddProperty,
    AlterProperty,
    AlterRelationship,
    Change,
    DeleteNodes,
    MergeNodes,
    RemoveLabel,
    RemoveProperty,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.changes.change import labels, properties
from alembic_neo4j.schema.definitions import (
    Constraint,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    Schema,
)
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
DATA = UnseenEvent()
CATALOGUE = StatementEvent("DROP INDEX i", answers=False)
KNOWS = Relationship("KNOWS", "P")
BEFORE = Schema.of(
    nodes=[
        Node("P", (Property("a", "STRING"), Property("b", "STRING")), (KNOWS,)),
        Node("Q", (Property("a", "STRING"),)),
    ]
)
UNIQUE = Constraint(ConstraintKind.UNIQUE, NODE, "P", ("a",))
ON_NEW = Constraint(ConstraintKind.UNIQUE, NODE, "New", ("a",))
ON_B = Constraint(ConstraintKind.UNIQUE, NODE, "P", ("b",))
ON_TYPE = Constraint(ConstraintKind.UNIQUE, RELATIONSHIP, "T", ("a",))
REQUIRED = AlterProperty(NODE, "P", "a", (("required", True),))
CONVERTED = AlterProperty(
    NODE, "P", "a", (("type", "INTEGER"),), using="toInteger(value)"
)
SINGLE = AlterRelationship("P", KNOWS, (("cardinality", "One"),))


def judged(
    *events: Change | Event, before: Schema = BEFORE
) -> tuple[list[Question], list[OpenQuestion]]:
    made: list[Event] = []
    schema = before
    for event in events:
        if isinstance(event, Event):
            made.append(event)
            continue
        made.append(ChangeEvent(event, schema, "r1"))
        schema = event.apply(schema)
    return foresight([RevisionForesight("r1", tuple(made))])


def asked(*events: Change | Event, before: Schema = BEFORE) -> list[Question]:
    return judged(*events, before=before)[0]


def not_known(*events: Change | Event, before: Schema = BEFORE) -> list[str]:
    """What is not known of the last event, without what was not known before it."""
    found = judged(*events, before=before)[1]
    earlier = judged(*events[:-1], before=before)[1]
    return [
        f"{one.expected} [{one.before.text}]" for one in found if one not in earlier
    ]


def expectations(*events: Change | Event, before: Schema = BEFORE) -> list[str]:
    return [question.check.expected for question in asked(*events, before=before)]


def duplicates(constraint: Constraint) -> Check:
    return constraint_checks(constraint)[0]


def test_a_constraint_asks_what_its_check_will_ask_and_for_the_sizes() -> None:
    same, size = asked(AddConstraint(UNIQUE))
    assert same == Question("r1", duplicates(UNIQUE), NODE, frozenset({"P"}))
    assert "8,167 bytes" in size.check.expected
    assert size.large == large(UNIQUE)


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (ConstraintKind.UNIQUE, 2),
        (ConstraintKind.KEY, 3),
        (ConstraintKind.EXISTENCE, 1),
        (ConstraintKind.TYPE, 1),
    ],
)
def test_every_kind_of_constraint_is_asked_for(
    kind: ConstraintKind, count: int
) -> None:
    type_ = "STRING" if kind is ConstraintKind.TYPE else None
    wanted = Constraint(kind, NODE, "P", ("a",), type_)
    assert len(asked(AddConstraint(wanted))) == count


@pytest.mark.parametrize(
    ("kind", "count"),
    [(IndexKind.RANGE, 1), (IndexKind.TEXT, 1), (IndexKind.FULLTEXT, 0)],
)
def test_an_index_asks_for_the_sizes(kind: IndexKind, count: int) -> None:
    assert len(asked(AddIndex(Index(kind, NODE, ("P",), ("a",))))) == count


def test_a_declaration_asks_nothing() -> None:
    assert asked(AddNode(Node("R")), AddProperty(NODE, "P", Property("c"))) == []


def test_the_checks_of_a_change_are_those_that_run_in_their_place() -> None:
    for change in (REQUIRED, CONVERTED, SINGLE):
        later = steps(change, BEFORE, revision="r1")
        checks = [step for step in later if isinstance(step, Check)]
        assert [question.check for question in asked(change)] == checks
        assert checks


def test_a_check_behind_a_write_of_its_own_change_is_not_asked() -> None:
    change = RenameProperty(NODE, "P", "a", "c")
    check, remember, write, again = steps(change, BEFORE, revision="r1")
    assert isinstance(remember, Batched)
    assert isinstance(write, Batched)
    assert check == again
    assert [question.check for question in asked(change)] == [check]


def test_one_question_is_asked_once() -> None:
    assert len(asked(REQUIRED, REQUIRED)) == 1


def test_nothing_is_asked_behind_what_may_have_changed_the_data() -> None:
    index = AddIndex(Index(IndexKind.RANGE, NODE, ("P",), ("b",)))
    assert len(asked(index, DATA, AddConstraint(UNIQUE), SINGLE)) == 1
    assert len(asked(index, CATALOGUE, AddConstraint(UNIQUE))) == 3
    run = [
        RevisionForesight("r1", (DATA,)),
        RevisionForesight("r2", (_made(REQUIRED),)),
    ]
    assert foresight(run)[0] == []
    assert [q.revision for q in foresight(run[1:])[0]] == ["r2"]


def test_nothing_is_asked_behind_a_write_that_is_not_known_here() -> None:
    class Strange(Change):
        def apply(self, schema: Schema) -> Schema:
            return schema

        def reverse(self) -> Change:
            return self

    class Reading(ChangeEvent):
        steps = (Check("RETURN 1", "strange", "none"),)

    class Writing(ChangeEvent):
        steps = (Batched("strange", "", "", ""),)

    reading = Reading(Strange(), BEFORE, "r1")
    writing = Writing(Strange(), BEFORE, "r1")
    known = _made(REQUIRED)
    assert len(foresight([RevisionForesight("r1", (reading, known))])[0]) == 2
    assert foresight([RevisionForesight("r1", (writing, known))])[0] == []


@pytest.mark.parametrize(
    "write",
    [
        CONVERTED,
        AddProperty(NODE, "Q", Property("a"), backfill="n.b"),
        AddProperty(NODE, "Q", Property("a"), restore=True),
        RemoveProperty(NODE, "Q", "a", "undo"),
        RenameProperty(NODE, "Q", "a", "z", where="n.b = 1"),
        RenameProperty(NODE, "Q", "z", "a", where="n.b = 1"),
    ],
)
def test_a_write_of_the_property_leaves_it_to_the_check_in_its_place(
    write: Change,
) -> None:
    # A node may carry any other label besides.
    alone = len(asked(write))
    assert len(asked(write, AddConstraint(UNIQUE))) == alone
    assert len(not_known(write, AddConstraint(UNIQUE))) == 2
    assert len(asked(write, REQUIRED)) == alone
    assert len(not_known(write, REQUIRED)) == 1
    assert len(asked(write, AddConstraint(ON_B))) == alone + 2
    assert not_known(write, AddConstraint(ON_B)) == []


@pytest.mark.parametrize(
    ("write", "value"),
    [
        (
            AddProperty(NODE, "Q", Property("a", default="x"), backfill=True),
            "CASE WHEN n:`Q` THEN coalesce(n.`a`, 'x') ELSE n.`a` END",
        ),
        (RemoveProperty(NODE, "Q", "a"), "CASE WHEN n:`Q` THEN null ELSE n.`a` END"),
        (
            RemoveProperty(NODE, "Q", "a", "delete"),
            "CASE WHEN n:`Q` THEN null ELSE n.`a` END",
        ),
    ],
)
def test_what_a_write_will_have_made_is_asked_for_where_it_can_be_told(
    write: Change, value: str
) -> None:
    question, size = asked(write, AddConstraint(UNIQUE))
    assert value in question.check.query
    assert value in size.check.query
    assert size.large is None
    assert not_known(write, AddConstraint(UNIQUE)) == []
    # A check that is about the data as they are is not asked for other ones.
    assert len(not_known(write, REQUIRED)) == 1


@pytest.mark.parametrize(
    "change",
    [
        AddProperty(NODE, "P", Property("a")),
        AddProperty(NODE, "P", Property("a", default="x"), backfill=False),
        RemoveProperty(NODE, "P", "a", "keep"),
        AlterProperty(NODE, "P", "a", (("default", "x"),)),
    ],
)
def test_a_change_that_writes_nothing_leaves_the_questions(change: Change) -> None:
    assert len(asked(change, AddConstraint(UNIQUE))) == 2


def test_node_and_relationship_properties_are_told_apart() -> None:
    write = AddProperty(RELATIONSHIP, "T", Property("a"), backfill="'x'")
    assert len(asked(write, AddConstraint(UNIQUE))) == 2
    assert asked(write, AddConstraint(ON_TYPE)) == []


def test_a_renamed_label_is_asked_for_by_the_name_that_the_nodes_have_now() -> None:
    question, size = asked(RenameLabel("P", "New"), AddConstraint(ON_NEW))
    assert question.names == size.names == {"P", "New"}
    assert size.large is None
    assert "MATCH (n:`New`|`P`)" in question.check.query
    assert question.check.expected == duplicates(ON_NEW).expected
    question, _ = asked(
        RenameLabel("P", "Old"), RenameLabel("Old", "New"), AddConstraint(ON_NEW)
    )
    assert question.names == {"P", "Old", "New"}


def test_a_label_that_was_renamed_away_has_no_nodes_to_ask_for() -> None:
    assert asked(RenameLabel("P", "New"), AddConstraint(UNIQUE)) == []


def test_an_added_label_is_asked_for_by_both() -> None:
    question, _ = asked(AddLabel("P", "New"), AddConstraint(ON_NEW))
    assert question.names == {"P", "New"}


def test_a_removed_label_is_left_to_the_check_in_its_place() -> None:
    remove = RemoveLabel("P", "New")
    assert asked(remove, AddConstraint(ON_NEW)) == []
    assert len(asked(remove, AddConstraint(UNIQUE))) == 2
    assert asked(remove, RenameLabel("New", "Newer"), AddConstraint(ON_NEW)) == []
    renamed = Constraint(ConstraintKind.UNIQUE, NODE, "Newer", ("a",))
    assert asked(remove, RenameLabel("New", "Newer"), AddConstraint(renamed)) == []


def test_a_renamed_type_is_asked_for_by_the_name_it_has_now() -> None:
    question, _ = asked(RenameRelationshipType("S", "T"), AddConstraint(ON_TYPE))
    assert question.names == {"S", "T"}
    assert question.entity is RELATIONSHIP


def test_a_renamed_property_is_asked_for_by_where_its_values_are_now() -> None:
    before = Schema.of(nodes=[Node("P", (Property("a", "STRING"),))])
    rename = RenameProperty(NODE, "P", "a", "b")
    _, question, size = asked(rename, AddConstraint(ON_B), before=before)
    moved = "CASE WHEN n:`P` THEN coalesce(n.`a`, n.`b`) ELSE n.`b` END"
    assert moved in question.check.query
    assert moved in size.check.query
    assert size.large is None
    assert question.check.expected == duplicates(ON_B).expected
    left = AddConstraint(UNIQUE)
    question = asked(rename, left, before=before)[1]
    assert "CASE WHEN n:`P` THEN null ELSE n.`a` END" in question.check.query


def test_a_property_renamed_on_a_renamed_label() -> None:
    rename = RenameProperty(NODE, "New", "a", "b", on_conflict="keep")
    wanted = Constraint(ConstraintKind.UNIQUE, NODE, "New", ("b",))
    question, _ = asked(RenameLabel("P", "New"), rename, AddConstraint(wanted))
    moved = "CASE WHEN n:`New`|`P` THEN coalesce(n.`b`, n.`a`) ELSE n.`b` END"
    assert moved in question.check.query


def test_a_property_that_is_renamed_for_ever_is_given_up() -> None:
    there, back = (RenameProperty(NODE, "P", *n) for n in (("a", "b"), ("b", "a")))
    assert len(asked(*[there, back] * 20)) <= 2
    assert asked(*[there, back] * 20, AddConstraint(UNIQUE))[2:] == []


@pytest.mark.parametrize(
    "change",
    [
        RenameLabel("New", "P"),
        RenameProperty(NODE, "P", "a", "c"),
        AddLabel("Other", "New"),
        AddProperty(NODE, "New", Property("c", required=True)),
        AlterProperty(NODE, "New", "a", (("required", True),)),
    ],
)
def test_a_change_of_what_a_rename_has_moved_is_left_to_its_place(
    change: Change,
) -> None:
    before = Schema.of(
        nodes=[*BEFORE.nodes.values(), Node("New")],
        constraints=[
            UNIQUE,
            Constraint(ConstraintKind.UNIQUE, NODE, "P", ("c",)),
            ON_NEW,
        ],
    )
    assert asked(change, before=before) != []
    rename = [RenameLabel("P", "Else"), RenameLabel("New", "Newest")]
    alone = expectations(*rename, before=before)
    assert expectations(*rename, change, before=before) == alone


@pytest.mark.parametrize(
    "change",
    [
        AlterProperty(NODE, "P", "a", (("type", "INTEGER"),), using="value + n.z"),
        RenameProperty(NODE, "P", "b", "c", where="n.z = 1"),
        RenameProperty(NODE, "P", "b", "c", where="EXISTS { (n)-->() }"),
        AddProperty(NODE, "P", Property("c", required=True), backfill="n.z"),
    ],
)
def test_a_persons_expression_reads_what_it_names(change: Change) -> None:
    assert asked(change) != []
    write = AddProperty(NODE, "Z", Property("z"), backfill="'x'")
    assert asked(write, change) == []
    assert len(not_known(write, change)) == len(asked(change))


def test_an_expression_over_the_value_alone_reads_nothing_else() -> None:
    write = AddProperty(NODE, "Z", Property("z"), backfill="'x'")
    assert asked(write, CONVERTED) == asked(CONVERTED)


@pytest.mark.parametrize(
    "change",
    [
        RenameLabel("P", "Z"),
        RenameLabel("Z", "Other", where="n.a = 1"),
        RenameRelationshipType("Z", "KNOWS"),
        AddLabel("Z", "P"),
        RemoveLabel("Z", "P"),
        ReverseRelationships("Z", "KNOWS", "Z"),
    ],
)
def test_ends_are_judged_where_no_label_and_no_type_of_theirs_has_changed(
    change: Change,
) -> None:
    target = AlterRelationship("P", KNOWS, (("target", "Other"),))
    assert len(asked(target)) == 1
    assert asked(change, target) == []
    (one,) = not_known(change, target)
    assert one.startswith("(:P)-[:KNOWS]->")


@pytest.mark.parametrize(
    "change",
    [
        RenameLabel("Z", "Zz"),
        RenameRelationshipType("Z", "Zz"),
        AddLabel("Z", "Zz"),
        RemoveLabel("Z", "Zz"),
        ReverseRelationships("Z", "ZS", "Z"),
        AddProperty(NODE, "P", Property("a"), backfill="'x'"),
    ],
)
def test_ends_are_judged_whatever_else_has_changed(change: Change) -> None:
    assert asked(change, SINGLE)[-1:] == asked(SINGLE)


# What is written by hand ------------------------------------------------------------


def test_a_statement_leaves_what_it_can_not_touch() -> None:
    created = StatementEvent("CREATE (:First)", answers=True)
    assert asked(created, AddConstraint(UNIQUE)) == asked(AddConstraint(UNIQUE))
    assert len(asked(created, SINGLE)) == 1
    named = StatementEvent("MATCH (n) SET n.a = 1", answers=False)
    assert asked(named, AddConstraint(UNIQUE)) == []
    assert len(asked(named, AddConstraint(ON_B))) == 2


def test_nodes_that_go_take_with_them_what_they_have() -> None:
    merge = MergeNodes("Q", "n.a")
    whole = [merge, AddConstraint(UNIQUE), AddConstraint(ON_B), SINGLE]
    run = [RevisionForesight("r1", tuple(map(_made, whole)))]
    assert wanted(run, {}) == {frozenset({"Q"})}
    assert wanted([RevisionForesight("r1", (_made(merge),))], {}) == set()
    assert len(foresight(run)[0]) == 1
    alone = {frozenset({"Q"}): labels("Q") | properties(NODE, "a", "z")}
    assert wanted(run, alone) == set()
    asked, not_known = foresight(run, alone)
    assert [one.expected for one in not_known] == [
        check.expected for check in (duplicates(UNIQUE), *size_checks(UNIQUE))
    ]
    assert len(asked) == 4


def test_what_a_run_gives_to_nodes_goes_with_them() -> None:
    run = [AddLabel("Q", "P"), DeleteNodes("Q"), AddConstraint(ON_B)]
    carried = {frozenset({"Q"}): labels("Q")}
    (one, _) = foresight([RevisionForesight("r1", tuple(map(_made, run)))], carried)[1]
    assert one.before == Writer("r1", "delete (:Q)")


def test_the_step_is_named_that_has_to_have_run() -> None:
    b = StatementEvent("MATCH (n) SET n.b = 1", answers=False)
    run = [
        RevisionForesight("r1", (DATA,)),
        RevisionForesight("r2", (b,)),
        RevisionForesight(
            "r3", (_made(AddConstraint(UNIQUE)), _made(AddConstraint(ON_B)))
        ),
    ]
    (unique, _, on_b, _) = foresight(run)[1]
    assert unique == OpenQuestion(
        "r3", duplicates(UNIQUE).expected, Writer("r1", DATA.summary)
    )
    assert on_b == OpenQuestion(
        "r3", duplicates(ON_B).expected, Writer("r2", "MATCH (n) SET n.b = 1")
    )


# Constraints that stand already -----------------------------------------------------

STANDING = Schema.of(nodes=[*BEFORE.nodes.values()], constraints=[UNIQUE])
BASES = Schema.of(
    nodes=[Node("P"), Node("New", bases=("Base",)), Node("Base")],
    constraints=[Constraint(ConstraintKind.UNIQUE, NODE, "Base", ("a",))],
)


def test_a_default_is_judged_by_the_constraint_that_stands() -> None:
    write = AddProperty(NODE, "P", Property("a", default="x"), backfill=True)
    (question,) = asked(write, before=STANDING)
    assert "coalesce(n.`a`, 'x')" in question.check.query
    assert question.check.expected == duplicates(UNIQUE).expected


def test_what_a_write_breaks_and_nobody_can_tell_is_named() -> None:
    (one,) = judged(CONVERTED, before=STANDING)[1]
    assert one.expected == duplicates(UNIQUE).expected
    assert one.before == Writer("r1", "convert a of (:P)")
    assert judged(RemoveProperty(NODE, "P", "a"), before=STANDING) == ([], [])


def test_bases_that_come_with_a_label_have_their_constraints() -> None:
    (question,) = asked(RenameLabel("P", "New"), before=BASES)
    assert question.names == {"P", "Base"}
    on_base = AddConstraint(Constraint(ConstraintKind.UNIQUE, NODE, "Base", ("b",)))
    question = asked(RenameLabel("P", "New"), on_base, before=BASES)[1]
    assert question.names == {"P", "Base"}


def _made(change: Change) -> ChangeEvent:
    return ChangeEvent(change, BEFORE, "r1")
