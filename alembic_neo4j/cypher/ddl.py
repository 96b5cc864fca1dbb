"""Index and constraint commands as Cypher text, written and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from alembic_neo4j.cypher.lexer import Token, TokenKind, command_tokens
from alembic_neo4j.cypher.quoting import literal, quote
from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.definitions import (
    Constraint,
    Element,
    EntityType,
    Index,
    Value,
)
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind
from alembic_neo4j.schema.property_types import constraint_type, read_type


@singledispatch
def create_text(element: Element) -> str:
    """Return the command that creates an index or a constraint.

    Never ``IF NOT EXISTS``: on a name that is taken by something else it silently
    does nothing. Raises SchemaError for a property type that no constraint can have
    and for a name that Neo4j can't have.
    """
    raise TypeError(f"not an index or a constraint: {element!r}")


@create_text.register(Index)
def _create_index(element: Index) -> str:
    variable, pattern = _pattern(element.entity, element.labels)
    return (
        f"CREATE {element.kind.value} INDEX {quote(element.name)} FOR {pattern} "
        f"ON {_indexed(element, variable)}{_options(element.options)}"
    )


@create_text.register(Constraint)
def _create_constraint(element: Constraint) -> str:
    variable, pattern = _pattern(element.entity, element.labels)
    properties = _properties(variable, element.properties)
    return (
        f"CREATE CONSTRAINT {quote(element.name)} FOR {pattern} "
        f"REQUIRE ({properties}) IS {_required(element)}"
    )


def drop_text(element: Element) -> str:
    """Return the command that drops an index or a constraint by its name."""
    noun = "INDEX" if isinstance(element, Index) else "CONSTRAINT"
    return f"DROP {noun} {quote(element.name)}"


def _pattern(entity: EntityType, labels: Sequence[str]) -> tuple[str, str]:
    names = "|".join(quote(label) for label in labels)
    if entity is EntityType.NODE:
        return "n", f"(n:{names})"
    return "r", f"()-[r:{names}]-()"


def _properties(variable: str, names: Iterable[str]) -> str:
    return ", ".join(f"{variable}.{quote(name)}" for name in names)


def _indexed(element: Index, variable: str) -> str:
    properties = _properties(variable, element.properties)
    if element.kind.traits.covers_any:
        return f"EACH [{properties}]"
    return f"({properties})"


def _options(options: Sequence[tuple[str, Value]]) -> str:
    if not options:
        return ""
    pairs = ", ".join(f"{quote(name)}: {literal(value)}" for name, value in options)
    return f" OPTIONS {{indexConfig: {{{pairs}}}}}"


def _required(element: Constraint) -> str:
    required = element.kind.traits.required
    if not element.kind.traits.typed:
        return required.format(entity=element.entity.value)
    return required.format(type=constraint_type(element.property_type or ""))


# Reads a person's schema command: what it creates or drops, by definition -------------


@dataclass(frozen=True)
class SchemaCommand:
    """A command for an index or a constraint, as its text has it.

    `lenient` says that it has IF EXISTS or IF NOT EXISTS. `element` is what it creates,
    with a name of its own where the text gives none (`name` is None then); it is None
    for a command that drops and for a LOOKUP index, of which each entity has one at
    most: `lookup` is what that is for.
    """

    creates: bool
    of_index: bool
    name: str | None
    lenient: bool = False
    element: Element | None = None
    lookup: EntityType | None = None


def read_schema_command(
    text: str, parameters: Mapping[str, Any]
) -> SchemaCommand | None:
    """Return what a schema command says, None where this can't be read.

    What is only explained (EXPLAIN) has no effect and is None as well.
    """
    reader = _Reader(command_tokens(text), parameters)
    try:
        if reader.took("DROP"):
            return _dropping(reader)
        if reader.took("CREATE"):
            return _creating(reader, text)
    except (SchemaError, ValueError, LookupError):
        pass
    return None


def verb(text: str) -> str:
    """Return the first word of a schema command, in capitals."""
    tokens = command_tokens(text)
    return tokens[0].keyword if tokens else ""


class _Reader:
    """The tokens of a command, taken from the front."""

    def __init__(self, tokens: Sequence[Token], parameters: Mapping[str, Any]) -> None:
        self._tokens = tokens
        self._parameters = parameters
        self._at = 0

    def keyword(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._tokens[place].keyword if place < len(self._tokens) else ""

    def value(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._tokens[place].value if place < len(self._tokens) else ""

    def took(self, *keywords: str) -> bool:
        """Take these words where they stand next, and tell whether they did."""
        found = all(self.keyword(i) == word for i, word in enumerate(keywords))
        self._at += len(keywords) if found else 0
        return found

    def name(self) -> str:
        """Take a name, or the value of the parameter that stands for it."""
        token = self._tokens[self._at]
        self._at += 1
        if token.kind is TokenKind.PARAMETER:
            return str(self._parameters[token.name])
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED_NAME):
            raise ValueError(token.value)
        return token.name

    def until(self, *keywords: str) -> list[Token]:
        """Take the tokens up to one of these words, which is taken too.

        The words count outside of brackets, and not as the name of a property.
        """
        taken: list[Token] = []
        depth = 0
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            is_name = bool(taken) and taken[-1].value == "."
            if not depth and not is_name and token.keyword in keywords:
                return taken
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.value, 0)
            taken.append(token)
        raise ValueError(f"no {' or '.join(keywords)}")

    def rest(self) -> list[Token]:
        """Take all that is left."""
        taken = list(self._tokens[self._at :])
        self._at = len(self._tokens)
        return taken


def _dropping(reader: _Reader) -> SchemaCommand:
    of_index = _of_index(reader)
    if reader.keyword() == "ON" and reader.value(1) in (":", "("):
        raise ValueError("a syntax before Neo4j 5")
    name = reader.name()
    return SchemaCommand(False, of_index, name, lenient=reader.took("IF", "EXISTS"))


def _of_index(reader: _Reader) -> bool:
    if reader.took("INDEX"):
        return True
    if reader.took("CONSTRAINT"):
        return False
    raise ValueError("neither an index nor a constraint")


def _creating(reader: _Reader, text: str) -> SchemaCommand:
    kind = "RANGE"
    if reader.keyword(1) == "INDEX":
        kind = reader.name().upper()
    of_index = _of_index(reader)
    is_unnamed = (reader.keyword() == "FOR" and reader.value(1) == "(") or (
        reader.keyword() == "IF" and reader.keyword(1) == "NOT"
    )
    name = None if is_unnamed else reader.name()
    lenient = reader.took("IF", "NOT", "EXISTS")
    if not reader.took("FOR"):
        raise ValueError("a syntax before Neo4j 5")
    if of_index and kind == "LOOKUP":
        entity, _ = _pattern_of(reader.until("ON"))
        return SchemaCommand(True, of_index, name, lenient, lookup=entity)
    element = (
        _index(reader, kind, name or "")
        if of_index
        else _constraint(reader, name or "", text)
    )
    return SchemaCommand(True, of_index, name, lenient, element)


def _index(reader: _Reader, kind: str, name: str) -> Index:
    entity, labels = _pattern_of(reader.until("ON"))
    return Index(
        IndexKind(kind), entity, labels, _properties_of(reader.rest()), name=name
    )


def _constraint(reader: _Reader, name: str, text: str) -> Constraint:
    entity, labels = _pattern_of(reader.until("REQUIRE"))
    properties = _properties_of(reader.until("IS"))
    (label,) = labels
    what, type_ = _required_of(reader.rest(), text)
    return Constraint(what, entity, label, properties, type_, name=name)


def _pattern_of(tokens: Sequence[Token]) -> tuple[EntityType, tuple[str, ...]]:
    values = [token.value for token in tokens]
    entity = EntityType.RELATIONSHIP if "[" in values else EntityType.NODE
    labels = tuple(
        token.name
        for place, token in enumerate(tokens)
        if place and values[place - 1] in (":", "|")
    )
    return entity, labels


def _properties_of(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the properties of ``(n.a, n.b) OPTIONS …`` or ``EACH [n.a]``."""
    found = []
    for place, token in enumerate(tokens):
        if token.keyword == "OPTIONS" and tokens[place - 1].value in (")", "]"):
            break
        if place and tokens[place - 1].value == ".":
            found.append(token.name)
    return tuple(found)


def _required_of(
    tokens: Sequence[Token], text: str
) -> tuple[ConstraintKind, str | None]:
    words = [token.keyword or token.value for token in tokens]
    if words and words[0] in ("NODE", "REL", "RELATIONSHIP"):
        tokens, words = tokens[1:], words[1:]
    if words[0] == "TYPED":
        words[0] = "::"
    for kind in ConstraintKind:
        fixed = [w for w in kind.traits.required.split() if not w.startswith("{")]
        if words[: len(fixed)] == fixed:
            written = text[tokens[0].end : tokens[-1].end].strip()
            return kind, read_type(written) if kind.traits.typed else None
    raise ValueError(tokens[0].value)
