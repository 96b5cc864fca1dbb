"""Judges a value by a JSON schema, and says in words where it does not fit.

Of JSON Schema (https://json-schema.org, draft 2020-12) it knows what our own schemas
use: ``type``, ``enum``, ``const``, ``pattern``, ``minLength``, ``properties``,
``required``, ``additionalProperties``, ``minProperties``, ``items``, ``minItems``,
``anyOf`` and ``$ref`` into ``$defs``. An ``anyOf`` has a ``description`` that says what
is expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from alembic_neo4j.sentences import shortened

_TYPES: Mapping[str, Any] = {
    "object": Mapping,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def problems(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a value, each with its place such as nodes[0].key."""
    yield from _judged(value, schema, schema, "")


def _judged(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], place: str
) -> Iterator[str]:
    schema = _resolved(schema, root)
    if "anyOf" in schema:
        yield from _any_of(value, schema, root, place)
        return
    expected = _unexpected(value, schema)
    if expected:
        yield _told(place, f"expected {expected}, found {shortened(value)}")
    elif isinstance(value, Mapping):
        yield from _object(value, schema, root, place)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            inside = f"{place}[{number}]"
            yield from _judged(item, schema.get("items", {}), root, inside)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def _any_of(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], place: str
) -> Iterator[str]:
    choices = [_resolved(choice, root) for choice in schema["anyOf"]]
    fitting = [choice for choice in choices if not _unexpected(value, choice)]
    if not fitting:
        found = shortened(value)
        yield _told(place, f"expected {schema['description']}, found {found}")
        return
    # What is wrong inside of the first one that is of the same type.
    found_problems = [list(_judged(value, c, root, place)) for c in fitting]
    if all(found_problems):
        yield from found_problems[0]


def _unexpected(value: Any, schema: Mapping[str, Any]) -> str:
    """Return what was expected instead of the value, '' where it will do by itself."""
    kind = schema.get("type")
    if kind and not _is_a(value, kind):
        return schema.get("description") or f"{_article(kind)} {kind}"
    if "const" in schema and value != schema["const"]:
        return repr(schema["const"])
    if "enum" in schema and value not in schema["enum"]:
        return f"one of {', '.join(map(repr, schema['enum']))}"
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            return schema.get("description") or "some text"
        pattern = schema.get("pattern")
        if pattern and not re.search(pattern, value):
            return schema.get("description") or f"what matches {pattern}"
    sized = isinstance(value, (list, Mapping))
    least = schema.get("minItems", schema.get("minProperties", 0))
    return f"at least {least}" if sized and len(value) < least else ""


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _object(
    value: Mapping[str, Any],
    schema: Mapping[str, Any],
    root: Mapping[str, Any],
    place: str,
) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield _told(place, f"expected the key {name!r}, found {_keys(value)}")
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        inside = f"{place}.{name}" if place else str(name)
        if name in known:
            yield from _judged(item, known[name], root, inside)
        elif others is False:
            close = get_close_matches(str(name), known, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            keys = ", ".join(sorted(known))
            yield _told(place, f"expected one of {keys}, found {name!r}{meant}")
        elif isinstance(others, Mapping):
            yield from _judged(item, others, root, inside)


def _keys(value: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, value)) or "none"


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _told(place: str, text: str) -> str:
    return f"{place}: {text}" if place else text
