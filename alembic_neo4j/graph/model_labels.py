"""Looking for nodes that lack a label which their model gives to all of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from alembic_neo4j.cypher.data_survey import SAMPLE, LackingLabels
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.definitions import Node


def find_lacking(
    graph: Graph,
    models: Iterable[Node],
    counts: Mapping[str, int],
    *,
    full: bool,
) -> Iterator[LackingLabels]:
    """Yield the models whose nodes lack labels, of each what it alone is to blame for.

    `counts` says how many nodes each label in use has: where a base has fewer than the
    model, so many lack it for certain. What the counts do not tell is looked for in the
    first SAMPLE nodes of the model, or with `full` in all of them. A label that comes
    with another base is that one's, as far as a node has it.
    """
    known = {model.label: model for model in models}
    for model in known.values():
        if model.bases and counts.get(model.label):
            found = _found(graph, _Question(model, known), counts, full=full)
            if found is not None:
                yield found


@dataclass(frozen=True)
class _Question:
    """What is asked of the nodes ``n`` of a model."""

    model: Node
    models: Mapping[str, Node]

    @property
    def lacks(self) -> list[str]:
        """For each base, the predicate of the nodes that lack it."""
        return [
            " AND ".join(
                f"NOT n:{quote(label)}" for label in (base, *self.through(base))
            )
            for base in self.model.bases
        ]

    @property
    def lacks_any(self) -> str:
        """The predicate of the nodes that lack any base."""
        return " OR ".join(f"({lacks})" for lacks in self.lacks)

    @property
    def pattern(self) -> str:
        """The nodes of the model."""
        return f"MATCH (n:{quote(self.model.label)})"

    def through(self, base: str) -> Sequence[str]:
        """Return the other bases whose models bring this one."""
        return [
            other
            for other in self.model.bases
            if other in self.models and base in self.models[other].bases
        ]

    def fewer(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return how many nodes lack each base for certain, by the counts alone."""
        count = counts[self.model.label]
        lacking = {
            base: count - counts.get(base, 0)
            for base in self.model.bases
            if not self.through(base)
        }
        return {base: number for base, number in lacking.items() if number > 0}


def _found(
    graph: Graph, question: _Question, counts: Mapping[str, int], *, full: bool
) -> LackingLabels | None:
    model = question.model
    sample = "" if full else f"WITH n LIMIT {SAMPLE}\n"
    each = ", ".join(f"count(CASE WHEN {one} THEN 1 END)" for one in question.lacks)
    (row,) = graph.read(
        f"{question.pattern}\n{sample}WITH n WHERE {question.lacks_any}\n"
        f"RETURN count(n) AS count, min(elementId(n)) AS example, [{each}] AS each"
    )
    seen = {base for base, one in zip(model.bases, row["each"], strict=True) if one}
    fewer = {} if full else question.fewer(counts)
    count = max(row["count"], *fewer.values(), 0)
    if not count:
        return None
    example = row["example"]
    if example is None:
        found = graph.read(
            f"{question.pattern}\nWHERE {question.lacks_any}\n"
            "RETURN elementId(n) AS id LIMIT 1"
        )
        if not found:
            # Somebody has mended it meanwhile.
            return None
        example = found[0]["id"]
    bases = tuple(base for base in model.bases if base in seen or base in fewer)
    return LackingLabels(model.label, bases, count, example, full)
