"""``alembic-neo4j archive``: the values that revisions have removed and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.confirmation import confirm
from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alembic.config import Config

    from alembic_neo4j.graph.archives import Archive


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
    from alembic_neo4j.command.archive import read_archives

    _report(read_archives(config), as_json, "Nothing is archived.")


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
    from alembic_neo4j.command.archive import Choice, restore_archives

    choice = Choice(revision, property, marks=False)
    confirm = _asking(yes, "restore", "Bring these values back?")
    chosen = restore_archives(config, choice, on_conflict, confirm=confirm)
    _report(chosen, as_json, "")


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
    from alembic_neo4j.command.archive import Choice, purge_archives

    confirm = _asking(yes, "purge", "Remove these values for good?")
    chosen = purge_archives(config, Choice(revision, property), confirm=confirm)
    _report(chosen, as_json, "")


def _asking(yes: bool, what: str, question: str) -> Callable[[Sequence[Archive]], None]:
    def asked(chosen: Sequence[Archive]) -> None:
        if yes:
            return
        for line in _lines(chosen):
            click.echo(line, err=True)
        confirm(question, what)

    return asked


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
