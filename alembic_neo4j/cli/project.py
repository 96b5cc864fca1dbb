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
    def with_config(
        config_files: tuple[Path, ...], name: str, x: tuple[str, ...], **options: Any
    ) -> Any:
        config = _config(config_files, name, x, required=required)
        return command(config=config, **options)

    for option in reversed(_OPTIONS):
        with_config = option(with_config)
    return with_config


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
    click.echo(json.dumps(value, indent=2, default=str))


_OPTIONS = (
    click.option(
        "-c",
        "--config",
        "config_files",
        multiple=True,
        type=click.Path(path_type=Path),
        help="The configuration file; twice for an ini file and a pyproject.toml. "
        "[default: neo4j.ini, and pyproject.toml where there is one]",
    ),
    click.option(
        "-n",
        "--name",
        default="alembic",
        show_default=True,
        help="The section of the configuration file.",
    ),
    click.option(
        "-x", "x", multiple=True, help="An argument for env.py, such as neo4j.url=…."
    ),
)


def _config(
    config_files: tuple[Path, ...], name: str, x: tuple[str, ...], *, required: bool
) -> Config:
    from alembic.config import Config

    ini, toml = Path("neo4j.ini"), Path("pyproject.toml")
    for path in config_files:
        if path.name == toml.name:
            toml = path
        else:
            ini = path
    if not ini.exists() and not toml.exists() and (required or config_files):
        missing = config_files[0] if config_files else ini
        raise click.UsageError(
            f"There is no {missing} here. Go to the project's directory, name the file "
            "with -c, or start a project with `alembic-neo4j init`."
        )
    # What tells the program's calls in messages, as `alembic` sets it.
    options = Namespace(
        config=[str(path) for path in config_files or (ini,)], name=name, x=list(x)
    )
    config = Config(str(ini), toml_file=str(toml), ini_section=name, cmd_opts=options)
    _check_readable(config, ini, toml)
    return config


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
