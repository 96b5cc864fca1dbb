"""What stands in the way of a run, judged over catalogues and rows handed in."""

from __future__ import annotations

import pytest

from alembic_neo4j.checks.foresight import Question, RevisionForesight
from alembic_neo4j.checks.preflight import (
    Obstacle,
    changes_catalogue,
    obstacle_in_data,
    obstacles_in_catalogue,
    report,
    unanswered,
)
from alembic_neo4j.cypher.catalogue import Catalogue
from alembic_neo4j.cypher.events import ChangeEvent, Event, StatementEvent
from alembic_neo4j.cypher.steps import Check
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddNode,
    Change,
    DropConstraint,
    DropIndex,
    RenameLabel,
)
from alembic_neo4j.schema.definitions import Constraint, EntityType, Index, Node, Schema
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind

BLIND = StatementEvent("DROP INDEX i", answers=False)
CHECK = Check("RETURN 1", "each P has a name", "Name them.")
QUESTION = Question("r1", CHECK, EntityType.NODE, frozenset({"P"}))


def index(label: str = "P", *properties: str, name: str = "") -> Index:
    on = properties or ("p",)
    return Index(IndexKind.RANGE, EntityType.NODE, (label,), on, name=name)


def unique(label: str = "P", *properties: str, name: str = "") -> Constraint:
    on = properties or ("p",)
    return Constraint(ConstraintKind.UNIQUE, EntityType.NODE, label, on, name=name)


def live(*elements: Index | Constraint, **others: str) -> Catalogue:
    schema = Schema.of(
        indexes=[e for e in elements if isinstance(e, Index)],
        constraints=[e for e in elements if isinstance(e, Constraint)],
    )
    return Catalogue(schema, unreadable=others)


def foreseen(
    revision: str, *events: Change | Event, before: Schema | None = None
) -> RevisionForesight:
    made: list[Event] = []
    schema = before or Schema()
    for event in events:
        if isinstance(event, Event):
            made.append(event)
            continue
        made.append(ChangeEvent(event, schema, revision))
        schema = event.apply(schema)
    return RevisionForesight(revision, tuple(made))


def found(*run: RevisionForesight, catalogue: Catalogue) -> list[tuple[str, str, str]]:
    return [
        (o.revision, o.found[0], o.advice)
        for o in obstacles_in_catalogue(run, catalogue)
    ]


def test_what_the_catalogue_leaves_room_for_is_no_obstacle() -> None:
    run = foreseen("r1", AddIndex(index()), AddConstraint(unique("Q")))
    beside = live(index("P", "q"), index("P", "p", "q"), unique("Q", "p", "q"))
    assert obstacles_in_catalogue([run], beside) == []


def test_the_same_definition_under_another_name() -> None:
    run = foreseen("r1", AddIndex(index(name="mine")))
    (obstacle,) = obstacles_in_catalogue([run], live(index(name="theirs")))
    assert obstacle == Obstacle(
        "r1",
        "RANGE index mine on P(p) can be created",
        ("the graph has it already, as RANGE index theirs on P(p)",),
        "Run DROP INDEX `theirs`; or stamp the revision, where it makes nothing else",
    )


@pytest.mark.parametrize("other", [index("Other", name="n"), unique("Q", name="n")])
@pytest.mark.parametrize("wanted", [index(name="n"), unique(name="n")])
def test_a_name_that_is_taken(
    wanted: Index | Constraint, other: Index | Constraint
) -> None:
    change: Change = (
        AddIndex(wanted) if isinstance(wanted, Index) else AddConstraint(wanted)
    )
    ((_, text, advice),) = found(foreseen("r1", change), catalogue=live(other))
    assert text.startswith("its name is taken by ")
    assert "`n`; or choose another name" in advice


def test_a_name_taken_by_what_this_package_can_t_read() -> None:
    run = foreseen("r1", AddIndex(index(name="strange")))
    catalogue = live(strange="a constraint of type GRAPH_TYPE")
    ((_, text, advice),) = found(run, catalogue=catalogue)
    assert text == "its name is taken by a constraint of type GRAPH_TYPE"
    assert advice == "Choose another name"


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        (AddIndex(index(name="i")), unique(name="c")),
        (AddConstraint(unique(name="c")), index(name="i")),
        (
            AddConstraint(unique(name="c")),
            Constraint(ConstraintKind.KEY, EntityType.NODE, "P", ("p",), name="k"),
        ),
    ],
)
def test_an_index_and_a_constraint_at_one_place(
    wanted: Change, other: Index | Constraint
) -> None:
    ((_, text, advice),) = found(foreseen("r1", wanted), catalogue=live(other))
    assert text.endswith(" has the one index that Neo4j keeps there")
    assert advice.startswith("Run DROP ")


def test_the_order_of_the_properties_makes_another_place() -> None:
    run = foreseen("r1", AddConstraint(unique("P", "a", "b")))
    assert found(run, catalogue=live(index("P", "b", "a"))) == []


def test_another_kind_of_index_may_stand_beside_it() -> None:
    text = Index(IndexKind.TEXT, EntityType.NODE, ("P",), ("p",), name="t")
    run = foreseen("r1", AddIndex(index()), AddConstraint(unique("Q")))
    assert found(run, catalogue=live(text)) == []


def test_a_definition_with_other_settings() -> None:
    def vector(name: str, dimensions: int) -> Index:
        options = (("vector.dimensions", dimensions),)
        return Index(
            IndexKind.VECTOR, EntityType.NODE, ("P",), ("p",), options, name=name
        )

    run = foreseen("r1", AddIndex(vector("mine", 3)))
    ((_, text, advice),) = found(run, catalogue=live(vector("theirs", 4)))
    assert text.startswith("VECTOR index theirs on P(p)")
    assert text.endswith("is there, with other settings")
    assert advice == "Run DROP INDEX `theirs`"


def test_a_fulltext_index_may_have_a_twin_in_another_order() -> None:
    def fulltext(name: str, *labels: str) -> Index:
        return Index(IndexKind.FULLTEXT, EntityType.NODE, labels, ("p",), name=name)

    several = foreseen("r1", AddIndex(fulltext("mine", "A", "B")))
    assert found(several, catalogue=live(fulltext("theirs", "A", "B"))) == []
    assert len(found(several, catalogue=live(fulltext("mine", "A", "C")))) == 1
    one = foreseen("r1", AddIndex(fulltext("mine", "A")))
    assert len(found(one, catalogue=live(fulltext("theirs", "A")))) == 1


def test_what_is_to_be_dropped_is_found_by_what_it_is() -> None:
    run = foreseen("r1", DropIndex(index()), before=Schema.of(indexes=[index()]))
    assert found(run, catalogue=live(index(name="renamed"))) == []


def test_what_is_to_be_dropped_and_is_not_there() -> None:
    before = Schema.of(indexes=[index(name="mine")])
    run = foreseen("r1", DropIndex(index()), before=before)
    ((_, text, advice),) = found(run, catalogue=live())
    assert text == "the graph does not have it"
    assert advice.endswith("run CREATE RANGE INDEX `mine` FOR (n:`P`) ON (n.`p`)")
    ((_, text, advice),) = found(run, catalogue=live(index("Q", name="mine")))
    assert text.endswith("; RANGE index mine on Q(p) has its name")
    assert "run DROP INDEX `mine` and CREATE RANGE INDEX `mine`" in advice
    ((_, text, _),) = found(run, catalogue=live(unique(name="c")))
    assert text.endswith("; UNIQUE constraint c on P(p) has its place")


def test_each_step_is_judged_with_those_before_it_done() -> None:
    old, new = index(name="old"), unique(name="old")
    run = [
        foreseen("r1", DropIndex(old), before=Schema.of(indexes=[old])),
        foreseen("r2", AddConstraint(new)),
        foreseen("r3", DropConstraint(new), before=Schema.of(constraints=[new])),
        foreseen("r4", AddIndex(old)),
    ]
    assert found(*run, catalogue=live(old)) == []
    assert [revision for revision, *_ in found(*run, catalogue=live())] == ["r1"]


def test_a_rename_is_a_drop_and_a_creation() -> None:
    before = Schema.of(nodes=[Node("P"), Node("Q")], indexes=[index(name="by_p")])
    run = [foreseen("r1", RenameLabel("P", "Q"), before=before)]
    assert found(*run, catalogue=live(index(name="by_p"))) == []
    theirs = live(index(name="by_p"), index("Q", name="theirs"))
    ((_, text, _),) = found(*run, catalogue=theirs)
    assert text == "the graph has it already, as RANGE index theirs on Q(p)"
    freed = foreseen("r2", AddIndex(index(name="free")))
    assert found(*run, freed, catalogue=live(index(name="by_p"))) == []


def test_what_is_created_only_to_be_dropped_is_not_created_at_all() -> None:
    run = foreseen("r1", AddIndex(index()), DropIndex(index()))
    assert found(run, catalogue=live(index(name="theirs"))) == []


def test_all_obstacles_are_found_and_not_the_first() -> None:
    run = [
        foreseen("r1", AddIndex(index(name="a")), AddIndex(index("Q", name="b"))),
        foreseen("r2", AddIndex(index("R", name="c"))),
    ]
    there = live(index(name="x"), index("Q", name="y"), index("R", name="z"))
    assert [revision for revision, *_ in found(*run, catalogue=there)] == [
        "r1",
        "r1",
        "r2",
    ]


def test_nothing_is_judged_behind_what_nobody_can_foresee() -> None:
    theirs = live(index(name="x"), index("Q", name="y"), index("R", name="z"))
    run = [
        foreseen("r1", AddIndex(index()), BLIND, AddIndex(index("Q"))),
        foreseen("r2", AddIndex(index("R"))),
    ]
    assert [revision for revision, *_ in found(*run, catalogue=theirs)] == ["r1"]
    data = StatementEvent("CREATE (:X)", answers=False)
    run[0] = foreseen("r1", data, AddIndex(index("Q")))
    revisions = [revision for revision, *_ in found(*run, catalogue=theirs)]
    assert revisions == ["r1", "r2"]


def test_a_run_without_schema_commands_needs_no_catalogue() -> None:
    assert not changes_catalogue([foreseen("r1", AddNode(Node("P")))])
    assert not changes_catalogue([foreseen("r1", BLIND, AddIndex(index()))])
    assert changes_catalogue([foreseen("r1", AddIndex(index()), BLIND)])


def test_rows_say_what_was_found() -> None:
    assert obstacle_in_data(QUESTION, []) is None
    rows = [
        {"value": "a", "count": 1_200, "ids": ["4:x:0", "4:x:1"]},
        {"value": None, "count": 1, "ids": ["4:x:2"]},
    ]
    assert obstacle_in_data(QUESTION, rows) == Obstacle(
        "r1",
        "each P has a name",
        ("'a': 1,200, such as 4:x:0, 4:x:1", "no value: 1, such as 4:x:2"),
        "Name them.",
    )


def test_a_long_value_is_cut_short() -> None:
    rows = [{"value": "x" * 9_000, "count": 2, "ids": ["4:x:0"]}]
    obstacle = obstacle_in_data(QUESTION, rows)
    assert obstacle is not None
    assert obstacle.found[0].startswith("'" + "x" * 99 + "… (9,002 characters): 2")


def test_the_report_is_in_the_order_of_the_revisions() -> None:
    run = [foreseen("r2"), foreseen("r1")]
    first = Obstacle("r1", "this", ("that", "and that"), "Mend it.")
    second = unanswered(
        Question("r2", CHECK, EntityType.NODE, frozenset()), "Bad syntax"
    )
    assert report([first, second], run) == (
        "2 things stand in the way of revisions r2 to r1; nothing of that has run:\n"
        "  r2: expected: each P has a name\n"
        "    found: the server can't tell: Bad syntax\n"
        "    to do: Mend the expression that the revision gives.\n"
        "  r1: expected: this\n"
        "    found: that\n"
        "           and that\n"
        "    to do: Mend it."
    )
    assert report([first], run[1:]).startswith(
        "one thing stands in the way of revision r1; nothing of that has run:\n"
    )
