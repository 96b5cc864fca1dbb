"""``alembic-neo4j ingest cache``: the files that were fetched for loading."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.progress import size
from alembic_neo4j.cli.project import (
    format_option,
    optional_project_options,
    print_json,
)

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.ingest.cache import Cache, CachedFile


@click.group()
def cache() -> None:
    """The files that were fetched from elsewhere, by the SHA-256 of their content.

    They are in $ALEMBIC_NEO4J_CACHE, else in the user's cache directory.
    """


def _cache_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--cache-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Another directory.",
    )(command)


@cache.command("list")
@_cache_option
@format_option
def list_files(cache_dir: Path | None, as_json: bool) -> None:
    """List the fetched files, the oldest first."""
    entries = _cache(cache_dir).entries()
    if as_json:
        print_json({"files": [_row(entry) for entry in entries]})
    elif not entries:
        click.echo("Nothing was fetched yet.")
    for entry in entries if not as_json else []:
        click.echo(_described(entry))


@cache.command()
@_cache_option
@format_option
def verify(cache_dir: Path | None, as_json: bool) -> None:
    """Hash every file again; exit status 1 where one is damaged."""
    found = _cache(cache_dir).verify()
    damaged = [(entry, problem) for entry, problem in found if problem is not None]
    if as_json:
        rows = [{**_row(entry), "problem": problem} for entry, problem in found]
        print_json({"files": rows})
    else:
        for entry, problem in damaged:
            click.echo(f"{entry.sha256}\t{problem}")
        click.echo(f"{len(found)} files, {len(damaged)} damaged")
        if damaged:
            click.echo(
                "A damaged file is fetched again when it is needed; to remove it now: "
                "alembic-neo4j ingest cache clear SHA256"
            )
    sys.exit(1 if damaged else 0)


@cache.command()
@click.argument("sha256", nargs=-1)
@optional_project_options
@_cache_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option
def clear(
    config: Config,
    sha256: tuple[str, ...],
    cache_dir: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove the fetched files, or those whose SHA256 begins so.

    They are there for every project; the audit trail of this one is told.
    """
    from alembic_neo4j.command.beside import told

    store = _cache(cache_dir)
    entries = store.entries()
    if not sha256 and not yes and entries:
        total = sum(entry.size for entry in entries)
        question = f"Remove {len(entries)} files ({size(total)}) from {store.root}?"
        click.confirm(question, abort=True, err=True)
    about = sha256 or [str(store.root)]
    removed = (
        told(config, "ingest cache clear", about, lambda: store.clear(sha256))
        if entries
        else []
    )
    if as_json:
        print_json({"removed": [_row(entry) for entry in removed]})
    elif not removed:
        click.echo("There was nothing to remove.")
    for entry in removed if not as_json else []:
        click.echo(f"Removed {_described(entry)}")


def _cache(directory: Path | None) -> Cache:
    from alembic_neo4j.ingest.cache import Cache, default_cache

    return Cache(directory) if directory is not None else default_cache()


def _described(entry: CachedFile) -> str:
    fetched = f"{entry.fetched:%Y-%m-%d %H:%M}" if entry.fetched else "-"
    return "\t".join((entry.sha256[:16], size(entry.size), fetched, entry.uri or "-"))


def _row(entry: CachedFile) -> dict[str, Any]:
    return {
        "sha256": entry.sha256,
        "bytes": entry.size,
        "uri": entry.uri or None,
        "fetched": entry.fetched,
        "path": str(entry.path),
    }
