"""What a report of JSON is made of: described for people, checked by the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "true or false": bool,
    "list": list,
    "object": dict,
    "any value": object,
}


@dataclass(frozen=True)
class Shape:
    """One value of a report: its kind, what it means, and what it holds."""

    kind: str
    meaning: str
    nullable: bool = False
    always: bool = True
    item: Shape | None = None
    fields: Mapping[str, Shape] = field(default_factory=dict)

    def or_null(self) -> Shape:
        """Return the same value, which may be null."""
        return replace(self, nullable=True)

    def at_times(self) -> Shape:
        """Return the same value, whose key is not always there."""
        return replace(self, always=False)


def text(meaning: str = "") -> Shape:
    """Return a text."""
    return Shape("text", meaning)


def number(meaning: str = "") -> Shape:
    """Return a number."""
    return Shape("number", meaning)


def anything(meaning: str) -> Shape:
    """Return what may be a value of any kind, with whatever is in it."""
    return Shape("any value", meaning)


def flag(meaning: str) -> Shape:
    """Return what is true or false."""
    return Shape("true or false", meaning)


def texts(meaning: str) -> Shape:
    """Return a list of texts."""
    return Shape("list", meaning, item=text())


def rows(meaning: str, /, **fields: Shape) -> Shape:
    """Return a list of objects with these fields."""
    return Shape("list", meaning, item=row("", **fields))


def row(meaning: str = "", /, **fields: Shape) -> Shape:
    """Return an object with these fields."""
    return Shape("object", meaning, fields=fields)


def misfits(shape: Shape, value: Any, place: str = "") -> Iterator[str]:
    """Yield where a value, as it is read from JSON, is not what is described."""
    if shape.kind == "any value" or (value is None and shape.nullable):
        return
    kind = _KINDS[shape.kind]
    if not isinstance(value, kind) or (isinstance(value, bool) != (kind is bool)):
        yield f"{place or 'the report'} is {value!r}, not {shape.kind}"
    elif isinstance(value, list):
        for number_, item in enumerate(value):
            assert shape.item is not None
            yield from misfits(shape.item, item, f"{place}[{number_}]")
    elif isinstance(value, dict):
        yield from _misfits_of_object(shape, value, place)


def _misfits_of_object(
    shape: Shape, value: dict[str, Any], place: str
) -> Iterator[str]:
    for name in value.keys() - shape.fields.keys():
        yield f"{place}.{name} is not described"
    for name, part in shape.fields.items():
        if name in value:
            yield from misfits(part, value[name], f"{place}.{name}")
        elif part.always:
            yield f"{place}.{name} is missing"


def described(shape: Shape, indent: str = "") -> Iterator[str]:
    """Yield the lines that describe the fields of an object, as a list in Markdown."""
    for name, part in shape.fields.items():
        yield f"{indent}- `{name}`{_in_words(part)}"
        inner = part.item if part.item is not None else part
        yield from described(inner, f"{indent}  ")


def _in_words(part: Shape) -> str:
    what = part.kind
    if part.item is not None:
        what = "list of objects" if part.item.fields else f"list of {part.item.kind}s"
    said = [what, *(["or null"] if part.nullable else [])]
    said += [] if part.always else ["not always there"]
    return f" ({', '.join(said)})" + (f": {part.meaning}" if part.meaning else "")
