"""What is judged of evidence: each code, without a project, a ledger or a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from alembic_neo4j.checks.data import expected_contents
from alembic_neo4j.checks.evidence import (
    DataEvidence,
    Evidence,
    GraphEvidence,
    HistoryEvidence,
    LedgerEvidence,
    ModelEvidence,
    RevisionFile,
    Violation,
)
from alembic_neo4j.checks.findings import CODES, Finding, Severity, fails
from alembic_neo4j.checks.ledgers import BETWEEN_LEDGERS
from alembic_neo4j.checks.runs import again
from alembic_neo4j.checks.stamp import not_adoptable
from alembic_neo4j.checks.verify import judge
from alembic_neo4j.command.repair import MENDABLE
from alembic_neo4j.cypher.capabilities import Server
from alembic_neo4j.cypher.catalogue import Catalogue, IndexState
from alembic_neo4j.cypher.data_survey import (
    Contents,
    LackingLabels,
    Shape,
    Tally,
    Unreadable,
)
from alembic_neo4j.cypher.stamp import Stamp
from alembic_neo4j.ledger.journal import OpenRun, RunStep, Unit
from alembic_neo4j.ledger.store import AppliedRevision
from alembic_neo4j.schema.definitions import (
    Constraint,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    Schema,
)

THEN = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)
COMMUNITY = Server("Neo4j Kernel", (5, 26, 0), "community")
INDEX = Index("RANGE", "NODE", ("Person",), ("born",), name="born")
UNIQUE = Constraint("UNIQUE", "NODE", "Person", ("name",), name="name")
KEY = Constraint("KEY", "NODE", "Person", ("name",), name="key")
DECLARED = Schema.of(
    nodes=[
        Node(
            "Person",
            (Property("name", "STRING"), Property("born", "INTEGER")),
            (Relationship("KNOWS", "Person"),),
        )
    ],
    indexes=[INDEX],
    constraints=[UNIQUE],
)
ONLINE = {name: IndexState("ONLINE", 100.0) for name in ("born", "name")}


def applied(revision: str, **changes: str) -> AppliedRevision:
    record = AppliedRevision(revision, "1:s", "file", THEN, "ada", "code")
    return replace(record, **changes)


def catalogue(
    *elements: Index | Constraint, states: Mapping[str, IndexState] = ONLINE
) -> Catalogue:
    schema = Schema.of(
        indexes=[e for e in elements if isinstance(e, Index)],
        constraints=[e for e in elements if isinstance(e, Constraint)],
    )
    return Catalogue(schema, states)


FILES = {
    "r1": RevisionFile("r1", "r1.py", "file", "code"),
    "r2": RevisionFile("r2", "r2.py", "file", "code", ("r1",)),
}
HISTORY = HistoryEvidence(
    FILES, ("r2",), below=("r1", "r2"), schema=DECLARED, directory="versions"
)
LEDGER = LedgerEvidence(
    ("r2",), "mine", ("r2",), {name: applied(name) for name in FILES}
)
GRAPH = GraphEvidence(
    COMMUNITY, catalogue(INDEX, UNIQUE), DECLARED, Stamp("mine", ("r2",))
)
DATA = DataEvidence(Contents({"Person": 1}, {"KNOWS": 1}, full=True), DECLARED)
SOUND = Evidence(HISTORY, LEDGER, ModelEvidence(), GRAPH, DATA)

RUN = OpenRun("run", (RunStep("upgrade", "r3", "file"),), THEN, "ada@here")
UNIT = Unit("r3", 1, "autocommit", "digest")


def with_history(**changes: Any) -> Evidence:
    return replace(SOUND, history=replace(HISTORY, **changes))


def with_ledger(**changes: Any) -> Evidence:
    return replace(SOUND, ledger=replace(LEDGER, **changes))


def with_graph(**changes: Any) -> Evidence:
    return replace(SOUND, graph=replace(GRAPH, **changes))


def with_elements(
    *elements: Index | Constraint, states: Mapping[str, IndexState] = ONLINE
) -> Evidence:
    return with_graph(catalogue=catalogue(*elements, states=states))


def with_contents(**changes: Any) -> Evidence:
    return replace(
        SOUND, data=replace(DATA, contents=replace(DATA.contents, **changes))
    )


def shape(name: str, type_: str, *labels: str) -> Shape:
    return Shape(EntityType.NODE, labels or ("Person",), name, type_, 3, "4:x:1")


def file_with(**changes: Any) -> Evidence:
    return with_history(files={**FILES, "r1": replace(FILES["r1"], **changes)})


CASES: dict[str, Evidence] = {
    "history-broken": with_history(failure="line 3"),
    "file-missing": with_history(files={"r2": FILES["r2"]}, below=("r2",)),
    "file-edited": file_with(file_hash="other", code_hash="other"),
    "file-reformatted": file_with(file_hash="other"),
    "revision-inserted": with_history(
        files={**FILES, "r1b": replace(FILES["r1"], revision="r1b")},
        below=("r1", "r1b", "r2"),
    ),
    "head-unknown": with_ledger(heads=("r9",)),
    "ledger-inconsistent": with_ledger(applied={"r1": applied("r1")}),
    "several-heads": with_history(heads=("r2", "r3")),
    "pending": with_history(pending=("r3",)),
    "schema-hash-stale": file_with(schema_hash="1:a", replayed_hash="1:b"),
    "models-unreadable": replace(SOUND, models=ModelEvidence(failure="ImportError")),
    "models-differ": replace(SOUND, models=ModelEvidence(("added node A",))),
    "stamp-missing": with_graph(stamp=None),
    "stamp-foreign": with_graph(stamp=Stamp("theirs", ("r2",))),
    "stamp-stale": with_graph(stamp=Stamp("mine", ("r1",))),
    "data-stale": with_ledger(data_runs=("gone",)),
    "ledger-readable": with_ledger(readable="neo4j_ledger.db"),
    "stamp-late": with_graph(stamp=Stamp(None, ("r2",))),
    "ledger-lost": replace(
        SOUND, history=replace(HISTORY, below=()), ledger=LedgerEvidence()
    ),
    "run-open": with_ledger(open_run=RUN),
    "run-active": with_graph(holder="ada@here"),
    "unit-unknown": with_ledger(open_run=RUN, units=(UNIT,)),
    "marker-left": with_graph(markers=("gone",)),
    "element-missing": with_elements(INDEX),
    "element-changed": with_elements(
        UNIQUE, Index("RANGE", "NODE", ("Zzz",), ("q",), name="born")
    ),
    "element-foreign": with_elements(
        INDEX, UNIQUE, Index("TEXT", "NODE", ("Person",), ("name",), name="theirs")
    ),
    "element-renamed": with_elements(replace(INDEX, name="other"), UNIQUE),
    "element-unreadable": with_graph(
        catalogue=replace(GRAPH.catalogue, unreadable={"odd": "of type NEW"})
    ),
    "index-orphan": with_elements(
        INDEX, Index("RANGE", "NODE", ("Person",), ("name",), name="name")
    ),
    "index-failed": with_elements(
        INDEX, UNIQUE, states={"born": IndexState("FAILED", 0.0, "too large")}
    ),
    "index-populating": with_elements(
        INDEX, UNIQUE, states={"born": IndexState("POPULATING", 41.7)}
    ),
    "constraint-violated": replace(
        SOUND,
        data=replace(
            DATA,
            violations=(
                Violation(
                    KEY,
                    "every one needs a name",
                    "Set it.",
                    ({"value": None, "count": 2, "ids": ["4:x:1"]},),
                ),
            ),
        ),
    ),
    "batch-missing": replace(
        SOUND, data=replace(DATA, batches=(Tally("b", 2, 1, 0, 0),))
    ),
    "batch-incomplete": replace(
        SOUND, data=replace(DATA, batches=(Tally("b", 2, 1, 2, 0),))
    ),
    "label-missing": replace(
        SOUND,
        data=replace(
            DATA, lacking=(LackingLabels("Customer", ("Person",), 3, "4:x:1", True),)
        ),
    ),
    "label-undeclared": with_contents(labels={"Person": 1, "Dog": 1200}),
    "type-undeclared": with_contents(types={"KNOWS": 1, "OWNS": 1}),
    "property-undeclared": with_contents(shapes=(shape("nick", "STRING NOT NULL"),)),
    "property-type": with_contents(shapes=(shape("born", "STRING NOT NULL"),)),
    "value-unreadable": replace(
        SOUND,
        data=replace(
            DATA,
            unreadable=(
                Unreadable(
                    EntityType.NODE,
                    "Person",
                    Property("day", "STRING", format="date"),
                    *(1200, ["4:x:1"], "noon", "it is no date"),
                ),
            ),
        ),
    ),
    "label-unused": with_contents(labels={}),
    "type-unused": with_contents(types={}),
}


def found(evidence: Evidence) -> dict[str, Finding]:
    findings = judge(evidence)
    return {finding.code: finding for finding in findings}


def test_what_is_sound_has_no_finding() -> None:
    assert judge(SOUND) == ()


def test_every_code_has_a_case() -> None:
    """Those of two ledgers have theirs in test_ledgers.py."""
    assert set(CASES) == set(CODES) - set(BETWEEN_LEDGERS)


@pytest.mark.parametrize("code", CASES)
def test_each_code_says_what_is_wrong_and_what_to_do(code: str) -> None:
    finding = found(CASES[code])[code]
    assert finding.severity is CODES[code][0]
    assert all(
        (finding.subject, finding.expected, finding.found, finding.advice, CODES[code])
    )
    assert fails([finding]) is (finding.severity is not Severity.REMARK)


@pytest.mark.parametrize("code", CASES)
def test_what_can_be_mended_has_something_that_mends_it(code: str) -> None:
    assert bool(found(CASES[code])[code].repair) is (code in MENDABLE)


def test_what_is_destroyed_or_lost_needs_a_decision() -> None:
    decisions = {code for code, case in CASES.items() if found(case)[code].decision}
    assert decisions == {
        "element-foreign",
        "file-edited",
        "data-stale",
        "ledger-lost",
        "run-open",
        "stamp-stale",
        "unit-unknown",
    }


def test_errors_come_first() -> None:
    evidence = replace(
        CASES["pending"],
        graph=replace(GRAPH, catalogue=catalogue(UNIQUE), markers=("gone",)),
    )
    severities = [finding.severity.value for finding in judge(evidence)]
    assert severities == ["error", "warning", "remark"]


def test_what_was_not_looked_at_is_not_judged() -> None:
    nothing = Evidence(HistoryEvidence(failure="line 3"))
    assert list(found(nothing)) == ["history-broken"]
    # A ledger beside files that can't be loaded: none of them is missing.
    assert list(found(replace(nothing, ledger=LEDGER))) == ["history-broken"]


def test_a_graph_that_lacks_something_is_not_stamped_without_being_asked() -> None:
    assert not found(with_graph(stamp=None))["stamp-missing"].decision
    emptied = with_graph(stamp=None, catalogue=catalogue(INDEX))
    assert found(emptied)["stamp-missing"].decision
    nothing = with_graph(stamp=None, catalogue=catalogue(), declared=Schema())
    assert found(nothing)["stamp-missing"].decision


def test_what_the_server_can_not_do_is_not_offered() -> None:
    declared = replace(DECLARED, constraints={KEY.key: KEY})
    case = with_graph(declared=declared, catalogue=catalogue(INDEX))
    finding = found(case)["element-missing"]
    assert finding.repair == ""
    assert "Enterprise" in finding.advice


def test_names_that_were_exchanged_are_two_renames() -> None:
    other = Index("RANGE", "NODE", ("Person",), ("name",), name="other")
    declared = Schema.of(indexes=[INDEX, other])
    live = catalogue(replace(INDEX, name="other"), replace(other, name="born"))
    case = with_graph(declared=declared, catalogue=live)
    assert [f.code for f in judge(case)] == ["element-renamed"] * 2


def test_what_a_run_is_about_to_change_is_no_drift() -> None:
    theirs = Index("TEXT", "NODE", ("Person",), ("name",), name="theirs")
    case = with_graph(
        catalogue=catalogue(UNIQUE, theirs),
        under_way=frozenset({INDEX.key, theirs.key}),
    )
    assert judge(case) == ()


def test_a_label_that_only_an_index_names_declares_nothing() -> None:
    bare = Schema.of(indexes=[Index("RANGE", "NODE", ("Loose",), ("x",))])
    data = DataEvidence(
        Contents({"Loose": 2}, shapes=(shape("y", "STRING NOT NULL", "Loose"),)), bare
    )
    assert judge(replace(SOUND, data=data)) == ()
    assert expected_contents(bare).nodes == {}


def test_a_property_of_several_labels_is_known_by_any() -> None:
    schema = Schema.of(
        nodes=[
            Node("Animal", (Property("name", "STRING"),)),
            Node("Dog", (Property("name", "STRING"), Property("age", "INTEGER"))),
            Node("Pet", (Property("owner", "STRING"),)),
        ]
    )
    shapes = (
        shape("age", "INTEGER NOT NULL", "Animal", "Dog"),
        shape("owner", "STRING NOT NULL", "Dog", "Pet"),
        shape("age", "STRING NOT NULL", "Animal", "Dog"),
        shape("wings", "INTEGER NOT NULL", "Animal", "Dog"),
        shape("wings", "INTEGER NOT NULL", "Dog", "Pet"),
    )
    labels = dict.fromkeys(("Animal", "Dog", "Pet"), 1)
    data = DataEvidence(Contents(labels, shapes=shapes), schema)
    findings = judge(replace(SOUND, data=data))
    assert [(finding.code, finding.subject) for finding in findings] == [
        ("property-undeclared", "(:Dog) wings"),
        ("property-undeclared", "(:Dog:Pet) wings"),
        ("property-type", "(:Dog) age"),
    ]


def test_more_shapes_than_are_kept_are_said() -> None:
    finding = found(with_contents(truncated=True))["property-undeclared"]
    assert "more different properties" in finding.found


@pytest.mark.parametrize(
    ("steps", "command"),
    [
        ((RunStep("upgrade", "r2", ""),), "alembic -c neo4j.ini upgrade r2"),
        (
            (RunStep("upgrade", "r1", ""), RunStep("upgrade", "r2", "")),
            "alembic -c neo4j.ini upgrade r2",
        ),
        ((RunStep("downgrade", "r2", ""),), "alembic -c neo4j.ini downgrade r1"),
        (
            (RunStep("downgrade", "r2", ""), RunStep("downgrade", "r1", "")),
            "alembic -c neo4j.ini downgrade base",
        ),
        ((RunStep("taking back", "r2", ""),), "alembic -c neo4j.ini downgrade r1"),
    ],
)
def test_how_a_run_is_gone_on_with(steps: tuple[RunStep, ...], command: str) -> None:
    assert again(steps, HISTORY, ["r1"]) == command


@pytest.mark.parametrize(
    ("stamp", "ledger", "told"),
    [
        (None, LedgerEvidence(), None),
        (Stamp("mine", ("r2",)), LEDGER, None),
        (Stamp("theirs", ("r9",)), LedgerEvidence(), "There is no file of r9 here"),
        (Stamp("mine", ("r1",)), LEDGER, "the ledger is at r2"),
        (Stamp("theirs", ("r2",)), LEDGER, "only a ledger without a revision"),
    ],
)
def test_what_is_not_adopted(
    stamp: Stamp | None, ledger: LedgerEvidence, told: str | None
) -> None:
    reason = not_adoptable(stamp, ledger, HISTORY)
    assert reason == told or (told and told in str(reason))
