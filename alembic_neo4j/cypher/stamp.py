"""The stamp in the graph: its ledger, its heads, and the latest run of its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alembic_neo4j.cypher.quoting import literal

LABEL = "__AlembicNeo4jStamp"


@dataclass(frozen=True)
class Stamp:
    """What the graph says of itself; `ledger` is None after a script of ``--sql``.

    `run` is the latest one by which a verb changed the data, None before the first. It
    tells a graph from an older copy of it at the same heads. `audit` is an event of the
    ledger's audit trail, its sequence and its hash: the latest one when the stamp was
    written, None in a stamp of a release that had none.
    """

    ledger: str | None
    heads: tuple[str, ...]
    run: str | None = None
    audit: tuple[int, str] | None = None


def stamp_text(heads: Sequence[str]) -> str:
    """Return the statement that a script stamps the graph with."""
    return f"MERGE (s:{LABEL} {{id: 1}}) SET s.heads = {literal(sorted(heads))}"
