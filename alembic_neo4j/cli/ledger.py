"""``alembic-neo4j ledger``: what is remembered beside the graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.ledger_backup import backup
from alembic_neo4j.cli.ledger_sync import (
    conflicts,
    entity_row,
    export_bundle,
    import_bundle,
    resolve,
    sync,
)
from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.command.ledger import Page
    from alembic_neo4j.entities import Entity


@click.group()
def ledger() -> None:
    """What is remembered beside the graph: shown, searched, noted, synced, backed up.

    The ledger's revisions, runs, batches and backups are shown as entities, next to
    notes and entities of one's own, which are stored in the ledger's database.
    """


for each in (backup, sync, import_bundle, export_bundle, conflicts, resolve):
    ledger.add_command(each)


def _page_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--type", "kind", help="Only these, such as revision or note."),
        click.option("--status", help="Only those of this status, such as planned."),
        click.option(
            "--filter",
            "filters",
            multiple=True,
            metavar="NAME=VALUE",
            help="Only those that have this: NAME is type, status or data.KEY, such as "
            "data.labels=Person; of the same NAME one VALUE is enough.",
        ),
        click.option(
            "--limit", type=click.IntRange(min=1), help="Not more than these."
        ),
        click.option(
            "--offset", type=click.IntRange(min=0), default=0, help="Pass over so many."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@ledger.command("list")
@project_options
@_page_options
@format_option
def list_entities(
    config: Config,
    kind: str | None,
    status: str | None,
    filters: tuple[str, ...],
    limit: int | None,
    offset: int,
    as_json: bool,
) -> None:
    """List what is remembered: what the ledger has, then entities of one's own.

    Revisions are in the order in which they run, the rest as it came.
    """
    from alembic_neo4j.command.ledger import Wanted, listed

    wanted = Wanted(_filters(filters, kind, status), limit, offset)
    _report(listed(config, wanted), as_json)


@ledger.command()
@click.argument("text")
@project_options
@_page_options
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="NAME",
    help="Count what was found by type, status or data.KEY as well; may be repeated.",
)
@format_option
def search(
    config: Config,
    text: str,
    kind: str | None,
    status: str | None,
    filters: tuple[str, ...],
    limit: int | None,
    offset: int,
    facets: tuple[str, ...],
    as_json: bool,
) -> None:
    """Search what is remembered for all words of TEXT.

    Words in quotes follow each other, and migr* is how a word begins; all else is text.
    What the ledger has comes first, the newest in front.
    """
    from alembic_neo4j.command.ledger import Wanted, searched

    wanted = Wanted(_filters(filters, kind, status), limit, offset)
    _report(searched(config, text, wanted, facets), as_json)


@ledger.command()
@click.argument("entity")
@project_options
@format_option
def show(config: Config, entity: str, as_json: bool) -> None:
    """Show an ENTITY by its id, such as revision-1f3a, and the notes about it."""
    from alembic_neo4j.command.ledger import shown

    found = shown(config, entity)
    if as_json:
        notes = [entity_row(one) for one in found.notes]
        print_json({"entity": entity_row(found.entity), "notes": notes})
        return
    one = found.entity
    click.echo(f"{one.id}: {one.status}, {one.created_at:%Y-%m-%d %H:%M} UTC")
    for name, value in one.data.items():
        if value not in (None, "", ()):
            click.echo(f"  {name}: {_words(value)}")
    for each in found.notes:
        click.echo(f"{_line(each)}")


@ledger.command()
@click.argument("text")
@project_options
@click.option("--about", metavar="ID", help="What it is about, such as revision-1f3a.")
@click.option("--slug", help="What its id ends with; else the time.")
@click.option(
    "--status", default="documented", show_default=True, help="One of the 17 statuses."
)
@format_option
def note(
    config: Config,
    text: str,
    about: str | None,
    slug: str | None,
    status: str,
    as_json: bool,
) -> None:
    """Keep a note beside the ledger; TEXT is what it says."""
    from alembic_neo4j.command import ledger

    made = ledger.note(config, text, about=about, slug=slug, status=status)
    if as_json:
        print_json({"entity": entity_row(made)})
    else:
        click.echo(made.id)


def _filters(
    given: Sequence[str], kind: str | None, status: str | None
) -> dict[str, list[Any]]:
    """Return the filters of a command line: for each name the values that may be."""
    found: dict[str, list[Any]] = {}
    for text in given:
        name, is_, value = text.partition("=")
        if not is_:
            raise click.UsageError(
                f"--filter {text}: expected NAME=VALUE, such as data.labels=Person."
            )
        plain = name in ("type", "status")
        found.setdefault(name, []).extend([value] if plain else _readings(value))
    for name, asked in (("type", kind), ("status", status)):
        if asked is not None and name in found:
            raise click.UsageError(f"Give --{name}, or --filter {name}=…, not both.")
        if asked is not None:
            found[name] = [asked]
    return found


def _readings(value: str) -> list[Any]:
    """Return what a value of the data may be that is written so.

    ``3`` is the number or the text, ``"3"`` in quotes is the text alone.
    """
    try:
        read = json.loads(value)
    except ValueError:
        return [value]
    if isinstance(read, (dict, list)):
        return [value]
    return [read] if isinstance(read, str) else [read, value]


def _report(page: Page, as_json: bool) -> None:
    if as_json:
        rows = [entity_row(entity) for entity in page.entities]
        print_json({"entities": rows, "of": page.of, "facets": page.facets})
        return
    for entity in page.entities:
        click.echo(_line(entity))
    if not page.of:
        click.echo("There is nothing of that.")
    elif len(page.entities) < page.of:
        click.echo(f"{len(page.entities):,} of {page.of:,}")
    for facet, counts in page.facets.items():
        told = [f"{_words(value)} {count:,}" for value, count in counts.items()]
        click.echo(f"{facet}: {', '.join(told) or 'none'}")


_HEADLINES = ("message", "does", "state", "text", "name", "path")
"""What an entity is told by in a list, the first of these that it has."""


def _line(entity: Entity) -> str:
    said = next((entity.data[name] for name in _HEADLINES if entity.data.get(name)), "")
    words = " ".join(_words(said).split())
    shown = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
    return f"{entity.status:<11} {entity.id}  {shown}".rstrip()


_LONGEST = 60


def _words(value: Any) -> str:
    from alembic_neo4j.entities.json_values import json_text

    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json_text(value)
