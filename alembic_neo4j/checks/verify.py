"""Judging a project, its ledger and its graph as a whole."""

from __future__ import annotations

from alembic_neo4j.checks.data import judge_data
from alembic_neo4j.checks.drift import judge_drift
from alembic_neo4j.checks.evidence import Evidence, GraphEvidence
from alembic_neo4j.checks.findings import CODES, Finding, Severity
from alembic_neo4j.checks.history import judge_history, judge_ledger, judge_models
from alembic_neo4j.checks.runs import judge_markers, judge_run
from alembic_neo4j.checks.stamp import Resemblance, judge_stamp

_ORDER = tuple(Severity)


def judge(evidence: Evidence) -> tuple[Finding, ...]:
    """Return all that is not as it should be, errors first.

    What could not be looked at is not judged.
    """
    found = [*judge_history(evidence.history)]
    if evidence.ledger is not None:
        found += judge_ledger(evidence.ledger, evidence.history)
    if evidence.models is not None:
        found += judge_models(evidence.models)
    found += _judge_graph(evidence)
    if evidence.data is not None:
        found += judge_data(evidence.data)
    return tuple(sorted(found, key=_rank))


def _judge_graph(evidence: Evidence) -> list[Finding]:
    ledger, graph = evidence.ledger, evidence.graph
    holder = graph.holder if graph else None
    if ledger is None:
        return []
    found = [*judge_run(ledger, evidence.history, holder)]
    if graph is not None:
        drift = [*judge_drift(graph)]
        found += judge_stamp(
            graph.stamp, ledger, evidence.history, _resemblance(graph, drift)
        )
        found += drift
        found += judge_markers(graph.markers, ledger, graph.stamp, holder)
    return found


def _resemblance(graph: GraphEvidence, drift: list[Finding]) -> Resemblance:
    declared = graph.declared
    anything = declared and (declared.indexes or declared.constraints)
    lacking = {"element-missing", "element-changed"} & {f.code for f in drift}
    return Resemblance(bool(anything) and not lacking)


def _rank(finding: Finding) -> tuple[int, int]:
    return _ORDER.index(finding.severity), list(CODES).index(finding.code)
