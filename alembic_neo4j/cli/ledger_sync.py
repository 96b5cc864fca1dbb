"""``alembic-neo4j ledger sync`` and what goes with it: bundles, and conflicts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.findings import finding_row, print_findings
from alembic_neo4j.cli.project import format_option, print_json, project_options
from alembic_neo4j.schema.definitions import counted

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.command.ledger_sync import BundleOptions, Own, Synced
    from alembic_neo4j.entities import Entity
    from alembic_neo4j.entities.conflict import Conflict

_RESOLVERS = ("lww", "higher-version", "merge-fields", "defer")


def _bundle_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what opens a bundle; it gets `bundle` in its place."""
    file = click.Path(path_type=Path)

    @click.option(
        "--recipient",
        "recipients",
        multiple=True,
        metavar="KEY",
        help="A public key, of age or OpenSSH, of who may open it; may be repeated.",
    )
    @click.option(
        "--identity",
        "identities",
        multiple=True,
        type=file,
        help="A file with a secret key of age or OpenSSH; may be repeated.",
    )
    @click.option(
        "--passphrase-file",
        type=file,
        help="A file whose first line is the passphrase of the bundle.",
    )
    @wraps(command)
    def with_bundle(
        recipients: tuple[str, ...],
        identities: tuple[Path, ...],
        passphrase_file: Path | None,
        **options: Any,
    ) -> Any:
        from alembic_neo4j.command.ledger_sync import BundleOptions

        bundle = BundleOptions(recipients, identities, passphrase_file, _asked)
        return command(bundle=bundle, **options)

    return with_bundle


def _asked(new: bool) -> str | None:
    if not sys.stdin.isatty():
        return None
    given: str = click.prompt(
        "Passphrase of the bundle", hide_input=True, confirmation_prompt=new, err=True
    )
    return given


def _own_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the part of the store beside the ledger; it gets `own`."""

    @click.option(
        "--resolver",
        type=click.Choice(_RESOLVERS),
        default="lww",
        show_default=True,
        help="What decides where both have changed an entity: the last write, the "
        "higher version, each field by whoever changed it, or you, later.",
    )
    @click.option(
        "--site-id", metavar="NAME", help="Another name of this store than its own."
    )
    @wraps(command)
    def with_own(resolver: str, site_id: str | None, **options: Any) -> Any:
        from alembic_neo4j.command.ledger_sync import Own

        return command(own=Own(resolver, site_id), **options)

    return with_own


@click.command()
@click.argument("other")
@project_options
@_own_options
@_bundle_options
@format_option
def sync(
    config: Config, other: str, own: Own, bundle: BundleOptions, as_json: bool
) -> None:
    """Give the entities beside the ledger, and those of OTHER, what each lacks.

    OTHER is another ledger or entity store, a file or the URL of a database, or an
    encrypted bundle, a file that ends in .age or a URL. Notes and entities of one's own
    are synced. What two ledgers know of applied revisions is compared and never merged:
    exit status 1 where they contradict each other.
    """
    from alembic_neo4j.command import ledger_sync

    _report(ledger_sync.sync(config, other, own, bundle), as_json)


@click.command("import")
@click.argument("file")
@project_options
@_own_options
@_bundle_options
@format_option
def import_bundle(
    config: Config, file: str, own: Own, bundle: BundleOptions, as_json: bool
) -> None:
    """Give the entities beside the ledger what the bundle FILE has, a path or a URL.

    It is checked as a whole before anything is changed, and is only read.
    """
    from alembic_neo4j.command import ledger_sync

    _report(ledger_sync.receive(config, file, own, bundle), as_json)


@click.command("export")
@click.argument("file")
@project_options
@_bundle_options
@click.option("--force", is_flag=True, help="Replace what is there.")
@format_option
def export_bundle(
    config: Config, file: str, bundle: BundleOptions, force: bool, as_json: bool
) -> None:
    """Write the entities beside the ledger to an encrypted bundle, FILE or a URL.

    It has every version of notes and of entities of one's own, and nothing that the
    ledger knows of revisions, runs and batches.
    """
    from alembic_neo4j.command import ledger_sync

    _report(ledger_sync.send(config, file, bundle, force=force), as_json)


@click.command()
@project_options
@format_option
def conflicts(config: Config, as_json: bool) -> None:
    """List the conflicts that wait for a decision; exit status 1 where some do."""
    from alembic_neo4j.command import ledger_sync

    found = ledger_sync.conflicts(config)
    if as_json:
        print_json({"conflicts": [_conflict_row(each) for each in found]})
    else:
        for each in found:
            _print_conflict(each)
        if not found:
            click.echo("No conflict waits for a decision.")
    sys.exit(1 if found else 0)


@click.command()
@click.argument("entity")
@project_options
@click.option(
    "--take",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="The version that is right, as it is numbered.",
)
@click.option(
    "--data", metavar="JSON", help="What is right instead, upon --take or the latest."
)
@click.option("--status", help="The status that is right, likewise.")
@format_option
def resolve(
    config: Config,
    entity: str,
    take: int | None,
    data: str | None,
    status: str | None,
    as_json: bool,
) -> None:
    """Decide the conflict of an ENTITY; without an option it is only shown.

    Exit status 1 where nothing was decided.
    """
    from alembic_neo4j.command import ledger_sync

    def decide(conflict: Conflict) -> Entity | None:
        return _decided(conflict, take, data, status)

    conflict, stored = ledger_sync.resolve(config, entity, decide)
    if as_json:
        row = None if stored is None else _version_row(stored)
        print_json({"conflict": _conflict_row(conflict), "entity": row})
    elif stored is None:
        _print_conflict(conflict)
        click.echo(
            "Decide by `--take NUMBER`, or by `--data JSON` and `--status` for what is "
            "none of these."
        )
    else:
        done = "deleted" if stored.deleted else stored.status
        click.echo(f"{stored.id} is {done}, version {stored.version}")
    sys.exit(1 if stored is None else 0)


def _decided(
    conflict: Conflict, take: int | None, data: str | None, status: str | None
) -> Entity | None:
    if take is None and data is None and status is None:
        return None
    versions = conflict.versions
    if take is not None and take > len(versions):
        raise click.BadParameter(
            f"the conflict has the versions 1 to {len(versions)}", param_hint="--take"
        )
    chosen = versions[take - 1] if take is not None else versions[-1]
    if data is not None:
        chosen = chosen.copy(data=_object(data), deleted=False)
    if status is not None:
        chosen = chosen.copy(status=status, deleted=False)
    return chosen


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(
            f"it is no JSON: {error}", param_hint="--data"
        ) from None
    if not isinstance(value, dict):
        raise click.BadParameter("it is no JSON object", param_hint="--data")
    return value


def _report(done: Synced, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "received": done.result.received,
                "sent": done.result.sent,
                "conflicts": done.waiting,
                "findings": [finding_row(finding) for finding in done.findings],
            }
        )
    else:
        print_findings(done.findings)
        received = counted(done.result.received, "version")
        click.echo(f"{received} received, {done.result.sent} sent")
        if done.waiting:
            click.echo(
                f"Wait for a decision: {counted(done.waiting, 'conflict')}. See "
                "alembic-neo4j ledger conflicts"
            )
    sys.exit(1 if done.findings else 0)


def _print_conflict(conflict: Conflict) -> None:
    click.echo(conflict.id)
    if conflict.ancestor is not None:
        click.echo(f"  was: {_said(conflict.ancestor)}")
    for number, version in enumerate(conflict.versions, start=1):
        click.echo(f"  {number}: {_said(version)}")


def _said(entity: Entity) -> str:
    from alembic_neo4j.entities.json_values import json_text

    moment = f"{entity.updated_at:%Y-%m-%d %H:%M} UTC"
    said = "deleted" if entity.deleted else f"{entity.status} {json_text(entity.data)}"
    return f"{said}, {moment}"


def _conflict_row(conflict: Conflict) -> dict[str, Any]:
    ancestor = conflict.ancestor
    return {
        "id": conflict.id,
        "versions": [_version_row(version) for version in conflict.versions],
        "ancestor": None if ancestor is None else _version_row(ancestor),
    }


def _version_row(entity: Entity) -> dict[str, Any]:
    return {**entity_row(entity), "deleted": entity.deleted}


def entity_row(entity: Entity) -> dict[str, Any]:
    """Return an entity for JSON."""
    return {
        "id": entity.id,
        "type": entity.type,
        "status": entity.status,
        "data": dict(entity.data),
        "version": entity.version,
        "created_at": entity.created_at.isoformat(),
        "updated_at": entity.updated_at.isoformat(),
    }
