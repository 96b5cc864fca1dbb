"""The reference pages, made from the code: operations, declarations, commands, keys.

A page asks for a part by a line ``<!-- reference: operations -->``; the part takes the
line's place when Sphinx reads the page. Nothing generated is kept in the source tree.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j import (
    awaitable,
    declare,
    entities,
    errors,
    op,
    pytest_plugin,
    revisions,
)
from alembic_neo4j.checks.findings import CODES
from alembic_neo4j.cli import main
from alembic_neo4j.cli.group import examples_of
from alembic_neo4j.cli.reports import REPORTS
from alembic_neo4j.cli.shapes import described as described_shape
from alembic_neo4j.command.repair import MENDABLE
from alembic_neo4j.configuration.project import KEYS
from alembic_neo4j.entities import backup, conflict
from alembic_neo4j.schema.definitions import Property, Relationship

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_PART = re.compile(r"^<!-- reference: (\w+) -->$", re.MULTILINE)
_SECTION = re.compile(r"^# (?P<title>[A-Z][\w ]*) -{20,}$")


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx that pages with such lines are filled in as they are read."""
    app.connect("source-read", _fill_in)
    return {"parallel_read_safe": True}


def _fill_in(_app: Sphinx, _page: str, source: list[str]) -> None:
    source[0] = _PART.sub(lambda match: PARTS[match[1]](), source[0])


def operations() -> str:
    """The operations of `op` by section, each with its signature and docstring."""
    sections = dict.fromkeys(section for section, _ in operations_by_section())
    parts = []
    for section in sections:
        parts.append(f"## {section}")
        parts += [
            _function("op", function)
            for title, function in operations_by_section()
            if title == section
        ]
    return "\n\n".join(parts)


def operations_by_section() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions of `op` in their order, each with its section's title."""
    title = ""
    functions = {
        inspect.unwrap(function).__code__.co_firstlineno: function
        for function in functions_of(op)
    }
    for number, line in enumerate(inspect.getsource(op).splitlines(), start=1):
        if match := _SECTION.match(line):
            title = match["title"]
        elif number in functions:
            yield title, functions[number]


def functions_of(module: ModuleType) -> list[Callable[..., Any]]:
    """The public functions that a module defines, in their order."""
    return [
        function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    ]


def values() -> str:
    """The values that operations take: properties, relationships, the placeholder."""
    return "\n\n".join(_value(cls) for cls in (Property, Relationship))


def declarations() -> str:
    """The functions of `declare`."""
    return "\n\n".join(_function("declare", f) for f in functions_of(declare))


def awaitables() -> str:
    """The functions of `awaitable`."""
    return "\n\n".join(_function("awaitable", f) for f in functions_of(awaitable))


def entity_store() -> str:
    """The classes of `entities`, the resolvers of conflicts, the backup's functions."""
    parts = [_class("entities", cls) for cls in classes_of(entities)]
    parts += [_function("entities", entities.create_sync_client)]
    parts += [_class("conflict", cls) for cls in RESOLVERS]
    parts += [_function("backup", function) for function in functions_of(backup)]
    return "\n\n".join(parts)


def revision_classes() -> str:
    """The classes that a revision can be made of."""
    own = [cls for cls in classes_of(revisions) if cls.__module__ == revisions.__name__]
    return "\n\n".join(_class("revisions", cls) for cls in own)


RESOLVERS = (
    conflict.Conflict,
    conflict.LastWriteWinsResolver,
    conflict.HigherVersionWinsResolver,
    conflict.MergeFieldsResolver,
    conflict.DeferResolver,
    conflict.CallbackResolver,
)


def classes_of(package: ModuleType) -> list[type]:
    """The classes that a package gives to others."""
    named = (getattr(package, name) for name in package.__all__)
    return [value for value in named if inspect.isclass(value)]


def commands() -> str:
    """Every verb of alembic-neo4j, with its arguments and options."""
    return "\n\n".join(
        _command(path, command) for path, command in all_commands(main, "alembic-neo4j")
    )


def all_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """The commands of a group and of the groups in it, each with how it is called."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def keys() -> str:
    """The configuration keys."""
    rows = {f"`neo4j.{name}`": meaning for name, meaning in KEYS.items()}
    return _table(("key", "meaning"), rows)


def findings() -> str:
    """The codes of what `verify` finds, by severity."""
    rows = {}
    for code, (severity, meaning) in CODES.items():
        mended = " Mended by `repair`." if code in MENDABLE else ""
        rows[f"`{code}`"] = f"{severity.value}: {meaning}.{mended}"
    return _table(("code", "meaning"), rows)


def fixtures() -> str:
    """The fixtures of the pytest plugin."""
    found = {
        name: fixture
        for owner in (pytest_plugin, pytest_plugin._AlembicFixtures)
        for name, fixture in vars(owner).items()
        if type(fixture).__name__ == "FixtureFunctionDefinition"
    }
    return _table(
        ("fixture", "what it is"), {f"`{n}`": _doc(f) for n, f in found.items()}
    )


def exceptions() -> str:
    """The errors, each a subclass of Neo4jMigrationError."""
    found = {
        f"`{name}`": _doc(cls)
        for name, cls in vars(errors).items()
        if inspect.isclass(cls) and cls.__module__ == errors.__name__
    }
    return _table(("error", "when"), found)


PARTS: Mapping[str, Callable[[], str]] = {
    "operations": operations,
    "values": values,
    "declarations": declarations,
    "awaitables": awaitables,
    "entities": entity_store,
    "revisions": revision_classes,
    "commands": commands,
    "keys": keys,
    "findings": findings,
    "fixtures": fixtures,
    "exceptions": exceptions,
}


def _class(prefix: str, cls: type) -> str:
    parameters = _listed(inspect.signature(cls).parameters.values())
    parts = [_described(f"{prefix}.{cls.__name__}{parameters}", cls, kind="class")]
    for name, member in vars(cls).items():
        path = f"{prefix}.{cls.__name__}.{name}"
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            parts.append(_described(path, member, kind="property"))
            continue
        member = getattr(member, "__func__", member)
        if inspect.isfunction(member):
            signature = inspect.signature(member)
            listed = _listed([*signature.parameters.values()][1:])
            returned = signature.return_annotation
            called = f"{path}{listed} -> {returned}"
            parts.append(_described(called, member, kind="method"))
    return "\n\n".join(parts)


def _value(cls: type) -> str:
    types = {field.name: field.type for field in dataclasses.fields(cls)}
    parameters = [
        parameter.replace(annotation=types[name])
        for name, parameter in inspect.signature(cls).parameters.items()
    ]
    return _described(f"op.{cls.__name__}{_listed(parameters)}", cls, kind="class")


def _function(prefix: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parameters = _listed(signature.parameters.values())
    return _described(
        f"{prefix}.{function.__name__}{parameters} -> {signature.return_annotation}",
        function,
    )


def _described(signature: str, described: object, *, kind: str = "function") -> str:
    # Four backticks: a docstring may hold a block of its own.
    return f"````{{py:{kind}}} {signature}\n{_doc(described)}\n````"


def _listed(parameters: Iterable[inspect.Parameter]) -> str:
    texts: list[str] = []
    for parameter in parameters:
        starred = any(text.startswith("*") for text in texts)
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            texts.append("*")
        texts.append(_parameter(parameter))
    return f"({', '.join(texts)})"


def _parameter(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    annotation = str(parameter.annotation).replace("_changes.", "")
    text = f"{star}{parameter.name}: {annotation}"
    default = parameter.default
    if default is parameter.empty:
        return text
    # A default that only says "not given" has no readable form of its own.
    unreadable = type(default) is object or repr(default) == "<factory>"
    shown = "..." if unreadable else repr(getattr(default, "value", default))
    return f"{text} = {shown}"


def _command(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    records = [
        record
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context))
    ]
    options = {f"`{names}`": text for names, text in records}
    called_by = path.removeprefix("alembic-neo4j ")
    called = examples_of(called_by, command)
    examples = "\n".join(f"$ {example}" for example in called)
    parts = (
        f"## {path}",
        f"```text\n{usage}\n```",
        inspect.cleandoc(command.help or ""),
        f"```console\n{examples}\n```",
        _table(("option", "meaning"), options),
        _report_of(called_by),
    )
    return "\n\n".join(parts)


def _report_of(called_by: str) -> str:
    shape = REPORTS.get(called_by)
    if shape is None:
        return ""
    fields = "\n".join(described_shape(shape))
    return f"With `--format json`, one object:\n\n{fields}"


def _doc(described: object) -> str:
    return inspect.getdoc(described) or ""


def _table(heading: tuple[str, str], rows: Mapping[str, str]) -> str:
    lines = [f"| {heading[0]} | {heading[1]} |", "|---|---|"]
    for name, meaning in rows.items():
        cell = " ".join(meaning.split()).replace("|", "\\|")
        lines.append(f"| {name.replace('|', chr(92) + '|')} | {cell} |")
    return "\n".join(lines)
