"""Judging the graph's indexes and constraints against those of the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alembic_neo4j.checks.evidence import GraphEvidence
from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.cypher.capabilities import missing
from alembic_neo4j.cypher.catalogue import IndexState, same_definition
from alembic_neo4j.cypher.ddl import create_text
from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.definitions import Constraint, Element, Index, described
from alembic_neo4j.sentences import ended

_NOTHING = "nothing"
_AGAIN = "drop it, and create it as the history has it"


def judge_drift(graph: GraphEvidence) -> Iterator[Finding]:
    """Yield where the graph's indexes and constraints are not the history's.

    What the open run is adding or dropping is left out. Where the history is not
    known, only what can't be read is left.
    """
    if graph.declared is not None:
        declared, live = graph.declared.elements, graph.catalogue.schema.elements
        yield from _Comparison(graph, declared, live).findings()
    for name, reason in graph.catalogue.unreadable.items():
        yield Finding(
            "element-unreadable",
            name,
            "an index or constraint of a kind that is known here",
            reason,
            "It is left alone. A later release of alembic-neo4j may know it.",
        )


@dataclass(frozen=True)
class _Comparison:
    graph: GraphEvidence
    declared: Mapping[Any, Element]
    live: Mapping[Any, Element]

    def findings(self) -> Iterator[Finding]:
        taken = set()
        for key, element in self.declared.items():
            if key in self.graph.under_way:
                continue
            live = self.live.get(key) or self._in_its_place(element)
            if live is not None:
                taken.add(live.key)
            yield from self._declared(element, live)
        for key, element in self.live.items():
            if key not in {*self.declared, *self.graph.under_way, *taken}:
                yield self._foreign(element)

    def _in_its_place(self, element: Element) -> Element | None:
        """Return what has its name and is nothing that the history asks for."""
        for key, live in self.live.items():
            if live.name == element.name and key not in self.declared:
                return live
        return None

    def _declared(self, element: Element, live: Element | None) -> Iterator[Finding]:
        if live is None:
            yield self._missing(element)
        elif _is_orphan(element, live):
            yield _judged(
                "index-orphan",
                element,
                live,
                "A server that was killed leaves it (neo4j/neo4j#13208). Nothing is "
                "enforced, and the constraint can't be created before it is dropped.",
                "drop the index, and create the constraint",
            )
        elif not self._same(element, live):
            yield _judged(
                "element-changed",
                element,
                live,
                "It was changed outside of the history. Put the change into a "
                "revision, or take it back: `alembic-neo4j repair`.",
                _AGAIN,
            )
        else:
            yield from self._present(element, live)

    def _same(self, element: Element, live: Element) -> bool:
        settings = self.graph.catalogue.settings.get(live.name)
        return same_definition(element, live, settings=settings)

    def _missing(self, element: Element) -> Finding:
        reason = missing(self.graph.server, element)
        return Finding(
            "element-missing",
            described(element),
            _text(element),
            _NOTHING,
            ended(reason) if reason else "Create it: `alembic-neo4j repair`.",
            "" if reason else "create it",
            element=element,
        )

    def _present(self, element: Element, live: Element) -> Iterator[Finding]:
        state = self.graph.catalogue.states.get(live.name)
        if state is not None and state.state == "FAILED":
            yield Finding(
                "index-failed",
                described(element),
                "its index is ONLINE",
                _state(state),
                "Mend the data that the message names, then `alembic-neo4j repair`.",
                _AGAIN,
                element=element,
                live=live,
            )
        elif state is not None and not state.online:
            yield Finding(
                "index-populating",
                described(element),
                "its index is ONLINE",
                _state(state),
                "Wait; queries don't use it before that.",
            )
        if element.name != live.name:
            yield Finding(
                "element-renamed",
                described(element),
                f"the name {element.name}",
                f"the name {live.name}",
                "It is the same all the same; a revision finds it by what it is.",
                element=element,
                live=live,
            )

    def _foreign(self, live: Element) -> Finding:
        state = self.graph.catalogue.states.get(live.name)
        shown = "" if state is None or state.online else f" ({_state(state)})"
        return Finding(
            "element-foreign",
            described(live),
            _NOTHING,
            f"{_text(live)}{shown}",
            "Put it into the models or a revision, leave it out by include_object in "
            "env.py, or drop it: `alembic-neo4j repair --drop-foreign`.",
            "drop it",
            decision=True,
            live=live,
        )


def _judged(
    code: str, element: Element, live: Element, advice: str, repair: str
) -> Finding:
    return Finding(
        code,
        described(element),
        _text(element),
        _text(live),
        advice,
        repair,
        element=element,
        live=live,
    )


def _is_orphan(element: Element, live: Element) -> bool:
    return (
        isinstance(element, Constraint)
        and isinstance(live, Index)
        and element.labels == live.labels
        and element.properties == live.properties
    )


def _text(element: Element) -> str:
    try:
        return create_text(element)
    except SchemaError:
        # A type of a newer server than this package knows.
        return described(element)


def _state(state: IndexState) -> str:
    if state.state == "FAILED":
        return f"FAILED: {state.failure_message.strip()}"
    return f"{state.state}, {state.population:.0f} % populated"
