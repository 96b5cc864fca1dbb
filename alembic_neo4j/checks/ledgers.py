"""What two ledgers know of applied revisions, and where they contradict each other.

It is never merged: which of them is right only the graph can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.ledger.store import AppliedRevision

BETWEEN_LEDGERS = ("ledgers-file", "ledgers-graph", "ledgers-applied", "ledgers-heads")
"""The codes of what is found here."""


@dataclass(frozen=True)
class KnownLedger:
    """What a ledger knows: `graph` is the address of the one that it was last used on.

    An address that means another server on each machine has the machine in it.
    """

    name: str
    identity: str | None = None
    graph: str | None = None
    heads: Sequence[str] = ()
    applied: Mapping[str, AppliedRevision] = field(default_factory=dict)


def compare_ledgers(here: KnownLedger, there: KnownLedger) -> list[Finding]:
    """Return the contradictions between two ledgers; nothing is decided.

    Ledgers of different graphs may be at different revisions. A revision is the same
    file everywhere, and one graph has one ledger, or copies of it that say the same.
    """
    findings = list(_other_files(here, there))
    is_copy = here.identity is not None and here.identity == there.identity
    is_same_graph = here.graph is not None and here.graph == there.graph
    if is_same_graph and not is_copy:
        findings.append(
            Finding(
                "ledgers-graph",
                here.graph or "",
                f"one ledger of the graph, {here.name}",
                f"{there.name} was used on it as well",
                "Nothing was changed. `alembic-neo4j verify` tells which of them the "
                "graph is stamped by; put the other one away",
            )
        )
    if is_copy or is_same_graph:
        findings += _apart(here, there)
    return findings


def _other_files(here: KnownLedger, there: KnownLedger) -> Iterator[Finding]:
    for revision in sorted(here.applied.keys() & there.applied.keys()):
        mine, theirs = here.applied[revision], there.applied[revision]
        ours, others = mine.code_hash, theirs.code_hash
        if ours is None or others is None:
            ours, others = mine.file_hash, theirs.file_hash
        if ours != others:
            yield Finding(
                "ledgers-file",
                revision,
                f"the file that {here.name} has recorded, {ours[:12]}",
                f"{there.name} has recorded {others[:12]}",
                "Nothing was changed. The same revision did different things there: "
                "compare both files, and give one of them another revision id",
                revision=revision,
            )


def _apart(here: KnownLedger, there: KnownLedger) -> Iterator[Finding]:
    for one, other in ((here, there), (there, here)):
        for revision in sorted(one.applied.keys() - other.applied.keys()):
            yield Finding(
                "ledgers-applied",
                revision,
                f"applied, as {one.name} has it",
                f"{other.name} has it not: it was rolled back there, or never ran",
                "Nothing was changed. `alembic-neo4j verify` in each project tells "
                "which of them fits the graph; put the other one away, or back from a "
                "backup",
                revision=revision,
            )
    if sorted(here.heads) != sorted(there.heads):
        yield Finding(
            "ledgers-heads",
            here.name,
            f"at {_heads(here)}",
            f"{there.name} is at {_heads(there)}",
            "Nothing was changed. `alembic-neo4j verify` compares each with the stamp "
            "of the graph; go on with the one that fits",
        )


def _heads(ledger: KnownLedger) -> str:
    return ", ".join(sorted(ledger.heads)) or "base"
