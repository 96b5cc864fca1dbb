"""Where a project, its ledger and its graph are, and what of that wants attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from alembic_neo4j.checks.evidence import Evidence
from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.checks.verify import judge
from alembic_neo4j.graph.catalogue import IndexState
from alembic_neo4j.ledger.journal import OpenRun


@dataclass(frozen=True)
class Status:
    """What a look at a project shows, without a replay and without its data.

    `database` is empty where the graph did not answer. `messages` are those of the
    revisions still to be applied.
    """

    evidence: Evidence
    ledger_url: str
    ledger_exists: bool
    graph_url: str
    database: str = ""
    messages: Mapping[str, str] = field(default_factory=dict)

    @property
    def open_run(self) -> OpenRun | None:
        """The run that has not ended, and has something to do."""
        ledger = self.evidence.ledger
        run = ledger.open_run if ledger else None
        return run if run and run.steps else None

    @property
    def holder(self) -> str | None:
        """Who holds the lock, as far as that can be seen."""
        return self.evidence.graph.holder if self.evidence.graph else None

    @property
    def offline_indexes(self) -> dict[str, IndexState]:
        """The indexes that queries can't use, by their names."""
        graph = self.evidence.graph
        states = graph.catalogue.states if graph else {}
        return {name: state for name, state in states.items() if not state.online}


def judge_status(status: Status) -> tuple[Finding, ...]:
    """Return what is not as it should be; all of it is a finding of verify, too.

    While another command writes, ledger and graph may seem not to fit: that is left
    for when it has ended.
    """
    found = judge(status.evidence)
    if status.holder is not None:
        found = tuple(f for f in found if not f.code.startswith("stamp-"))
    return (*found, *_indexes(status))


def _indexes(status: Status) -> Iterator[Finding]:
    for name, state in status.offline_indexes.items():
        failed = state.state == "FAILED"
        yield Finding(
            "index-failed" if failed else "index-populating",
            f"index {name}",
            "it is ONLINE",
            shown_state(state),
            "Mend the data that the message names, then `alembic-neo4j repair`."
            if failed
            else "Wait; queries don't use it before that.",
        )


def shown_state(state: IndexState) -> str:
    """Return how far an index is, in words."""
    if state.state == "FAILED":
        return f"FAILED: {' '.join(state.failure_message.split())}"
    return f"{state.state}, {state.population:.0f} % populated"
