"""JSON as data: an object a line, or the objects of one array of a document.

The array is found, and each object's end, by the standard library's scanner and a few
lines around it. The streaming parser in wide use, ijson 3.6, ends the process on a
number of 5,000 digits, and needs the whole memory for brackets nested deep.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.formats import (
    NUL,
    BoundedLines,
    ReadOptions,
    Row,
    RowTooLong,
    Unreadable,
    not_text,
    undecoded,
)
from alembic_neo4j.sentences import ended, shortened

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class JsonLinesRows:
    """The rows of a JSON Lines file; empty lines are no rows."""

    columns = None

    def __init__(self, text: TextIO, options: ReadOptions, *, encoding: str) -> None:
        self._encoding = encoding
        self._lines = BoundedLines(text, options.max_row_size)

    def __iter__(self) -> Iterator[Row]:
        lines = self._lines
        number = 0
        while True:
            lines.start_row()
            text = next(lines, None)
            if text is None:
                return
            if text.isspace():
                continue
            number += 1
            if lines.has_undecoded:
                reason = not_text(text, self._encoding)
                problem = Unreadable("encoding", reason, None, text.rstrip("\r\n"))
                yield Row(number, {}, lines.number, problem)
            else:
                yield json_row(number, text, line=lines.number)


class RepeatedName(ValueError):
    """An object has two values of one name, of which Python would take the last."""


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these names and values; raise RepeatedName for two alike."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RepeatedName(
            f"expected each name once in an object, found {shortened(twice)} twice"
        )
    return found


def toml_or_json(path: Path, what: str) -> tuple[Any, bytes]:
    """Return what a TOML file says, or a JSON file that ends in .json, and its bytes.

    Raises IngestError where it can't be read, or is neither; it names `what` it is.
    """
    try:
        written = path.read_bytes()
        text = written.decode("utf-8")
        if path.suffix.lower() == ".json":
            return json.loads(text, object_pairs_hook=each_once), written
        return tomllib.loads(text), written
    except OSError as error:
        raise IngestError(f"{path}: can't be read: {ended(error.strerror)}") from error
    except (ValueError, RecursionError) as error:
        raise IngestError(
            f"{path}: expected {what} in TOML (or JSON, in a .json file): "
            f"{ended(error)}"
        ) from error


def json_row(number: int, text: str, *, line: int | None = None) -> Row:
    """Return the row that a JSON object is; what is none gives a row with a problem."""
    try:
        value = json.loads(text, object_pairs_hook=each_once)
    except RepeatedName as error:
        reason = str(error)
    except RecursionError:
        reason = "it has too many objects or arrays in one another"
    except ValueError as error:
        reason = f"it is not JSON: {error}"
        if "\0" in text:
            reason += f"; {not_text(text.replace(chr(0), NUL), '')}"
    else:
        if isinstance(value, dict):
            return Row(number, value, line)
        reason = f"expected an object, found {shortened(value)}"
    return Row(number, {}, line, Unreadable("json", reason, None, text.strip()))


_PIECE = 1 << 16
_SPACE = re.compile(r"[ \t\n\r]*")
_STRUCTURE = re.compile(r'"|[{\[]+|[}\]]+')
_IN_STRING = re.compile(r'["\\]')
_SCALAR_END = re.compile(r"[,\]}\s]")
_DECODER = json.JSONDecoder(object_pairs_hook=each_once)


class JsonRows:
    """The rows of a JSON document: the objects of the array that `records` leads to.

    Raises IngestError where there is no such array.
    """

    columns = None

    def __init__(
        self, text: TextIO, options: ReadOptions, *, name: str, encoding: str
    ) -> None:
        self._name = name
        self._encoding = encoding
        self._window = _Window(text, options.max_row_size)
        self._path = _keys(options.records)
        self._shown = options.records

    def __iter__(self) -> Iterator[Row]:
        window = self._window
        for depth in range(len(self._path)):
            self._enter(depth)
        self._expect("[", "an array of objects")
        number = 0
        character = window.peek()
        while character != "]":
            number += 1
            yield self._row(number)
            character = window.peek()
            if character == ",":
                window.skip(1)
                character = window.peek()
                if character != "]":
                    continue
            elif character == "]":
                continue
            raise self._broken("',' or ']'", f"after row {number}")
        window.skip(1)
        self._finish()

    def _row(self, number: int) -> Row:
        window = self._window
        if window.peek() == "{":
            try:
                value, end = _DECODER.raw_decode(window.text, window.at)
            except (ValueError, RecursionError):
                # Cut off at the end of what was read so far, or no JSON.
                pass
            else:
                text = window.text[window.at : end] if window.has_undecoded else ""
                window.go_to(end)
                if (byte := undecoded(text)) is not None:
                    return self._undecoded(number, byte, text)
                return Row(number, value)
        text = window.take_value()
        if (byte := undecoded(text)) is not None:
            return self._undecoded(number, byte, text)
        return json_row(number, text)

    def _undecoded(self, number: int, byte: str, found: Any) -> Row:
        reason = f"byte {byte} is not {self._encoding}"
        return Row(number, {}, None, Unreadable("encoding", reason, None, found))

    def _enter(self, depth: int) -> None:
        """Go to the value of a key, and skip those before it."""
        window, wanted = self._window, self._path[depth]
        self._expect("{", f"an object with the key {wanted!r}")
        while window.peek() == '"':
            key = self._key()
            self._expect(":", "':'")
            if key == wanted:
                return
            window.skip_value()
            if window.peek() == ",":
                window.skip(1)
        raise IngestError(
            f"{self._name}: expected rows at {self._shown!r}, found no key {wanted!r} "
            "there."
        )

    def _key(self) -> Any:
        text = self._window.take_value()
        try:
            return json.loads(text)
        except ValueError as error:
            raise IngestError(
                f"{self._name}: expected a key, found {shortened(text)}: {ended(error)}"
            ) from error

    def _expect(self, character: str, what: str) -> None:
        if self._window.peek() != character:
            where = f"at {self._shown!r}" if self._shown else "at the top"
            raise self._broken(what, where)
        self._window.skip(1)

    def _finish(self) -> None:
        """Read on to the end: what is cut off or damaged later is no whole file."""
        window = self._window
        for wanted in reversed(self._path):
            self._leave(wanted)
        if window.peek():
            raise self._broken("the end", "after the array")

    def _leave(self, wanted: str) -> None:
        """Skip what is behind the value of a key, which must not come once more."""
        window = self._window
        while window.peek() == ",":
            window.skip(1)
            window.peek()
            if self._key() == wanted:
                raise IngestError(
                    f"{self._name}: expected each name once in an object, found "
                    f"{wanted!r} twice on the way to {self._shown!r}."
                )
            self._expect(":", "':'")
            window.skip_value()
        self._expect("}", "',' or '}'")

    def _broken(self, expected: str, where: str) -> IngestError:
        found = self._window.sample()
        hint = ""
        if not self._shown and found.startswith("'{"):
            hint = (
                " Say where in the document the array of rows is (records), or, where "
                "each line is an object of its own, that the format is jsonl."
            )
        return IngestError(
            f"{self._name}: expected {expected} {where}, found "
            f"{found or 'the end of the file'}.{hint}"
        )


class _Window:
    """The part of a text that is in memory, and the place reached in it."""

    def __init__(self, text: TextIO, limit: int) -> None:
        self.text = ""
        self.at = 0
        self.has_undecoded = False
        self._file = text
        self._limit = limit

    def fill(self, *, keep: bool) -> bool:
        """Read on; what is before the place, or all, is dropped. False at the end."""
        kept = self.text[self.at :] if keep else ""
        if len(kept) > self._limit:
            raise RowTooLong(self._limit)
        # As much again as there is: else a long row would be copied too often.
        size = min(len(kept), self._limit + 1 - len(kept))
        piece = self._file.read(max(_PIECE, size))
        self.text, self.at = kept + piece, 0
        self.has_undecoded = undecoded(self.text) is not None
        return bool(piece)

    def peek(self) -> str:
        """Return the next character that is no space, empty at the end."""
        while True:
            match = _SPACE.match(self.text, self.at)
            assert match is not None
            self.at = match.end()
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.fill(keep=False):
                return ""

    def skip(self, count: int) -> None:
        """Go on by this many characters, which are in memory."""
        self.at += count

    def go_to(self, end: int) -> None:
        """Go behind a value; raises RowTooLong where it is beyond the limit.

        What is behind a long value is kept without it: to say where in a text an error
        is, the standard library counts the lines from its beginning.
        """
        if end - self.at > self._limit:
            raise RowTooLong(self._limit)
        self.at = end
        if end > 2 * _PIECE:
            self.text, self.at = self.text[end:], 0

    def take_value(self) -> str:
        """Return the text of the value that begins here, and go behind it."""
        scan = _Scan()
        end = self.at
        while (found := scan.end(self.text, end)) is None:
            end = len(self.text) - self.at
            if not self.fill(keep=True):
                raise EOFError("the document ends in the middle of a value")
        text = self.text[self.at : found]
        self.go_to(found)
        return text

    def skip_value(self) -> None:
        """Go behind the value that begins here, however long it is."""
        self.peek()
        scan = _Scan()
        while (found := scan.end(self.text, self.at)) is None:
            if not self.fill(keep=False):
                raise EOFError("the document ends in the middle of a value")
        self.at = found

    def sample(self) -> str:
        """Return a little of what comes next, for a message."""
        rest = self.text[self.at : self.at + 40]
        return shortened(rest) if rest else ""


class _Scan:
    """Finds the end of a value, whose text may come in several pieces."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def end(self, text: str, at: int) -> int | None:
        """Return where the value ends in this piece, None where it goes on."""
        while at < len(text):
            if self._in_string:
                at = self._string(text, at)
                if self._in_string or self._depth:
                    continue
                return at
            if not self._depth and text[at] not in '"{[':
                return self._scalar(text, at)
            match = _STRUCTURE.search(text, at)
            if match is None:
                return None
            at = match.end()
            if match[0] == '"':
                self._in_string = True
            elif match[0][0] in "{[":
                self._depth += len(match[0])
            elif self._depth > len(match[0]):
                self._depth -= len(match[0])
            else:
                return match.start() + self._depth
        return None

    def _string(self, text: str, at: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        match = _IN_STRING.search(text, at)
        if match is None:
            return len(text)
        if match[0] == "\\":
            self._escaped = True
        else:
            self._in_string = False
        return match.end()

    def _scalar(self, text: str, at: int) -> int | None:
        match = _SCALAR_END.search(text, at)
        return match.start() if match else None


def _keys(records: str) -> list[str]:
    if records.startswith("/"):
        parts = records[1:].split("/")
        return [part.replace("~1", "/").replace("~0", "~") for part in parts]
    return [key for key in records.removeprefix("$").split(".") if key]
