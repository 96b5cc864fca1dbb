"""Migrations of crochet as text: their calls become those of `op`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_PROPERTY = ("label", "property_name")
_ENDS = ("source_label", "target_label", "rel_type", "data")
_KEYS = ("source_key", "target_key", "properties_key")
_BULK = ("chunk_size", "use_call_in_transactions")

_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "add_unique_constraint": _PROPERTY,
    "drop_unique_constraint": _PROPERTY,
    "add_node_property_existence_constraint": _PROPERTY,
    "drop_node_property_existence_constraint": _PROPERTY,
    "add_index": _PROPERTY,
    "drop_index": _PROPERTY,
    "rename_label": ("old_label", "new_label"),
    "rename_relationship_type": ("old_type", "new_type"),
    "add_node_property": (*_PROPERTY, "default"),
    "remove_node_property": _PROPERTY,
    "rename_node_property": ("label", "old_name", "new_name"),
    "run_cypher": ("cypher", "params"),
    "begin_batch": ("batch_id",),
    "create_nodes": ("label", "data"),
    "create_relationships": (*_ENDS, *_KEYS),
    "upsert_nodes": ("label", "data", "merge_keys"),
    "upsert_relationships": (*_ENDS, *_KEYS),
    "bulk_create_nodes": ("label", "data", *_BULK),
    "bulk_upsert_nodes": ("label", "data", "merge_keys", *_BULK),
    "bulk_create_relationships": (*_ENDS, "chunk_size", *_KEYS, _BULK[1]),
    "delete_nodes_by_batch": ("label", "batch_id"),
    "delete_relationships_by_batch": ("rel_type", "batch_id"),
}
"""What crochet's context can do, with the names of its parameters in their order."""

_KEYWORDS = {
    "default": "default",
    "merge_keys": "merge_keys",
    "chunk_size": "batch_size",
}
"""What `op` takes by name alone."""

_ROWS = """def _rows(data, source_key="source_id", target_key="target_id", properties_key="properties"):
    return [
        {
            "source": row[source_key],
            "target": row[target_key],
            "properties": row.get(properties_key) or {},
        }
        for row in data
    ]
"""  # noqa: E501


@dataclass(frozen=True)
class ConvertedText:
    """The text of a migration below its header, and what could not be converted."""

    text: str
    problems: tuple[str, ...]


def converted(source: str, tree: ast.Module, *, dropped: set[str]) -> ConvertedText:
    """Return a migration's text as that of a revision.

    Its docstring, the imports of crochet and the assignments of the `dropped` names are
    left out; `upgrade` and `downgrade` take nothing and call `op`.
    """
    text = _Text(source)
    problems: list[str] = []
    needs_rows = False
    for number, statement in enumerate(tree.body):
        if _is_left_out(statement, number, dropped):
            text.replace(statement, "")
        elif isinstance(statement, ast.FunctionDef) and statement.name in (
            "upgrade",
            "downgrade",
        ):
            function = _Function(text, statement)
            function.convert()
            problems += function.problems
            needs_rows |= function.needs_rows
    lines = [
        line
        for line in text.result().strip().splitlines()
        if not line.startswith("# -- Migration metadata")
    ]
    body = "\n".join(lines).strip() + "\n"
    return ConvertedText(f"{_ROWS}\n\n{body}" if needs_rows else body, tuple(problems))


def _is_left_out(statement: ast.stmt, number: int, dropped: set[str]) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module or "").partition(".")[0] == "crochet"
    if isinstance(statement, ast.Import):
        return all(a.name.partition(".")[0] == "crochet" for a in statement.names)
    targets = (
        statement.targets
        if isinstance(statement, ast.Assign)
        else [statement.target]
        if isinstance(statement, ast.AnnAssign)
        else []
    )
    if targets:
        return all(isinstance(t, ast.Name) and t.id in dropped for t in targets)
    return number == 0 and isinstance(statement, ast.Expr)


class _Text:
    """A source, and what is to stand in place of parts of it."""

    def __init__(self, source: str) -> None:
        self._source = source.encode()
        self._starts = [0]
        for line in self._source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._edits: list[tuple[int, int, bytes]] = []

    def replace(self, node: ast.expr | ast.stmt | ast.arg, text: str) -> None:
        """Put a text in a node's place; a part of it can't be replaced besides."""
        self._edits.append((*self._range(node), text.encode()))

    def of(self, node: ast.expr) -> str:
        """Return the text of an expression."""
        start, end = self._range(node)
        return self._source[start:end].decode()

    def result(self) -> str:
        """Return the source with the replacements."""
        text = self._source
        for start, end, new in sorted(self._edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text.decode()

    def _range(self, node: ast.expr | ast.stmt | ast.arg) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )


class _Function:
    """An `upgrade` or a `downgrade`, whose only parameter is crochet's context."""

    def __init__(self, text: _Text, function: ast.FunctionDef) -> None:
        self._text = text
        self._function = function
        self._context = ""
        self.problems: list[str] = []
        self.needs_rows = False

    def convert(self) -> None:
        arguments = self._function.args
        if len(arguments.args) != 1 or arguments.vararg or arguments.kwonlyargs:
            self._problem(self._function, "it takes more than crochet's context")
            return
        self._context = arguments.args[0].arg
        self._text.replace(arguments.args[0], "")
        for statement in self._function.body:
            self._visit(statement)

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call) and self._method(node.func):
            self._call(node)
            return
        if isinstance(node, ast.Name) and node.id == self._context:
            self._problem(node, f"{node.id} is used for something else than a call")
        for child in ast.iter_child_nodes(node):
            self._visit(child)

    def _method(self, function: ast.expr) -> str:
        is_method = (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == self._context
        )
        return function.attr if is_method else ""  # type: ignore[attr-defined]

    def _call(self, call: ast.Call) -> None:
        name = self._method(call.func)
        if name not in _PARAMETERS:
            self._problem(call, f"`op` has no {name}")
            return
        named = name.startswith("bulk_") or bool(call.keywords)
        is_plain = not named and not name.endswith("_relationships")
        if is_plain and len(call.args) <= 2:
            self._text.replace(call.func, f"op.{name}")
            for argument in call.args:
                self._visit(argument)
            return
        given = dict(self._bound(call, name))
        if any(self._context in set(_names(value)) for value in given.values()):
            self._problem(call, f"a call of {self._context} is an argument of another")
        texts = {key: self._text.of(value) for key, value in given.items()}
        self._text.replace(call, self._written(name.removeprefix("bulk_"), texts))

    def _bound(self, call: ast.Call, name: str) -> Iterator[tuple[str, ast.expr]]:
        parameters = _PARAMETERS[name]
        starred = any(isinstance(argument, ast.Starred) for argument in call.args)
        if starred or len(call.args) > len(parameters):
            self._problem(call, "its arguments are not known before it runs")
            return
        yield from zip(parameters, call.args, strict=False)
        for keyword in call.keywords:
            if keyword.arg not in parameters:
                self._problem(call, f"crochet's {name} has no such argument")
            else:
                yield str(keyword.arg), keyword.value

    def _written(self, name: str, given: dict[str, str]) -> str:
        given.pop("use_call_in_transactions", None)
        by_name = {
            ours: given.pop(theirs)
            for theirs, ours in _KEYWORDS.items()
            if theirs in given
        }
        if name.endswith("_relationships"):
            self.needs_rows = True
            keys = [f"{key}={given.pop(key)}" for key in _KEYS if key in given]
            given["data"] = f"_rows({', '.join([given.get('data', ''), *keys])})"
            by_name |= {"source_key": '"id"', "target_key": '"id"'}
        parameters = [p for p in _PARAMETERS[name] if p in given]
        parts = [given[parameter] for parameter in parameters]
        parts += [f"{key}={value}" for key, value in by_name.items()]
        return f"op.{name}({', '.join(parts)})"

    def _problem(self, node: ast.expr | ast.stmt, what: str) -> None:
        self.problems.append(f"line {node.lineno}: {what}")


def _names(node: ast.expr) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
