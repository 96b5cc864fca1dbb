"""What ``op.get_bind()`` and ``op.get_context()`` promise to a revision."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from alembic_neo4j.errors import RevisionError
from alembic_neo4j.migration.operations import GraphOperation, RunCypherOp


class Bind(Protocol):
    """The graph, as a revision sees it."""

    def run(self, cypher: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run a statement at once and return its rows, each a dict by column."""
        ...


class Runner(Protocol):
    """Takes the operations of a revision: a server, a script, or a recording."""

    def invoke(self, operation: GraphOperation) -> Any:
        """Do what the operation asks for and return its rows, if it has any."""
        ...

    def execute(self, cypher: str) -> None:
        """Do a Cypher statement whose rows nobody wants."""
        ...

    def on_ledger(self, text: str, act: Callable[[], None]) -> None:
        """Do what the revision asks of the ledger's database; `text` tells what."""
        ...

    def autocommit_block(self) -> AbstractContextManager[None]:
        """Enter a block whose statements run outside of explicit transactions."""
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
