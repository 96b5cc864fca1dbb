"""The options by which every verb finds its project, as `alembic` has them."""

from __future__ import annotations

import configparser
import json
from argparse import Namespace
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.invocation import current_invocation, shown_options
from alembic_neo4j.migration_types import MIGRATION_TYPES

if TYPE_CHECKING:
    from alembic.config import Config


def project_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``-c``, ``-n`` and ``-x``; it gets a `config` in their place."""
    return _with_options(command, required=True)


def optional_project_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the same options, where it may run without a project."""
    return _with_options(command, required=False)


def _with_options(command: Callable[..., Any], *, required: bool) -> Callable[..., Any]:
    @wraps(command)
    def with_config(**options: Any) -> Any:
        return command(config=_config(required=required), **options)

    return shown_options(with_config)


def lock_timeout_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--lock-timeout``, which its `config` takes.

    To be put below `project_options`, which make the `config`.
    """

    @click.option(
        "--lock-timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="How long to wait for another command that writes (neo4j.lock_timeout).",
    )
    @wraps(command)
    def with_timeout(config: Config, lock_timeout: float | None, **options: Any) -> Any:
        if lock_timeout is not None:
            assert config.cmd_opts is not None
            config.cmd_opts.x.append(f"neo4j.lock_timeout={lock_timeout}")
        return command(config=config, **options)

    return with_timeout


type_option = click.option(
    "--type",
    "kind",
    type=click.Choice(MIGRATION_TYPES),
    help="Only the revisions of this migration_type.",
)
"""``--type TYPE``; the command gets `kind`, None where it was not given."""

format_option = click.option(
    "--format",
    "as_json",
    type=click.Choice(["text", "json"]),
    default="text",
    callback=lambda _context, _parameter, value: value == "json",
    help="How to report.",
)
"""``--format text|json``; the command gets `as_json`."""


def print_json(value: Any) -> None:
    """Print a report as JSON, times in ISO 8601."""
    click.echo(_serialized(value))
    current_invocation().reported = True


def _serialized(value: Any) -> str:
    return json.dumps(value, indent=2, default=str)


def _config(*, required: bool) -> Config:
    from alembic.config import Config

    given = current_invocation()
    ini, toml = Path("neo4j.ini"), Path("pyproject.toml")
    for path in given.config_files:
        if path.name == toml.name:
            toml = path
        else:
            ini = path
    # What tells the program's calls in messages, as `alembic` sets it.
    options = Namespace(
        config=[str(path) for path in given.config_files or (ini,)],
        name=given.name or "alembic",
        x=list(given.x),
    )
    config = Config(
        str(ini), toml_file=str(toml), ini_section=options.name, cmd_opts=options
    )
    for path in given.config_files:
        if not path.exists():
            raise _no_project(path)
    _check_readable(config, ini, toml)
    if required and not ini.exists() and not config.toml_alembic_config:
        files = given.config_files or [toml if toml.exists() else ini]
        raise _no_project(files[0])
    return config


def _no_project(path: Path) -> click.UsageError:
    what = f"There is no {path} here."
    if path.exists():
        what = f"{path} has no table [tool.alembic], and there is no neo4j.ini here."
    return click.UsageError(
        f"{what} Go to the project's directory, name the file with -c, or start a "
        "project with `alembic-neo4j init`."
    )


def _check_readable(config: Config, ini: Path, toml: Path) -> None:
    from alembic_neo4j.errors import ConfigurationError

    path = ini
    try:
        _ = config.file_config
        path = toml
        _ = config.toml_alembic_config
    except (configparser.Error, ValueError) as error:
        # Its own message may show a line with a password.
        line = getattr(error, "lineno", None)
        raise ConfigurationError(
            f"{path}{f', line {line}' if line else ''}: this is no "
            f"{'ini' if path is ini else 'TOML'} file ({type(error).__name__})"
        ) from None
