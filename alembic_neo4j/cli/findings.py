"""Findings as rows of JSON, and on a terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from alembic_neo4j.checks.findings import Finding

_COLOURS = {"error": "red", "warning": "yellow", "remark": "cyan"}


def finding_row(finding: Finding) -> dict[str, Any]:
    """Return a finding for JSON: every key is there, whatever the code."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "subject": finding.subject,
        "expected": finding.expected,
        "found": finding.found,
        "advice": finding.advice,
        "repair": finding.repair or None,
        "decision": finding.decision,
        "revision": finding.revision or None,
    }


def count_severities(findings: Sequence[Finding]) -> dict[str, int]:
    """Return how many findings there are of each severity."""
    counts = Counter(finding.severity.value for finding in findings)
    return {severity: counts[severity] for severity in _COLOURS}


def print_findings(findings: Sequence[Finding], *, repairs: bool = False) -> None:
    """Print findings for a person: in a table on a terminal, plain otherwise.

    With `repairs` the last line of each is what would mend it, else what to do.
    """
    if is_terminal():
        _print_table(findings, repairs)
        return
    for finding in findings:
        click.echo(f"{finding.severity.value} {finding.code}: {finding.subject}")
        for title, text in _details(finding, repairs):
            click.echo(f"  {title}{_indented(text)}")


def is_terminal() -> bool:
    """Tell whether a person reads what is printed."""
    return sys.stdout.isatty()


def counted(counts: dict[str, int]) -> str:
    """Return severities in words, such as ``1 error, 2 remarks``."""
    parts = [
        f"{count} {severity}{'' if count == 1 else 's'}"
        for severity, count in counts.items()
        if count
    ]
    return ", ".join(parts) or "nothing found"


def _details(finding: Finding, repairs: bool) -> list[tuple[str, str]]:
    found = [("expected: ", finding.expected), ("found:    ", finding.found)]
    if not repairs:
        return [*found, ("", finding.advice)]
    # Who decides has to know what speaks for and against it.
    advice = [("", finding.advice)] if finding.decision else []
    return [*found, *advice, ("repair:   ", finding.repair)]


def _indented(text: str) -> str:
    return "\n    ".join(text.splitlines())


def _print_table(findings: Sequence[Finding], repairs: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        severity = finding.severity.value
        table.add_row(
            Text(severity, style=f"bold {_COLOURS[severity]}"),
            Text(f"{finding.code}: {finding.subject}", style="bold", overflow="fold"),
        )
        for title, text in _details(finding, repairs):
            table.add_row("", Text(f"{title}{text}", overflow="fold"))
    Console().print(table)
