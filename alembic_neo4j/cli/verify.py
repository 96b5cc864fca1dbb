"""``alembic-neo4j verify``: files, ledger, models, graph and data, side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.findings import (
    count_severities,
    counted,
    finding_row,
    print_findings,
)
from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.checks.evidence import Evidence
    from alembic_neo4j.command.verify import Verification


@click.command()
@project_options
@click.option(
    "--full",
    is_flag=True,
    help="Read every node and relationship, not a sample of each label and type.",
)
@format_option
def verify(config: Config, full: bool, as_json: bool) -> None:
    """Tell where files, ledger, models, graph and data do not fit together.

    It writes nothing and waits for nobody. Exit status 0 where there is nothing but
    remarks, 1 where there is an error or a warning, 2 where the graph or the ledger
    could not be read; the rest is checked all the same.
    """
    from alembic_neo4j.checks.findings import fails
    from alembic_neo4j.command.verify import verify_project

    verified = verify_project(config, full=full)
    if as_json:
        print_json(_report(verified))
    else:
        _print(verified)
    if verified.evidence.unchecked:
        sys.exit(2)
    sys.exit(1 if fails(verified.findings) else 0)


def _report(verified: Verification) -> dict[str, Any]:
    evidence, findings = verified.evidence, verified.findings
    ledger, graph, history = evidence.ledger, evidence.graph, evidence.history
    return {
        "graph": verified.url,
        "server": str(graph.server) if graph else None,
        "ledger": {"heads": sorted(ledger.heads) if ledger else None},
        "history": {"heads": sorted(history.heads)},
        "checked": {
            "history": not history.failure,
            "ledger": ledger is not None,
            "models": evidence.models is not None and not evidence.models.failure,
            "graph": graph is not None and graph.declared is not None,
            "data": evidence.data is not None,
        },
        "unchecked": [
            {"area": part.area, "reason": part.reason} for part in evidence.unchecked
        ],
        "read": _read(evidence),
        "counts": count_severities(findings),
        "findings": [finding_row(finding) for finding in findings],
    }


def _read(evidence: Evidence) -> dict[str, Any]:
    if evidence.data is None:
        return dict.fromkeys(
            ("nodes", "of_nodes", "relationships", "of_relationships", "full")
        )
    contents = evidence.data.contents
    return {
        "nodes": contents.nodes,
        "of_nodes": contents.of_nodes,
        "relationships": contents.relationships,
        "of_relationships": contents.of_relationships,
        "full": contents.full,
    }


def _print(verified: Verification) -> None:
    print_findings(verified.findings)
    for part in verified.evidence.unchecked:
        click.echo(f"Not checked: {part.area}: {part.reason}")
    counts = counted(count_severities(verified.findings))
    click.echo(f"{_looked_at(verified.evidence)}: {counts}.")


def _looked_at(evidence: Evidence) -> str:
    files = len(evidence.history.files)
    parts = [f"{files} revision file{'' if files == 1 else 's'}"]
    if evidence.models is not None and not evidence.models.failure:
        parts.append("the models")
    if evidence.graph is not None:
        parts.append("the graph")
    if evidence.data is not None:
        contents = evidence.data.contents
        parts.append(
            f"{contents.nodes:,} of {contents.of_nodes:,} nodes and "
            f"{contents.relationships:,} of {contents.of_relationships:,} relationships"
        )
    return f"Looked at {', '.join(parts)}"
