"""A literal that a person wrote is read as the server reads it."""

from __future__ import annotations

import math
from typing import Any

import neo4j
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_neo4j.cypher.files import read_literal
from alembic_neo4j.cypher.quoting import literal
from alembic_neo4j.errors import StatementError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcé", min_size=1), inner),
    max_leaves=10,
)

SAME_ON_THE_SERVER = [
    *("null", "TRUE", "false", "42", "-7", "- 7", "0x1F", "0o17", "1_000", "1.5"),
    *(".5", "1e3", "1.5E-3", "'it\\'s'", '"a\\tb"', "'\\u00e9'", "'a\\\\b'"),
    *("[]", "[1, 'a', null]", "{}", "{a: 1, `b c`: [true]}", "/* one */ 1"),
]


@pytest.mark.parametrize("text", SAME_ON_THE_SERVER)
def test_it_is_what_the_server_makes_of_it(reader: neo4j.Driver, text: str) -> None:
    (row,) = reader.execute_query(f"RETURN {text} AS value").records
    assert read_literal(text) == row["value"]
    assert type(read_literal(text)) is type(row["value"])


@settings(deadline=None)
@given(values)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert read_literal(literal(value)) == value


def test_what_json_writes_is_read() -> None:
    assert read_literal('{"a": [1, true, null, "x\\ny"]}') == {
        "a": [1, True, None, "x\ny"]
    }


def test_infinity() -> None:
    assert read_literal("-Infinity") == -math.inf
    assert math.isnan(read_literal("NaN"))


@pytest.mark.parametrize(
    "text",
    [
        *("", "Ada", "1 2", "date('2020-01-01')", "$x", "[1,]", "[1", "{a}", "{1: 2}"),
        *("-true", "--", "012", "1__0", "9223372036854775808", "{a: 1", "1;"),
    ],
)
def test_what_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises(StatementError, match="a literal was expected"):
        read_literal(text)


def test_a_string_without_its_end_is_refused() -> None:
    with pytest.raises(StatementError, match="without its closing"):
        read_literal("'Ada")
