"""Indexes, constraints and numbers in words, as logs and messages name them."""

from __future__ import annotations

from alembic_neo4j.schema.definitions import Constraint, Element, Index


def described(element: Element, *, named: bool = True) -> str:
    """Return kind, name, what it is on, and its settings; the name only if `named`."""
    noun = "index" if isinstance(element, Index) else "constraint"
    name = f" {element.name}" if named else ""
    on = f"{'|'.join(element.labels)}({', '.join(element.properties)})"
    text = f"{element.kind.value} {noun}{name} on {on}"
    settings = _settings(element)
    return f"{text} {settings}" if settings else text


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 row`` and ``1,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _settings(element: Element) -> str:
    if isinstance(element, Constraint):
        return element.property_type or ""
    return str(dict(element.options)) if element.options else ""
