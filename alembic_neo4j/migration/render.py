"""Operations as the Python text of a revision file."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import renderers

from alembic_neo4j.migration.operations import (
    ChangeOp,
    IrreversibleOp,
    RunCypherOp,
)
from alembic_neo4j.schema.changes import (
    Call,
    Placeholder,
    property_call,
    relationship_call,
)
from alembic_neo4j.schema.definitions import Property, Relationship

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
    raised = f"raise NotImplementedError({_string(op.reason)})"
    if len(raised) <= LINE:
        return raised
    return f"raise NotImplementedError(\n{_broken(op.reason, 4)}\n)"


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

    def call(self, call: Call, indent: int, used: int = 0) -> str:
        """Return a call at an indent, of whose line `used` is taken besides."""
        name = f"{self._prefix}{call.name}"
        parts = [(None, argument) for argument in call.arguments]
        parts += [(key, value) for key, value in call.keywords.items()]  # type: ignore[misc]
        flat = [self._argument(key, value, indent) for key, value in parts]
        line = f"{name}({', '.join(flat)})"
        if "\n" not in line and len(line) + used <= LINE - indent:
            return line
        inner = " " * (indent + 4)
        written = [self._argument(key, value, indent + 4) for key, value in parts]
        body = "".join(f"{inner}{argument},\n" for argument in written)
        return f"{name}(\n{body}{' ' * indent})"

    def _argument(self, key: str | None, value: Any, indent: int) -> str:
        prefix = "" if key is None else f"{key}="
        # A comma follows.
        return prefix + self._value(value, indent, len(prefix) + 1)

    def _value(self, value: Any, indent: int, used: int) -> str:
        text = self._flat(value, indent, used)
        if "\n" in text or len(text) + used <= LINE - indent:
            return text
        inner = " " * (indent + 4)
        if isinstance(value, tuple) and value:
            items = [self._value(item, indent + 4, 1) for item in value]
            lines = "".join(f"{inner}{item},\n" for item in items)
            return f"[\n{lines}{' ' * indent}]"
        if isinstance(value, Mapping) and value:
            keys = [f"{_literal(key)}: " for key in value]
            items = [
                key + self._value(item, indent + 4, len(key) + 1)
                for key, item in zip(keys, value.values(), strict=True)
            ]
            lines = "".join(f"{inner}{item},\n" for item in items)
            return f"{{\n{lines}{' ' * indent}}}"
        if isinstance(value, str) and not isinstance(value, Enum) and " " in value:
            return f"(\n{_broken(value, indent + 4)}\n{' ' * indent})"
        return text

    def _flat(self, value: Any, indent: int, used: int) -> str:
        if isinstance(value, (Property, Relationship)):
            return self._declaration(value, indent, used)
        if isinstance(value, Placeholder):
            return f"{self._prefix}{value.name}"
        if isinstance(value, Enum):
            return _literal(value.value)
        if isinstance(value, tuple):
            return f"[{', '.join(self._flat(item, indent, 0) for item in value)}]"
        if isinstance(value, Mapping):
            items = (
                f"{_literal(k)}: {self._flat(v, indent, 0)}" for k, v in value.items()
            )
            return f"{{{', '.join(items)}}}"
        if type(value).__module__ == "datetime":
            self._context.imports.add("import datetime")
            if isinstance(getattr(value, "tzinfo", None), ZoneInfo):
                self._context.imports.add("import zoneinfo")
        return _literal(value)

    def _declaration(
        self, value: Property | Relationship, indent: int, used: int
    ) -> str:
        if isinstance(value, Property):
            kind, call = "property", property_call(value)
        else:
            kind, call = "relationship", relationship_call(value)
        if self._render_item:
            rendered = self._render_item(kind, value, self._context)
            if rendered is not False:
                return str(rendered)
        return self.call(call, indent, used)


def _broken(text: str, indent: int) -> str:
    """Return a text as literals, one a line, that Python puts together again."""
    width = LINE - indent - 2
    parts, line = [], ""
    for word in re.findall(r"\S*\s+|\S+", text):
        if line and len(_string(line + word)) - 2 > width:
            parts.append(line)
            line = ""
        line += word
    parts.append(line)
    return "\n".join(f"{' ' * indent}{_string(part)}" for part in parts)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def _string(value: str) -> str:
    # Double quotes, as the formatters of Python code have it.
    text = repr(value)
    if text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text
