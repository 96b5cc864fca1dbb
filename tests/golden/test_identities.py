"""What is recorded by one release is known again by the next."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass, replace
from datetime import date, datetime, timezone
from enum import Enum
from itertools import combinations
from typing import Any

import pytest

from alembic_neo4j.command.ingest import FileLoad, default_batch
from alembic_neo4j.cypher.change_steps import steps
from alembic_neo4j.cypher.loads import RowDigest
from alembic_neo4j.cypher.load_targets import NodeTarget
from alembic_neo4j.cypher.lexer import Kind
from alembic_neo4j.cypher.steps import Identified, Run, Step
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.batch_rollback import Undo
from alembic_neo4j.cypher.steps import digest_of
from alembic_neo4j.schema import changes
from alembic_neo4j.schema.changes import Change, DeleteNodes, RenameLabel
from alembic_neo4j.identity import (
    FORMAT,
    canonical_text,
    format_of,
    identity,
    meaning,
)
from tests.golden.identities import (
    CHANGES,
    FILE,
    RECORDED,
    ROWS,
    SCHEMA,
    SOURCES,
    TARGETS,
    VALUES,
    identities,
    recorded_units,
)

ANOTHER_FORMAT = (
    "is recorded as something else than before, so that runs which are open, and files "
    "that were loaded, are not known again. Leave it as it was; else raise FORMAT in "
    "alembic_neo4j/identity.py (as long as no release has this FORMAT, delete "
    f"{RECORDED.name}) and run python -m tests.golden.identities"
)


def test_what_was_recorded_before_is_known_again() -> None:
    recorded, found = json.loads(RECORDED.read_text()), identities()
    other = [name for name in recorded if found.get(name) != recorded[name]]
    assert not other, f"{other} {ANOTHER_FORMAT}"
    assert sorted(found) == sorted(recorded), "run python -m tests.golden.identities"


def test_every_change_that_does_something_is_among_them() -> None:
    kinds = {kind for _, kind in inspect.getmembers(changes, inspect.isclass)}
    made = {kind for kind in kinds if issubclass(kind, Change)}
    made -= {kind for kind in made if inspect.isabstract(kind)}
    declaring = {
        *("AddNode", "AddRelationship", "AddRelationshipType", "AlterNode"),
        *("AlterRelationshipType", "RemoveNode", "RemoveRelationship"),
        "RemoveRelationshipType",
    }
    known = {type(change) for change in CHANGES.values()}
    assert {kind.__name__ for kind in made - known} == declaring


def test_the_format_is_told_by_the_identity() -> None:
    assert format_of(identity("a")) == FORMAT
    assert format_of("ab" * 32) == 1
    assert format_of("17:abc") == 17


# Another field with a default -----------------------------------------------------


def grown(value: Any) -> Any:
    """Return a value of the next release: each dataclass has another field."""
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(map(grown, value))
    if not is_dataclass(value) or isinstance(value, Enum):
        return value
    kind = type(value)
    more = [("added_later", "str | None", field(default=None, kw_only=True))]
    later = make_dataclass(kind.__name__, more, bases=(kind,), frozen=True)
    made = object.__new__(later)
    given = meaning(value)
    for known in fields(value):
        item = getattr(value, known.name)
        # A default is made by the class itself, in that release as well.
        later_item = grown(item) if known.name in given else item
        object.__setattr__(made, known.name, later_item)
    return made


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_with_another_field_is_the_same(name: str) -> None:
    change = CHANGES[name]
    plain, later = (
        [digest_of(u) for u in recorded_units(steps(c, SCHEMA, revision="r1"))]
        for c in (change, grown(change))
    )
    assert plain
    assert later == plain


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_load_with_another_field_is_the_same(name: str, source: str) -> None:
    target = TARGETS[name]
    assert default_batch(FILE, grown(target)) == default_batch(FILE, target)
    load = FileLoad(FILE, SOURCES[source], target, "b1")
    later = FileLoad(FILE, grown(load.source), grown(target), "b1")
    assert later.step == load.step
    step = Load(target, ROWS, "b1", "_alembic_batch")
    assert digest_of([grown(step)]) == digest_of([step])


@pytest.mark.parametrize(
    "step", [Run("CREATE (:A)", Kind.DATA), Undo(("b1",), "_tag", ("A",))]
)
def test_a_step_with_another_field_is_the_same(step: Step) -> None:
    assert digest_of([grown(step)]) == digest_of([step])


def test_what_is_given_for_another_field_counts() -> None:
    @dataclass(frozen=True)
    class Target:
        label: str
        added: str | None = None

    assert identity(Target("A")) != identity(Target("A", "b"))
    assert identity(Target("A")) == identity(Target("A", None))


# What counts, and what does not ---------------------------------------------------


def test_how_it_is_carried_out_does_not_count() -> None:
    def identity_of(change: Change) -> str:
        return digest_of(steps(change, SCHEMA, revision="r1"))

    for change in (RenameLabel("Person", "Human"), DeleteNodes("Person")):
        assert identity_of(replace(change, batch_size=7)) == identity_of(change)
        found = list(steps(change, SCHEMA, revision="r1"))
        batched = [
            replace(s, write="RETURN 1") if hasattr(s, "write") else s for s in found
        ]
        assert batched != found
        assert digest_of(batched) == digest_of(found)


def test_parameters_of_cypher_may_be_others_in_the_next_attempt() -> None:
    first, second = (
        Run("CREATE (:A {at: $at})", Kind.DATA, {"at": datetime.now(timezone.utc)})
        for _ in range(2)
    )
    assert digest_of([first]) == digest_of([second])
    assert digest_of([first]) != digest_of([replace(first, text="CREATE (:B)")])


def test_a_step_of_no_change_is_refused() -> None:
    known = steps(RenameLabel("Person", "Human"), SCHEMA, revision="r1")
    step = next(step for step in known if isinstance(step, Identified))
    with pytest.raises(TypeError, match="expected a step of a change"):
        digest_of([replace(step, identity="")])


def test_different_values_are_told_apart() -> None:
    values = [
        *VALUES.values(),
        *(1, "1", b"1", [1], [[1]], {"a": 1}, {"a": "1"}, [None], [], {}, ""),
        *({"float": "nan"}, {"date": ["2024-02-29"]}, {"map": {}}, ["a", "b"], "a"),
        *(float("nan"), date(2024, 2, 28), datetime(2024, 2, 29), False, 0, 0.0),
    ]
    for first, second in combinations(map(canonical_text, values), 2):
        assert first != second


def test_a_list_is_the_tuple_and_a_mapping_has_no_order() -> None:
    assert canonical_text([1, (2, [3])]) == canonical_text((1, [2, (3,)]))
    assert canonical_text({"a": 1, "b": 2}) == canonical_text({"b": 2, "a": 1})


def test_rows_are_the_same_whatever_the_portions() -> None:
    whole, parts = RowDigest(), RowDigest()
    whole.update(ROWS)
    for row in ROWS:
        parts.update([row])
    assert parts.hexdigest() == whole.hexdigest()
    other = RowDigest()
    other.update([*ROWS[:1], {**ROWS[1], "born": date(1990, 1, 2)}, *ROWS[2:]])
    assert other.hexdigest() != whole.hexdigest()


def test_labels_and_their_order_make_another_batch() -> None:
    names = {
        default_batch(FILE, NodeTarget(labels, keys))
        for labels in (("A",), ("B",), ("A", "B"), ("B", "A"))
        for keys in (None, ("a",), ("a", "b"))
    }
    assert len(names) == 12
