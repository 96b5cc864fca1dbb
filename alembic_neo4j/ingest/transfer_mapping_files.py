"""Mappings of a transfer as files have them: checked by the schema that is shipped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic_neo4j.errors import IngestError, SchemaError
from alembic_neo4j.identity import identity
from alembic_neo4j.ingest.json_files import toml_or_json
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

_DIRECTORY = Path(__file__).with_name("mappings")
SCHEMA_FILE = _DIRECTORY / "mapping.schema.json"
"""The JSON schema of a mapping file, for editors and for our own check."""

_VALUES: Mapping[str, Any] = {
    "list_separator": None,
    "true_words": ("1", "true"),
    "false_words": ("0", "false"),
}
"""How values are written in SQLite, which has no type for a boolean or a list."""


@lru_cache(maxsize=1)
def shipped_mappings() -> tuple[TransferMapping, ...]:
    """Return the mappings that come with the package."""
    # The tests have checked them.
    return tuple(
        _mapping(said, path.stem, digest)
        for path in sorted(_DIRECTORY.glob("*.toml"))
        for said, digest in [_read(path)]
    )


def mapping_from_file(path: Path) -> TransferMapping:
    """Return the mapping of a TOML file, or of a JSON file that ends in ``.json``.

    Raises IngestError, which names the file, the place in it and what was expected.
    """
    said, digest = _read(path)
    return mapping_from_value(said, name=path.stem, source=str(path), digest=digest)


def _read(path: Path) -> tuple[Any, str]:
    """Return what a file says, and its digest: another line ending is no other one."""
    said, written = toml_or_json(path, "a mapping")
    return said, hashlib.sha256(written.replace(b"\r\n", b"\n")).hexdigest()


def mapping_from_value(
    said: Any, *, name: str = "mapping", source: str = "mapping", digest: str = ""
) -> TransferMapping:
    """Return the mapping that a value says, of the form of a file.

    Raises IngestError with all that does not fit the schema, and where it contradicts
    itself.
    """
    found = problems(said, json.loads(SCHEMA_FILE.read_text("utf-8")))
    if found:
        lines = "\n".join(f"  {line}" for line in found[:20])
        raise IngestError(f"{source} is no mapping:\n{lines}")
    digest = digest or identity(said)
    mapping = _mapping(said, name, digest)
    _check(mapping, source)
    return mapping


def _mapping(said: Mapping[str, Any], name: str, digest: str) -> TransferMapping:
    """Return the mapping that a value says which fits the schema."""
    return TransferMapping(
        name,
        digest,
        tuple(map(_node, said["nodes"])),
        tuple(map(_relationship, said.get("relationships", ()))),
        _graphs(said["graphs"]) if "graphs" in said else None,
        {table: _names(columns) for table, columns in said.get("requires", {}).items()},
        _value_options(said.get("values", {})),
        tuple(LeftOut(**table) for table in said.get("left_out", ())),
    )


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


def _node(table: Mapping[str, Any]) -> NodeMapping:
    return NodeMapping(
        _names(table["labels"]),
        _query(table),
        _names(table["key"]),
        _properties(table.get("properties", {})),
        _others(table),
    )


def _relationship(table: Mapping[str, Any]) -> RelationshipMapping:
    return RelationshipMapping(
        table["type"],
        _query(table),
        _end(table["source"]),
        _end(table["target"]),
        _names(table.get("key", ())),
        _properties(table.get("properties", {})),
        _others(table),
        table.get("unmatched", "report"),
    )


def _graphs(table: Mapping[str, Any]) -> GraphsMapping:
    scope = table.get("scope", {})
    id_ = table.get("id", "id")
    return GraphsMapping(_query(table), id_, scope.get("property"), scope.get("column"))


def _end(table: Mapping[str, Any]) -> EndMapping:
    return EndMapping(table["label"], _properties(table["key"]))


def _query(table: Mapping[str, Any]) -> str:
    if "query" in table:
        query: str = table["query"]
        return query.strip().rstrip(";")
    return WHOLE.format('"' + table["table"].replace('"', '""') + '"')


def _properties(table: Mapping[str, Any]) -> tuple[PropertyMapping, ...]:
    return tuple(_property(name, said) for name, said in table.items())


def _property(name: str, said: Any) -> PropertyMapping:
    if isinstance(said, str):
        return PropertyMapping(name, said)
    column = None if "value" in said else said.get("column", name)
    return PropertyMapping(name, **{**said, "column": column})


def _value_options(table: Mapping[str, Any]) -> ValueOptions:
    words = ("true_words", "false_words")
    said = {k: _names(v) if k in words else v for k, v in table.items()}
    return ValueOptions(**{**_VALUES, **said})


def _others(table: Mapping[str, Any]) -> Others:
    others = table.get("other_columns", "keep")
    return others if isinstance(others, str) else tuple(others)  # type: ignore[return-value]


def _names(said: Any) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)
