"""What of a SQLite database becomes which nodes and relationships, read from a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from alembic_neo4j.cypher.load_targets import (
    Endpoint,
    LoadTarget,
    NodeTarget,
    OnUnmatched,
    RelationshipTarget,
)
from alembic_neo4j.errors import IngestError, MissingExtra, SchemaError
from alembic_neo4j.identity import identity
from alembic_neo4j.ingest.json_files import toml_or_json
from alembic_neo4j.ingest.typed_values import ValueOptions, converter
from alembic_neo4j.sentences import shortened

if TYPE_CHECKING:
    from jsonschema import ValidationError


# What does not fit a JSON schema, in words: where, what was expected, what found ------
#
# A schema may have a ``description`` that says what is expected where it is not
# fitted.


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


# What of a SQLite database becomes which nodes and relationships, as values -----------


WHOLE = "SELECT * FROM {}"

Others: TypeAlias = 'Literal["keep"] | Literal["ignore"] | tuple[str, ...]'
"""What becomes of columns that nobody names; those of a tuple are ignored."""


@dataclass(frozen=True)
class PropertyMapping:
    """Where a property has its value from: a column, or one value for all."""

    name: str
    column: str | None = None
    value: Any = None
    type: str = "ANY"
    format: str | None = None
    crs: str | None = None


@dataclass(frozen=True)
class EndMapping:
    """The node at one end of a relationship: its label, and where its keys are."""

    label: str
    keys: tuple[PropertyMapping, ...]

    @property
    def endpoint(self) -> Endpoint:
        """The node as a load finds it."""
        return Endpoint(self.label, tuple(key.name for key in self.keys))


@dataclass(frozen=True)
class NodeMapping:
    """The rows of a query that become nodes, found again by their key."""

    labels: tuple[str, ...]
    query: str
    key: tuple[str, ...]
    properties: tuple[PropertyMapping, ...] = ()
    other_columns: Others = "keep"

    @property
    def target(self) -> LoadTarget:
        """What the rows become."""
        return NodeTarget(self.labels, self.key)

    def __str__(self) -> str:
        return f"nodes :{self.labels[0]}"


@dataclass(frozen=True)
class RelationshipMapping:
    """The rows of a query that become relationships between nodes that are there.

    Without a `key` there is one of the type between two nodes, however many rows say
    so.
    """

    type: str
    query: str
    source: EndMapping
    target_end: EndMapping
    key: tuple[str, ...] = ()
    properties: tuple[PropertyMapping, ...] = ()
    other_columns: Others = "keep"
    unmatched: OnUnmatched = "report"

    @property
    def target(self) -> LoadTarget:
        """What the rows become."""
        return RelationshipTarget(
            self.type,
            self.source.endpoint,
            self.target_end.endpoint,
            self.key,
            self.unmatched,
        )

    def __str__(self) -> str:
        ends = f"{self.source.label} to {self.target_end.label}"
        return f"relationships :{self.type} from {ends}"


Part: TypeAlias = "NodeMapping | RelationshipMapping"


@dataclass(frozen=True)
class GraphsMapping:
    """The graphs of a source: a query, and the column with a graph's id.

    All nodes of a graph have in `scope_property` what its row has in `scope_column`.
    """

    query: str
    id: str = "id"
    scope_property: str | None = None
    scope_column: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A query that counts what a mapping leaves out of a graph, or of any graph.

    It gives one number, or rows with a name and a number.
    """

    what: str
    query: str
    of: Literal["graph", "source"] = "graph"


@dataclass(frozen=True)
class LeftOutCount:
    """How many of `what` a mapping leaves out; with the `name` they share, if any."""

    what: str
    name: str | None
    count: int

    @property
    def title(self) -> str:
        """What is left out, without how many."""
        return self.what if self.name is None else f"{self.what} {self.name!r}"

    def __str__(self) -> str:
        return f"{self.count:,} {self.title}"


@dataclass(frozen=True)
class TransferCounts:
    """What became of a graph's rows.

    `nodes` and `relationships` are rows, of which some were created and the others
    found; `unmatched` rows were no relationship for want of an end. `left_out` is what
    the mapping takes nothing of.
    """

    nodes: int = 0
    relationships: int = 0
    created_nodes: int = 0
    created_relationships: int = 0
    unmatched: int = 0
    left_out: tuple[LeftOutCount, ...] = ()

    def __add__(self, other: TransferCounts) -> TransferCounts:
        """Return what became of the rows of both."""
        names = [field.name for field in fields(self)]
        return TransferCounts(
            *(getattr(self, name) + getattr(other, name) for name in names)
        )


@dataclass(frozen=True)
class TransferMapping:
    """The whole: its parts in the order in which they are transferred.

    `requires` has the columns by table by which a source for it is known. Without
    `graphs` the source is one graph.
    """

    name: str
    digest: str
    nodes: tuple[NodeMapping, ...]
    relationships: tuple[RelationshipMapping, ...] = ()
    graphs: GraphsMapping | None = None
    requires: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: ValueOptions = field(default_factory=ValueOptions)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The nodes, then the relationships between them."""
        return (*self.nodes, *self.relationships)


# Mappings of a transfer as files have them: checked by the schema that is shipped -----


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
