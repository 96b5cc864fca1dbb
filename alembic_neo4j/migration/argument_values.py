"""The values among the arguments of an operation: whether the graph can take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alembic_neo4j.errors import RevisionError
from alembic_neo4j.schema.elements import Property
from alembic_neo4j.schema.storable import check_parameter, storable


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
            f"{_shortened(default)}: {error}"
        ) from None


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise RevisionError for a parameter of raw Cypher that the driver can't send."""
    for name, value in parameters.items():
        try:
            check_parameter(value)
        except ValueError as error:
            raise RevisionError(
                f"expected in the parameter ${name} what can be sent to Neo4j, found "
                f"{_shortened(value)}: {error}"
            ) from None


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
