"""The options by which every verb finds its project, as `alembic` has them."""

from __future__ import annotations

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

    @wraps(command)
    def with_config(
        config_files: tuple[Path, ...], name: str, x: tuple[str, ...], **options: Any
    ) -> Any:
        return command(config=_config(config_files, name, x), **options)

    for option in reversed(_OPTIONS):
        with_config = option(with_config)
    return with_config


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


def _config(config_files: tuple[Path, ...], name: str, x: tuple[str, ...]) -> Config:
    from alembic.config import Config

    ini, toml = Path("neo4j.ini"), Path("pyproject.toml")
    for path in config_files:
        if path.name == toml.name:
            toml = path
        else:
            ini = path
    if not ini.exists() and not toml.exists():
        raise click.UsageError(
            f"There is no {ini} here. Go to the project's directory, name the file "
            "with -c, or start a project with `alembic-neo4j init`."
        )
    # What tells the program's calls in messages, as `alembic` sets it.
    options = Namespace(
        config=[str(path) for path in config_files or (ini,)], name=name, x=list(x)
    )
    return Config(str(ini), toml_file=str(toml), ini_section=name, cmd_opts=options)
