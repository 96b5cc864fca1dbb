"""The arguments of an operation, judged by its annotations and by what graphs take."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, Union

from alembic_neo4j.errors import RevisionError
from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.storable import check_parameter, storable
from alembic_neo4j.sentences import ended

Function = TypeVar("Function", bound=Callable[..., Any])


def judged(function: Function) -> Function:
    """Return the function, which raises RevisionError for arguments that are wrong."""
    signature = inspect.signature(function)
    name = f"op.{function.__name__}"

    @functools.cache
    def hints() -> dict[str, Any]:
        # Read when it is first called: an import need not wait for that.
        return typing.get_type_hints(function)

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        try:
            bound = signature.bind(*arguments, **keywords)
        except TypeError as error:
            raise RevisionError(
                f"{name}: {ended(error)} Expected {name}{_shown(signature)}"
            ) from error
        for parameter, value in bound.arguments.items():
            _judge(name, signature.parameters[parameter], value, hints()[parameter])
        return function(*arguments, **keywords)

    return call  # type: ignore[return-value]


def check_defaults(*declared: Property, allow_nan: bool) -> None:
    """Raise RevisionError for a declared default that no property can hold.

    One that is NaN or infinite needs `allow_nan`.
    """
    for property in declared:
        check_default_of(property.name, property.default, allow_nan=allow_nan)


def check_default_of(name: str, default: Any, *, allow_nan: bool) -> None:
    """Raise RevisionError where no property can hold what is to be the default."""
    try:
        storable(default, allow_nan=allow_nan)
    except ValueError as error:
        raise RevisionError(
            f"expected in the default of {name!r} what a property can hold, found "
            f"{_short(default)}: {error}"
        ) from None


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise RevisionError for a parameter of raw Cypher that the driver can't send."""
    for name, value in parameters.items():
        try:
            check_parameter(value)
        except ValueError as error:
            raise RevisionError(
                f"expected in the parameter ${name} what can be sent to Neo4j, found "
                f"{_short(value)}: {error}"
            ) from None


def _shown(signature: inspect.Signature) -> str:
    names = []
    starred = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            names.append("*")
        variable = parameter.kind is parameter.VAR_POSITIONAL
        starred = starred or variable or parameter.kind is parameter.KEYWORD_ONLY
        optional = "" if parameter.default is parameter.empty else "=…"
        names.append(f"{'*' if variable else ''}{parameter.name}{optional}")
    return f"({', '.join(names)})"


def _judge(name: str, parameter: inspect.Parameter, value: Any, hint: Any) -> None:
    if value is parameter.default:
        return
    values = value if parameter.kind is parameter.VAR_POSITIONAL else (value,)
    for each in values:
        if not _fits(each, hint):
            raise RevisionError(
                f"{name}: {parameter.name} = {_short(each)}: expected {_named(hint)}, "
                f"found {type(each).__name__}"
            )


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the annotated type, as far as that can be told."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return any(value == part and type(part) is not bool for part in parts)
    if hint in (int, float) and isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, (int, float))
    kind = origin or hint
    if not isinstance(kind, type):
        return True
    if kind is not str and isinstance(value, (str, bytes)) and origin is Iterable:
        # What loads rows says where the rows of a file belong.
        return True
    if origin is not None and issubclass(kind, Mapping):
        return isinstance(value, Mapping)
    if origin is not None and issubclass(kind, Iterable):
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            return False
        listed = isinstance(value, (list, tuple)) and len(parts) == 1
        return not listed or all(_fits(item, parts[0]) for item in value)
    return isinstance(value, kind)


def _named(hint: Any) -> str:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is type(None):
        return "None"
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_named, parts)))
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if origin is not None and isinstance(origin, type):
        of = [_named(part) for part in parts if part is not Any]
        what = "a mapping" if issubclass(origin, Mapping) else "a list"
        return f"{what} of {of[-1]}" if of else what
    return getattr(hint, "__name__", str(hint))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
