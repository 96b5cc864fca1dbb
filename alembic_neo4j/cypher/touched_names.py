"""Reads from Cypher text which labels, types and properties it reads or writes.

Only what the text surely names is told apart; wherever it is dynamic, calls what may do
anything or is not understood, the answer is everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_neo4j.cypher.lexer import Kind, Token, TokenKind, classify, command_tokens
from alembic_neo4j.errors import StatementError
from alembic_neo4j.schema.changes.change import (
    EVERYTHING,
    NOTHING,
    TouchedNames,
    labels,
    properties,
    types,
)
from alembic_neo4j.schema.definitions import EntityType


def written_by(text: str) -> TouchedNames:
    """Return what of the data a person's statement may write."""
    try:
        kind = classify(text)
        tokens = command_tokens(text)
    except StatementError:
        return EVERYTHING
    if kind in (Kind.READ, Kind.SCHEMA) or not tokens:
        return NOTHING
    try:
        return _Statement(tokens).written()
    except _NotClear:
        return EVERYTHING


def read_by(expression: str) -> TouchedNames:
    """Return what a person's expression over ``n``, ``r`` or ``value`` reads.

    What goes beyond the entity's own values and labels, such as a pattern, makes it
    everything.
    """
    try:
        tokens = command_tokens(expression)
    except StatementError:
        return EVERYTHING
    found = NOTHING
    for place, token in enumerate(tokens):
        if _reads_more(tokens, place):
            return EVERYTHING
        before = _value(tokens, place - 1)
        if _is_name(token) and before == ".":
            found |= _of_both(token.name)
        elif _is_name(token) and before in (":", "|", "&", "!"):
            found |= labels(token.name) | types(token.name)
    return found


_PLAIN = {
    *("abs", "ceil", "floor", "round", "sign", "sqrt", "exp", "log", "log10"),
    *("coalesce", "nullif", "head", "last", "tail", "size", "range", "reverse"),
    *("left", "right", "ltrim", "rtrim", "trim", "btrim", "lower", "upper"),
    *("tolower", "toupper", "replace", "split", "substring", "char_length"),
    *("tostring", "tointeger", "tofloat", "toboolean", "valuetype", "normalize"),
    *("tostringornull", "tointegerornull", "tofloatornull", "tobooleanornull"),
    *("tostringlist", "tointegerlist", "tofloatlist", "tobooleanlist", "isempty"),
    *("any", "all", "none", "single", "reduce", "isnan", "rand", "randomuuid"),
    *("date", "datetime", "localdatetime", "time", "localtime", "duration", "point"),
    *("and", "or", "xor", "not", "in", "when", "then", "else", "where", "with"),
    "contains",
}
"""Functions, and words before a bracket, that look at what they are given alone."""

_NAMESPACES = {
    *("date", "datetime", "localdatetime", "time", "localtime", "duration", "point"),
}


def _reads_more(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a token may lead to more than the names in the text."""
    token, behind = tokens[place], _value(tokens, place + 1)
    if token.kind is TokenKind.PARAMETER or token.value == "$":
        return True
    if _is_name(token) and behind == "(":
        if _value(tokens, place - 1) == ".":
            return _value(tokens, place - 2).lower() not in _NAMESPACES
        return token.name.lower() not in _PLAIN
    if token.keyword in ("EXISTS", "COUNT", "COLLECT"):
        return behind == "{"
    if _is_name(token) and token.name in ("n", "r"):
        # Where an entity stands by itself, or in brackets, all of it may be read.
        return behind not in (".", ":") and _value(tokens, place - 1) not in (".", ":")
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    arrow = following is not None and token.end == following.start
    return arrow and token.value + behind in ("--", "->", "<-", "-[", ")-")


# Statements --------------------------------------------------------------------------


class _NotClear(Exception):
    """The text is dynamic, or what it does can't be told from it."""


_WRITING = {"CREATE", "INSERT", "MERGE", "SET", "REMOVE", "DELETE", "FOREACH"}
_READING = {
    *("MATCH", "WITH", "RETURN", "UNWIND", "CALL", "WHERE", "UNION", "FINISH"),
    *("ORDER", "SKIP", "OFFSET", "LIMIT", "LOAD", "USE", "OPTIONAL", "YIELD"),
    *("FILTER", "LET", "NEXT"),
}
_OF_WITH = {"STARTS", "ENDS", "CSV"}
"""Words with which WITH begins no clause."""

_CLAUSES = _WRITING | _READING
_JOINED = {
    ("OPTIONAL", "MATCH"),
    ("OPTIONAL", "CALL"),
    ("ON", "MATCH"),
    ("ON", "CREATE"),
    ("CREATE", "SET"),
    ("MATCH", "SET"),
    ("DETACH", "DELETE"),
    ("NODETACH", "DELETE"),
}
"""Words that stand before one that begins a clause, and go with it."""

_AFTER_OPERAND = {
    *("AND", "OR", "XOR", "NOT", "IN", "CONTAINS", "CASE", "WHEN", "THEN", "ELSE"),
    *("AS", "BY", "DISTINCT", "WHERE", "WITH", "RETURN", "UNWIND", "SET", "REMOVE"),
    *("DELETE", "IS", "STARTS", "ENDS", "SKIP", "LIMIT", "OFFSET", "LET", "FILTER"),
    *("YIELD", "MATCH", "CREATE", "MERGE", "INSERT", "FROM", "ON", "CSV"),
}
"""Words behind which an operand stands, no clause."""

_SHOWING = {"RETURN", "WITH", "DISTINCT"}
_ENDS = {")", "]", "}", "{", "|", "*", "("}
_OPERATORS = {*".),=+]}<>-/%^:", ""}
_OPERATING_WORDS = {
    *("AND", "OR", "XOR", "IN", "IS", "AS", "STARTS", "ENDS", "CONTAINS"),
    *("END", "THEN", "ELSE", "WHEN"),
}
"""What stands behind a variable, and behind no word that begins a clause."""


class _Statement:
    """The tokens of a statement that writes, each with the bracket that it is in."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._brackets = list(_brackets(tokens))
        if tokens[0].keyword not in _CLAUSES:
            raise _NotClear

    def written(self) -> TouchedNames:
        """Return what it writes; raises _NotClear."""
        found = NOTHING
        clause, outer = "", list[str]()
        for place, token in enumerate(self._tokens):
            if self._begins_clause(place):
                self._check_clause(place)
                clause = token.keyword
                if clause == "DELETE":
                    found |= self._deleted(place)
            elif clause in ("CREATE", "INSERT", "MERGE"):
                found |= self._created(place)
            elif clause in ("SET", "REMOVE"):
                found |= self._assigned(place, clause)
            # What is in brackets ends with them.
            if token.value in _OPENING:
                outer.append(clause)
            elif token.value in _OPENING.values() and outer:
                clause = outer.pop()
        return found

    def _begins_clause(self, place: int) -> bool:
        word = self._keyword(place)
        if word == "WITH" and self._keyword(place - 1) in _OF_WITH:
            return False
        return word in _CLAUSES and not self._names(place)

    def _value(self, place: int) -> str:
        return _value(self._tokens, place)

    def _keyword(self, place: int) -> str:
        there = 0 <= place < len(self._tokens)
        return self._tokens[place].keyword if there else ""

    def _is_name(self, place: int) -> bool:
        there = 0 <= place < len(self._tokens)
        return there and _is_name(self._tokens[place])

    def _names(self, place: int) -> bool:
        """Tell whether a word is the name of a property, a label or a type."""
        before = self._value(place - 1)
        if before == "|":
            # One of several labels or types: else a clause of FOREACH.
            named = self._is_name(place - 2)
            return named and self._value(place - 3) in (":", "|", "&")
        if self._brackets[place] == "{" and before in ("{", ","):
            # The key of a map, else the beginning of a subquery.
            return self._value(place + 1) == ":"
        return before in (".", ":", "&", "!")

    def _check_clause(self, place: int) -> None:
        """Raise _NotClear where the word may be a variable, or calls a procedure."""
        word, before = self._keyword(place), self._value(place - 1)
        behind = self._value(place + 1)
        if word == "CALL" and behind not in ("{", "("):
            raise _NotClear
        if word == "FINISH" and not behind:
            return
        if place == 0 or (self._keyword(place - 1), word) in _JOINED:
            return
        punctuation = self._tokens[place - 1].kind is TokenKind.PUNCTUATION
        if (
            (punctuation and before not in _ENDS)
            or (before == "(" and word != "WHERE")
            or self._keyword(place - 1) in _AFTER_OPERAND
            or (before == "*" and self._keyword(place - 2) not in _SHOWING)
            or behind in _OPERATORS
            or self._keyword(place + 1) in _OPERATING_WORDS
        ):
            raise _NotClear

    # What is created

    def _created(self, place: int) -> TouchedNames:
        token, before = self._tokens[place], self._value(place - 1)
        bracket = self._brackets[place]
        if bracket == "{":
            return NOTHING
        if token.keyword == "IS" or (_is_dynamic(token) and before in (":", "&")):
            raise _NotClear
        if _is_name(token) and before in (":", "&", "|"):
            return types(token.name) if bracket == "[" else labels(token.name)
        # A node without a label, or one that is there.
        ended = token.value if token.value in (")", "{") else self._value(place + 1)
        return labels("") if before == "(" and ended in (")", "{") else NOTHING

    # What is changed

    def _assigned(self, place: int, clause: str) -> TouchedNames:
        token = self._tokens[place]
        before, behind = self._value(place - 1), self._value(place + 1)
        if token.keyword == "IS":
            if self._keyword(place + 1) in ("NULL", "NOT", "TYPED", "NORMALIZED"):
                return NOTHING
            return NOTHING if behind == "::" else labels(None)
        if self._brackets[place] != "{" and before in (":", "&"):
            return labels(token.name if _is_name(token) else None)
        if _is_name(token) and before == ".":
            written = clause == "REMOVE" or behind == "="
            return _of_both(token.name) if written else NOTHING
        if token.value == "[" and (self._is_name(place - 1) or before == ")"):
            return _of_both(None) if self._is_written(place, clause) else NOTHING
        if clause == "SET" and token.value == "=":
            return self._replaced(place)
        return NOTHING

    def _is_written(self, place: int, clause: str) -> bool:
        """Tell whether ``n[…]`` stands to the left of a ``=``, or is removed."""
        depth = 0
        for position in range(place, len(self._tokens)):
            depth += {"[": 1, "]": -1}.get(self._value(position), 0)
            if depth == 0:
                return clause == "REMOVE" or self._value(position + 1) == "="
        return True

    def _replaced(self, place: int) -> TouchedNames:
        """Return what ``n = …`` or ``n += …`` writes, nothing for ``n.name = …``."""
        target = place - 1
        if self._value(target) == "+":
            target -= 1
            if self._value(place + 1) == "{":
                return _of_both(*self._keys(place + 1))
        if self._value(target - 1) == "." or self._value(target) == "]":
            return NOTHING
        return _of_both(None)

    def _keys(self, place: int) -> Iterator[str]:
        """Yield the keys of a literal map."""
        depth = 0
        for position in range(place, len(self._tokens)):
            value = self._value(position)
            leads = self._value(position - 1) in ("{", ",")
            if depth == 1 and leads and self._value(position + 1) == ":":
                yield self._tokens[position].name
            depth += (value in _OPENING) - (value in _OPENING.values())
            if depth == 0:
                return

    # What is deleted

    def _deleted(self, place: int) -> TouchedNames:
        """Return what a DELETE takes away: a node may have any label besides."""
        names = self._operands(place + 1)
        if self._keyword(place - 1) != "DETACH" and names:
            found = [self._types_of(name) for name in names]
            if all(found):
                return types(*(type_ for of_one in found for type_ in of_one))
        return labels(None) | types(None)

    def _operands(self, place: int) -> list[str]:
        """Return the variables that stand between commas, none where there is more."""
        found = []
        while self._is_name(place):
            found.append(self._tokens[place].name)
            if self._value(place + 1) != ",":
                ended = self._value(place + 1) in ("", "}", ")")
                return found if ended or self._keyword(place + 1) in _CLAUSES else []
            place += 2
        return []

    def _types_of(self, variable: str) -> list[str]:
        """Return the types of a variable, none unless it is surely a relationship."""
        found: list[str] = []
        for place, token in enumerate(self._tokens):
            before = self._value(place - 1)
            if not _is_name(token) or token.name != variable or before in (":", "."):
                continue
            if before == "[" and self._value(place - 2) == "-":
                named = self._relationship_types(place + 1)
                if not named:
                    return []
                found += named
            elif not self._is_used(place):
                return []
        return found

    def _relationship_types(self, place: int) -> list[str]:
        """Return the types of ``:A|B`` before the end of a relationship."""
        found = []
        while self._value(place) in (":", "|") and self._is_name(place + 1):
            found.append(self._tokens[place + 1].name)
            place += 2
        ended = self._value(place) in ("]", "{") or self._keyword(place) == "WHERE"
        return found if ended else []

    def _is_used(self, place: int) -> bool:
        """Tell whether a variable is used here, and surely not bound to another."""
        before = self._value(place - 1) in ("(", "[", "|", "{")
        named = self._keyword(place - 1) in ("AS", "YIELD", "LET", "CREATE", "MATCH")
        bound = self._keyword(place + 1) == "IN" or self._value(place + 1) == "="
        return not (before or named or bound)


# Tokens ------------------------------------------------------------------------------

_OPENING = {"(": ")", "[": "]", "{": "}"}


def _brackets(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield for each token the innermost bracket that is open before it."""
    opened: list[str] = []
    for token in tokens:
        yield opened[-1] if opened else ""
        if token.value in _OPENING:
            opened.append(token.value)
        elif opened and token.value == _OPENING[opened[-1]]:
            opened.pop()


def _value(tokens: Sequence[Token], place: int) -> str:
    return tokens[place].value if 0 <= place < len(tokens) else ""


def _is_name(token: Token) -> bool:
    return token.kind in (TokenKind.WORD, TokenKind.QUOTED_NAME)


def _is_dynamic(token: Token) -> bool:
    return token.kind is TokenKind.PARAMETER or token.value == "$"


def _of_both(*names: str | None) -> TouchedNames:
    """Return properties of nodes and of relationships, which a text does not tell."""
    of_nodes = properties(EntityType.NODE, *names)
    return of_nodes | properties(EntityType.RELATIONSHIP, *names)
