"""What a command line says before and after its verb, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click


@dataclass
class Invocation:
    """The project that a command line names, and how it is to report.

    `reported` is set once the report of ``--format json`` is printed.
    """

    as_json: bool = False
    reported: bool = False
    name: str | None = None
    config_files: list[Path] = field(default_factory=list)
    x: list[str] = field(default_factory=list)


def current_invocation() -> Invocation:
    """Return what the command line says that is being carried out."""
    return click.get_current_context().ensure_object(Invocation)


def shown_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``-c``, ``-n`` and ``-x``, which the invocation keeps."""
    for names, attributes in reversed(_OPTIONS):
        command = click.option(*names, **attributes)(command)
    return command


def accept_options(command: click.Command) -> None:
    """Let a command that has no such options take them, as the others do."""
    taken = {name for parameter in command.params for name in parameter.opts}
    for names, attributes in _OPTIONS:
        if not taken & set(names):
            command.params.append(click.Option(names, hidden=True, **attributes))


def _add_files(
    context: click.Context, _option: click.Parameter, given: tuple[Path, ...]
) -> None:
    kept = context.ensure_object(Invocation)
    kept.config_files += [path for path in given if path not in kept.config_files]
    inis = [path for path in kept.config_files if path.name != "pyproject.toml"]
    if len(inis) > 1:
        raise click.UsageError(
            f"-c names {inis[0]} and {inis[1]}: give one ini file, and besides it a "
            "pyproject.toml where there is one.",
            context,
        )


def _set_name(
    context: click.Context, _option: click.Parameter, given: str | None
) -> None:
    kept = context.ensure_object(Invocation)
    if given is not None and kept.name not in (None, given):
        raise click.UsageError(
            f"-n names the sections {kept.name} and {given}: give one.", context
        )
    kept.name = given if given is not None else kept.name


def _add_arguments(
    context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> None:
    context.ensure_object(Invocation).x += given


_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("-c", "--config"),
        {
            "multiple": True,
            "expose_value": False,
            "callback": _add_files,
            "metavar": "FILE",
            "type": click.Path(path_type=Path),
            "help": "The configuration file; twice for an ini file and a "
            "pyproject.toml.  [default: neo4j.ini, and a pyproject.toml beside it]",
        },
    ),
    (
        ("-n", "--name"),
        {
            "expose_value": False,
            "callback": _set_name,
            "metavar": "SECTION",
            "help": "The section of the configuration file.  [default: alembic]",
        },
    ),
    (
        ("-x", "x"),
        {
            "multiple": True,
            "expose_value": False,
            "callback": _add_arguments,
            "metavar": "KEY=VALUE",
            "help": "An argument for env.py, such as neo4j.url=local; may be given "
            "more than once.",
        },
    ),
)
