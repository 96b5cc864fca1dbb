"""``alembic-neo4j archive``: the values that revisions have removed and kept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alembic.config import Config

    from alembic_neo4j.graph.archives import Archive
    from alembic_neo4j.migration.session import Session


@click.group()
def archive() -> None:
    """Values that revisions have removed and kept: shown, brought back, purged."""


@archive.command("list")
@project_options
@format_option
def list_archives(config: Config, as_json: bool) -> None:
    """Show what is archived in the graph, by which revision.

    So are the marks by which a downgrade knows what its upgrade wrote. Every node and
    relationship is read for that.
    """
    from alembic_neo4j.command.archive import archives
    from alembic_neo4j.command.inspection import in_session

    _report(in_session(config, archives), as_json, "Nothing is archived.")


@archive.command()
@click.argument("revision")
@click.argument("property", required=False)
@project_options
@click.option(
    "--on-conflict",
    type=click.Choice(["fail", "overwrite", "keep"]),
    default="fail",
    show_default=True,
    help="What to do where there is a value meanwhile: do nothing at all, take the "
    "archived one, or that which is there.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option
def restore(
    config: Config,
    revision: str,
    property: str | None,
    on_conflict: Any,
    yes: bool,
    as_json: bool,
) -> None:
    """Bring back the values that REVISION has archived, of all or of one PROPERTY.

    What the models declare stays as it is: to have the property declared again is what
    the downgrade of the revision does.
    """
    from alembic_neo4j.command.archive import archives, restore_archives
    from alembic_neo4j.command.inspection import in_session

    def act(session: Session) -> Sequence[Archive]:
        chosen = archives(session, revision, property, marks=False)
        if not yes:
            _confirm(chosen, "restore", "Bring these values back?")
        restore_archives(session, chosen, on_conflict)
        return chosen

    _report(in_session(config, act), as_json, "")


@archive.command()
@click.argument("revision")
@click.argument("property", required=False)
@project_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option
def purge(
    config: Config, revision: str, property: str | None, yes: bool, as_json: bool
) -> None:
    """Remove for good what REVISION has archived, of all or of one PROPERTY.

    A downgrade of the revision has nothing to bring back then. Its marks go as well:
    the downgrade keeps what the upgrade filled in, and can't tell any more what had a
    new name before it.
    """
    from alembic_neo4j.command.archive import archives, purge_archives
    from alembic_neo4j.command.inspection import in_session

    def act(session: Session) -> Sequence[Archive]:
        chosen = archives(session, revision, property)
        if not yes:
            _confirm(chosen, "purge", "Remove these values for good?")
        purge_archives(session, chosen)
        return chosen

    _report(in_session(config, act), as_json, "")


def _confirm(chosen: Sequence[Archive], what: str, question: str) -> None:
    for line in _lines(chosen):
        click.echo(line, err=True)
    if not sys.stdin.isatty():
        raise click.UsageError(f"There is no terminal to ask on: say --yes to {what}.")
    click.confirm(question, abort=True, err=True)


def _report(chosen: Sequence[Archive], as_json: bool, nothing: str) -> None:
    if as_json:
        print_json({"archives": [_row(found) for found in chosen]})
        return
    for line in _lines(chosen):
        click.echo(line)
    if not chosen:
        click.echo(nothing)


def _lines(chosen: Sequence[Archive]) -> list[str]:
    return [
        f"{found.revision}  {_owner(found)}  {found.name}: {found.count:,} "
        f"{_words(found)}"
        for found in chosen
    ]


def _words(found: Archive) -> str:
    return "values" if found.mark is None else f"marks ({found.mark.value})"


def _owner(found: Archive) -> str:
    names = ":".join(found.owners)
    return f"(:{names})" if found.entity.value == "NODE" else f"[:{names}]"


def _row(found: Archive) -> dict[str, Any]:
    return {
        "revision": found.revision,
        "property": found.name,
        "entity": found.entity.value.lower(),
        "owners": list(found.owners),
        "count": found.count,
        "mark": found.mark and found.mark.value,
    }
