"""Reading a file of Cypher: its statements, parameters, what it tells the client."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic_neo4j.cypher.lexer import (
    ScriptStatement,
    Token,
    TokenKind,
    classify,
    lex,
    significant_tokens,
    split_statements,
)
from alembic_neo4j.cypher.quoting import parameters_of
from alembic_neo4j.cypher.steps import Run
from alembic_neo4j.errors import StatementError

# Reading a Cypher literal: the value that a person wrote for a parameter --------------


def read_literal(text: str) -> Any:
    """Return the value of a literal: null, a boolean, a number, a string, list or map.

    The keys of a map may be strings, so that JSON is read as well. Raises
    StatementError for everything else, such as a call of a function.
    """
    reader = _Reader(text, significant_tokens(text))
    value = reader.value()
    reader.end()
    return value


_WORDS = {"NULL": None, "TRUE": True, "FALSE": False}
_NOT_FINITE = {"NAN": float("nan"), "INF": float("inf"), "INFINITY": float("inf")}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DECIMAL = re.compile(r"0|[1-9][0-9]*(?:_[0-9]+)*")
_LARGEST = 2**63 - 1


class _Reader:
    """Goes through the tokens of a literal, one value after another."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._place = 0

    def value(self) -> Any:
        """Read a value."""
        token = self._next()
        if token.kind is TokenKind.STRING:
            return self._string(token)
        if token.kind is TokenKind.NUMBER:
            return self._number(token)
        if token.keyword in _WORDS:
            return _WORDS[token.keyword]
        if token.keyword in _NOT_FINITE:
            return _NOT_FINITE[token.keyword]
        if token.value in ("-", "+"):
            return self._signed(token.value)
        if token.value == "[":
            return self._list()
        if token.value == "{":
            return self._map()
        raise self._refused()

    def end(self) -> None:
        """Raise StatementError where something follows."""
        if self._place < len(self._tokens):
            raise self._refused()

    def _next(self) -> Token:
        if self._place >= len(self._tokens):
            raise self._refused()
        self._place += 1
        return self._tokens[self._place - 1]

    def _takes(self, value: str) -> bool:
        taken = (
            self._place < len(self._tokens)
            and self._tokens[self._place].value == value
            and self._tokens[self._place].kind is TokenKind.PUNCTUATION
        )
        self._place += taken
        return taken

    def _signed(self, sign: str) -> Any:
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._refused()
        return -value if sign == "-" else value

    def _list(self) -> list[Any]:
        values: list[Any] = []
        if self._takes("]"):
            return values
        while True:
            values.append(self.value())
            if self._takes("]"):
                return values
            self._expect(",")

    def _map(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if self._takes("}"):
            return values
        while True:
            key = self._key(self._next())
            self._expect(":")
            values[key] = self.value()
            if self._takes("}"):
                return values
            self._expect(",")

    def _key(self, token: Token) -> str:
        if token.kind is TokenKind.STRING:
            return self._string(token)
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED_NAME):
            return token.name
        raise self._refused()

    def _expect(self, value: str) -> None:
        if not self._takes(value):
            raise self._refused()

    def _string(self, token: Token) -> str:
        text = _ESCAPED.sub(lambda m: _ESCAPES.get(m[1], m[1]), token.value[1:-1])
        try:
            # Two escapes may be the halves of one character.
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self._refused() from None

    def _number(self, token: Token) -> int | float:
        written = token.value
        based = written[:2].lower() in ("0x", "0o")
        if not based and not written.replace("_", "").isdigit():
            return float(written)
        if not based and not _DECIMAL.fullmatch(written):
            raise self._refused()
        value = int(written, 0)
        if value > _LARGEST:
            raise self._refused()
        return value

    def _refused(self) -> StatementError:
        return StatementError(
            "a literal was expected (null, true, 42, 1.5, 'text', [...] or {...}), "
            f"found {self._text.strip()!r}"
        )


# Reading a file of Cypher: its statements, and what it says to the client -------------


_TRANSACTIONS = ("begin", "commit")
"""What an export of apoc says to cypher-shell. Statements of one kind that follow each
other are one transaction here, and schema commands have one of their own."""

SUFFIXES = (".cypher", ".cql", ".cyp")
"""How the name of a file of Cypher may end."""


@dataclass(frozen=True)
class Use:
    """A ``:use`` of a file: the database that it is for, and where it says so."""

    database: str
    place: str


@dataclass(frozen=True)
class CypherFile:
    """A file that was read; each statement knows its place and its parameters.

    `lines` are those where the statements begin, `digest` is the SHA-256 of the text,
    whatever its line endings are.
    """

    name: str
    digest: str
    statements: tuple[Run, ...] = ()
    lines: tuple[int, ...] = ()
    uses: tuple[Use, ...] = ()


def read_cypher_file(
    path: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    repeatable: bool = False,
) -> CypherFile:
    """Read a file and return its statements by kind; nothing is sent.

    Of the parameters each statement gets those that it uses. They win over those that
    the file sets itself by ``:param``, which hold for what stands below. ``:begin`` and
    ``:commit`` say nothing here, and any other command to the client is refused. `name`
    is how messages name the file. Raises StatementError, which names the line: for what
    can't be read, for a file in which one thing is wrong nothing is returned.
    """
    reading = _Reading(name or str(path), dict(parameters or {}), repeatable)
    text = _text(path, reading.name)
    try:
        parts = split_statements(text)
    except StatementError as error:
        raise StatementError(f"{reading.name}: {error}") from error
    return CypherFile(
        reading.name,
        hashlib.sha256(text.encode()).hexdigest(),
        tuple(reading.statements(parts)),
        tuple(part.line for part in parts if not part.is_client_command),
        tuple(reading.uses),
    )


def cypher_digest(path: Path) -> str:
    """Return the SHA-256 of a file's text, whatever its line endings are."""
    return hashlib.sha256(_normal(path.read_bytes())).hexdigest()


def cypher_code(path: Path) -> str:
    """Return what a file's statements say, without comments and whitespace."""
    text = _normal(path.read_bytes()).decode("utf-8", "replace")
    try:
        tokens = [token for token in lex(text) if not token.is_trivia]
    except StatementError:
        return text
    return "\n".join(token.value for token in tokens)


def _text(path: Path, name: str) -> str:
    try:
        return _normal(path.read_bytes()).decode()
    except OSError as error:
        raise StatementError(
            f"{name} can't be read: {error.strerror or error}"
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise StatementError(
            f"{name}, line {line}: UTF-8 was expected, found the byte "
            f"0x{error.object[error.start]:02x}. Save the file as UTF-8"
        ) from error


def _normal(written: bytes) -> bytes:
    # A checkout with autocrlf and an editor with a byte order mark change nothing.
    return written.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


@dataclass
class _Reading:
    """A file that is being read: what it has said to the client so far."""

    name: str
    given: dict[str, Any]
    repeatable: bool
    uses: list[Use] = field(default_factory=list)
    _own: dict[str, Any] = field(default_factory=dict)

    def statements(self, parts: list[ScriptStatement]) -> Iterator[Run]:
        """Yield the statements; commands to the client are carried out."""
        for part in parts:
            place = f"{self.name}, line {part.line}"
            try:
                if part.is_client_command:
                    self._obey(part.text, place)
                else:
                    yield self._statement(part.text, place)
            except StatementError as error:
                raise StatementError(f"{place}: {error}") from error

    def _statement(self, text: str, place: str) -> Run:
        known = {**self._own, **self.given}
        used = parameters_of(text)
        missing = [name for name in used if name not in known]
        if missing:
            raise StatementError(
                f"${missing[0]} has no value. Pass one, or write `:param "
                f"{missing[0]} => …` above the statement"
            )
        chosen = {name: known[name] for name in used}
        return Run(text, classify(text), chosen, self.repeatable, place)

    def _obey(self, command: str, place: str) -> None:
        verb, _, rest = command[1:].strip().rstrip(";").partition(" ")
        if verb.lower() == "use":
            self.uses.append(Use(_database(rest), place))
        elif verb.lower() in ("param", "params"):
            self._own.update(_parameters(rest))
        elif verb.lower() == "rollback":
            raise StatementError(
                f"{command!r} asks to take back what stands above it. Take both out of "
                "the file"
            )
        elif verb.lower() not in _TRANSACTIONS or rest.strip(" \t;"):
            raise StatementError(
                f"{command!r} is a command to another client, and can't be carried "
                "out here: only :use, :param, :begin and :commit can. Take it out of "
                "the file"
            )


def _database(written: str) -> str:
    tokens = significant_tokens(written)
    name = "".join(token.name for token in tokens)
    if not name:
        raise StatementError(":use needs the name of a database")
    return name


def _parameters(written: str) -> dict[str, Any]:
    tokens = significant_tokens(written)
    if tokens and tokens[0].value == "{":
        values: dict[str, Any] = read_literal(written)
        return values
    names = (TokenKind.WORD, TokenKind.QUOTED_NAME)
    arrow = "".join(token.value for token in tokens[1:3])
    if not tokens or tokens[0].kind not in names or arrow != "=>":
        raise StatementError(
            ":param was expected as `:param name => value` or `:param {name: value}`, "
            f"found {written!r}"
        )
    return {tokens[0].name: read_literal(written[tokens[2].end :])}
