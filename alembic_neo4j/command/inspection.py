"""Looking at a project as its env.py configures it, with no step taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.graph.limits import Interrupted
from alembic_neo4j.migration.context import Neo4jMigrationContext
from alembic_neo4j.migration.session import Session

Found = TypeVar("Found")


def in_session(config: Config, act: Callable[[Session], Found]) -> Found:
    """Run env.py and return what `act` returns of the session (see inspect_project)."""
    return inspect_project(config, lambda context: act(context.session))


def inspect_project(
    config: Config, look: Callable[[Neo4jMigrationContext], Found]
) -> Found:
    """Run env.py and return what `look` returns of the migration context in it.

    Graph and ledger are open while it looks; neither is created. Raises
    ConfigurationError when env.py did not come to the migrations of a graph, and what
    `look` raises.
    """
    found: list[Found] = []
    looked = False

    def fn(_heads: object, context: MigrationContext) -> list[object]:
        nonlocal looked
        if isinstance(context, Neo4jMigrationContext):
            looked = True
            found.append(look(context))
        return []

    script = ScriptDirectory.from_config(config)
    try:
        with EnvironmentContext(config, script, fn=fn, dont_mutate=True, inspects=True):
            script.run_env()
    except (Exception, SystemExit) as error:
        if looked or isinstance(error, (CommandError, Interrupted)):
            raise
        raise ConfigurationError(
            f"{script.dir}/env.py failed: {type(error).__name__}: {error}"
        ) from error
    if not found:
        raise ConfigurationError(
            f"{script.dir}/env.py did not run the migrations of a graph: it should "
            "call environment.configure(context, ...) of alembic_neo4j and then "
            "context.run_migrations()"
        )
    return found[0]
