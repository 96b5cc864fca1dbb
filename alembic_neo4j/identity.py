"""The text by which something that is written down is known again, by any release."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any

FORMAT = 2
"""The version of the text, and the first part of every identity.

It is raised by whoever makes another text of what was recorded before (see
``tests/golden/identities.py``). Format 1 had no number: Cypher and ``repr()``.
"""


def identity(*parts: Any) -> str:
    """Return ``<format>:<sha256>`` of what something is.

    It is made of values, not of how a release writes them: fields of a dataclass that
    are as a new one has them are left out, so that another field with a default leaves
    every identity as it is.
    """
    text = canonical_text(parts)
    return f"{FORMAT}:{hashlib.sha256(text.encode()).hexdigest()}"


def format_of(recorded: str) -> int:
    """Return the format of an identity that was recorded."""
    number, colon, _ = recorded.partition(":")
    return int(number) if colon else 1


def canonical_text(value: Any) -> str:
    """Return a value as ASCII text that is the same on every machine.

    It knows what a parameter of Cypher may hold, dataclasses and enumerations. What is
    none of these is its type and its repr, whose author has to keep that.
    """
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"))


def meaning(value: Any, *names: str) -> dict[str, Any]:
    """Return the fields of a dataclass that are not as a new one has them.

    With `names` only these are looked at. What equality leaves out is left out.
    """
    return {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if field.compare
        and (not names or field.name in names)
        and getattr(value, field.name) != _new(field)
    }


def _new(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _canonical(value: Any) -> Any:
    """Return a value as JSON; an object of one key has a value that JSON lacks."""
    if isinstance(value, Enum):
        return _canonical(value.value)
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: _fields(meaning(value))}
    if isinstance(value, Mapping):
        return {"map": _fields(value)}
    return _of_time(value) or _of_other(value)


def _fields(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        name if type(name) is str else canonical_text(name): _canonical(item)
        for name, item in values.items()
    }


def _of_time(value: Any) -> dict[str, Any] | None:
    if isinstance(value, timedelta):
        return {"timedelta": [value.days, value.seconds, value.microseconds]}
    if isinstance(value, (date, time)):
        written = value.isoformat()
    elif hasattr(value, "iso_format"):
        written = _written(value)
    else:
        return None
    tag = "datetime" if isinstance(value, datetime) else type(value).__name__
    zone = getattr(getattr(value, "tzinfo", None), "key", None)
    return {tag: [written, zone] if zone else [written]}


def _written(value: Any) -> str:
    """Return a value of the driver's, which is not imported here, as ISO 8601.

    A ZoneInfo that is asked about it reads foreign memory (python/cpython#125318): a
    wrong offset or a crash. It is asked about Python's own.
    """
    if getattr(value, "tzinfo", None) is None:
        return str(value.iso_format())
    native = value.to_native()
    offset = native.isoformat()[len(native.replace(tzinfo=None).isoformat()) :]
    return f"{value.replace(tzinfo=None).iso_format()}{offset}"


def _of_other(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if isinstance(value, (list, tuple)):
        items = [_canonical(item) for item in value]
        # A point of the driver's is a tuple.
        srid = getattr(value, "srid", None)
        return items if srid is None else {"point": [srid, *items]}
    return {type(value).__name__: repr(value)}
