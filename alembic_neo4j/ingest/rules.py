"""What is asked of the rows of a file: by a file of rules, a mapping, or the models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from alembic_neo4j.cypher.load_targets import generated
from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.json_files import toml_or_json
from alembic_neo4j.schema.definitions import EntityType, Property, Schema
from alembic_neo4j.sentences import ended

UNKNOWN = ("keep", "ignore", "refuse")
"""What may become of columns that no rule names."""


@dataclass(frozen=True)
class PropertyRules:
    """What is asked of one property's values, after they got their type.

    `column` is the file's name for it, where that is another; the model's attribute is
    known without. `minimum` and `maximum` are included, and compared as values of the
    type; lengths are those of a text or a list. `pattern` has to match from the
    beginning, as neomodel does it; end it with ``$`` for the whole text. `format`,
    `text_format` and `crs` are those of `typed_values.converter`. A missing value
    breaks `required` alone.
    """

    name: str
    type: str = "ANY"
    column: str | None = None
    required: bool = False
    minimum: Any = None
    maximum: Any = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    allowed: tuple[Any, ...] | None = None
    unique: bool = False
    format: str | None = None
    crs: str | None = None
    attribute: str | None = None
    text_format: str | None = None

    def __post_init__(self) -> None:
        if self.allowed is not None:
            object.__setattr__(self, "allowed", tuple(self.allowed))
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise IngestError(
                    f"{self.name}: expected a regular expression, found "
                    f"{self.pattern!r}: {ended(error)}"
                ) from error


@dataclass(frozen=True)
class Rules:
    """What is asked of the rows of a file.

    `unique` has the groups of properties whose values together are unique; a row
    that lacks one of them is in nobody's way. `unknown` says what becomes of columns
    that no rule names: they are kept as they are (also where it is None), ignored, or
    refused.
    """

    properties: tuple[PropertyRules, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    min_rows: int | None = None
    max_rows: int | None = None
    unknown: str | None = None

    def __post_init__(self) -> None:
        single = tuple((p.name,) for p in self.properties if p.unique)
        groups = dict.fromkeys((*single, *(tuple(group) for group in self.unique)))
        object.__setattr__(self, "unique", tuple(groups))
        if self.unknown not in (None, *UNKNOWN):
            raise IngestError(
                f"Expected one of {', '.join(UNKNOWN)} for unknown columns, found "
                f"{self.unknown!r}."
            )

    def over(self, below: Rules) -> Rules:
        """Return these rules together with those below, which give way to them."""
        mine = {p.name: p for p in self.properties}
        theirs = {p.name: p for p in below.properties}
        return Rules(
            tuple(
                _over(mine.get(name), theirs.get(name)) for name in {**theirs, **mine}
            ),
            (*below.unique, *self.unique),
            below.min_rows if self.min_rows is None else self.min_rows,
            below.max_rows if self.max_rows is None else self.max_rows,
            self.unknown or below.unknown,
        )


def _over(mine: PropertyRules | None, theirs: PropertyRules | None) -> PropertyRules:
    if mine is None or theirs is None:
        found = mine or theirs
        assert found is not None
        return found
    # A field that was left at its default says nothing.
    said = {
        f.name: getattr(mine, f.name)
        for f in fields(PropertyRules)
        if getattr(mine, f.name) != f.default
    }
    if theirs.format is not None:
        # How a model stores values is not for a file to say, only how it writes them.
        said.pop("type", None)
        said["text_format"] = said.pop("format", None) or mine.text_format
    return replace(theirs, **said)


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
    said, _ = toml_or_json(path, "rules")
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


def rules_of_properties(properties: Iterable[Property]) -> Rules:
    """Return what a model asks of values: its types, choices, lengths and patterns.

    A required property with a default may be missing: a load fills it in. A default
    that only a callable of Python's makes is none here.
    """
    return Rules(
        tuple(
            PropertyRules(
                p.name,
                p.type,
                required=p.required and p.default is None and generated(p) is None,
                max_length=p.max_length,
                pattern=p.pattern,
                allowed=p.choices,
                format=p.format,
                crs=p.crs,
                attribute=p.attribute,
            )
            for p in properties
        )
    )


def rules_of_label(schema: Schema, label: str) -> Rules:
    """Return what the model of a label asks of its nodes, uniqueness included.

    Raises IngestError where the schema has no such label.
    """
    node = schema.nodes.get(label)
    if node is None:
        raise _unknown_name("label", label, schema.nodes)
    rules = rules_of_properties(node.properties)
    unique = _unique(schema, EntityType.NODE, node.labels)
    return replace(rules, unique=unique, unknown="keep" if node.open else "refuse")


def rules_of_type(schema: Schema, type: str) -> Rules:
    """Return what the model of a relationship type asks of its properties.

    Columns that it does not name are kept: the keys of both ends are such. A type
    without properties asks nothing. Raises IngestError where no model has it.
    """
    known = {
        **dict.fromkeys(r.type for n in schema.nodes.values() for r in n.relationships),
        **schema.relationship_types,
    }
    if type not in known:
        raise _unknown_name("relationship type", type, known)
    declared = schema.relationship_types.get(type)
    rules = rules_of_properties(declared.properties if declared else ())
    return replace(rules, unique=_unique(schema, EntityType.RELATIONSHIP, (type,)))


def _unique(
    schema: Schema, entity: EntityType, labels: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    return tuple(
        c.properties
        for c in schema.constraints.values()
        if c.entity is entity and c.label in labels and c.kind.traits.unique
    )


def _unknown_name(what: str, name: str, known: Iterable[str]) -> IngestError:
    close = get_close_matches(name, list(known), n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return IngestError(f"Expected a {what} of the models, found {name!r}.{meant}")
