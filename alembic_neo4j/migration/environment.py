"""What env.py calls: the models' schema, and a migration context over the graph."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine

from alembic_neo4j.configuration.project import Configuration, read_configuration
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.ledger.connection import LedgerConnection
from alembic_neo4j.ledger.store import quiet_alembic
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.migration.directives import process_revision_directives
from alembic_neo4j.migration.revision_code import load_revisions, no_exit, whole_history
from alembic_neo4j.migration.session import Session
from alembic_neo4j.migration.target_metadata import DEFAULT_DATABASE, ModelTarget


class EnvironmentProxy(Protocol):
    """The module ``alembic.context``, as env.py has it, or an EnvironmentContext."""

    config: Config

    def configure(self, **options: Any) -> None:
        """Make the migration context."""

    def get_context(self) -> MigrationContext:
        """Return the migration context."""
        ...

    def is_offline_mode(self) -> bool:
        """Tell whether this is ``--sql``."""
        ...

    def get_x_argument(self) -> list[str]:
        """Return the values of ``-x``."""
        ...


def target_schema(config: Config) -> ModelTarget:
    """Return what autogenerate compares with: the models that ``neo4j.models`` names.

    They are imported when a comparison needs them: an upgrade does not. Those whose
    ``__target_databases__`` lack the project's database, ``neo4j`` without
    ``neo4j.database``, are left out.
    """
    arguments = list(getattr(config.cmd_opts, "x", None) or ())
    configuration = read_configuration(config, arguments)
    database = configuration.graph.database or DEFAULT_DATABASE
    return ModelTarget(configuration.models, database)


@contextmanager
def configure(context: EnvironmentProxy, **options: Any) -> Iterator[None]:
    """Configure Alembic for the graph and its ledger; close both in the end.

    `options` are those of Alembic's own ``context.configure``. Nothing is opened, nor
    created, before it is needed. Raises ConfigurationError, and RevisionError or
    LedgerError where the revision files are no history.
    """
    if getattr(context.config, "cmd_opts", None) is not None:
        # The program ends soon after this: looking for garbage among all that was
        # imported would take a seventh of a verb that has nothing to do.
        atexit.unregister(gc.freeze)
        atexit.register(gc.freeze)
    configuration = read_configuration(context.config, context.get_x_argument())
    ledger = LedgerConnection(
        configuration.ledger_url,
        _given(context.config.attributes),
        configuration.ledger_origin,
    )
    graph = Graph(configuration.graph)
    try:
        with whole_history(), quiet_alembic():
            context.configure(
                **_place(context, configuration, ledger),
                **_options(configuration, options),
            )
        ours = _replaced(context, graph, ledger, configuration)
        if not ours.inspects:
            # Whoever inspects tells of a broken history among other things.
            load_revisions(ours.script)
        with no_exit():
            yield
    finally:
        graph.close()
        ledger.close()


def _options(
    configuration: Configuration, options: Mapping[str, Any]
) -> dict[str, Any]:
    user_hook = options.get("process_revision_directives")
    return {
        "autogenerate_plugins": ["alembic_neo4j"],
        "version_table": configuration.version_table,
        **options,
        "process_revision_directives": process_revision_directives(user_hook),
    }


def _place(
    context: EnvironmentProxy, configuration: Configuration, ledger: LedgerConnection
) -> dict[str, Any]:
    if context.is_offline_mode():
        return {"url": configuration.ledger_url, "literal_binds": True}
    return {"connection": ledger.for_reading()}


def _given(attributes: Mapping[str, Any]) -> Engine | Connection | None:
    given = attributes.get("connection")
    if given is None or isinstance(given, (Engine, Connection)):
        return given
    raise ConfigurationError(
        "config.attributes['connection'] has to be an Engine or a Connection of the "
        f"ledger's database, not a {type(given).__name__}"
    )


def _replaced(
    context: EnvironmentProxy,
    graph: Graph,
    ledger: LedgerConnection,
    configuration: Configuration,
) -> Neo4jMigrationContext:
    stock = context.get_context()
    ours = Neo4jMigrationContext(
        stock, Session(stock, graph, ledger, configuration.options)
    )
    # EnvironmentContext.configure() names its context class outright; this is the one
    # private attribute of Alembic that we set.
    environment = stock.environment_context
    assert environment is not None
    environment._migration_context = ours
    return ours
