"""Judging whether the graph is the one that the ledger speaks of, by its stamp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.checks.history import shown_heads
from alembic_neo4j.cypher.stamp import Stamp

if TYPE_CHECKING:
    from alembic_neo4j.checks.evidence import HistoryEvidence, LedgerEvidence

ADOPT = "alembic-neo4j repair --adopt-graph"


@dataclass(frozen=True)
class Resemblance:
    """Whether the graph looks like the one that the ledger speaks of.

    It does when there is something to know it by, and nothing of that is missing.
    """

    known: bool


def knows_latest_data(stamp: Stamp | None, runs: tuple[str | None, ...]) -> bool:
    """Tell whether the graph has seen the latest run by which a verb changed it.

    `runs` are those of which its stamp names one.
    """
    return (stamp.run if stamp else None) in runs


def judge_stamp(
    stamp: Stamp | None,
    ledger: LedgerEvidence,
    history: HistoryEvidence,
    resemblance: Resemblance,
) -> Iterator[Finding]:
    """Yield where ledger and graph are not known to belong together."""
    mine = f"stamped by this ledger at {shown_heads(ledger.heads)}"
    if stamp is None:
        if ledger.heads:
            yield _without_stamp(mine, ledger, resemblance)
        elif not knows_latest_data(stamp, ledger.data_runs):
            yield _stale_data(ledger)
        return
    found = f"stamped {shown_heads(stamp.heads)}"
    if _is_lost(ledger, stamp):
        yield _lost(stamp, ledger, history)
    elif stamp.ledger and stamp.ledger != ledger.identity:
        yield Finding(
            "stamp-foreign",
            "the graph",
            mine,
            f"{found} by another ledger",
            f"Correct {ledger.ledger_origin} or {ledger.graph_origin}; to make this "
            "ledger the graph's: "
            "`alembic -c neo4j.ini stamp --purge REVISION`.",
        )
    elif set(stamp.heads) == set(ledger.heads):
        if ledger.heads and stamp.ledger is None:
            yield _late(mine, f"{found} by a script of --sql")
    elif ledger.stamped is not None and set(stamp.heads) == set(ledger.stamped):
        yield _late(mine, found)
    else:
        yield Finding(
            "stamp-stale",
            "the graph",
            mine,
            found,
            "One of them was restored from a backup, or a script of --sql was run. "
            "Where the graph is what was restored, or what the script was run on, say "
            "where it is: `alembic -c neo4j.ini stamp --purge REVISION`. Where it is "
            "at the ledger's heads all the same: "
            "`alembic-neo4j repair --only stamp-stale`.",
            f"stamp it with {shown_heads(ledger.heads)}",
            decision=True,
        )
    if stamp.ledger == ledger.identity and not knows_latest_data(
        stamp, ledger.data_runs
    ):
        yield _stale_data(ledger)


def _stale_data(ledger: LedgerEvidence) -> Finding:
    return Finding(
        "data-stale",
        "the graph",
        "it knows the latest run that changed its data by this ledger",
        "it knows another one: the graph, or the ledger, is an older copy",
        f"Correct {ledger.graph_origin} or {ledger.ledger_origin}. Where the graph is "
        "what it is to be: "
        "`alembic-neo4j repair --only data-stale`; a batch that is not there can be "
        "loaded again then.",
        "count what each batch has in the graph, and record those that are not there",
        decision=True,
    )


def _without_stamp(
    mine: str, ledger: LedgerEvidence, resemblance: Resemblance
) -> Finding:
    return Finding(
        "stamp-missing",
        "the graph",
        mine,
        "no stamp: it is another graph, or one that was emptied or restored",
        f"Correct {ledger.graph_origin} or {ledger.ledger_origin}; to say which "
        "revision the graph is at: "
        "`alembic -c neo4j.ini stamp --purge REVISION`. Where it is at the ledger's "
        "heads: `alembic-neo4j repair --only stamp-missing`.",
        "stamp it for this ledger",
        # All that the history made is there, so that it is no other graph.
        decision=not resemblance.known,
    )


def _is_lost(ledger: LedgerEvidence, stamp: Stamp) -> bool:
    empty = not (ledger.heads or ledger.applied or ledger.open_run)
    another = stamp.ledger is None or stamp.ledger != ledger.identity
    return empty and another and bool(stamp.heads or stamp.ledger)


def _lost(stamp: Stamp, ledger: LedgerEvidence, history: HistoryEvidence) -> Finding:
    unknown = [head for head in stamp.heads if head not in history.files]
    return Finding(
        "ledger-lost",
        "the ledger",
        f"the ledger of this graph, which is stamped {shown_heads(stamp.heads)}",
        "a ledger without a revision",
        f"There is no file of {shown_heads(unknown)} here: get the files of those who "
        f"applied it, or correct {ledger.graph_origin}."
        if unknown
        else f"Restore it, or rebuild it from the stamp: `{ADOPT}`.",
        "" if unknown else "rebuild the ledger from the stamp and today's files",
        decision=True,
    )


def not_adoptable(
    stamp: Stamp | None, ledger: LedgerEvidence, history: HistoryEvidence
) -> str | None:
    """Return why the graph's stamp can't become the ledger's; None where it needn't.

    It is asked where there is no such finding that can be mended.
    """
    if stamp is None or (
        stamp.ledger == ledger.identity and set(stamp.heads) == set(ledger.heads)
    ):
        return None
    if _is_lost(ledger, stamp):
        lost = _lost(stamp, ledger, history)
        return f"expected {lost.expected}. {lost.advice}"
    return (
        f"the ledger is at {shown_heads(ledger.heads)} and the graph is stamped "
        f"{shown_heads(stamp.heads)}: only a ledger without a revision adopts a stamp. "
        "See `alembic-neo4j verify`; to say where the graph is: "
        "`alembic -c neo4j.ini stamp --purge REVISION`"
    )


def _late(mine: str, found: str) -> Finding:
    return Finding(
        "stamp-late",
        "the graph",
        mine,
        found,
        "The next upgrade does it.",
        "stamp it",
    )
