"""Reading a Cypher literal: the value that a person wrote for a parameter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from alembic_neo4j.cypher.lexer import Token, TokenKind, significant_tokens
from alembic_neo4j.errors import StatementError


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
