"""``alembic-neo4j backup``: backups of the graph, checked, restored and compared."""

from __future__ import annotations

import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.project import format_option, print_json, project_options
from alembic_neo4j.schema.definitions import counted

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.backups.create import Progress
    from alembic_neo4j.backups.format import Manifest
    from alembic_neo4j.command.backup import KnownBackup


@click.group()
def backup() -> None:
    """Backups of the graph: made while it is in use, checked, restored, compared.

    A backup has all nodes and relationships with their values, the commands that make
    indexes and constraints, and the ledger where that is a file.
    """


_directory_option = click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the backups are; that of neo4j.backup_directory without it.",
)
_attempts_option = click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How often one is made again where the graph was written to meanwhile.",
)
_retention_option = click.option(
    "--retention-days",
    type=click.FloatRange(min=0),
    envvar="BACKUP_RETENTION_DAYS",
    show_envvar=True,
    default=30.0,
    show_default=True,
    help="Those that are older go.",
)
_keep_option = click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="So many of the latest stay, however old they are.",
)


@backup.command()
@project_options
@_directory_option
@_attempts_option
@format_option
def create(
    config: Config, directory: Path | None, attempts: int, as_json: bool
) -> None:
    """Make a backup of graph and ledger; nothing of them is changed.

    The graph may be in use. Where something was written to it while it was read the
    backup is made again, and the last one is kept: it is not consistent then, which is
    said, and the exit status is 1.
    """
    from alembic_neo4j.command.backup import create as make

    path, manifest = make(
        config, directory, attempts=attempts, progress=_progress(as_json)
    )
    if as_json:
        print_json({"backup": _row(manifest, path)})
    else:
        click.echo(path)
        click.echo(_described(manifest), err=True)
    sys.exit(0 if manifest.consistent else 1)


@backup.command("list")
@project_options
@_directory_option
@format_option
def list_backups(config: Config, directory: Path | None, as_json: bool) -> None:
    """List the backups, the oldest first."""
    from alembic_neo4j.command.backup import listed

    found = listed(config, directory)
    if as_json:
        print_json({"backups": [_known_row(each) for each in found]})
        return
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo("There is no backup.")


@backup.command()
@click.argument("backup_id", metavar="ID")
@project_options
@_directory_option
@format_option
def show(config: Config, backup_id: str, directory: Path | None, as_json: bool) -> None:
    """Show what a backup has; ID may be the beginning of its name."""
    from alembic_neo4j.backups.checksums import labels_text
    from alembic_neo4j.command.backup import shown

    found = shown(config, directory, backup_id)
    if as_json:
        print_json({"backup": _known_row(found)})
        return
    click.echo(_line(found))
    if found.manifest is None:
        return
    manifest = found.manifest
    click.echo(f"  of {manifest.graph}, {manifest.server}, by {manifest.created_by}")
    click.echo(f"  heads: {', '.join(manifest.heads) or 'base'}")
    for labels, sum_ in manifest.checksums.nodes.items():
        click.echo(f"  {labels_text(labels)}: {sum_.count:,}")
    for name, sum_ in manifest.checksums.relationships.items():
        click.echo(f"  [:{name}]: {sum_.count:,}")


@backup.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@project_options
@_directory_option
@format_option
def verify(
    config: Config, ids: tuple[str, ...], directory: Path | None, as_json: bool
) -> None:
    """Read backups to the last byte, all of them where none is named.

    Exit status 1 where one is not as it was made.
    """
    from alembic_neo4j.command.backup import verified

    found = verified(config, directory, ids)
    if as_json:
        rows = [
            {"backup": each.path.name, "problems": list(each.problems)}
            for each in found
        ]
        print_json({"backups": rows})
    else:
        for each in found:
            said = "; ".join(each.problems) or "as it was made"
            click.echo(f"{each.path.name}: {said}")
        if not found:
            click.echo("There is no backup.")
    sys.exit(1 if any(each.problems for each in found) else 0)


@backup.command()
@project_options
@_directory_option
@_retention_option
@_keep_option
@format_option
def prune(
    config: Config,
    directory: Path | None,
    retention_days: float,
    keep: int,
    as_json: bool,
) -> None:
    """Remove old backups.

    The latest one that was restored and was the same stays, and so does what can't be
    read or was not made here.
    """
    from alembic_neo4j.command.backup import prune as remove

    removed = remove(config, directory, days=retention_days, keep=keep)
    if as_json:
        print_json({"removed": [path.name for path in removed]})
        return
    for path in removed:
        click.echo(f"removed {path.name}")
    if not removed:
        click.echo("There is no backup to remove.")


@backup.command()
@click.argument("backup_id", metavar="ID")
@project_options
@_directory_option
@click.option(
    "--to",
    "url",
    default="local",
    show_default=True,
    metavar="URL|local",
    help="An empty graph that is not the project's; local is a server for restores.",
)
@click.option("--username", default="neo4j", show_default=True, help="At that server.")
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file whose first line is the password there.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Remove what an earlier restore has left on the local server.",
)
@click.option("--keep", is_flag=True, help="Let the local server go on running.")
@format_option
def restore(
    config: Config,
    backup_id: str,
    directory: Path | None,
    url: str,
    username: str,
    password_file: Path | None,
    replace: bool,
    keep: bool,
    as_json: bool,
) -> None:
    """Restore a backup to an empty graph, and compare it with what was backed up.

    The project's graph is left alone. Compared are counts and checksums of nodes by
    their labels and of relationships by their type, and indexes and constraints. Exit
    status 1 where anything is not the same; else the backup is marked as restored.
    """
    from alembic_neo4j.command.backup import Target
    from alembic_neo4j.command.backup import restore as restore_to

    if replace and url != "local":
        raise click.UsageError("--replace is for --to local: empty the other yourself.")
    target = Target(url, username, password_file, replace, keep)
    done = restore_to(config, directory, backup_id, target, progress=_progress(as_json))
    manifest = done.manifest
    if as_json:
        print_json(
            {
                "backup": manifest.id,
                "to": url,
                "nodes": manifest.nodes,
                "relationships": manifest.relationships,
                "seconds": round(done.seconds, 3),
                "differences": list(done.differences),
            }
        )
    else:
        for line in done.differences:
            click.echo(line)
        outcome = "not the same" if done.differences else "the same, by checksums"
        click.echo(
            f"{manifest.id} restored: {counted(manifest.nodes, 'node')} and "
            f"{counted(manifest.relationships, 'relationship')}, {outcome}."
        )
    sys.exit(1 if done.differences else 0)


@backup.command()
@project_options
@_directory_option
@click.option(
    "--cron",
    envvar="BACKUP_SCHEDULE",
    show_envvar=True,
    default="0 2 * * *",
    show_default=True,
    help="When: minute, hour, day, month, day of the week, in local time.",
)
@click.option("--once", is_flag=True, help="Now, and once: for cron or Kubernetes.")
@_attempts_option
@_retention_option
@_keep_option
def schedule(
    config: Config,
    directory: Path | None,
    cron: str,
    once: bool,
    attempts: int,
    retention_days: float,
    keep: int,
) -> None:
    """Make a backup at the times of a cron expression, and remove old ones.

    It stays in the foreground until a signal ends it. One that fails is told, and the
    next one is made at its time. With --once the exit status is that of `backup
    create`.
    """
    from alembic_neo4j.command.backup_schedule import Routine, carry_out, keep_to

    routine = Routine(directory, attempts, retention_days, keep)
    if once:
        sys.exit(0 if carry_out(config, routine, click.echo) else 1)
    # So that what is being made is removed when a container is stopped.
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        keep_to(cron, config, routine, _with_time)
    finally:
        signal.signal(signal.SIGTERM, before)


def _with_time(text: str) -> None:
    click.echo(f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}")
    sys.stdout.flush()


def _progress(as_json: bool) -> Progress:
    def show(what: str, number: int, of: int) -> None:
        if number % _TOLD_EACH == 0 and not as_json:
            click.echo(f"{number:,} of {of:,} {what}", err=True)

    return show


_TOLD_EACH = 100_000


def _line(found: KnownBackup) -> str:
    if found.manifest is None:
        return f"{found.path.name}: {found.problem}"
    state = "" if found.manifest.consistent else ", not consistent"
    if found.restored_at is not None:
        state = f", restored {found.restored_at:%Y-%m-%d %H:%M} UTC"
    return f"{found.path.name}: {_described(found.manifest)}{state}"


def _described(manifest: Manifest) -> str:
    return (
        f"{counted(manifest.nodes, 'node')}, "
        f"{counted(manifest.relationships, 'relationship')}, "
        f"{manifest.bytes:,} bytes"
    )


def _known_row(found: KnownBackup) -> dict[str, Any]:
    if found.manifest is None:
        known: dict[str, Any] = dict.fromkeys(_KEYS)
        known |= {"id": found.path.name, "path": str(found.path)}
    else:
        known = _row(found.manifest, found.path)
    return {
        **known,
        "problem": found.problem or None,
        "restored_at": found.restored_at and found.restored_at.isoformat(),
    }


def _row(manifest: Manifest, path: Path) -> dict[str, Any]:
    return {
        "id": manifest.id,
        "path": str(path),
        "created_at": manifest.created_at.isoformat(),
        "created_by": manifest.created_by,
        "graph": manifest.graph,
        "server": manifest.server,
        "consistent": manifest.consistent,
        "heads": list(manifest.heads),
        "ledger": manifest.ledger or None,
        "nodes": manifest.nodes,
        "relationships": manifest.relationships,
        "bytes": manifest.bytes,
    }


_KEYS = (
    *("created_at", "created_by", "graph", "server", "consistent", "heads", "ledger"),
    *("nodes", "relationships", "bytes"),
)
