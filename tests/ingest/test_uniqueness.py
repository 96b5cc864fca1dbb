"""Values that were seen before."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_neo4j.ingest.validation import SeenValues, key_of

values = st.one_of(
    st.integers(-5, 5),
    st.floats(-3, 3),
    st.booleans(),
    st.text(max_size=2),
    st.lists(st.text(max_size=2), max_size=2),
    st.dates(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(values, values)), st.integers(1, 5))
def test_values_are_found_again_in_memory_and_on_disk(
    rows: list[tuple[Any, Any]], in_memory: int
) -> None:
    seen, expected = SeenValues(in_memory=in_memory), {}
    for number, row in enumerate(rows):
        key = key_of(row)
        assert key is not None
        # What Python holds for equal, but for True and 1.
        own = repr([_plain(value) for value in row])
        assert seen.first_row(key) == expected.get(own)
        if own not in expected:
            expected[own] = number
            seen.add(key, number)
    seen.close()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def test_a_null_is_like_nothing() -> None:
    assert key_of([1, None]) is None
    assert key_of(["a", "b"]) != key_of(["ab", ""])
    assert key_of([1]) == key_of([1.0]) != key_of([True])
    assert key_of(["1"]) != key_of([1])
