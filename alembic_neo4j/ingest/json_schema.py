"""What does not fit a JSON schema, in words: where, what was expected, what found.

A schema may have a ``description`` that says what is expected where it is not fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from itertools import groupby
from typing import TYPE_CHECKING, Any

from alembic_neo4j.errors import MissingExtra
from alembic_neo4j.sentences import shortened

if TYPE_CHECKING:
    from jsonschema import ValidationError


def problems(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a value, each with its place such as nodes[0].key.

    Raises MissingExtra without jsonschema.
    """
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise MissingExtra(
            "Expected jsonschema, which a mapping is checked by, found it not "
            'installed. Run: pip install "alembic-neo4j[data]"'
        ) from error
    found = Draft202012Validator(schema).iter_errors(value)
    return list(dict.fromkeys(line for error in found for line in _told(error)))


def _told(error: ValidationError) -> Iterator[str]:
    inside = _inside(error)
    if inside:
        for part in inside:
            yield from _told(part)
        return
    place = "".join(
        f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.absolute_path
    ).removeprefix(".")
    for text in _expected(error):
        yield f"{place}: expected {text}" if place else f"expected {text}"


def _inside(error: ValidationError) -> list[ValidationError]:
    """Return what is wrong inside of the first choice that is of the value's type."""
    choices = groupby(error.context, key=lambda part: part.schema_path[0])
    for _, parts in choices if error.validator == "anyOf" else ():
        found = list(parts)
        if all(part.path or part.validator not in _OF_ITSELF for part in found):
            return found
    return []


def _expected(error: ValidationError) -> Iterator[str]:
    rule, wanted, found = error.validator, error.validator_value, error.instance
    if rule == "required":
        names = ", ".join(map(repr, found)) or "none"
        yield from (f"the key {n!r}, found {names}" for n in wanted if n not in found)
    elif rule == "additionalProperties":
        known = sorted(error.schema["properties"])
        for name in found:
            if name not in known:
                close = get_close_matches(str(name), known, n=1)
                meant = f"; did you mean {close[0]!r}?" if close else ""
                yield f"one of {', '.join(known)}, found {name!r}{meant}"
    elif rule in ("oneOf", "not"):
        # Of these keys exactly one, or no two, may be there.
        choices = wanted if rule == "oneOf" else [wanted]
        keys = [key for choice in choices for key in choice["required"]]
        which = "both" if keys[0] in found else "neither"
        yield f"one of {' and '.join(map(repr, keys))}, found {which}"
    else:
        described = error.schema.get("description")
        said = _OF_ITSELF[rule](wanted)
        is_plain = rule in ("const", "enum", "minItems", "minProperties")
        yield f"{said if is_plain else described or said}, found {shortened(found)}"


def _at_least(count: int) -> str:
    return f"at least {count}"


_OF_ITSELF: Mapping[str, Callable[[Any], str]] = {
    "type": lambda kind: f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}",
    "const": repr,
    "enum": lambda values: f"one of {', '.join(map(repr, values))}",
    "minLength": lambda _: "some text",
    "pattern": lambda pattern: f"what matches {pattern}",
    "minItems": _at_least,
    "minProperties": _at_least,
    "anyOf": lambda _: "something else",
}
"""What each rule about a value by itself expects, where no description says so."""
