"""Telling whether a graph answers, has the schema it should, and no stray data."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.util.exc import CommandError

from alembic_neo4j.checks.evidence import Evidence, HistoryEvidence
from alembic_neo4j.checks.findings import Severity
from alembic_neo4j.checks.verify import judge
from alembic_neo4j.command.audit import judge_trail
from alembic_neo4j.command.backup import listed
from alembic_neo4j.command.evidence import gather_records, read_lacking
from alembic_neo4j.command.inspection import inspect_project
from alembic_neo4j.command.ledger_backup import usual_directory
from alembic_neo4j.cypher.catalogue import OWN_LABEL_PREFIX
from alembic_neo4j.cypher.orphans import OrphanQuery, orphan_queries
from alembic_neo4j.database import sqlite_path
from alembic_neo4j.entities.backup import list_backups
from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
from alembic_neo4j.graph.data_survey import label_counts, names_in_use
from alembic_neo4j.graph.driver import load_driver
from alembic_neo4j.migration.compare import Selection
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.schema.definitions import EntityType, Node, Schema
from alembic_neo4j.schema.known_names import known_labels

if TYPE_CHECKING:
    from alembic_neo4j.local import LocalServer

_OF_FILES = {"file-missing", "file-edited", "revision-inserted"}
"""Errors that are the files' and not the graph's."""

_METRICS_SECONDS = 30.0
"""How long all that is beside the checks may take."""

METRICS: Mapping[str, str] = {
    "server": "the release and edition",
    "nodes": "how many nodes there are",
    "relationships": "how many relationships there are",
    "indexes": "how many indexes there are in each state",
    "nodes_lacking_labels": "how many nodes were found without a label of their model",
    "store_bytes": "the size of the data of a local server",
    "lock_holder": "who holds the graph's lock",
    "open_run": "the run that was begun and has not ended",
    "heads": "the revisions where the ledger is",
    "pending": "how many revisions have not been applied",
    "backup_age_seconds": "how old the latest backup of the graph is",
    "restored_backup_age_seconds": "how old the latest one is that was restored",
    "ledger_backup_age_seconds": "how old the latest backup of the ledger is",
    "audit_events": "how many events the audit trail has",
    "audit_intact": "whether its events follow from each other",
}
"""What is measured besides the checks, by what it is called."""

_GRACE_SECONDS = 0.5
"""How long a look that has failed for its time may go on until the graph is closed."""

_NODES = "MATCH (n) RETURN count(n) AS count"
_RELATIONSHIPS = "MATCH ()-[r]->() RETURN count(r) AS count"
_STATES = ("online", "populating", "failed")


class CheckStatus(str, Enum):
    """What has become of a check."""

    PASS = "pass"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class CheckResult:
    """What a check has found: why it failed, and how many seconds it took."""

    name: str
    status: CheckStatus
    seconds: float = 0.0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class HealthReport:
    """The checks at a moment (in UTC), and what was measured besides, where asked for.

    A measure is None where it could not be taken.
    """

    moment: datetime
    checks: tuple[CheckResult, ...]
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        """Whether all checks have passed."""
        return all(check.status is CheckStatus.PASS for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return it as the JSON of ``alembic-neo4j health`` has it.

        Only with metrics it says more than whether each check has passed, and when.
        """
        found: dict[str, Any] = {
            "status": "healthy" if self.is_healthy else "unhealthy",
            "timestamp": f"{self.moment:%Y-%m-%dT%H:%M:%SZ}",
            "checks": {check.name: self._of(check) for check in self.checks},
        }
        return {**found, "metrics": dict(self.metrics)} if self.metrics else found

    def _of(self, check: CheckResult) -> dict[str, Any]:
        found = {
            "status": check.status.value,
            "duration_ms": round(check.seconds * 1000),
        }
        return {**found, "problems": [*check.problems]} if self.metrics else found


def check_health(
    config: Config, *, detailed: bool = False, graph: Graph | None = None
) -> HealthReport:
    """Return how the graph of a project is; nothing is written, and nothing started.

    Each check ends in its own time, whatever the server does, and after one that fails
    the others are skipped. `graph` is the one to look at, by default the project's.
    Raises ConfigurationError where the project says no graph.
    """

    def look(context: Neo4jMigrationContext) -> HealthReport:
        session = context.session
        settings = session.graph.settings
        server = _running(settings) if settings.is_local else None
        if graph is not None:
            session.graph = graph
        elif server is not None:
            # Not by its name, which would start one.
            login = Credentials("basic", server.username, server.password)
            settings = replace(settings, url=server.url, credentials=login)
            session.graph = Graph(settings)
        session.graph.connect_seconds = session.options.health_connectivity_timeout
        examination = _Examination(config, context, server)
        try:
            return examination.report(detailed=detailed)
        finally:
            examination.leave()
            # A look that hangs is not to open it again.
            session.graph.close(for_good=True)

    return inspect_project(config, look)


class _Examination:
    """The looks at one graph; what an earlier one found is at hand for the later."""

    def __init__(
        self,
        config: Config,
        context: Neo4jMigrationContext,
        server: LocalServer | None,
    ) -> None:
        self._config, self._context = config, context
        self._server = server
        self._session = context.session
        self._graph = context.session.graph
        self._records = Evidence(HistoryEvidence())
        self._threads: list[threading.Thread] = []

    def report(self, *, detailed: bool) -> HealthReport:
        """Return what all checks have found, and the metrics where asked for."""
        # Importing it is nothing that the server is to be blamed for.
        load_driver()
        moment = datetime.now(timezone.utc)
        options = self._session.options
        planned: list[tuple[str, float, Callable[[float], tuple[str, ...]]]] = [
            ("connectivity", options.health_connectivity_timeout, self._connectivity),
            ("schema_consistency", options.health_schema_timeout, self._schema),
            ("orphan_detection", options.health_orphan_timeout, self._orphans),
        ]
        checks: list[CheckResult] = []
        for name, seconds, look in planned:
            if any(check.status is CheckStatus.FAIL for check in checks):
                checks.append(CheckResult(name, CheckStatus.SKIPPED))
            else:
                checks.append(self._checked(name, seconds, look))
        metrics = self._metrics(checks[0].status) if detailed else {}
        return HealthReport(moment, tuple(checks), metrics)

    def _checked(
        self, name: str, seconds: float, look: Callable[[float], tuple[str, ...]]
    ) -> CheckResult:
        """Return what a look finds within some seconds; after that it is left alone."""
        outcome: list[tuple[str, ...]] = []

        def run() -> None:
            try:
                outcome.append(look(seconds))
            except Exception as error:
                # A check that breaks down has not passed, whatever it is.
                known = isinstance(error, CommandError)
                text = str(error) if known else f"{type(error).__name__}: {error}"
                outcome.append((text,))

        began = time.monotonic()
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        thread.join(seconds)
        took = time.monotonic() - began
        problems = (
            outcome[0]
            if outcome
            else (f"expected it within {seconds:g} s, found no end",)
        )
        status = CheckStatus.FAIL if problems else CheckStatus.PASS
        return CheckResult(name, status, took, problems)

    def leave(self) -> None:
        """Let what took too long come to its end, where that is near."""
        for thread in self._threads:
            thread.join(_GRACE_SECONDS)

    def _connectivity(self, seconds: float) -> tuple[str, ...]:
        if self._graph.settings.is_local:
            return (
                "expected the project's local server to run, found it stopped; start "
                "it: alembic-neo4j local start",
            )
        self._graph.read("RETURN 1 AS one", timeout=seconds)
        return ()

    def _schema(self, _seconds: float) -> tuple[str, ...]:
        self._records = gather_records(self._context)
        unread = (f"{part.area}: {part.reason}" for part in self._records.unchecked)
        wrong = (
            f"{finding.subject}: expected {finding.expected}, found {finding.found}"
            for finding in judge(self._records)
            if finding.severity is Severity.ERROR and finding.code not in _OF_FILES
        )
        return (*unread, *wrong)

    def _orphans(self, seconds: float) -> tuple[str, ...]:
        schema = self._records.history.schema
        if schema is None:
            return ("expected a history that can be replayed, found none",)
        until = time.monotonic() + seconds
        found = (
            self._strays(query, until)
            for query in orphan_queries(schema, self._known(schema))
        )
        return tuple(problem for problem in found if problem)

    def _known(self, schema: Schema) -> set[str]:
        """Return the labels that the history knows or that env.py leaves out."""
        selection = Selection(AutogenContext(self._context, autogenerate=False))
        known = known_labels(schema)
        left_out = {
            label
            for label in names_in_use(self._graph)[EntityType.NODE] - known
            if not selection.includes("node", Node(label), None)
        }
        return known | left_out

    def _strays(self, query: OrphanQuery, until: float) -> str:
        left = max(until - time.monotonic(), 0.001)
        (row,) = self._graph.read(query.text, timeout=left)
        if not row["count"]:
            return ""
        return (
            f"{query.subject}: expected {query.expected}, found {row['count']:,} "
            f"others, such as {row['example']}"
        )

    # What is measured besides --------------------------------------------------------

    def _metrics(self, connected: CheckStatus) -> dict[str, Any]:
        """Return what could be measured in time; the rest is None."""
        found: dict[str, Any] = dict.fromkeys(METRICS)
        looks = [self._ledger, self._audit, self._backups]
        if connected is CheckStatus.PASS:
            looks += [self._catalogue, self._contents, self._lacking, self._store]

        def measure() -> None:
            for look in looks:
                with suppress(Exception):
                    found.update(look())

        thread = threading.Thread(target=measure, daemon=True)
        self._threads.append(thread)
        thread.start()
        thread.join(_METRICS_SECONDS)
        # One that hangs may still write into the other.
        return dict(found)

    def _ledger(self) -> dict[str, Any]:
        heads = self._session.heads()
        run = self._session.recorded().open_run
        begun = run and {
            "action": run.steps[0].action,
            "subject": run.steps[0].subject,
            "begun_at": run.begun_at.isoformat(),
            "begun_by": run.begun_by,
        }
        below = {script.revision for script in self._session.history.below(heads)}
        known = self._session.script.walk_revisions()
        pending = [script for script in known if script.revision not in below]
        return {"heads": sorted(heads), "open_run": begun, "pending": len(pending)}

    def _audit(self) -> dict[str, Any]:
        verdict = judge_trail(self._session, False).verdict
        return {
            "audit_events": verdict.events,
            "audit_intact": verdict.broken is None,
        }

    def _backups(self) -> dict[str, Any]:
        """Return how old the latest are, of those in the usual directories."""
        now = datetime.now(timezone.utc)
        ledger = sqlite_path(self._session.database.url)
        of_ledger = list_backups(usual_directory(ledger)) if ledger else []
        known = listed(self._config, None)
        made = [b.manifest.created_at for b in known if b.manifest is not None]
        good = [b.manifest.created_at for b in known if b.manifest and b.restored_at]
        moments = {
            "backup_age_seconds": made,
            "restored_backup_age_seconds": good,
            "ledger_backup_age_seconds": [b.timestamp for b in of_ledger],
        }
        return {
            name: round((now - max(found)).total_seconds())
            for name, found in moments.items()
            if found
        }

    def _catalogue(self) -> dict[str, Any]:
        graph = self._records.graph
        if graph is None:
            return {}
        states = [each.state.lower() for each in graph.catalogue.states.values()]
        counts = {name: states.count(name) for name in _STATES}
        return {
            "server": str(graph.server),
            "indexes": counts,
            "lock_holder": graph.holder,
        }

    def _contents(self) -> dict[str, Any]:
        (nodes,) = self._graph.read(_NODES)
        (relationships,) = self._graph.read(_RELATIONSHIPS)
        labels = label_counts(self._graph)
        # A node of ours has no other label.
        ours = sum(labels[each] for each in labels if each.startswith(OWN_LABEL_PREFIX))
        return {
            "nodes": nodes["count"] - ours,
            "relationships": relationships["count"],
        }

    def _lacking(self) -> dict[str, Any]:
        schema = self._records.history.schema
        if schema is None:
            return {}
        found = read_lacking(self._context, schema, self._records.open_run)
        return {"nodes_lacking_labels": sum(each.count for each in found.lacking)}

    def _store(self) -> dict[str, Any]:
        """Return the size of a local server's files; of another nobody tells it."""
        if self._server is None:
            return {}
        from alembic_neo4j import local

        known = local.known(self._graph.settings.project)
        (size,) = (each.size for each in known if each.home == self._server.home)
        return {"store_bytes": size}


def _running(settings: GraphSettings) -> LocalServer | None:
    """Return the local server that an address asks for, None where it does not run."""
    from alembic_neo4j import local

    release = settings.url.partition(":")[2] or local.DEFAULT_VERSION
    for server in local.running(settings.project):
        is_asked_for = f"{server.version}.".startswith(f"{release}.")
        if is_asked_for and not server.disposable:
            return server
    return None
