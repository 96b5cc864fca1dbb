"""Which counts of a plan are known beforehand, and how its units are made."""

from __future__ import annotations

import pytest

from alembic_neo4j.checks.foresight import UNCHANGED, RevisionForesight
from alembic_neo4j.checks.plan import UnitPlan, planned_units
from alembic_neo4j.cypher.events import (
    BatchEvent,
    ChangeEvent,
    Event,
    LedgerEvent,
    StatementEvent,
    UnseenEvent,
)
from alembic_neo4j.cypher.steps import Batched, digest_of
from alembic_neo4j.ledger.journal import DONE, RUNNING, Unit
from alembic_neo4j.schema.changes import (
    AddIndex,
    AddLabel,
    AddProperty,
    AlterProperty,
    Change,
    DeleteNodes,
    RemoveLabel,
    RemoveProperty,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)
from alembic_neo4j.schema.changes.change import labels, properties
from alembic_neo4j.schema.definitions import (
    EntityType,
    Index,
    Node,
    Property,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.kinds import IndexKind

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP
PROPERTIES = tuple(Property(name, "STRING") for name in "abc")
SCHEMA = Schema.of(
    nodes=[Node("A", PROPERTIES), Node("B", PROPERTIES)],
    relationship_types=[RelationshipType("R", PROPERTIES)],
)


def made(*changes: Change) -> list[Event]:
    events: list[Event] = []
    schema = SCHEMA
    for change in changes:
        events.append(ChangeEvent(change, schema, "r1"))
        schema = change.apply(schema)
    return events


def raw(text: str, *, answers: bool = False) -> StatementEvent:
    return StatementEvent(text, answers)


def foreseen(*events: Event) -> RevisionForesight:
    return RevisionForesight("r1", events)


def units(*events: Event) -> tuple[UnitPlan, ...]:
    return planned_units(foreseen(*events))[0]


def known(*events: Event) -> list[bool]:
    """Tell of each batched change whether its count is known, but of what it marks."""
    return [
        not unit.unknown
        for unit in units(*events)
        if isinstance(unit.batched, Batched) and not unit.batched.only_marks
    ]


def default(owner: str, name: str, entity: EntityType = NODE) -> AddProperty:
    return AddProperty(entity, owner, Property(name, default="x"), backfill=True)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (default("A", "p"), default("A", "q"), True),
        (default("A", "p"), default("B", "q"), True),
        # A node may have both labels.
        (default("A", "p"), default("B", "p"), False),
        (RenameProperty(NODE, "A", "a", "p"), RemoveProperty(NODE, "A", "b"), True),
        (RenameProperty(NODE, "A", "a", "p"), RemoveProperty(NODE, "B", "a"), False),
        (RenameProperty(NODE, "A", "a", "p"), default("A", "p"), False),
        (RenameLabel("A", "C"), RemoveProperty(NODE, "C", "a"), False),
        (RenameLabel("A", "C"), RemoveProperty(NODE, "B", "a"), True),
        (AddLabel("A", "C"), RemoveProperty(NODE, "A", "a"), True),
        (AddLabel("A", "C"), RenameLabel("C", "D"), False),
        (RenameRelationshipType("R", "S"), default("S", "p", RELATIONSHIP), False),
        (RenameRelationshipType("R", "S"), RemoveProperty(NODE, "A", "a"), True),
        (
            ReverseRelationships("A", "R", "B"),
            RemoveProperty(RELATIONSHIP, "R", "a"),
            False,
        ),
        (
            RemoveProperty(NODE, "A", "a"),
            AlterProperty(NODE, "A", "b", (("type", "INTEGER"),), using="1"),
            True,
        ),
        # What a person wrote may read anything.
        (
            RemoveProperty(NODE, "A", "a"),
            RenameProperty(NODE, "A", "b", "p", where="n.a = 1"),
            False,
        ),
        (
            RemoveProperty(NODE, "A", "a"),
            AddProperty(NODE, "A", Property("p"), backfill="n.a"),
            False,
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Change) else "",
)
def test_a_count_is_known_unless_an_earlier_change_makes_a_difference(
    first: Change, second: Change, expected: bool
) -> None:
    assert known(*made(second))[0]
    found = known(*made(first, second))
    assert found[0]
    assert found[len(known(*made(first)))] is expected


def test_nodes_that_go_take_with_them_what_they_have() -> None:
    events = made(
        DeleteNodes("X"), default("A", "p"), RenameLabel("B", "D"), default("A", "q")
    )
    assert known(*events) == [True, False, False, False]
    others = {frozenset({"X"}): labels("X", "B") | properties(NODE, "z")}
    found = planned_units(foreseen(*events), carried=others)[0]
    assert [unit.unknown for unit in found if unit.batched] == [
        "",
        "",
        "before r1: delete (:X)",
        "before r1: delete (:X)",
        "",
    ]


def test_the_second_step_of_a_change_depends_on_the_first() -> None:
    assert known(*made(ReverseRelationships("A", "R", "B"))) == [True, False]


@pytest.mark.parametrize(
    "change",
    [
        RenameLabel("A", "C"),
        RenameRelationshipType("R", "S"),
        RemoveLabel("A", "C"),
        ReverseRelationships("A", "R", "B"),
        RenameProperty(NODE, "A", "a", "p"),
        RenameProperty(NODE, "A", "a", "p", where="n.b = 1"),
        AlterProperty(NODE, "A", "b", (("type", "INTEGER"),), using="1"),
    ],
    ids=lambda change: type(change).__name__,
)
def test_remembering_what_is_there_makes_no_count_unknown(change: Change) -> None:
    remember, write = [u for u in units(*made(change)) if u.batched][:2]
    assert remember.texts[0].startswith("remember ")
    assert remember.unknown == write.unknown == ""


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (RenameLabel("B", "C"), RenameLabel("A", "C"), False),
        (RenameLabel("B", "D"), RenameLabel("A", "C"), True),
        (
            RenameRelationshipType("R", "S"),
            RenameRelationshipType("T", "S"),
            False,
        ),
        (default("A", "p"), RenameProperty(NODE, "A", "a", "p"), False),
        (default("A", "q"), RenameProperty(NODE, "A", "a", "p"), True),
        (default("A", "q"), RenameProperty(NODE, "A", "a", "p", where="n.q"), False),
    ],
)
def test_what_is_there_to_remember_depends_on_what_was_written(
    first: Change, second: Change, expected: bool
) -> None:
    behind = len(units(*made(first)))
    found = [u for u in units(*made(first, second))[behind:] if u.batched]
    assert found[0].texts[0].startswith("remember ")
    assert (found[0].unknown == "") is expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (raw("CREATE (:X)"), True),
        (raw("CREATE (:A)"), False),
        (raw("MATCH (n:X) SET n.p = 1"), False),
        (raw("MATCH (n:X) SET n.q = n.p"), True),
        (raw("MATCH (n:X) DELETE n"), False),
        (raw("MATCH (n:X) RETURN n", answers=True), False),
        (BatchEvent("load of :X", writes=labels("X")), True),
        (BatchEvent("load of :A", writes=labels("A")), False),
        (raw("CREATE INDEX i FOR (n:X) ON (n.p)"), True),
        (raw("CREATE `"), False),
        (UnseenEvent(), False),
        (LedgerEvent("INSERT"), True),
    ],
)
def test_what_comes_before_by_hand(event: Event, expected: bool) -> None:
    assert known(event, *made(default("A", "p"))) == [expected]
    units, now = planned_units(foreseen(event))
    assert len(units) == 1
    later, _ = planned_units(foreseen(*made(default("A", "p"))), now)
    assert later[0].unknown == ("" if expected else f"before r1: {event.summary}")


def test_what_an_open_run_has_done_changes_nothing_any_more() -> None:
    events = made(default("A", "p"), default("B", "p"))
    plain = units(*events)
    earlier = "before r1: set p of (:A) to its default"
    assert [unit.unknown for unit in plain] == ["", earlier]
    assert all(unit.batched for unit in plain)
    digests = [digest_of([unit.batched]) for unit in plain if unit.batched]
    for state, unknown in ((DONE, ["", ""]), (RUNNING, ["", earlier])):
        begun = [Unit("r1", 1, "batched", digests[0], state)]
        found, _ = planned_units(foreseen(*events), UNCHANGED, begun)
        assert [unit.state for unit in found] == [state, ""]
        assert [unit.unknown for unit in found] == unknown
        assert found[0].is_done is (state == DONE)


def test_units_are_what_shares_a_transaction() -> None:
    index = AddIndex(Index(IndexKind.RANGE, NODE, ("A",), ("a",)))
    other = AddIndex(Index(IndexKind.RANGE, NODE, ("A",), ("b",)))
    found = units(
        *made(index, other),
        raw("CREATE (:X)"),
        raw("CREATE (:Y)", answers=True),
        raw("CREATE (:Z)"),
        LedgerEvent("INSERT INTO t"),
        raw("MATCH (n) RETURN n", answers=True),
        raw("CREATE (:Q)"),
    )
    assert [(u.position, u.kind, len(u.texts)) for u in found] == [
        (1, "create", 2),
        (2, "data", 2),
        (3, "data", 1),
        (None, "ledger", 1),
        (None, "read", 1),
        (None, "data", 1),
    ]


def test_a_statement_is_shown_by_its_first_line_and_its_place() -> None:
    text = "\n  MATCH (n)\n  SET n.x = 1"
    (unit,) = units(StatementEvent(text, answers=False, place="load.cypher:3"))
    assert unit.texts == ("load.cypher:3: MATCH (n) …",)


def test_a_schema_command_in_an_autocommit_block_is_of_its_own_kind() -> None:
    texts = [f"CREATE INDEX {name} FOR (n:X) ON (n.{name})" for name in "ab"]
    read = StatementEvent("MATCH (n) RETURN n", answers=False, autocommit=True)
    found = units(*(StatementEvent(t, False, autocommit=True) for t in texts), read)
    assert [(u.kind, len(u.texts)) for u in found] == [("schema", 2), ("autocommit", 1)]
