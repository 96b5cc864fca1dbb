"""``alembic-neo4j ingest load``: a file becomes nodes or relationships of a batch."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.ingest_options import (
    Option,
    all_of,
    allow_unknown_option,
    on_error_options,
    read_options,
    rules_file_option,
    sha256_option,
    value_options,
)
from alembic_neo4j.cli.progress import shown_progress, shown_transfer
from alembic_neo4j.cli.project import (
    format_option,
    lock_timeout_option,
    print_json,
    project_options,
)
from alembic_neo4j.schema.definitions import counted

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.command.ingest import FileLoad, LoadOutcome
    from alembic_neo4j.cypher.load_targets import LoadTarget
    from alembic_neo4j.ingest.data_rows import DataFileSource
    from alembic_neo4j.ingest.formats import ReadOptions
    from alembic_neo4j.ingest.typed_values import ValueOptions
    from alembic_neo4j.ingest.validation import ValidationReport

_NODES: tuple[Option, ...] = (
    click.option(
        "--label",
        "labels",
        multiple=True,
        help="The label of the nodes that rows become; several may be given, keys are "
        "looked up by the first.",
    ),
    click.option(
        "--merge-key",
        "keys",
        multiple=True,
        help="A property to find what is there by: such a row changes it, and creates "
        "only what is not.",
    ),
)


def _end_options(which: str, leads: str) -> tuple[Option, ...]:
    """Return the options on the nodes at one end of relationships."""
    return (
        click.option(
            f"--{which}-label", help=f"The label of the nodes that they lead {leads}."
        ),
        click.option(
            f"--{which}-key",
            f"{which}_keys",
            multiple=True,
            help="A key of these nodes.",
        ),
        click.option(
            f"--{which}-column",
            f"{which}_columns",
            multiple=True,
            help=f"The column with that key.  [default: {which}; {which}_KEY for "
            "several]",
        ),
    )


_RELATIONSHIPS: tuple[Option, ...] = (
    click.option("--relationship-type", "type_", help="The type of the relationships."),
    *_end_options("source", "from"),
    *_end_options("target", "to"),
    click.option(
        "--merge",
        is_flag=True,
        help="Change a relationship that is there between the same nodes.",
    ),
    click.option(
        "--on-unmatched",
        type=click.Choice(["report", "fail"]),
        default="report",
        show_default=True,
        help="What to do about rows without a node at one end.",
    ),
)
_FILE: tuple[Option, ...] = (
    sha256_option,
    rules_file_option("the schema that the graph is at"),
    on_error_options(
        "fail", ["fail", "skip"], "What to do about rows that break a rule."
    ),
)
_BATCH: tuple[Option, ...] = (
    click.option(
        "--batch",
        metavar="NAME",
        help="The name of the batch.  [default: the file's name and its digest]",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        help="How many rows one transaction loads.",
    ),
    click.option("--loader", help="The program that has made the file, to be noted."),
    click.option("--loader-version", default="", help="The version of that program."),
    allow_unknown_option,
    lock_timeout_option,
    click.option(
        "--dry-run", is_flag=True, help="Check the file, and load nothing of it."
    ),
)


@click.command()
@click.argument("file")
@project_options
@all_of(*_NODES, *_RELATIONSHIPS, *_FILE, *_BATCH)
@read_options
@value_options
@format_option
def load(
    config: Config,
    file: str,
    batch: str | None,
    batch_size: int | None,
    loader: str | None,
    loader_version: str,
    allow_unknown: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Load FILE, a path or a URL, as nodes or relationships of a batch.

    The file is checked to its end first. Each row is loaded exactly once: a command
    that was killed goes on where it stopped when it is called again. What was loaded is
    in the ledger, and `ingest rollback` takes it back.
    """
    from alembic_neo4j.command.ingest import load_file, obtained
    from alembic_neo4j.ingest.files import address_of
    from alembic_neo4j.ledger.batches import Loader

    target, source = _target(**options), _source(file, **options)
    with shown_transfer(address_of(file).name) as told:
        load = obtained(
            source,
            target,
            batch,
            loader=Loader(loader, loader_version) if loader else None,
            batch_size=batch_size,
            allow_unknown=allow_unknown,
            report=told,
        )
    report, outcome = load_file(config, load, dry_run=dry_run, shown=shown_progress)
    if as_json:
        print_json(_row(load, report, outcome))
    else:
        _print(load, report, outcome)


def _target(
    *,
    labels: tuple[str, ...],
    keys: tuple[str, ...],
    type_: str | None,
    source_label: str | None,
    source_keys: tuple[str, ...],
    target_label: str | None,
    target_keys: tuple[str, ...],
    merge: bool,
    on_unmatched: Any,
    **_others: Any,
) -> LoadTarget:
    from alembic_neo4j.cypher.load_targets import (
        Endpoint,
        NodeTarget,
        RelationshipTarget,
    )

    ends = (source_label, source_keys, target_label, target_keys)
    if type_ is None:
        if not labels:
            raise click.UsageError(
                "Say what the rows become: --label or --relationship-type."
            )
        if any(ends) or merge:
            raise click.UsageError("The ends and --merge are for --relationship-type.")
        return NodeTarget(labels, keys or None)
    if labels:
        raise click.UsageError("Give --label or --relationship-type, not both.")
    if not source_label or not target_label or not all(ends):
        raise click.UsageError(
            "--relationship-type needs --source-label, --source-key, --target-label "
            "and --target-key."
        )
    return RelationshipTarget(
        type_,
        Endpoint(source_label, source_keys),
        Endpoint(target_label, target_keys),
        keys if keys or merge else None,
        on_unmatched,
    )


def _source(
    file: str,
    *,
    sha256: str | None,
    rules_file: Path | None,
    on_error: str,
    max_rejects: int | None,
    reject_file: Path | None,
    read: ReadOptions,
    values: ValueOptions,
    source_keys: tuple[str, ...],
    source_columns: tuple[str, ...],
    target_keys: tuple[str, ...],
    target_columns: tuple[str, ...],
    **_others: Any,
) -> DataFileSource:
    from alembic_neo4j.ingest.data_rows import DataFileSource, end_columns
    from alembic_neo4j.ingest.rules import Rules, rules_from_file
    from alembic_neo4j.ingest.validation import OnError, Policy

    return DataFileSource(
        file,
        sha256,
        rules_from_file(rules_file) if rules_file else Rules(),
        read,
        values,
        Policy(OnError(on_error), max_rejects),
        reject_file,
        source_columns=source_columns or end_columns("source", source_keys),
        target_columns=target_columns or end_columns("target", target_keys),
    )


def _row(
    load: FileLoad, report: ValidationReport, outcome: LoadOutcome | None
) -> dict[str, Any]:
    from alembic_neo4j.graph.loading import LoadCounts

    return {
        "batch": load.batch,
        "uri": load.file.uri,
        "sha256": load.file.sha256,
        "rows": report.rows,
        "refused": report.rejected,
        **asdict(outcome.loaded if outcome else LoadCounts()),
        "loaded": outcome is not None,
        "loaded_before": outcome is not None and outcome.earlier is not None,
    }


def _print(
    load: FileLoad, report: ValidationReport, outcome: LoadOutcome | None
) -> None:
    from alembic_neo4j.cypher.batch_rollback import rollback_command

    name, rows, refused = load.file.name, counted(report.rows, "row"), ""
    if report.rejected:
        refused = f", {report.rejected:,} refused"
    if outcome is None:
        click.echo(
            f"{name}: {rows}{refused}; nothing was loaded. They would "
            f"be {load.target}, batch {load.batch}."
        )
        return
    earlier, loaded = outcome.earlier, outcome.loaded
    if earlier is not None:
        click.echo(
            f"{name}: {rows}{refused}; loaded at "
            f"{earlier.begun_at:%Y-%m-%d %H:%M} by {earlier.begun_by}, nothing is left "
            "to do. To load it once more, give another --batch."
        )
        return
    click.echo(
        f"{name}: {rows}{refused}; {load.target}: "
        f"{loaded.created:,} created, {loaded.touched:,} changed"
        + (f", {loaded.unmatched:,} without both ends" if loaded.unmatched else "")
    )
    click.echo(f"Batch {load.batch}. To take it back: ", nl=False)
    click.echo(rollback_command(load.batch))
