"""Mappings of a transfer as files have them: checked by the schema that is shipped."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic_neo4j.errors import IngestError, SchemaError
from alembic_neo4j.ingest.json_files import each_once
from alembic_neo4j.ingest.json_schema import problems
from alembic_neo4j.ingest.transfer_mapping import (
    WHOLE,
    EndMapping,
    GraphsMapping,
    LeftOut,
    NodeMapping,
    Others,
    PropertyMapping,
    RelationshipMapping,
    TransferMapping,
)
from alembic_neo4j.ingest.typed_values import ValueOptions, converter
from alembic_neo4j.sentences import ended, shortened

_DIRECTORY = Path(__file__).with_name("mappings")
SCHEMA_FILE = _DIRECTORY / "mapping.schema.json"
"""The JSON schema of a mapping file, for editors and for our own check."""

_READING = ("SELECT", "WITH", "VALUES")

_VALUES = {"list_separator": None, "true_words": ("1", "true")}
_VALUES |= {"false_words": ("0", "false")}
"""How values are written in SQLite, which has no type for a boolean or a list."""


@lru_cache(maxsize=1)
def shipped_mappings() -> tuple[TransferMapping, ...]:
    """Return the mappings that come with the package."""
    return tuple(map(mapping_from_file, sorted(_DIRECTORY.glob("*.toml"))))


def mapping_from_file(path: Path) -> TransferMapping:
    """Return the mapping of a TOML file, or of a JSON file that ends in ``.json``.

    Raises IngestError, which names the file, the place in it and what was expected.
    """
    try:
        written = path.read_bytes()
        text = written.decode()
        is_json = path.suffix.lower() == ".json"
        said = json.loads(text, object_pairs_hook=each_once) if is_json else _toml(text)
    except OSError as error:
        raise IngestError(f"{path}: can't be read: {ended(error.strerror)}") from error
    except (ValueError, RecursionError) as error:
        raise IngestError(
            f"{path}: expected a mapping in TOML (or JSON, in a .json file): "
            f"{ended(error)}"
        ) from error
    # Another line ending is no other mapping.
    digest = hashlib.sha256(written.replace(b"\r\n", b"\n")).hexdigest()
    return mapping_from_value(said, name=path.stem, source=str(path), digest=digest)


def mapping_from_value(
    said: Any, *, name: str = "mapping", source: str = "mapping", digest: str = ""
) -> TransferMapping:
    """Return the mapping that a value says, of the form of a file.

    Raises IngestError with all that does not fit the schema, and where it contradicts
    itself.
    """
    found = list(problems(said, _schema()))
    if found:
        lines = "\n".join(f"  {line}" for line in found[:20])
        raise IngestError(f"{source} is no mapping:\n{lines}")
    reader = _Reader(source)
    values = ValueOptions(**{**_VALUES, **reader.values(said.get("values", {}))})
    mapping = TransferMapping(
        name,
        digest or hashlib.sha256(repr(said).encode()).hexdigest(),
        tuple(
            reader.node(table, f"nodes[{number}]")
            for number, table in enumerate(said["nodes"])
        ),
        tuple(
            reader.relationship(table, f"relationships[{number}]")
            for number, table in enumerate(said.get("relationships", ()))
        ),
        reader.graphs(said["graphs"]) if "graphs" in said else None,
        {table: _names(columns) for table, columns in said.get("requires", {}).items()},
        values,
        tuple(LeftOut(**table) for table in said.get("left_out", ())),
    )
    _check(mapping, source)
    return mapping


def _check(mapping: TransferMapping, source: str) -> None:
    for part in mapping.parts:
        try:
            _ = part.target
            for said in (*part.properties, *_keys(part)):
                converter(said.type, mapping.values, format=said.format, crs=said.crs)
        except (IngestError, SchemaError) as error:
            raise IngestError(f"{source}, {part}: {error}") from error


def _keys(part: NodeMapping | RelationshipMapping) -> tuple[PropertyMapping, ...]:
    if isinstance(part, NodeMapping):
        return ()
    return (*part.source.keys, *part.target_end.keys)


class _Reader:
    """Reads the tables of a mapping that fits the schema."""

    def __init__(self, source: str) -> None:
        self._source = source

    def values(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """Read how values are written."""
        words = ("true_words", "false_words")
        return {k: _names(v) if k in words else v for k, v in table.items()}

    def graphs(self, table: Mapping[str, Any]) -> GraphsMapping:
        """Read which graphs there are."""
        scope = table.get("scope", {})
        return GraphsMapping(
            self._query(table, "graphs"),
            table.get("id", "id"),
            scope.get("property"),
            scope.get("column"),
        )

    def node(self, table: Mapping[str, Any], place: str) -> NodeMapping:
        """Read what becomes nodes."""
        return NodeMapping(
            _names(table["labels"]),
            self._query(table, place),
            _names(table["key"]),
            self._properties(table.get("properties", {}), f"{place}.properties"),
            _others(table),
        )

    def relationship(self, table: Mapping[str, Any], place: str) -> RelationshipMapping:
        """Read what becomes relationships."""
        return RelationshipMapping(
            table["type"],
            self._query(table, place),
            self._end(table["source"], f"{place}.source"),
            self._end(table["target"], f"{place}.target"),
            _names(table.get("key", ())),
            self._properties(table.get("properties", {}), f"{place}.properties"),
            _others(table),
            table.get("unmatched", "report"),
        )

    def _end(self, table: Mapping[str, Any], place: str) -> EndMapping:
        return EndMapping(
            table["label"], self._properties(table["key"], f"{place}.key")
        )

    def _query(self, table: Mapping[str, Any], place: str) -> str:
        if ("query" in table) == ("table" in table):
            found = "both" if "query" in table else "neither"
            raise IngestError(
                f"{self._source}, {place}: expected one of 'table' and 'query', found "
                f"{found}."
            )
        if "query" in table:
            query: str = table["query"]
            if not query.lstrip().upper().startswith(_READING):
                raise IngestError(
                    f"{self._source}, {place}: expected a query that begins with "
                    f"{' or '.join(_READING)}, found {shortened(query)}."
                )
            return query.strip().rstrip(";")
        return WHOLE.format('"' + table["table"].replace('"', '""') + '"')

    def _properties(
        self, table: Mapping[str, Any], place: str
    ) -> tuple[PropertyMapping, ...]:
        return tuple(
            self._property(name, said, f"{place}.{name}")
            for name, said in table.items()
        )

    def _property(self, name: str, said: Any, place: str) -> PropertyMapping:
        if isinstance(said, str):
            return PropertyMapping(name, said)
        if "value" in said and "column" in said:
            raise IngestError(
                f"{self._source}, {place}: expected one of 'column' and 'value', found "
                "both."
            )
        column = None if "value" in said else said.get("column", name)
        return PropertyMapping(name, **{**said, "column": column})


def _others(table: Mapping[str, Any]) -> Others:
    others = table.get("other_columns", "keep")
    return others if isinstance(others, str) else tuple(others)  # type: ignore[return-value]


def _names(said: Any) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return schema


def _toml(text: str) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)
