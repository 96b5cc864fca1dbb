"""``alembic-neo4j repair``: what `verify` finds is mended, item by item."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.findings import finding_row, print_findings
from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.checks.evidence import Evidence
    from alembic_neo4j.checks.findings import Finding
    from alembic_neo4j.command.repair import RepairOutcome

_ACTS = {
    "adopt_graph": "ledger-lost",
    "abandon_run": "run-open",
    "unit_done": "unit-unknown",
    "unit_undone": "unit-unknown",
}
"""The options that do one thing only, and the code that this is."""


@dataclass(frozen=True)
class _Order:
    """What the command line says is to be done."""

    named: frozenset[str]
    exclusive: bool
    yes: bool
    dry_run: bool
    as_json: bool

    def concerns(self, finding: Finding) -> bool:
        """Whether the item is to be shown at all."""
        return not self.exclusive or finding.code in self.named

    def takes(self, finding: Finding) -> bool:
        """Whether ``--yes`` is enough for it."""
        return finding.code in self.named or not finding.decision


@click.command()
@project_options
@click.option(
    "--dry-run", is_flag=True, help="Show what would be done, and do nothing."
)
@click.option(
    "--yes",
    is_flag=True,
    help="Do not ask. What needs a decision is done only when it is named as well.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="CODE",
    help="Mend nothing else; may be given more than once.",
)
@click.option(
    "--drop-foreign",
    is_flag=True,
    help="Drop indexes and constraints that the history does not know, too.",
)
@click.option(
    "--adopt-graph",
    is_flag=True,
    help="Rebuild an empty ledger from the graph's stamp, and do nothing else.",
)
@click.option(
    "--abandon-run",
    is_flag=True,
    help="End the open run as it is, and do nothing else.",
)
@click.option(
    "--unit-done",
    is_flag=True,
    help="The auto-commit statement that a killed run left open has had its effect.",
)
@click.option(
    "--unit-undone",
    is_flag=True,
    help="It has had none: the run that is resumed runs it again.",
)
@format_option
def repair(
    config: Config,
    dry_run: bool,
    yes: bool,
    only: tuple[str, ...],
    drop_foreign: bool,
    as_json: bool,
    **acts: bool,
) -> None:
    """Mend what `alembic-neo4j verify` finds, as far as that can be mended.

    Each item is shown; on a terminal each is asked for. It may be run again at any
    time. Exit status 0 where nothing is left to mend, 1 where something was shown and
    not mended, 2 where an item could not be mended; the others are mended all the same.
    """
    from alembic_neo4j.command.repair import LABELS, Choice, key_of, mend, propose

    order = _order(only, drop_foreign, acts, yes, dry_run, as_json)
    labels = not order.exclusive or LABELS in order.named
    found, evidence = propose(config, labels=labels)
    _refuse_unchecked(evidence)
    items = [finding for finding in found if order.concerns(finding)]
    if not items:
        _end_without(order, acts, evidence)
    if not as_json:
        print_findings(items, repairs=True)
    chosen = [] if dry_run else _chosen(items, order)
    mended: list[RepairOutcome] = []
    if chosen:
        choice = Choice({key_of(item) for item in chosen}, acts["unit_done"])
        mended = mend(config, choice)
    _report(order, items, chosen, mended)
    if any(item.failure for item in mended):
        sys.exit(2)
    sys.exit(0 if len(chosen) == len(items) else 1)


def _order(
    only: Collection[str],
    drop_foreign: bool,
    acts: dict[str, bool],
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> _Order:
    from alembic_neo4j.command.repair import MENDABLE

    unknown = sorted(set(only) - set(MENDABLE))
    if unknown:
        raise click.UsageError(
            f"--only {unknown[0]}: expected one of {', '.join(MENDABLE)}."
        )
    given = [name for name, is_given in acts.items() if is_given]
    if len(given) > 1 or (given and (only or drop_foreign)):
        first = given[0].replace("_", "-")
        raise click.UsageError(f"--{first} does one thing only: give it alone.")
    named = {*only, *(_ACTS[name] for name in given)}
    exclusive = bool(named)
    if drop_foreign:
        named.add("element-foreign")
    return _Order(frozenset(named), exclusive, yes, dry_run, as_json)


def _refuse_unchecked(evidence: Evidence) -> None:
    from alembic_neo4j.errors import Neo4jMigrationError

    if evidence.unchecked:
        raise Neo4jMigrationError(
            "; ".join(f"{part.area}: {part.reason}" for part in evidence.unchecked)
        )


def _end_without(order: _Order, acts: dict[str, bool], evidence: Evidence) -> None:
    from alembic_neo4j.checks.stamp import not_adoptable
    from alembic_neo4j.errors import LedgerError

    if acts["adopt_graph"]:
        assert evidence.graph is not None
        assert evidence.ledger is not None
        reason = not_adoptable(evidence.graph.stamp, evidence.ledger, evidence.history)
        if reason is not None:
            raise LedgerError(reason)
    _report(order, [], [], [])
    beyond = _count_beyond(evidence)
    if beyond and not (order.exclusive or order.as_json):
        errors = f"{beyond} error{'' if beyond == 1 else 's'}"
        click.echo(f"It can't mend {errors}: see `alembic-neo4j verify`.")
    sys.exit(0)


def _count_beyond(evidence: Evidence) -> int:
    """Return how many errors there are that only a person can mend."""
    from alembic_neo4j.checks.findings import Severity
    from alembic_neo4j.checks.verify import judge

    return sum(
        finding.severity is Severity.ERROR and not finding.repair
        for finding in judge(evidence)
    )


def _chosen(items: Sequence[Finding], order: _Order) -> list[Finding]:
    if order.yes:
        return [item for item in items if order.takes(item)]
    if not may_ask():
        return []
    return [item for item in items if _is_wanted(item, order)]


def may_ask() -> bool:
    """Tell whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _is_wanted(item: Finding, order: _Order) -> bool:
    if item.code == "unit-unknown" and item.code not in order.named:
        return False
    question = f"{item.subject}: {item.repair}?"
    return click.confirm(question, default=order.takes(item), err=True)


def _report(
    order: _Order,
    items: Sequence[Finding],
    chosen: Sequence[Finding],
    mended: Sequence[RepairOutcome],
) -> None:
    from alembic_neo4j.command.repair import key_of

    done = {key_of(item.finding): item.failure for item in mended}
    if order.as_json:
        print_json(
            {
                "items": [
                    _row(item, item in chosen, done.get(key_of(item))) for item in items
                ],
                "dry_run": order.dry_run,
            }
        )
        return
    for item in mended:
        word = f"Not mended: {item.failure}" if item.failure else "Mended"
        click.echo(f"{item.finding.code} {item.finding.subject}: {word}")
    left = len(items) - len(chosen)
    if not items:
        click.echo("Nothing to mend.")
    elif order.dry_run:
        click.echo("Nothing was changed: --dry-run.")
    elif left:
        click.echo(f"Left as they are: {left}. {_way_on(items, chosen, order)}")


def _way_on(items: Sequence[Finding], chosen: Sequence[Finding], order: _Order) -> str:
    left = [item for item in items if item not in chosen]
    codes = sorted({item.code for item in left if not order.takes(item)})
    named = " ".join(f"--only {code}" for code in codes)
    if order.yes or len(codes) == len({item.code for item in left}):
        return f"They need a decision: --yes {named}."
    others = f"; for what needs a decision: --yes {named}" if codes else ""
    return f"To mend them without being asked: --yes{others}."


def _row(item: Finding, chosen: bool, failure: str | None) -> dict[str, Any]:
    return {
        **finding_row(item),
        "chosen": chosen,
        "mended": failure == "",
        "failure": failure or None,
    }
