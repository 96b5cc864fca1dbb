r"""Reads Cypher text: its tokens, the statements of a script, the kind of a statement.

The rules are those of the server. Before it reads anything else Neo4j replaces
``\uXXXX`` everywhere, in comments, in strings and between backticks: ``\u0060`` ends a
quoted name and ``\u0027`` ends a string. An escaped backslash (``\\u0060``) stays as it
is, and what a replacement wrote is not read as an escape again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from unicodedata import category

from alembic_neo4j.errors import StatementError
from alembic_neo4j.schema.kinds import IndexKind

# What a statement is and which transaction it may run in ------------------------------


class Kind(Enum):
    """The kind of transaction that a statement asks for; kinds never share one."""

    SCHEMA = "schema"
    DATA = "data"
    READ = "read"
    AUTOCOMMIT = "autocommit"


# Reads Cypher text: its tokens, the statements of a script, the kind of a statement ---


class TokenKind(Enum):
    """What a piece of Cypher text is."""

    WHITESPACE = "whitespace"
    COMMENT = "comment"
    STRING = "string"
    QUOTED_NAME = "quoted name"
    NUMBER = "number"
    PARAMETER = "parameter"
    WORD = "word"
    PUNCTUATION = "punctuation"


@dataclass(frozen=True, slots=True)
class Token:
    r"""A piece of Cypher text; the texts of all tokens joined are the text again.

    ``text`` is what is written, ``value`` the same with ``\uXXXX`` replaced, ``start``
    its offset; ``line`` and ``column`` count from 1.
    """

    kind: TokenKind
    text: str
    value: str
    start: int
    line: int
    column: int

    @property
    def end(self) -> int:
        """The offset behind the last character."""
        return self.start + len(self.text)

    @property
    def is_trivia(self) -> bool:
        """Whether it is whitespace or a comment."""
        return self.kind in (TokenKind.WHITESPACE, TokenKind.COMMENT)

    @property
    def keyword(self) -> str:
        """A word in capitals, '' for every other token.

        The letters are those of ASCII, as on the server: a long s makes no ``SET``.
        """
        if self.kind is not TokenKind.WORD or not self.value.isascii():
            return ""
        return self.value.upper()

    @property
    def name(self) -> str:
        """What a word, a quoted name or a parameter names, without its quotes."""
        written = self.value
        if self.kind is TokenKind.PARAMETER:
            written = written[_trivia_end(written, 1) :]
        if written.startswith("`"):
            return written[1:-1].replace("``", "`")
        return written


@dataclass(frozen=True, slots=True)
class ScriptStatement:
    """A statement of a script, or a command to the client such as ``:use movies``.

    ``text`` is what is written, with its comments and without the ``;`` behind it;
    ``line`` is the line of its first word, counted from 1.
    """

    text: str
    line: int
    is_client_command: bool = False


def lex(text: str) -> Iterator[Token]:
    r"""Yield the tokens of a Cypher text, one after another, in linear time.

    Raises StatementError, with line and column, for a string, a comment or a quoted
    name without an end and for a ``\u`` that is not followed by four hexadecimal digits
    (which the server refuses even in a comment).
    """
    return _scan(_decode(text), _Place())


def significant_tokens(text: str) -> list[Token]:
    """Return the tokens that are neither whitespace nor comment; raises as `lex`."""
    return [token for token in lex(text) if not token.is_trivia]


def command_tokens(text: str) -> Sequence[Token]:
    """Return the significant tokens of one statement without what stands in front.

    That is ``CYPHER 5`` and ``USE``; of what is only explained nothing is left. The
    last ``;`` is cut off. Raises as `lex`.
    """
    tokens = significant_tokens(text)
    body = _without_prefix(tokens) if tokens else tokens
    explained = any(t.keyword in ("EXPLAIN", "PROFILE") for t in tokens[: -len(body)])
    return [] if explained else body


def split_statements(text: str) -> list[ScriptStatement]:
    """Return the statements of a script, which stand between ``;``.

    The last ``;`` may be missing; a part that holds nothing but comments is no
    statement. A comment before a statement belongs to it. A line that starts with
    ``:`` where a statement could start is a command to the client (``:use``,
    ``:param``). A byte order mark and CRLF do no harm. Raises as `lex`.
    """
    source = _decode(text)
    statements: list[ScriptStatement] = []
    place: _Place | None = _Place()
    while place is not None:
        statement, place = _next_statement(source, place)
        if statement is not None:
            statements.append(statement)
    return statements


def classify(text: str) -> Kind:
    """Return the kind of one statement, whose last ``;`` may be missing.

    SCHEMA is a command for an index or a constraint. AUTOCOMMIT is
    ``CALL {…} IN TRANSACTIONS``, ``USING PERIODIC COMMIT`` and every administration
    command. READ is what surely does not write: no word of the text can be a writing
    clause, and every procedure it calls is known to read only. All the rest is DATA: a
    variable called ``set`` makes a reading statement DATA, which does no harm.
    A procedure that changes the schema is AUTOCOMMIT: the server lets it share a
    transaction neither with writes nor with schema commands. ``EXPLAIN`` has the kind
    of what it explains, as the server counts it so. ``SHOW USERS``, ``SHOW DATABASES``
    and their like are READ, but need a transaction of their own.

    Raises StatementError for no statement, for more than one, for a client command,
    and as `lex`.
    """
    tokens = significant_tokens(text)
    _require_one_statement(text, tokens)
    body = _without_prefix(tokens)
    command = _command_kind(body)
    if command is not None:
        return command
    if _runs_transactions(body):
        return Kind.AUTOCOMMIT
    return _query_kind(body)


# --- characters ------------------------------------------------------------------

_SPACE = (
    "\\t-\\r\\x1c-\\x20\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
)
_LINE_COMMENT = r"//[^\r\n]*"
_BLOCK_COMMENT = r"/\*[\s\S]*?\*/"
_QUOTED_NAME = r"`[^`]*(?:``[^`]*)*`(?!`)"
# `$` and most control characters may stand inside a name, but not begin it.
_PART = r"A-Za-z0-9_$\x00-\x08\x0e-\x1b\x7f"
_WORD = rf"[A-Za-z_][{_PART}]*"
_TRIVIA = re.compile(rf"[{_SPACE}]+|{_LINE_COMMENT}|{_BLOCK_COMMENT}")
_PARAMETER_NAME = re.compile(rf"{_QUOTED_NAME}|{_WORD}|[0-9][{_PART}]*")
_TOKEN = re.compile(
    rf"(?P<WHITESPACE>[{_SPACE}]+)"
    rf"|(?P<COMMENT>{_LINE_COMMENT}|{_BLOCK_COMMENT})"
    r"|(?P<STRING>'[^'\\]*(?:\\[\s\S][^'\\]*)*'"
    r'|"[^"\\]*(?:\\[\s\S][^"\\]*)*")'
    rf"|(?P<QUOTED_NAME>{_QUOTED_NAME})"
    rf"|(?P<WORD>{_WORD})"
    r"|(?P<NUMBER>0[xX][0-9A-Fa-f_]+|0[oO][0-7_]+"
    r"|(?:[0-9][0-9_]*)?\.[0-9][0-9_]*(?:[eE][+-]?[0-9]+)?"
    r"|[0-9][0-9_]*(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<PUNCTUATION>\.\.|::|[\s\S])"
)
_KINDS = {kind.name: kind for kind in TokenKind}
_NAME_START = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Pc"})
_NAME_PART = _NAME_START | {"Nd", "Mn", "Mc", "Sc", "Cf", "Cc"}
_ESCAPES = re.compile(r"\\\\|\\u(?P<digits>[0-9A-Fa-f]{4})?")
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class _Source:
    r"""A text with ``\uXXXX`` replaced, and where each character was written."""

    written: str
    text: str
    offsets: Sequence[int]


def _decode(written: str) -> _Source:
    if "\\u" not in written:
        return _Source(written, written, range(len(written) + 1))
    pieces: list[str] = []
    offsets: list[int] = []
    position = 0
    for match in _ESCAPES.finditer(written):
        if match.group() == "\\\\":
            continue
        if match["digits"] is None:
            raise _error(written, match.start(), r"\u without four hexadecimal digits")
        pieces.append(written[position : match.start()])
        offsets.extend(range(position, match.start()))
        pieces.append(chr(int(match["digits"], 16)))
        offsets.append(match.start())
        position = match.end()
    pieces.append(written[position:])
    offsets.extend(range(position, len(written) + 1))
    return _Source(written, "".join(pieces), offsets)


@dataclass(frozen=True, slots=True)
class _Place:
    """A character of the decoded text, its line and where that line was written."""

    position: int = 0
    line: int = 1
    line_start: int = 0


def _scan(source: _Source, place: _Place) -> Iterator[Token]:
    text, written, offsets = source.text, source.written, source.offsets
    position, line, line_start = place.position, place.line, place.line_start
    start = offsets[position]
    while position < len(text):
        kind, end = _match(source, position)
        stop = offsets[end]
        piece = written[start:stop]
        column = start - line_start + 1
        yield Token(kind, piece, text[position:end], start, line, column)
        if "\n" in piece:
            line += piece.count("\n")
            line_start = start + piece.rindex("\n") + 1
        position, start = end, stop


def _match(source: _Source, position: int) -> tuple[TokenKind, int]:
    text = source.text
    match = _TOKEN.match(text, position)
    assert match is not None, "every character is a token at least"
    kind, end = _KINDS[match.lastgroup or ""], match.end()
    if kind is TokenKind.PUNCTUATION:
        return _unusual(source, position, end)
    if kind is TokenKind.WORD:
        return kind, _name_end(text, end)
    return kind, end


def _unusual(source: _Source, position: int, end: int) -> tuple[TokenKind, int]:
    """Punctuation, or what only a look at the characters tells from it."""
    text = source.text
    opening = text[position]
    if opening in _UNENDED:
        raise _error(source.written, source.offsets[position], _UNENDED[opening])
    if text.startswith("/*", position):
        raise _error(source.written, source.offsets[position], "a comment without */")
    if opening == _BYTE_ORDER_MARK and position == 0:
        return TokenKind.WHITESPACE, end
    if opening == "$" and (name_end := _parameter_end(text, end)):
        return TokenKind.PARAMETER, name_end
    if _starts_name(text, position):
        return TokenKind.WORD, _name_end(text, end)
    return TokenKind.PUNCTUATION, end


_UNENDED = {
    "'": "a string without its closing '",
    '"': 'a string without its closing "',
    "`": "a name without its closing `",
}


def _parameter_end(text: str, position: int) -> int:
    """Where a parameter ends; comments may stand before its name. 0: it has none."""
    position = _trivia_end(text, position)
    match = _PARAMETER_NAME.match(text, position)
    if match is not None:
        quoted = text[position] == "`"
        return match.end() if quoted else _name_end(text, match.end())
    return _name_end(text, position + 1) if _starts_name(text, position) else 0


def _starts_name(text: str, position: int) -> bool:
    return position < len(text) and category(text[position]) in _NAME_START


def _name_end(text: str, end: int) -> int:
    """Where a name ends that may go on with characters outside of ASCII."""
    while end < len(text) and _continues_name(text[end]):
        end += 1
    return end


def _continues_name(character: str) -> bool:
    if character.isspace() and character != "\x85":
        return False
    return category(character) in _NAME_PART


def _trivia_end(text: str, position: int) -> int:
    while (match := _TRIVIA.match(text, position)) is not None:
        position = match.end()
    return position


def _error(written: str, offset: int, found: str) -> StatementError:
    line = written.count("\n", 0, offset) + 1
    column = offset - written.rfind("\n", 0, offset)
    return StatementError(
        f"Cypher that can be read was expected; line {line}, column {column}: {found}."
    )


# --- statements of a script ------------------------------------------------------


def _next_statement(
    source: _Source, place: _Place
) -> tuple[ScriptStatement | None, _Place | None]:
    """The statement that starts at a place, if any, and where to go on, if anywhere."""
    position = place.position
    part: list[Token] = []
    started = False
    for token in _scan(source, place):
        if token.value[0] == ":" and not started:
            return _client_command(source, position, token)
        started = started or not token.is_trivia
        position += len(token.value)
        if token.value == ";":
            return _statement(source, part), _behind(token, position)
        part.append(token)
    return _statement(source, part), None


def _statement(source: _Source, part: Sequence[Token]) -> ScriptStatement | None:
    written = [token for token in part if token.kind is not TokenKind.WHITESPACE]
    words = [token for token in written if not token.is_trivia]
    if not words:
        return None
    text = source.written[written[0].start : written[-1].end]
    return ScriptStatement(text, words[0].line)


def _client_command(
    source: _Source, position: int, colon: Token
) -> tuple[ScriptStatement, _Place]:
    end = source.text.find("\n", position)
    end = len(source.text) if end < 0 else end
    text = source.written[colon.start : source.offsets[end]].strip()
    text = text.removesuffix(";").rstrip()
    return ScriptStatement(text, colon.line, True), _behind(colon, end)


def _behind(token: Token, position: int) -> _Place:
    """A place in the line of a token."""
    return _Place(position, token.line, token.start - token.column + 1)


# --- the kind of a statement -----------------------------------------------------

_INDEX_TYPES = {*(kind.value for kind in IndexKind), "LOOKUP", "BTREE"}
_SCHEMA_OBJECTS = {"INDEX", "CONSTRAINT"}
_ADMINISTERED = {
    *("ALIAS", "AUTH", "COMPOSITE", "DATABASE", "IMMUTABLE", "ROLE", "SERVER", "USER"),
}
_ADMINISTRATION = {
    *("ALTER", "DEALLOCATE", "DENY", "DROP", "DRYRUN", "ENABLE", "GRANT"),
    *("REALLOCATE", "RENAME", "REVOKE", "START", "STOP", "TERMINATE"),
}
_READING = {
    *("CALL", "FILTER", "FINISH", "LET", "LOAD", "MATCH", "OPTIONAL", "RETURN"),
    *("SHOW", "UNWIND", "WITH"),
}
_WRITING = {
    *("CREATE", "DELETE", "DETACH", "DROP", "FOREACH", "INSERT", "MERGE"),
    *("NODETACH", "REMOVE", "SET"),
}
_READING_PROCEDURES = frozenset(
    {
        "db.awaitIndex",
        "db.awaitIndexes",
        "db.index.fulltext.awaitEventuallyConsistentIndexRefresh",
        "db.index.fulltext.listAvailableAnalyzers",
        "db.index.fulltext.queryNodes",
        "db.index.fulltext.queryRelationships",
        "db.index.vector.queryNodes",
        "db.index.vector.queryRelationships",
        "db.info",
        "db.labels",
        "db.ping",
        "db.propertyKeys",
        "db.relationshipTypes",
        "db.schema.nodeTypeProperties",
        "db.schema.relTypeProperties",
        "db.schema.visualization",
        "db.stats.retrieve",
        "db.stats.retrieveAllAnonymized",
        "db.stats.status",
        "dbms.cluster.routing.getRoutingTable",
        "dbms.components",
        "dbms.info",
        "dbms.listCapabilities",
        "dbms.listConfig",
        "dbms.listConnections",
        "dbms.queryJmx",
        "dbms.routing.getRoutingTable",
        "dbms.showCurrentUser",
        "tx.getMetaData",
    }
)
_SCHEMA_PROCEDURES = frozenset(
    {
        "apoc.cypher.runSchema",
        "apoc.schema.assert",
        "db.index.vector.createNodeIndex",
    }
)


def _require_one_statement(text: str, tokens: Sequence[Token]) -> None:
    if tokens and tokens[0].value[0] == ":":
        raise StatementError(
            f"A Cypher statement was expected, found the client command "
            f"{text.strip()!r}. Remove it: the project's configuration decides on "
            f"database and parameters."
        )
    ends = [index for index, token in enumerate(tokens) if token.value == ";"]
    if not tokens or ends == [0]:
        raise StatementError("A Cypher statement was expected, found none.")
    if ends and ends[0] != len(tokens) - 1:
        place = tokens[ends[0] + 1]
        raise StatementError(
            f"One Cypher statement was expected, another one starts in line "
            f"{place.line}, column {place.column}. Pass them one by one."
        )


def _without_prefix(tokens: Sequence[Token]) -> Sequence[Token]:
    """Cut off ``CYPHER 5 runtime=…``, EXPLAIN, PROFILE, USE and the last ``;``."""
    end = len(tokens) - 1 if tokens[-1].value == ";" else len(tokens)
    position = 0
    while position < end:
        token = tokens[position]
        is_version = position > 0 and token.kind is TokenKind.NUMBER
        if is_version or token.keyword in ("CYPHER", "EXPLAIN", "PROFILE"):
            position += 1
        elif position and _value(tokens, position + 1) == "=":
            position += 3
        else:
            break
    if _keyword(tokens, position) == "USE":
        position = _graph_end(tokens, position + 1)
    return tokens[position:end]


def _graph_end(tokens: Sequence[Token], position: int) -> int:
    """Where the graph ends that USE names: a.b, graph.byName('a'), (a) or GRAPH a."""
    if _keyword(tokens, position) == "GRAPH" and _is_name(tokens, position + 1):
        position += 1
    if _is_name(tokens, position):
        position += 1
        while _value(tokens, position) == "." and _is_name(tokens, position + 1):
            position += 2
    depth = 0
    while _value(tokens, position) == "(" or depth:
        depth += {"(": 1, ")": -1}.get(_value(tokens, position), 0)
        position += 1
        if position >= len(tokens):
            break
    return position


def _command_kind(body: Sequence[Token]) -> Kind | None:
    """The kind of a command for schema or administration, None for a query."""
    first = _keyword(body, 0)
    if first == "USING":
        return Kind.AUTOCOMMIT
    if first == "SHOW":
        ending = any(token.keyword == "TERMINATE" for token in body)
        return Kind.AUTOCOMMIT if ending else Kind.READ
    if first == "CREATE":
        return _creation_kind(body)
    if first == "DROP" and _keyword(body, 1) in _SCHEMA_OBJECTS:
        return Kind.SCHEMA
    if [_keyword(body, place) for place in range(4)] == _ALTER_GRAPH_TYPE:
        return Kind.SCHEMA
    return Kind.AUTOCOMMIT if first in _ADMINISTRATION else None


_ALTER_GRAPH_TYPE = ["ALTER", "CURRENT", "GRAPH", "TYPE"]


def _creation_kind(body: Sequence[Token]) -> Kind | None:
    replacing = (_keyword(body, 1), _keyword(body, 2)) == ("OR", "REPLACE")
    position = 3 if replacing else 1
    created, following = _keyword(body, position), _value(body, position + 1)
    # CREATE index = (a)-[:R]->(b) names a path.
    if following == "=":
        return None
    if created in _SCHEMA_OBJECTS:
        return Kind.SCHEMA
    if created in _INDEX_TYPES and following.upper() == "INDEX":
        return Kind.SCHEMA
    return Kind.AUTOCOMMIT if created in _ADMINISTERED else None


def _runs_transactions(body: Sequence[Token]) -> bool:
    """Whether a CALL {…} of the query is followed by IN … TRANSACTIONS."""
    opened: list[bool] = []
    closed_call = False
    for index, token in enumerate(body):
        called = index > 0 and body[index - 1].keyword == "CALL"
        if token.value in ("(", "{"):
            after_scope = token.value == "{" and closed_call
            opened.append(called or after_scope)
        closed_call = False
        if token.value in (")", "}") and opened:
            closed_call = opened.pop()
            if closed_call and token.value == "}" and _keyword(body, index + 1) == "IN":
                return True
    return False


def _query_kind(body: Sequence[Token]) -> Kind:
    kind = Kind.READ if _keyword(body, 0) in _READING else Kind.DATA
    called = Kind.READ
    for index, token in enumerate(body):
        if not token.keyword or not _may_be_clause(body, index):
            continue
        if token.keyword in _WRITING:
            kind = Kind.DATA
        if token.keyword == "CALL":
            called = _called_kind(body, index + 1)
        if called is Kind.AUTOCOMMIT:
            return called
        kind = called if called is Kind.DATA else kind
    return kind


def _may_be_clause(body: Sequence[Token], index: int) -> bool:
    """Whether a word can be a clause: no property, label, type or key of a map.

    After ``|`` a clause stands in FOREACH alone, which is a writing clause itself.
    """
    if index and body[index - 1].value in (".", ":", "|", "&", "!"):
        return False
    return _value(body, index + 1) != ":"


def _called_kind(body: Sequence[Token], position: int) -> Kind:
    """The kind of what CALL calls: a subquery, whose words count, or a procedure."""
    if _value(body, position) in ("{", "("):
        return Kind.READ
    names: list[str] = []
    while _is_name(body, position):
        names.append(body[position].name)
        if _value(body, position + 1) != ".":
            break
        position += 2
    # A name in backticks that holds a dot is one part of a name, not two.
    procedure = "" if any("." in name for name in names) else ".".join(names)
    if procedure in _SCHEMA_PROCEDURES:
        return Kind.AUTOCOMMIT
    return Kind.READ if procedure in _READING_PROCEDURES else Kind.DATA


def _is_name(tokens: Sequence[Token], position: int) -> bool:
    names = (TokenKind.WORD, TokenKind.QUOTED_NAME)
    return position < len(tokens) and tokens[position].kind in names


def _keyword(tokens: Sequence[Token], position: int) -> str:
    return tokens[position].keyword if position < len(tokens) else ""


def _value(tokens: Sequence[Token], position: int) -> str:
    return tokens[position].value if position < len(tokens) else ""
