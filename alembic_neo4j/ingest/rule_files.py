"""Rules as a TOML or JSON file has them, or a mapping of the same form."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.json_lines import each_once
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.sentences import ended


def rules_from_mapping(mapping: Mapping[str, Any], *, source: str = "rules") -> Rules:
    """Return the rules that a mapping says, as a TOML or JSON file has them::

        unknown = "refuse"              # keep, ignore
        unique = [["first", "last"]]

        [rows]
        min = 1
        max = 1000

        [properties.age]
        type = "INTEGER"
        column = "Age in years"
        required = true
        min = 0
        max = 150

    and of a property also min_length, max_length, pattern, allowed, unique, format and
    crs. Raises IngestError, which names `source`, for a key or a value that is none.
    """
    _check_keys(mapping, {"rows", "unique", "unknown", "properties"}, source)
    rows = _table(mapping.get("rows", {}), f"{source}, rows")
    _check_keys(rows, {"min", "max"}, f"{source}, rows")
    properties = _table(mapping.get("properties", {}), f"{source}, properties")
    return Rules(
        tuple(_property(name, said, source) for name, said in properties.items()),
        _groups(mapping.get("unique", []), source),
        _count(rows, "min", f"{source}, rows"),
        _count(rows, "max", f"{source}, rows"),
        mapping.get("unknown"),
    )


def rules_from_file(path: Path) -> Rules:
    """Return the rules of a TOML or JSON file; `rules_from_mapping` has their form.

    Raises IngestError where it can't be read or says what is none.
    """
    try:
        text = path.read_text("utf-8")
        is_json = path.suffix.lower() == ".json"
        said = json.loads(text, object_pairs_hook=each_once) if is_json else _toml(text)
    except OSError as error:
        raise IngestError(f"{path}: can't be read: {ended(error.strerror)}") from error
    except (ValueError, RecursionError) as error:
        raise IngestError(
            f"{path}: expected rules in TOML (or JSON, in a .json file): {ended(error)}"
        ) from error
    return rules_from_mapping(_table(said, str(path)), source=str(path))


_KEYS = {
    "type": str,
    "column": str,
    "required": bool,
    "min": object,
    "max": object,
    "min_length": int,
    "max_length": int,
    "pattern": str,
    "allowed": list,
    "unique": bool,
    "format": str,
    "crs": str,
}
_FIELDS = {"min": "minimum", "max": "maximum"}


def _property(name: str, said: Any, source: str) -> PropertyRules:
    where = f"{source}, properties.{name}"
    said = _table(said, where)
    _check_keys(said, _KEYS, where)
    for key, value in said.items():
        kind = _KEYS[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise IngestError(
                f"{where}: expected a {kind.__name__} for {key!r}, found {value!r}."
            )
    return PropertyRules(name, **{_FIELDS.get(k, k): v for k, v in said.items()})


def _groups(said: Any, source: str) -> tuple[tuple[str, ...], ...]:
    groups = said if isinstance(said, list) else [said]
    found = [[group] if isinstance(group, str) else group for group in groups]
    for group in found:
        texts = isinstance(group, list) and all(isinstance(n, str) for n in group)
        if not texts or not group:
            raise IngestError(
                f"{source}: expected a list of properties for 'unique', such as "
                f'[["first", "last"]], found {group!r}.'
            )
    return tuple(tuple(group) for group in found)


def _count(said: Mapping[str, Any], key: str, where: str) -> int | None:
    value = said.get(key)
    if value is not None and (type(value) is not int or value < 0):
        raise IngestError(f"{where}: expected a number for {key!r}, found {value!r}.")
    return value


def _table(said: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(said, Mapping):
        raise IngestError(f"{where}: expected a table of keys, found {said!r}.")
    return said


def _check_keys(said: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    known = sorted(known)
    for key in said:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            raise IngestError(
                f"{where}: expected {', '.join(known)}; found {key!r}.{meant}"
            )


def _toml(text: str) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)
