"""``alembic-neo4j ingest``: data files, checked before they are loaded."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.ingest_batches import list_batches, rollback, show
from alembic_neo4j.cli.ingest_cache import cache
from alembic_neo4j.cli.ingest_load import load
from alembic_neo4j.cli.ingest_options import (
    on_error_options,
    read_options,
    rule_options,
    sha256_option,
    value_options,
)
from alembic_neo4j.cli.progress import shown_progress, shown_transfer
from alembic_neo4j.cli.project import (
    format_option,
    optional_project_options,
    print_json,
)
from alembic_neo4j.schema.definitions import counted

if TYPE_CHECKING:
    from alembic_neo4j.ingest.files import DataFile
    from alembic_neo4j.ingest.formats import ReadOptions
    from alembic_neo4j.ingest.rules import Rules
    from alembic_neo4j.ingest.typed_values import ValueOptions
    from alembic_neo4j.ingest.validation import ValidationReport


@click.group()
def ingest() -> None:
    """Data from files: checked, with their source known."""


ingest.add_command(cache)
ingest.add_command(load)
ingest.add_command(list_batches)
ingest.add_command(show)
ingest.add_command(rollback)


@ingest.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@optional_project_options
@rule_options
@sha256_option
@read_options
@value_options
@click.option("--min-rows", type=click.IntRange(min=0), help="Fewer are an error.")
@click.option("--max-rows", type=click.IntRange(min=0), help="More are an error.")
@on_error_options(
    "collect",
    ["collect", "fail", "skip"],
    "Tell all rows that break a rule, stop at the first, or stop when there are more "
    "than --max-rejects.",
)
@click.option(
    "--show",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many of what is wrong to name for each file.",
)
@format_option
def validate(
    files: tuple[str, ...],
    rules: Rules,
    sha256: str | None,
    read: ReadOptions,
    values: ValueOptions,
    min_rows: int | None,
    max_rows: int | None,
    on_error: str,
    max_rejects: int | None,
    reject_file: Path | None,
    show: int,
    as_json: bool,
) -> None:
    """Read each FILE (a path or a URI) to its end and check every row.

    Nothing is loaded, and no server is needed. Without a label, type or rules it is
    checked that the rows can be read. Exit status 0 where no rule is broken, 1 where
    one is, 2 where a file could not be read.
    """
    from alembic_neo4j.ingest.validation import OnError, Policy
    from alembic_neo4j.ingest.validation import validate as check_rows

    if len(files) > 1 and (sha256 or reject_file):
        raise click.UsageError("--sha256 and --reject-file are for one FILE.")
    rules = replace(
        rules,
        min_rows=rules.min_rows if min_rows is None else min_rows,
        max_rows=rules.max_rows if max_rows is None else max_rows,
    )
    policy = Policy(OnError(on_error), max_rejects, show)
    reports = []
    for name in files:
        file = _obtained(name, sha256, read)
        with shown_progress(file.name) as told:
            report = check_rows(
                file,
                rules,
                read=read,
                values=values,
                policy=policy,
                reject_file=reject_file,
                report=told,
            )
        reports.append(report)
        if not as_json:
            _print(report)
    if as_json:
        print_json({"files": [_row(report) for report in reports]})
    sys.exit(0 if all(report.ok for report in reports) else 1)


def _obtained(uri: str, sha256: str | None, read: ReadOptions) -> DataFile:
    from alembic_neo4j.ingest.download import obtain
    from alembic_neo4j.ingest.files import address_of

    most = read.max_download or None
    with shown_transfer(address_of(uri).name) as told:
        return obtain(uri, sha256=sha256, max_download=most, report=told)


def _print(report: ValidationReport) -> None:
    name = report.file.name
    rows = counted(report.rows, "row")
    click.echo(f"{name}: {rows}, {report.rejected:,} refused")
    for violation in report.violations:
        click.echo(f"  {violation.described(name)}")
    broken = sum(report.counts.values())
    if broken > len(report.violations):
        click.echo(f"  … {broken:,} in all:")
        for (column, rule), count in sorted(report.counts.items(), key=_most):
            click.echo(f"  {count:,} x {rule}{f' of {column!r}' if column else ''}")


def _most(item: tuple[tuple[str | None, str], int]) -> tuple[int, str, str]:
    (column, rule), count = item
    return (-count, column or "", rule)


def _row(report: ValidationReport) -> dict[str, Any]:
    return {
        "name": report.file.name,
        "uri": report.file.uri,
        "sha256": report.file.sha256,
        "bytes": report.file.size,
        "rows": report.rows,
        "refused": report.rejected,
        "ok": report.ok,
        "counts": [
            {"column": column, "rule": rule, "count": count}
            for (column, rule), count in sorted(report.counts.items(), key=_most)
        ],
        "violations": [
            dict(zip(_VIOLATION, violation, strict=True))
            for violation in report.violations
        ],
    }


_VIOLATION = ("row", "line", "column", "rule", "value", "message")
