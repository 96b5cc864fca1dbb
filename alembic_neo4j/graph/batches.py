"""A data change over many entities, in transactions that the server can hold.

Internal ids are what a batch is cut by: a server finds an entity by its id at once,
and a scan of a label or a type gives them in ascending order. Where the entities lie
close together a batch is a range of ids, and none of them is ever sent. Where they are
few among many others, that would be a walk through the whole store: their ids are
fetched by the page and sent back in batches. Nothing is remembered: what has been
changed is not left to do any more, so that a change which was broken off goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from alembic_neo4j.cypher.steps import Batched
from alembic_neo4j.graph.batch_size import BatchSize, uncrossed
from alembic_neo4j.graph.connection import Graph, Row, ServerRefused
from alembic_neo4j.graph.parameters import Sendable

log = logging.getLogger(__name__)

REPORT_SECONDS = 10.0
"""How often a long data change says how far it is."""

PAGE = 500_000
"""How many ids are fetched at once; about 20 MB of this process."""

SPARSE = 10
"""Ids are walked through where one in so many belongs to the change."""

WIDEST = 50
"""How many times the size of a batch its range of ids may be, where few are left."""


def run_batches(
    graph: Graph,
    step: Batched,
    size: int,
    *,
    between: Callable[[], None] = lambda: None,
) -> int:
    """Carry out a data change and return how many entities it has changed.

    A transaction changes `size` of them at most, and fewer once the server has run out
    of memory. `between` is called before each; what it raises ends the change there.
    Raises StatementError where the server refuses a batch. What was changed by then
    stays, and the next call goes on from it.
    """
    batches = _Batches(graph, step, size, between)
    batches.run()
    level = logging.INFO if batches.changed else logging.DEBUG
    log.log(level, "%s: %s %s", step.title, f"{batches.changed:,}", step.done)
    return batches.changed


class _Batches:
    """A data change under way: how far it is, and how much it does at once."""

    def __init__(
        self, graph: Graph, step: Batched, size: int, between: Callable[[], None]
    ) -> None:
        self.changed = 0
        self._graph = graph
        self._step = step
        self._between = between
        self._wanted = size
        self._size = BatchSize(step.title, size)
        self._reported = time.monotonic()

    def run(self) -> None:
        """Change what is left to do: first one batch, which may be all of it."""
        ids = self._walk_others() if self._step.walks_others else self._walk_on()
        while ids:
            ids = self._left(after=ids[-1], limit=PAGE)
            self._write(ids)

    def _walk_others(self) -> list[int]:
        """Change what is found by others, and return an id from which on there is more.

        One batch of it would be as dear to find as all.
        """
        if (extent := self._extent()) is not None:
            self._walk(*extent)
        return [-1]

    def _walk_on(self) -> list[int]:
        """Change one batch and, where there is more, what lies close together."""
        ids = self._left(after=-1, limit=self._wanted)
        self._write(ids)
        if len(ids) < self._wanted or (extent := self._extent()) is None:
            return ids
        _, last = extent
        self._walk(ids[-1] + 1, last)
        return [max(ids[-1], last)]

    def _left(self, *, after: int, limit: int) -> list[int]:
        """Return the next ids of what is left to do, in ascending order."""
        while True:
            wanted = {**self._step.parameters, "after": after, "limit": limit}
            try:
                # Not by Graph.read, which would try the same again for a long time.
                (row,) = self._graph.stream(self._step.select, wanted)
            except ServerRefused as error:
                limit = self._size.fewer(limit, error)
            else:
                ids: list[int] = row["ids"]
                return ids

    def _write(self, ids: list[int]) -> None:
        """Change the entities with these ids."""
        at = 0
        while at < len(ids):
            batch = Sendable(ids[at : at + self._size.now])
            if self._attempt(self._step.write, {"ids": batch}) is not None:
                at += len(batch)

    def _extent(self) -> tuple[int, int] | None:
        """Return the ends of a walk, None where it would pass too many others."""
        if not self._step.walk:
            return None
        extent = list(self._graph.stream(self._step.extent, self._step.parameters))
        if len(extent) != 3:
            return None
        count, first, last = (row["value"] for row in extent)
        return (first, last) if last - first < count * SPARSE else None

    def _walk(self, first: int, last: int) -> None:
        """Change the entities whose ids are in a range, one range after the other."""
        width = self._size.now
        while first <= last:
            least = 1 if self._step.walks_others else self._size.now
            until, size = min(first + width - 1, last), self._size.now
            row = self._attempt(
                self._step.walk, {"first": first, "last": until, "size": size}
            )
            if row is None:
                width = max(width // 2, least)
                continue
            if row["changed"] == size:
                until = row["last"]
            passed, first = until - first + 1, until + 1
            # As wide as it takes to find a whole batch at this density.
            width = passed * self._size.now // max(row["changed"], 1)
            width = max(least, min(width, self._size.now * WIDEST))

    def _attempt(self, text: str, parameters: Mapping[str, Any]) -> Row | None:
        """Change one batch; None where that is too much at once."""
        self._between()
        statement = (text, {**self._step.parameters, **parameters})
        try:
            ((row,),) = uncrossed(lambda: self._graph.transaction([statement]))
        except ServerRefused as error:
            self._size.shrink(error)
            return None
        self._size.grow()
        self.changed += row["changed"]
        if time.monotonic() - self._reported > REPORT_SECONDS:
            log.info("%s: %s so far", self._step.title, f"{self.changed:,}")
            self._reported = time.monotonic()
        return row
