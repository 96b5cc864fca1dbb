"""JSON values that nobody can change, and their text in a store."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from alembic_neo4j.errors import ValidationError
from alembic_neo4j.sentences import shortened

_DEEPEST = 100
"""How many lists and objects may be within each other; SQLite reads no more of them."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError(
        "an entity's data can't be changed: make another entity, such as "
        "entity.copy(data={**entity.data, 'name': 'another'})"
    )


class ReadOnlyDict(dict[str, Any]):
    """A JSON object that refuses to be changed; `dict()` of it gives one that can."""

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return type(self), (dict(self),)


class ReadOnlyList(list[Any]):
    """A JSON array that refuses to be changed; `list()` of it gives one that can."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = _refuse
    remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return type(self), (list(self),)


def read_only(value: Any, where: str = "data", depth: int = 0) -> Any:
    """Return a copy of a JSON value that can't be changed.

    Raises ValidationError for what JSON, or one of the databases, can't hold; `where`
    is the value's place, as messages name it.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int):
        return _integer(value, where)
    if isinstance(value, float):
        return _float(value, where)
    if depth == _DEEPEST:
        raise ValidationError(
            f"expected at most {_DEEPEST} lists and objects within each other, found "
            f"more at {where[:60]}…; keep what is deeper in an entity of its own"
        )
    if isinstance(value, Mapping):
        return ReadOnlyDict(
            (_key(key, where), read_only(item, f"{where}[{key!r}]", depth + 1))
            for key, item in value.items()
        )
    if isinstance(value, (list, tuple)):
        return ReadOnlyList(
            read_only(item, f"{where}[{number}]", depth + 1)
            for number, item in enumerate(value)
        )
    raise ValidationError(
        f"expected a value that JSON has at {where} (text, number, true, false, None, "
        f"list or dict), found {type(value).__name__} {shortened(value)}; write it as "
        "one of these, a time for example as text by isoformat()"
    )


def storable_text(value: str) -> bool:
    """Tell whether both databases can hold the text."""
    return (value.isascii() and "\0" not in value) or _is_unicode(value)


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _text(value: str, where: str) -> str:
    if not storable_text(value):
        raise ValidationError(
            f"expected text without NUL and without half of a surrogate pair at "
            f"{where}, found {shortened(value)}; the databases can't hold these: "
            "leave them out"
        )
    # The text itself, where it is a member of an enumeration.
    return str.__str__(value)


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise ValidationError(
            f"expected text for each key of {where}, found {type(key).__name__} "
            f"{shortened(key)}; write it as text"
        )
    return _text(key, f"a key of {where}")


def _integer(value: int, where: str) -> int:
    try:
        int.__repr__(value)
    except ValueError:
        raise ValidationError(
            f"expected a number that can be written at {where}, found one of "
            f"{value.bit_length():,} bits; write it as text"
        ) from None
    return int(value)


def _float(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise ValidationError(
            f"expected a finite number at {where}, found {float(value)}, which JSON "
            "does not have; use None, or text"
        )
    return float(value)


def json_text(value: Any) -> str:
    """Return a JSON value as the store holds it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a JSON value, in their order, as text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield repr(value)
