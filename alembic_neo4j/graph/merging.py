"""Merging nodes: their relationships are moved in batches, then each group at once.

Until the last transaction of a group nothing of its nodes has changed but where
relationships lead to, so that a merge which was broken off finds the same groups again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from alembic_neo4j.cypher.data_changes import RELATIONSHIP_BATCH_SIZE, united
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import Merge
from alembic_neo4j.graph.batches import BatchSize, is_too_much, uncrossed
from alembic_neo4j.graph.connection import Graph, ServerRefused

log = logging.getLogger(__name__)

Group = list[int]
"""The internal ids of nodes that become one; the first is the one that stays."""

PAGE = 50_000
"""How many groups are fetched at once."""

_TYPES = (
    "MATCH (n)-[r]-() WHERE id(n) IN $going RETURN DISTINCT type(r) AS type "
    "ORDER BY type"
)
_LABELS = (
    "UNWIND $groups AS ids MATCH (n) WHERE id(n) IN ids UNWIND labels(n) AS label "
    "WITH DISTINCT ids[0] AS first, label MATCH (s) WHERE id(s) = first "
    "AND NOT label IN labels(s) RETURN label, collect(first) AS ids ORDER BY label"
)


def run_merge(
    graph: Graph,
    step: Merge,
    size: int,
    *,
    between: Callable[[], None] = lambda: None,
) -> int:
    """Merge what belongs together, and return how many nodes have gone.

    A transaction moves `size` relationships or merges so many nodes at most, one group
    at the least, and fewer once the server has run out of memory. `between` is called
    before each; what it raises ends the merge there. Raises StatementError where the
    server refuses a transaction, such as for a constraint: what was merged by then
    stays, and the next call goes on from it.
    """
    merge = _Merging(graph, step, size, between)
    found = PAGE
    while found == PAGE:
        # All of a page first: a result that is read on while its nodes go is undefined.
        page = [row["ids"] for row in graph.stream(step.groups, {"limit": PAGE})]
        for groups in _together(page, size):
            merge.carry_out(groups)
        found = len(page)
    log.info("%s: %s merged into others", step.title, f"{merge.gone:,}")
    return merge.gone


def _together(groups: Sequence[Group], size: int) -> Iterator[list[Group]]:
    """Yield groups that share a transaction."""
    pending: list[Group] = []
    for ids in groups:
        if pending and sum(map(len, pending)) + len(ids) > size:
            yield pending
            pending = []
        pending.append(ids)
    if pending:
        yield pending


class _Merging:
    """A merge under way: how many nodes have gone, and how much it does at once."""

    def __init__(
        self, graph: Graph, step: Merge, size: int, between: Callable[[], None]
    ) -> None:
        self.gone = 0
        self._graph = graph
        self._step = step
        self._between = between
        self._size = BatchSize(step.title, min(size, RELATIONSHIP_BATCH_SIZE))

    def carry_out(self, groups: Sequence[Group]) -> None:
        """Merge the nodes of some groups."""
        going = [id_ for ids in groups for id_ in ids[1:]]
        stays = {str(id_): ids[0] for ids in groups for id_ in ids[1:]}
        for row in list(self._graph.stream(_TYPES, {"going": going})):
            self._move(row["type"], going, stays)
        self._between()
        try:
            uncrossed(lambda: self._unite(groups))
        except ServerRefused as error:
            if len(groups) == 1 or not is_too_much(error):
                raise
            middle = len(groups) // 2
            self.carry_out(groups[:middle])
            self.carry_out(groups[middle:])
        else:
            self.gone += len(going)

    def _move(self, type_: str, going: list[int], stays: dict[str, int]) -> None:
        """Let the relationships of a type lead to the nodes that stay."""
        text = (
            f"MATCH (n)-[r:{quote(type_)}]-() WHERE id(n) IN $going\n"
            "WITH DISTINCT r LIMIT $limit\n"
            "WITH r, startNode(r) AS a, endNode(r) AS b, properties(r) AS properties\n"
            "MATCH (s) WHERE id(s) = coalesce($stays[toString(id(a))], id(a))\n"
            "MATCH (e) WHERE id(e) = coalesce($stays[toString(id(b))], id(b))\n"
            f"DELETE r CREATE (s)-[copy:{quote(type_)}]->(e) SET copy = properties\n"
            "RETURN count(*) AS moved"
        )
        left = True
        while left:
            self._between()
            limit = self._size.now
            parameters = {"going": going, "stays": stays, "limit": limit}
            try:
                moved = self._moved_by(text, parameters)
            except ServerRefused as error:
                self._size.shrink(error)
                continue
            self._size.grow()
            left = moved == limit

    def _moved_by(self, text: str, parameters: Mapping[str, Any]) -> int:
        ((row,),) = uncrossed(lambda: self._graph.transaction([(text, parameters)]))
        return int(row["moved"])

    def _unite(self, groups: Sequence[Group]) -> None:
        """Give what they have to the nodes that stay, and delete the others."""
        with self._graph.begin() as run:
            labels = run(_LABELS, {"groups": groups})
            run(_united(self._step), {"groups": groups})
            # Only now: the others had values that a label may want to be unique.
            for row in labels:
                run(
                    f"MATCH (n) WHERE id(n) IN $ids SET n:{quote(row['label'])}",
                    {"ids": row["ids"]},
                )


def _united(step: Merge) -> str:
    """Return the statement that unites groups of nodes without relationships."""
    chosen = [
        _chosen(name, policy, step.gathered.get(name, name))
        for name, policy in step.policies
        if policy != "fail"
    ]
    order = "maps" if step.policy == "last" else "reverse(maps)"
    lines = [
        "UNWIND $groups AS ids",
        "UNWIND range(0, size(ids) - 1) AS position",
        "MATCH (n) WHERE id(n) = ids[position]",
        "WITH ids, position, n ORDER BY position",
        "WITH ids, collect(n) AS members, collect(properties(n)) AS maps",
        "WITH members[0] AS n, members[1..] AS going, maps",
        "FOREACH (other IN going | DELETE other)",
        # The last one that is written wins.
        f"FOREACH (map IN {order} | SET n += map)",
    ]
    if chosen:
        lines.append(f"SET {', '.join(chosen)}")
    lines.append(united("n", "maps"))
    return "\n".join(lines)


def _chosen(name: str, policy: str, into: str) -> str:
    """Return the assignment of what stays of a property of a group's nodes."""
    value = f"m.{quote(name)}"
    if into != name:
        # One that others were merged into, before the merge was broken off.
        value = f"coalesce(m.{quote(into)}, {value})"
    return f"n.{quote(into)} = {_CHOICES[policy].format(value)}"


_CHOICES = {
    "first": "head([m IN maps WHERE {0} IS NOT NULL | {0}])",
    "last": "last([m IN maps WHERE {0} IS NOT NULL | {0}])",
    "all": "CASE WHEN any(m IN maps WHERE {0} IS NOT NULL) THEN "
    "reduce(all = [], m IN maps | all + coalesce({0}, [])) END",
}
