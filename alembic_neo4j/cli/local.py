"""``alembic-neo4j local``: the Neo4j that runs on this machine for a project."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.project import (
    format_option,
    optional_project_options,
    print_json,
    project_options,
)

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.local import KnownServer, LocalServer


_RELEASE = "A release, such as 5.26 or 2026.08.1."


@dataclass(frozen=True)
class Target:
    """Which project and which release a command is about, and how it reports."""

    config: Config
    project: Path
    version: str | None
    as_json: bool


def _target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that every verb of this group has, as one target."""

    @optional_project_options
    @click.option("--neo4j-version", "version", help=_RELEASE)
    @format_option
    @wraps(command)
    def with_target(
        config: Config, version: str | None, as_json: bool, **options: Any
    ) -> Any:
        from alembic_neo4j.configuration.sources import project_directory

        target = Target(config, project_directory(config), version, as_json)
        return command(target=target, **options)

    return with_target


@click.group()
def local() -> None:
    """A real Neo4j on this machine, with nothing to install (neo4j.url = local)."""


@local.command()
@project_options
@click.option("--neo4j-version", "version", help=_RELEASE)
@format_option
def start(config: Config, version: str | None, as_json: bool) -> None:
    """Start the server, or find the one that runs."""
    from alembic_neo4j.configuration.project import local_release
    from alembic_neo4j.configuration.sources import project_directory
    from alembic_neo4j.local import ensure_started

    arguments = list(getattr(config.cmd_opts, "x", None) or ())
    server = ensure_started(
        project_directory(config),
        version=version or local_release(config, arguments),
        report=_progress,
    )
    if as_json:
        print_json(_server_row(server))
    else:
        click.echo(_described(server))


@local.command()
@_target_options
def stop(target: Target) -> None:
    """Stop the project's servers; their data stay."""
    from alembic_neo4j.local import stop as stop_servers

    stopped = stop_servers(target.project, version=target.version, report=_progress)
    if target.as_json:
        print_json({"stopped": [_server_row(server) for server in stopped]})
    elif not stopped:
        click.echo("No local Neo4j was running.")
    for server in stopped if not target.as_json else []:
        click.echo(f"Neo4j {server.version} stopped.")


@local.command()
@_target_options
def status(target: Target) -> None:
    """Tell whether a server runs; exit status 1 when none does."""
    servers = [row for row in _known(target) if row.server is not None]
    if target.as_json:
        print_json({"servers": [_row(row) for row in servers]})
    elif not servers:
        click.echo("No local Neo4j is running. Start it: alembic-neo4j local start")
    for row in servers if not target.as_json else []:
        assert row.server is not None
        click.echo(_described(row.server))
    if not servers:
        sys.exit(1)


@local.command("list")
@_target_options
def list_servers(target: Target) -> None:
    """List the servers that the project has data of."""
    servers = _known(target)
    if target.as_json:
        print_json({"servers": [_row(row) for row in servers]})
    elif servers:
        _print_table(servers)
    else:
        click.echo("No local Neo4j here yet. Start one: alembic-neo4j local start")


@local.command()
@_target_options
@click.option("--lines", default=40, show_default=True, help="How many lines.")
@click.option("--follow", is_flag=True, help="Go on with what is written to it.")
def logs(target: Target, lines: int, follow: bool) -> None:
    """Show the end of the server's log."""
    from alembic_neo4j.local import log_file, log_tail

    if target.as_json and follow:
        raise click.UsageError("--follow can't be combined with --format json.")
    path = log_file(target.project, version=target.version)
    tail = log_tail(target.project, version=target.version, lines=lines)
    if target.as_json:
        print_json({"file": str(path), "lines": tail})
        return
    for line in tail:
        click.echo(line)
    if follow:
        _follow(path)


@local.command()
@_target_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def wipe(target: Target, yes: bool) -> None:
    """Stop the project's servers and remove all their data."""
    from alembic_neo4j.command.beside import told
    from alembic_neo4j.local import wipe as wipe_servers

    servers = _known(target)
    for row in servers if not yes else []:
        click.echo(f"Neo4j {row.version}: {row.home} ({_size(row.size)})", err=True)
    if servers and not yes:
        click.confirm("Remove all of these data?", abort=True, err=True)

    def remove() -> list[Path]:
        return wipe_servers(target.project, version=target.version, report=_progress)

    homes = [str(row.home) for row in servers]
    wiped = told(target.config, "local wipe", homes, remove) if homes else remove()
    if target.as_json:
        print_json({"wiped": [str(path) for path in wiped]})
    elif not wiped:
        click.echo("There was nothing to remove.")
    for path in wiped if not target.as_json else []:
        click.echo(f"Removed {path}")


def _known(target: Target) -> list[KnownServer]:
    from alembic_neo4j.local import known

    return [
        row
        for row in known(target.project)
        if target.version is None
        or (row.version + ".").startswith(target.version + ".")
    ]


def _described(server: LocalServer) -> str:
    made = ", made for tests" if server.disposable else ""
    return (
        f"Neo4j {server.version} runs at {server.url} (process {server.pid}{made}).\n"
        f"User {server.username}, password in {server.home / 'password'}"
    )


def _row(row: KnownServer) -> dict[str, Any]:
    return {
        "version": row.version,
        "running": row.server is not None,
        "disposable": row.disposable,
        "url": row.server.url if row.server else None,
        "username": row.server.username if row.server else None,
        "password_file": str(row.home / "password"),
        "pid": row.server.pid if row.server else None,
        "home": str(row.home),
        "bytes": row.size,
    }


def _server_row(server: LocalServer) -> dict[str, Any]:
    return {
        "version": server.version,
        "disposable": server.disposable,
        "url": server.url,
        "username": server.username,
        "password_file": str(server.home / "password"),
        "pid": server.pid,
        "home": str(server.home),
    }


def _print_table(servers: Sequence[KnownServer]) -> None:
    heading = ("VERSION", "MADE FOR", "STATE", "URL", "SIZE", "HOME")
    rows = [
        (
            row.version,
            "tests" if row.disposable else "development",
            "running" if row.server else "stopped",
            row.server.url if row.server else "-",
            _size(row.size),
            str(row.home),
        )
        for row in servers
    ]
    if not sys.stdout.isatty():
        for cells in (heading, *rows):
            click.echo("\t".join(cells))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in heading:
        table.add_column(title, overflow="fold")
    for cells in rows:
        table.add_row(*cells)
    Console().print(table)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _progress(line: str) -> None:
    click.echo(line, err=True)


def _follow(path: Path) -> None:
    with path.open("rb") as log:
        log.seek(0, 2)
        while True:
            if block := log.read():
                click.echo(block.decode("utf-8", "replace"), nl=False)
            else:
                time.sleep(0.3)
