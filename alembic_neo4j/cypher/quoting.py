r"""Writes names and values into Cypher text so that they can't become Cypher.

The server replaces ``\uXXXX`` before it reads anything else, between backticks as well:
doubling backticks is not enough. ``lexer.py`` states the rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from alembic_neo4j.cypher.lexer import (
    Kind,
    Token,
    TokenKind,
    classify,
    lex,
    significant_tokens,
)
from alembic_neo4j.errors import OfflineError, SchemaError
from alembic_neo4j.schema.storable import name_problem, storable
from alembic_neo4j.sentences import ended


def quote(name: str) -> str:
    """Return a label, type, property or index name between backticks.

    Raises SchemaError for a name that Neo4j can't have: an empty one, one with a
    NUL character, one that is not Unicode text.
    """
    if problem := name_problem(name):
        raise SchemaError(
            f"A name for Neo4j was expected, found {name!r}: {problem}. Rename it."
        )
    return "`" + name.replace("\\", r"\u005C").replace("`", "``") + "`"


def literal(value: object) -> str:
    """Return the Cypher expression for a value that the driver takes as a parameter.

    Known are None, bool, int, float, str, list, tuple, dict, the types of `datetime`
    and `neo4j.time` and points. Raises OfflineError for everything else, such as
    bytes, which have no notation in Cypher.
    """
    if value is None:
        return "null"
    for belongs, write in _WRITERS:
        if belongs(value):
            return write(value)
    raise OfflineError(
        f"A value that Cypher has a notation for was expected, found "
        f"{type(value).__name__}. Convert it, or run this revision without --sql."
    )


def inline(text: str, parameters: Mapping[str, Any]) -> str:
    """Return a Cypher text with the values of its parameters written into it.

    Strings, comments and names in backticks stay as they are. A parameter that names
    an index or a constraint becomes a quoted name. Raises OfflineError for a parameter
    that has no value, for a value that `literal` refuses and for a password, which
    belongs in no script; StatementError where the text can't be read.
    """
    tokens = significant_tokens(text)
    used = [place for place in range(len(tokens)) if _is_parameter(tokens, place)]
    if not used:
        return text
    kind = classify(text)
    _refuse_password(tokens, kind)
    written: dict[int, str] = {}
    for place in used:
        value = _parameter_value(tokens[place], parameters)
        is_name = kind is Kind.SCHEMA and _names_schema_object(tokens, place)
        written[tokens[place].start] = (
            quote(str(value)) if is_name else _operand(literal(value))
        )
    return "".join(written.get(token.start, token.text) for token in lex(text))


def commented(text: str) -> str:
    """Return the text as comment lines, whatever line ends a name may hold."""
    return "\n".join(f"// {line}".rstrip() for line in text.splitlines())


def parameters_of(text: str) -> dict[str, Token]:
    """Return the parameters that a Cypher text uses, each where it first does.

    Raises StatementError where the text can't be read.
    """
    tokens = significant_tokens(text)
    found: dict[str, Token] = {}
    for place, token in enumerate(tokens):
        if _is_parameter(tokens, place):
            found.setdefault(token.name, token)
    return found


# --- parameters ------------------------------------------------------------------


def _is_parameter(tokens: Sequence[Token], place: int) -> bool:
    """Whether a token is a parameter and not the ``$all(…)`` of a dynamic label."""
    if tokens[place].kind is not TokenKind.PARAMETER:
        return False
    if tokens[place].name.lower() not in ("all", "any") or not place:
        return True
    before = tokens[place - 1]
    in_label = before.value in (":", "&", "|", "!", "(") or before.keyword == "IS"
    following = tokens[place + 1].value if place + 1 < len(tokens) else ""
    return not (in_label and following == "(")


def _parameter_value(token: Token, parameters: Mapping[str, Any]) -> object:
    if token.name in parameters:
        return parameters[token.name]
    known = ", ".join(f"${name}" for name in sorted(parameters)) or "none"
    raise OfflineError(
        f"A value for the parameter ${token.name} was expected (line {token.line}, "
        f"column {token.column}), found {known}. Pass it with the statement."
    )


def _names_schema_object(tokens: Sequence[Token], place: int) -> bool:
    return place > 0 and tokens[place - 1].keyword in ("INDEX", "CONSTRAINT")


def _refuse_password(tokens: Sequence[Token], kind: Kind) -> None:
    if kind is not Kind.AUTOCOMMIT:
        return
    if any(token.keyword in ("PASSWORD", "CREDENTIAL") for token in tokens):
        raise OfflineError(
            "A statement without a secret was expected, found a password among its "
            "parameters. Run it by hand; it can't be part of a script."
        )


def _operand(expression: str) -> str:
    """A negative number in parentheses: ``x -$n`` must not become ``x --1``."""
    return f"({expression})" if expression.startswith("-") else expression


# --- values ----------------------------------------------------------------------


def _integer(value: Any) -> str:
    try:
        return str(storable(int(value)))
    except ValueError:
        raise OfflineError(
            f"An integer of 64 bits was expected, found {value}. Neo4j has no larger "
            f"ones; store it as a string or a float."
        ) from None


def _floating(value: Any) -> str:
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return repr(number)


_STRING_ESCAPES = {
    "\\": r"\\",
    "'": r"\'",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
}


def _string(value: Any) -> str:
    try:
        storable(value)
    except ValueError as error:
        raise OfflineError(
            f"Unicode text was expected, found {value!r}: {ended(error)} Mend the text."
        ) from None
    return "'" + "".join(_character(character) for character in value) + "'"


def _character(character: str) -> str:
    if character in _STRING_ESCAPES:
        return _STRING_ESCAPES[character]
    if character.isprintable():
        return character
    encoded = character.encode("utf-16-be").hex()
    return "".join(
        f"\\u{encoded[start : start + 4]}" for start in range(0, len(encoded), 4)
    )


def _list(value: Any) -> str:
    return "[" + ", ".join(literal(item) for item in value) + "]"


def _map(value: Any) -> str:
    return "{" + ", ".join(f"{_key(key)}: {literal(value[key])}" for key in value) + "}"


def _key(key: object) -> str:
    if isinstance(key, str) and key and "\0" not in key:
        return quote(key)
    raise OfflineError(
        f"A string that is not empty was expected as key of a map, found {key!r}. "
        f"Rename the key."
    )


def _date(value: Any) -> str:
    return f"date('{_iso_format(value)}')"


def _time(value: Any) -> str:
    local = value.utcoffset() is None
    return f"{'localtime' if local else 'time'}('{_iso_format(value)}')"


def _datetime(value: Any) -> str:
    if value.tzinfo is None:
        return f"localdatetime('{_iso_format(value)}')"
    # A ZoneInfo that is asked about a value of the driver reads foreign memory
    # (python/cpython#125318): a wrong offset or a crash. Only native values are safe.
    native: datetime = value if isinstance(value, datetime) else value.to_native()
    from_utc = native.utcoffset()
    if from_utc is None:
        raise OfflineError(
            f"A datetime whose offset from UTC is known was expected, found {value!r}. "
            f"Use an offset or a named zone."
        )
    offset = native.isoformat()[len(native.replace(tzinfo=None).isoformat()) :]
    written = _iso_format(value.replace(tzinfo=None))
    zone = getattr(value.tzinfo, "zone", None) or getattr(value.tzinfo, "key", None)
    if not isinstance(zone, str):
        return f"datetime('{written}{offset}')"
    # With a zone Cypher reads offsets of whole minutes only; the zone tells the others.
    whole = "" if from_utc.total_seconds() % 60 else offset
    return f"datetime('{written}{whole}[{zone}]')"


def _iso_format(value: Any) -> str:
    text: str = getattr(value, "iso_format", value.isoformat)()
    return text


def _timedelta(value: Any) -> str:
    return _duration_of(0, value.days, value.seconds, value.microseconds * 1000)


def _duration(value: Any) -> str:
    return _duration_of(value.months, value.days, value.seconds, value.nanoseconds)


def _duration_of(months: int, days: int, seconds: int, nanoseconds: int) -> str:
    return (
        f"duration({{months: {months}, days: {days}, "
        f"seconds: {seconds}, nanoseconds: {nanoseconds}}})"
    )


def _point(value: Any) -> str:
    written = {"srid": _integer(value.srid)}
    for name, coordinate in zip("xyz", value, strict=False):
        written[name] = _floating(coordinate)
    pairs = ", ".join(f"{name}: {text}" for name, text in written.items())
    return f"point({{{pairs}}})"


def _boolean(value: Any) -> str:
    return "true" if value else "false"


# --- which value is which --------------------------------------------------------


def _is_a(*types: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, types)


def _has(*names: str) -> Callable[[object], bool]:
    """The driver's own types are told by their attributes: it is not imported here."""
    return lambda value: all(
        getattr(value, name, None) is not None and not isinstance(value, type)
        for name in names
    )


# Durations and points of the driver are tuples, a datetime is a date, a bool an int:
# the narrower type stands first.
_WRITERS: tuple[tuple[Callable[[object], bool], Callable[[Any], str]], ...] = (
    (_is_a(bool), _boolean),
    (_is_a(int), _integer),
    (_is_a(float), _floating),
    (_is_a(str), _string),
    (_is_a(datetime), _datetime),
    (_is_a(date), _date),
    (_is_a(time), _time),
    (_is_a(timedelta), _timedelta),
    (_has("months", "days", "seconds", "nanoseconds"), _duration),
    (_has("srid", "x", "y"), _point),
    (_has("iso_format", "year", "hour"), _datetime),
    (_has("iso_format", "year"), _date),
    (_has("iso_format", "hour"), _time),
    (_is_a(list, tuple), _list),
    (_is_a(dict), _map),
)
