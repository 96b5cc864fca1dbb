"""The rows of a data file, in the shape in which nodes or relationships take them."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import IO, Any, TypeVar

from alembic_neo4j.cypher.load_targets import Endpoint, LoadTarget, NodeTarget
from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.files import (
    BytesReport,
    DataFile,
    address_of,
    beside_or_above,
)
from alembic_neo4j.ingest.formats import ReadOptions
from alembic_neo4j.ingest.progress import REPORT_ROWS, Progress, Report, quiet
from alembic_neo4j.ingest.rules import (
    PropertyRules,
    Rules,
    rules_from_file,
    rules_from_mapping,
    rules_of_label,
    rules_of_type,
)
from alembic_neo4j.ingest.typed_values import ValueOptions
from alembic_neo4j.ingest.validation import (
    CheckedRows,
    OnError,
    Policy,
    ValidationReport,
    open_checked,
)
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.known_names import known_types

log = logging.getLogger(__name__)

# Rows kept on the disk from their check to their load, so that each is made once ------


_PORTION_BYTES = 1 << 16
_LOOKED_AFTER_PORTIONS = 256
_FREE_BYTES = 1 << 30
"""How much of the disk is left to others."""


class KeptRows:
    """Rows in a file that nobody sees, and that goes with its process or `close`.

    They take little memory, however many they are. Where the disk has no room for them
    `is_whole` is False, and they have to be made anew.
    """

    def __init__(self) -> None:
        self.count = 0
        self.is_whole = True
        self._names: tuple[str, ...] = ()
        self._portion: list[bytes] = []
        self._size = self._portions = 0
        self._directory = _directory()
        self._file: IO[bytes] | None = None

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row, unless there is no room."""
        if not self.is_whole:
            return
        # Most rows have the names of the one before.
        names = tuple(row)
        kept: Any = row if names != self._names else tuple(row.values())
        text = pickle.dumps(kept, pickle.HIGHEST_PROTOCOL)
        self._names = names
        self._portion.append(text)
        self._size += len(text)
        self.count += 1
        if self._size >= _PORTION_BYTES:
            self._write()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Give the rows from the first; one iteration at a time."""
        names: tuple[str, ...] = ()
        for portion in self._read():
            for text in portion:
                kept = pickle.loads(text)
                if type(kept) is dict:
                    names = tuple(kept)
                    yield kept
                else:
                    yield dict(zip(names, kept, strict=True))

    def close(self) -> None:
        """Give the room back."""
        self._portion.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> Iterator[list[bytes]]:
        if self._file is not None:
            self._file.seek(0)
            for _ in range(self._portions):
                yield pickle.load(self._file)
        yield self._portion

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = _file_in(self._directory)
            pickle.dump(self._portion, self._file, pickle.HIGHEST_PROTOCOL)
            self._portions += 1
            if self._portions % _LOOKED_AFTER_PORTIONS == 0:
                _check_room(self._directory)
        except OSError as error:
            log.info("Rows are not kept in %s: %s", self._directory, error)
            self.is_whole = False
            self.close()
        self._portion, self._size = [], 0


@contextmanager
def kept(rows: Iterable[dict[str, Any]]) -> Iterator[Iterable[dict[str, Any]]]:
    """Go through rows once, and give them for the block; without room, as they are."""
    with closing(KeptRows()) as found:
        for row in rows:
            found.add(row)
        yield found if found.is_whole else rows


def _file_in(directory: str) -> IO[bytes]:
    # It outlives the block that makes it.
    return tempfile.TemporaryFile(dir=directory)


def _check_room(directory: str) -> None:
    if shutil.disk_usage(directory).free < _FREE_BYTES:
        raise OSError("there is too little room")


def _directory() -> str:
    """Return where large files go: /tmp is a part of the memory on many machines."""
    is_chosen = any(name in os.environ for name in ("TMPDIR", "TEMP", "TMP"))
    is_there = not is_chosen and os.access("/var/tmp", os.W_OK)
    return "/var/tmp" if is_there else tempfile.gettempdir()


# The rows of a data file, in the shape in which nodes or relationships take them ------


Options = TypeVar("Options", ReadOptions, ValueOptions)


@dataclass(frozen=True)
class DataFileSource:
    """Where rows are, and how they are read and checked.

    `rules` go before those of the models; they may be in a `rules_file`. Of a
    relationship `source_columns` and `target_columns` have the values of the keys of
    its ends, in the order of these.
    """

    uri: str
    sha256: str | None = None
    rules: Rules = field(default_factory=Rules)
    read: ReadOptions = field(default_factory=ReadOptions)
    values: ValueOptions = field(default_factory=ValueOptions)
    policy: Policy = field(default_factory=Policy)
    reject_file: Path | None = None
    storage_options: Mapping[str, Any] | None = None
    source_columns: tuple[str, ...] = ()
    target_columns: tuple[str, ...] = ()
    rules_file: str | None = None

    def located(self, revision_file: str) -> DataFileSource:
        """Return it with its relative paths looked for beside a revision, and above.

        Raises IngestError where the rules can't be read.
        """
        uri, rules = self.uri, self.rules
        if address_of(uri).is_local:
            uri = str(_found(uri, revision_file))
        if self.rules_file is not None:
            rules = rules_from_file(_found(self.rules_file, revision_file))
        return replace(self, uri=uri, rules=rules, rules_file=None)

    def obtain(self, *, report: BytesReport | None = None) -> DataFile:
        """Return the file; raises IngestError where it can't be had."""
        return obtain(
            self.uri,
            sha256=self.sha256,
            storage_options=self.storage_options,
            max_download=self.read.max_download or None,
            report=report,
        )


def _found(name: str, revision_file: str) -> Path:
    path = address_of(name).path
    # What is there and is no file is told when it is read.
    return beside_or_above(revision_file, path, is_there=os.path.lexists) or path


def file_source(
    source: str | os.PathLike[str],
    *,
    rules: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    sha256: str | None = None,
    read_options: Mapping[str, Any] | None = None,
    value_options: Mapping[str, Any] | None = None,
    on_error: str = "fail",
    max_rejects: int | None = None,
    reject_file: str | os.PathLike[str] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    source_columns: tuple[str, ...] = (),
    target_columns: tuple[str, ...] = (),
) -> DataFileSource:
    """Return what a revision's plain values say.

    Raises IngestError for an option or a rule that there is not.
    """
    if on_error not in (OnError.FAIL.value, OnError.SKIP.value):
        raise IngestError(f"Expected on_error 'fail' or 'skip', found {on_error!r}.")
    asked, rules_file = Rules(), None
    if isinstance(rules, Mapping):
        asked = rules_from_mapping(rules)
    elif rules is not None:
        rules_file = os.fspath(rules)
    return DataFileSource(
        os.fspath(source),
        sha256,
        asked,
        _options(ReadOptions, read_options),
        _options(ValueOptions, value_options),
        Policy(OnError(on_error), max_rejects),
        None if reject_file is None else Path(reject_file),
        storage_options,
        source_columns,
        target_columns,
        rules_file,
    )


def _options(kind: type[Options], given: Mapping[str, Any] | None) -> Options:
    known = [field.name for field in fields(kind)]
    for name in given or ():
        if name not in known:
            raise IngestError(
                f"Expected options of {', '.join(known)}, found {name!r}."
            )
    return kind(**(given or {}))


def end_columns(which: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that the keys of an end are in where none are named."""
    return (which,) if len(keys) == 1 else tuple(f"{which}_{key}" for key in keys)


class DataRows:
    """The rows of a file that break no rule; each time that it is iterated, anew.

    Each is read and converted once: `check` may keep it on the disk, for the block
    that the rows are a context manager of. What could not be kept is read again.
    `report` is told how far the rows that are iterated have come.
    """

    def __init__(
        self,
        file: DataFile,
        source: DataFileSource,
        target: LoadTarget,
        schema: Schema,
    ) -> None:
        self.file = file
        self.schema = schema
        self.report: Report = quiet
        self._source = source
        self._target = target
        self._rules = rules_for(target, source, schema)
        self._kept: KeptRows | None = None

    def __enter__(self) -> DataRows:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._kept is not None:
            self._kept.close()

    def check(self, *, keep: bool = False, report: Report = quiet) -> ValidationReport:
        """Read the file to its end, so that what is wrong with it is found first.

        A warning is logged where no model knows what the rows become. Raises
        IngestError as the source's policy has it.
        """
        _warn_of_unknown(self._target, self.schema)
        with self._opened(report, self._source.reject_file) as rows:
            if keep:
                self._kept = KeptRows()
            for _, properties in rows:
                if self._kept is not None:
                    self._kept.add(properties)
            found = rows.report()
        if self._source.policy.on_error is OnError.COLLECT and not found.ok:
            first = found.violations[0].described(self.file.name)
            raise IngestError(
                f"{first}. {found.rejected:,} of {found.rows:,} rows break a rule; "
                "nothing was loaded"
            )
        return found

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Give the rows.

        Raises IngestError where they are read and the file is no longer the same.
        """
        target = self._target
        if isinstance(target, NodeTarget):
            yield from self._properties()
            return
        source_columns = self._source.source_columns
        target_columns = self._source.target_columns
        for properties in self._properties():
            yield {
                "source": _end(properties, source_columns, target.source),
                "target": _end(properties, target_columns, target.target),
                "properties": _rest(properties, source_columns, target_columns),
            }

    def _properties(self) -> Iterator[dict[str, Any]]:
        kept = self._kept
        if kept is None or not kept.is_whole:
            with self._opened(self.report) as rows:
                yield from (properties for _, properties in rows)
            return
        for number, properties in enumerate(kept, 1):
            if number % REPORT_ROWS == 0 or number == kept.count:
                self.report(Progress(number, number, kept.count))
            yield properties

    def _opened(
        self, report: Report, reject_file: Path | None = None
    ) -> AbstractContextManager[CheckedRows]:
        return open_checked(
            self.file,
            self._rules,
            read=self._source.read,
            values=self._source.values,
            policy=self._source.policy,
            reject_file=reject_file,
            report=report,
        )


def rules_for(target: LoadTarget, source: DataFileSource, schema: Schema) -> Rules:
    """Return what is asked of the rows: by the source, and below it by the models.

    What changes nodes that are there may say a part of them, and one of them twice.
    """
    below = Rules()
    if isinstance(target, NodeTarget):
        if target.owner in schema.nodes:
            below = rules_of_label(schema, target.owner)
        ends: tuple[PropertyRules, ...] = ()
    else:
        if target.type in known_types(schema):
            below = rules_of_type(schema, target.type)
        ends = (
            *_end_rules(schema, target.source, source.source_columns),
            *_end_rules(schema, target.target, source.target_columns),
        )
    if target.merge_keys is not None:
        below = replace(
            below,
            properties=tuple(
                replace(rule, required=rule.name in target.merge_keys)
                for rule in below.properties
            ),
            unique=(),
        )
    return source.rules.over(replace(below, properties=(*below.properties, *ends)))


def _warn_of_unknown(target: LoadTarget, schema: Schema) -> None:
    """Log a warning where no model says of what types the values are."""
    what, known = "relationship type", known_types(schema)
    if isinstance(target, NodeTarget):
        what, known = "label", set(schema.nodes)
    if target.owner in known:
        return
    log.warning(
        "No model of the graph's revision has the %s %s: its values are not checked, "
        "and those of a text file stay text",
        what,
        target.owner,
    )


def _end_rules(
    schema: Schema, end: Endpoint, columns: Sequence[str]
) -> tuple[PropertyRules, ...]:
    if len(columns) != len(end.keys):
        raise IngestError(
            f"Expected a column for each of the keys {', '.join(end.keys)} of "
            f":{end.label}, found {', '.join(columns) or 'none'}."
        )
    node = schema.nodes.get(end.label)
    declared = {p.name: p for p in node.properties} if node else {}
    return tuple(
        PropertyRules(column, known.type, format=known.format, crs=known.crs)
        if (known := declared.get(key)) is not None
        else PropertyRules(column)
        for key, column in zip(end.keys, columns, strict=True)
    )


def _end(
    properties: Mapping[str, Any], columns: Sequence[str], end: Endpoint
) -> dict[str, Any]:
    return {
        key: properties.get(column)
        for key, column in zip(end.keys, columns, strict=True)
    }


def _rest(
    properties: Mapping[str, Any], source: Sequence[str], target: Sequence[str]
) -> dict[str, Any]:
    return {
        name: value
        for name, value in properties.items()
        if name not in source and name not in target
    }
