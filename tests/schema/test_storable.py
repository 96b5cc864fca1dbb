"""What a property can hold, without a server."""

from __future__ import annotations

import math
from typing import Any

import pytest

from alembic_neo4j.schema.storable import name_problem, storable, storable_column
from tests.schema.storable_values import ACCEPTED, NOT_FINITE, REFUSED


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("allow_nan", [True, False])
def test_what_none_can_hold(what: str, allow_nan: bool) -> None:
    value, reason = REFUSED[what]

    with pytest.raises(ValueError, match=r".") as told:
        storable(value, allow_nan=allow_nan)

    assert reason in str(told.value)
    assert not storable_column([value], allow_nan=allow_nan)


@pytest.mark.parametrize("what", ACCEPTED)
def test_what_is_stored_is_judged_as_the_same_again(what: str) -> None:
    once = storable(ACCEPTED[what][0])

    # Not compared: the driver's own can't be asked about every zone.
    assert repr(storable(once)) == repr(once)


@pytest.mark.parametrize("what", NOT_FINITE)
def test_what_is_not_finite_is_for_the_option(what: str) -> None:
    value = NOT_FINITE[what]

    assert repr(storable(value, allow_nan=True)) == repr(_floats(value))
    with pytest.raises(ValueError, match="no finite number, and allow_nan"):
        storable(value)


@pytest.mark.parametrize(
    "column",
    [
        [],
        [None],
        [True, None],
        ["a", None, "ä"],
        [1, 2**63 - 1, -(2**63)],
        [None, 1.5],
    ],
)
def test_a_column_of_one_type_is_told_at_once(column: list[Any]) -> None:
    assert storable_column(column)


@pytest.mark.parametrize(
    "column", [["a", "\ud800", "\udc00"], [1, 2**63], [math.nan], [1, "a"], [[1]]]
)
def test_other_columns_are_judged_one_by_one(column: list[Any]) -> None:
    assert not storable_column(column)


def test_a_column_may_have_what_is_allowed() -> None:
    assert storable_column([math.nan, math.inf], allow_nan=True)


def test_a_name_is_text() -> None:
    assert name_problem("a `b`") is None
    assert name_problem(b"a") == "it is a bytes"


def _floats(value: Any) -> Any:
    return [float(item) for item in value] if isinstance(value, list) else value
