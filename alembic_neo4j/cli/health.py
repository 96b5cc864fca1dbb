"""``alembic-neo4j health``: whether the graph answers and is as it should be."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.project import print_json, project_options
from alembic_neo4j.sentences import unended

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.config import Config

    from alembic_neo4j.command.health import HealthReport


@click.command()
@project_options
@click.option("--detailed", is_flag=True, help="Say why, and measure more.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "prometheus"]),
    default="text",
    help="How to report.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file for the text file collector of Prometheus, replaced each time.",
)
@click.option("--watch", is_flag=True, help="Check again and again, until Ctrl-C.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long --watch waits after a check.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Answer /health and /metrics over HTTP instead, until Ctrl-C.",
)
def health(
    config: Config,
    detailed: bool,
    form: str,
    output: Path | None,
    watch: bool,
    interval: float,
    listen: str | None,
) -> None:
    """Tell whether the graph answers, has its schema, and no stray data.

    Three checks, each within its own time: the graph answers (5 s), its indexes and
    constraints are those of the history (10 s), and no node or relationship is one
    that no model accounts for (30 s). After one that fails the others are skipped.
    Nothing is written, and no server is started. Exit status 0 where all have passed,
    1 where one has not.
    """
    from alembic_neo4j.command.health import check_health

    check = partial(check_health, config, detailed=detailed)
    if listen is not None:
        if watch:
            raise click.UsageError("--listen checks whenever it is asked: no --watch.")
        _listen(listen, check)
        return
    while True:
        report = check()
        _print(report, form, output, one_line=watch)
        if not watch:
            sys.exit(0 if report.is_healthy else 1)
        time.sleep(interval)


def _print(
    report: HealthReport, form: str, output: Path | None, *, one_line: bool
) -> None:
    if output is not None:
        from alembic_neo4j.cli.health_metrics import write_metrics

        write_metrics(report, output)
    if form == "prometheus":
        from alembic_neo4j.cli.health_metrics import metrics_text

        if output is None:
            click.echo(metrics_text(report), nl=False)
    elif form == "json" and one_line:
        click.echo(json.dumps(report.as_json(), default=str))
    elif form == "json":
        _print_reasons(report)
        print_json(report.as_json())
    else:
        _print_text(report)


def _print_text(report: HealthReport) -> None:
    word = "healthy" if report.is_healthy else "unhealthy"
    click.echo(f"{word} at {report.moment:%Y-%m-%d %H:%M:%S} UTC")
    for check in report.checks:
        took = f"  {check.seconds * 1000:,.0f} ms" if check.seconds else ""
        click.echo(f"  {check.status.value:<7}  {check.name}{took}")
        for problem in check.problems:
            click.echo(f"             {problem}")
    for name, value in report.metrics.items():
        click.echo(f"  {name}: {_shown(value)}")


def _print_reasons(report: HealthReport) -> None:
    """Say why on the other stream: the object is as others expect it."""
    for check in report.checks:
        for problem in check.problems:
            click.echo(f"{check.name}: {problem}", err=True)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _listen(address: str, check: Callable[[], HealthReport]) -> None:
    from alembic_neo4j.cli.health_metrics import serving

    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) < 65536:
        raise click.UsageError(
            f"--listen: expected HOST:PORT such as 127.0.0.1:9464, found {address!r}."
        )
    try:
        server = serving(host.strip("[]") or "127.0.0.1", int(port), check)
    except OSError as error:
        raise click.UsageError(
            f"--listen {address}: expected an address that is free, found "
            f"{unended(error.strerror or error)}. Take another port."
        ) from error
    with server:
        click.echo(f"Listening on http://{host or '127.0.0.1'}:{server.server_port}")
        server.serve_forever()
