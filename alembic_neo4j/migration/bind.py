"""What ``op.get_bind()`` and ``op.get_context()`` promise to a revision."""

from __future__ import annotations

from typing import Any, Protocol

from alembic_neo4j.errors import RevisionError
from alembic_neo4j.migration.operations import RunCypherOp, Runner


class Bind(Protocol):
    """The graph, as a revision sees it."""

    def run(self, cypher: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run a statement at once and return its rows, each a dict by column."""
        ...


class RunnerBind:
    """The bind over a runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, cypher: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run a statement at once and return its rows, each a dict by column."""
        if not isinstance(cypher, str):
            raise RevisionError(
                f"get_bind().run: cypher = {cypher!r}: expected a Cypher text, found "
                f"{type(cypher).__name__}"
            )
        rows: list[dict[str, Any]] = self._runner.invoke(
            RunCypherOp(cypher, parameters)
        )
        return rows
