"""What an entity may be, and that nobody changes one."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from alembic_neo4j.entities import STATUSES, Entity
from alembic_neo4j.errors import Neo4jMigrationError, ValidationError
from tests.entities.values import DATA


def entity(**values: Any) -> Entity:
    given = {"id": "task-a", "type": "task", "status": "open", "data": {}}
    return Entity(**(given | values))


class Stage(str, Enum):
    OPEN = "open"


def test_seventeen_statuses_are_known() -> None:
    assert len(set(STATUSES)) == 17
    assert [entity(status=status).status for status in STATUSES] == [*STATUSES]


def test_a_new_entity_is_not_stored_and_has_its_times() -> None:
    made = entity()

    assert made.version == 0
    assert made.created_at.utcoffset() == made.updated_at.utcoffset() == timedelta(0)
    assert made.created_at <= made.updated_at
    assert datetime.now(timezone.utc) - made.created_at < timedelta(minutes=1)


def test_what_says_the_same_is_equal() -> None:
    assert entity(data={"a": [1]}) == entity(data={"a": [1]})
    assert hash(entity(data={"a": [1]})) == hash(entity(data={"a": [1]}))
    assert entity() != entity(status="paused")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"id": "a"}, r"starts with the entity's type, task-….*found 'a'.*'task-a'"),
        ({"id": "task-"}, "starts with the entity's type"),
        ({"id": "task"}, "starts with the entity's type"),
        ({"id": "TASK-a"}, "starts with the entity's type"),
        ({"id": "task- a"}, "without spaces"),
        ({"id": "task-\0"}, "without spaces"),
        ({"id": "task-\ud800"}, "without spaces"),
        ({"id": "task-" + "a" * 251}, "1 to 255 characters"),
        ({"id": None}, "without spaces, found None"),
        ({"type": ""}, "expected the type"),
        ({"type": 3}, "expected the type"),
        ({"status": "in-progress"}, "found 'in-progress'; did you mean in_progress"),
        ({"status": "Open"}, "expected a status"),
        ({"status": None}, "expected a status"),
        ({"status": ["open"]}, "expected a status"),
        ({"data": None}, "expected a dict"),
        ({"data": [1]}, "expected a dict"),
        ({"data": {1: 2}}, "expected text for each key of data"),
        ({"data": {"a": {"b": [1, {2}]}}}, r"data\['a'\]\['b'\]\[1\].*found set"),
        ({"data": {"a": float("nan")}}, "expected a finite number"),
        ({"data": {"a": datetime.now()}}, "isoformat"),
        ({"data": {"a": b""}}, "found bytes"),
        ({"data": {"a": "\0"}}, "without NUL"),
        ({"data": {"\ud800": 1}}, "surrogate"),
        ({"data": {"a": 10**5000}}, "found one of 16,610 bits"),
        ({"version": -1}, "from 0 to 2,147,483,647 for version"),
        ({"version": True}, "from 0 to 2,147,483,647 for version"),
        ({"created_at": datetime(2026, 1, 1)}, "a time zone for created_at"),
        ({"updated_at": "2026-01-01"}, "a time zone for updated_at"),
    ],
)
def test_a_wrong_value_is_told_with_what_to_do(
    wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        entity(**wrong)
    assert isinstance(caught.value, Neo4jMigrationError)
    assert isinstance(caught.value, ValueError)


def test_data_that_hold_themselves_are_refused() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless

    with pytest.raises(ValidationError, match="at most 100 lists and objects"):
        entity(data=endless)


def test_what_is_given_is_not_the_entitys_any_more() -> None:
    data = {"list": [{"a": 1}]}
    made = entity(data=data)
    data["list"][0]["a"] = 2
    data["list"].append({})

    assert made.data == {"list": [{"a": 1}]}


CHANGES = [
    "data['a'] = 1",
    "del data['list']",
    "data.update(a=1)",
    "data.pop('list')",
    "data.popitem()",
    "data.clear()",
    "data.setdefault('a', 1)",
    "data |= {'a': 1}",
    "data['list'][0] = 1",
    "data['list'].append(1)",
    "data['list'] += [1]",
    "data['list'].sort()",
    "data['list'][0]['a'] = 1",
    "made.status = 'paused'",
    "made.data = {}",
]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_of_an_entity_can_be_changed(change: str) -> None:
    made = entity(data={"list": [{"a": 0}]})
    with pytest.raises((TypeError, AttributeError)):
        exec(change, {"data": made.data, "made": made})
    assert made == entity(data={"list": [{"a": 0}]})


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.loads])
def test_a_copy_can_be_changed_no_more_than_its_original(copied: Any) -> None:
    made = entity(data={"list": [{"a": 0}]})
    other = copied(pickle.dumps(made) if copied is pickle.loads else made)

    assert other == made
    with pytest.raises(TypeError):
        other.data["list"][0]["a"] = 1


def test_copy_changes_what_is_named_and_nothing_else() -> None:
    made = entity(data={"a": 1}, version=3)
    other = made.copy(status="paused", data={**made.data, "b": 2})

    assert (other.id, other.type, other.version) == ("task-a", "task", 3)
    assert (other.status, other.data) == ("paused", {"a": 1, "b": 2})
    assert (made.status, made.data) == ("open", {"a": 1})
    assert other.created_at == made.created_at
    with pytest.raises(TypeError):
        made.copy(colour="red")
    with pytest.raises(ValidationError):
        made.copy(status="gone")


def test_members_of_enumerations_are_their_values() -> None:
    made = entity(status=Stage.OPEN, data={"stage": Stage.OPEN})

    assert type(made.status) is type(made.data["stage"]) is str
    assert json.dumps(made.data) == '{"stage": "open"}'


def test_a_time_is_kept_in_utc() -> None:
    zone = timezone(timedelta(hours=2))
    made = entity(created_at=datetime(2026, 1, 1, 1, tzinfo=zone))

    assert made.created_at.isoformat() == "2025-12-31T23:00:00+00:00"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DATA)
def test_data_are_what_was_given(data: dict[str, Any]) -> None:
    made = entity(data=data)

    assert made.data == data
    assert json.loads(json.dumps(made.data)) == json.loads(json.dumps(data))
    assert entity(data=made.data) == made
