"""Operations as the Python text of a revision file."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from enum import Enum
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import renderers

from alembic_neo4j.migration.calls import (
    Call,
    property_call,
    relationship_call,
)
from alembic_neo4j.migration.operations import (
    ChangeOp,
    IrreversibleOp,
    RunCypherOp,
)
from alembic_neo4j.schema.changes import Placeholder
from alembic_neo4j.schema.elements import Property, Relationship

LINE = 84
"""What is left of a line of 88 within a function's body."""


@renderers.dispatch_for(ChangeOp)
def render_change(autogen_context: AutogenContext, op: ChangeOp) -> list[str]:
    """Return the call of `op` that makes the change, its comment above."""
    return [*_comment(op.comment), _Writer(autogen_context).call(op.call, 0)]


@renderers.dispatch_for(RunCypherOp)
def render_run_cypher(autogen_context: AutogenContext, op: RunCypherOp) -> str:
    """Return the call of `op.run_cypher`."""
    keywords = {"parameters": dict(op.parameters)} if op.parameters else {}
    return _Writer(autogen_context).call(Call("run_cypher", (op.text,), keywords), 0)


@renderers.dispatch_for(IrreversibleOp)
def render_irreversible(_autogen_context: AutogenContext, op: IrreversibleOp) -> str:
    """Return the raise that stops a downgrade."""
    return f"raise NotImplementedError({op.reason!r})"


def _comment(text: str) -> list[str]:
    # An indented line is code, left whole.
    lines = (
        [line] if line.startswith(" ") else textwrap.wrap(line, LINE - 2)
        for line in text.splitlines()
    )
    return [f"# {part}" for wrapped in lines for part in wrapped]


class _Writer:
    """Writes calls and their arguments, wrapped where a line would be too long."""

    def __init__(self, autogen_context: AutogenContext) -> None:
        self._context = autogen_context
        self._prefix = autogen_context.opts.get("alembic_module_prefix") or ""
        self._render_item = autogen_context.opts.get("render_item")

    def call(self, call: Call, indent: int) -> str:
        name = f"{self._prefix}{call.name}"
        parts = [(None, argument) for argument in call.arguments]
        parts += [(key, value) for key, value in call.keywords.items()]  # type: ignore[misc]
        flat = [self._argument(key, value, indent) for key, value in parts]
        line = f"{name}({', '.join(flat)})"
        if "\n" not in line and len(line) <= LINE - indent:
            return line
        inner = " " * (indent + 4)
        written = [self._argument(key, value, indent + 4) for key, value in parts]
        body = "".join(f"{inner}{argument},\n" for argument in written)
        return f"{name}(\n{body}{' ' * indent})"

    def _argument(self, key: str | None, value: Any, indent: int) -> str:
        text = self._value(value, indent)
        return text if key is None else f"{key}={text}"

    def _value(self, value: Any, indent: int) -> str:
        if isinstance(value, (Property, Relationship)):
            return self._declaration(value, indent)
        if isinstance(value, Placeholder):
            return f"{self._prefix}{value.name}"
        if isinstance(value, Enum):
            return _literal(value.value)
        if isinstance(value, tuple):
            return f"[{', '.join(self._value(item, indent) for item in value)}]"
        if isinstance(value, Mapping):
            items = (
                f"{_literal(k)}: {self._value(v, indent)}" for k, v in value.items()
            )
            return f"{{{', '.join(items)}}}"
        if type(value).__module__ == "datetime":
            self._context.imports.add("import datetime")
        return _literal(value)

    def _declaration(self, value: Property | Relationship, indent: int) -> str:
        if isinstance(value, Property):
            kind, call = "property", property_call(value)
        else:
            kind, call = "relationship", relationship_call(value)
        if self._render_item:
            rendered = self._render_item(kind, value, self._context)
            if rendered is not False:
                return str(rendered)
        return self.call(call, indent)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    return repr(value)


def _string(value: str) -> str:
    # Double quotes, as the formatters of Python code have it.
    text = repr(value)
    if text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text
