"""What does not fit a JSON schema is told with its place and what was expected."""

from __future__ import annotations

from typing import Any

import pytest

from alembic_neo4j.ingest.transfer_mapping import problems

NAMES: dict[str, Any] = {
    "description": "a name or a list of names",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "items": {"type": "string"}},
    ],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["key"],
    "additionalProperties": False,
    "properties": {
        "key": {"$ref": "#/$defs/names"},
        "kind": {"enum": ["a", "b"]},
        "size": {"type": "integer"},
        "flag": {"type": "boolean"},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
        "fixed": {"const": 1},
        "any": {},
        "map": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "number"},
        },
    },
    "$defs": {"names": NAMES},
}


@pytest.mark.parametrize(
    "value",
    [
        {"key": "a"},
        {"key": ["a", "b"], "kind": "a", "size": 1, "flag": True, "code": "AB"},
        {"key": "a", "fixed": 1, "any": [{"x": None}], "map": {"x": 1, "y": 1.5}},
    ],
)
def test_what_fits_has_no_problem(value: Any) -> None:
    assert list(problems(value, SCHEMA)) == []


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([], "expected an object, found []"),
        ({}, "expected the key 'key', found none"),
        ({"key": 1}, "key: expected a name or a list of names, found 1"),
        ({"key": ""}, "key: expected a name or a list of names, found ''"),
        ({"key": []}, "key: expected a name or a list of names, found []"),
        ({"key": ["a", 2]}, "key[1]: expected a string, found 2"),
        ({"key": "a", "kind": "c"}, "kind: expected one of 'a', 'b', found 'c'"),
        ({"key": "a", "size": True}, "size: expected an integer, found True"),
        ({"key": "a", "size": 1.5}, "size: expected an integer, found 1.5"),
        ({"key": "a", "flag": 1}, "flag: expected a boolean, found 1"),
        ({"key": "a", "code": "x"}, "code: expected what matches ^[A-Z]+$, found 'x'"),
        ({"key": "a", "fixed": 2}, "fixed: expected 1, found 2"),
        ({"key": "a", "map": {}}, "map: expected at least 1, found {}"),
        ({"key": "a", "map": {"x": "1"}}, "map.x: expected a number, found '1'"),
        (
            {"key": "a", "kid": "a"},
            "expected one of any, code, fixed, flag, key, kind, map, size, found 'kid'"
            "; did you mean 'kind'?",
        ),
    ],
)
def test_what_does_not_fit_is_told(value: Any, found: str) -> None:
    assert list(problems(value, SCHEMA)) == [found]


def test_every_problem_is_told() -> None:
    assert len(list(problems({"kind": 1, "size": "x"}, SCHEMA))) == 3
