"""``alembic-neo4j status``: where files, ledger and graph are, on one screen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from alembic_neo4j.cli.findings import print_findings
from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.checks.findings import Finding
    from alembic_neo4j.checks.status import Status

_IN_ROWS = {"pending", "run-open", "run-active", "index-failed", "index-populating"}
"""The findings that have a row of their own above the others."""


@click.command()
@project_options
@format_option
def status(config: Config, as_json: bool) -> None:
    """Tell where files, ledger and graph are, and what is still to be run.

    It writes nothing and waits for nobody. Exit status 0 where all is at its head and
    fits, 1 where revisions are pending, a run has not ended or something does not fit,
    2 where the graph or the ledger could not be read; the rest is shown all the same.
    """
    from alembic_neo4j.checks.findings import fails
    from alembic_neo4j.checks.status import judge_status
    from alembic_neo4j.cli.status_report import status_report
    from alembic_neo4j.command.status import read_status

    found = read_status(config)
    findings = judge_status(found)
    if as_json:
        print_json(status_report(found, findings))
    else:
        _print(found, findings)
    if found.evidence.unchecked:
        sys.exit(2)
    sys.exit(1 if fails(findings) else 0)


def _print(status: Status, findings: tuple[Finding, ...]) -> None:
    from alembic_neo4j.cli.status_report import status_rows

    before = ""
    for title, text in status_rows(status, findings):
        click.echo(f"{title if title != before else '':<9}{text}")
        before = title
    print_findings([f for f in findings if f.code not in _IN_ROWS])
    for part in status.evidence.unchecked:
        click.echo(f"Not checked: {part.area}: {part.reason}")
    if not findings and not status.evidence.unchecked:
        click.echo("Nothing is pending.")
