"""Running a file of Cypher that is no revision, through the journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic.config import Config

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.command.verb_run import run_recorded, verb_step
from alembic_neo4j.cypher.files import CypherFile
from alembic_neo4j.cypher.lexer import significant_tokens
from alembic_neo4j.errors import ConfigurationError, StatementError
from alembic_neo4j.graph.connection import Graph, ServerRefused
from alembic_neo4j.migration.session import Session
from alembic_neo4j.sentences import ended

_SYNTAX = "Neo.ClientError.Statement.SyntaxError"


def run_file(config: Config, file: CypherFile, parameters: Mapping[str, Any]) -> None:
    """Run the statements of a file, each exactly once, in transactions by kind.

    What the server can't read is found before the first of them runs. Raises
    ConfigurationError where the file is for another database, StatementError with file
    and line where the server refuses a statement, and what `run_recorded` raises. A
    file without a statement sends nothing.
    """
    step = verb_step("run", file.name, file.digest, parameters)

    def act(session: Session) -> None:
        _check_database(session.graph, file)
        _check_syntax(session.graph, file)
        run_recorded(session, step, lambda runner: runner.add(file.statements))

    if file.statements:
        in_session(config, act)


def named(path: Path, project: Path) -> str:
    """Return a file's name as the journal knows it, wherever the command is called."""
    resolved = path.resolve()
    inside = resolved.is_relative_to(project)
    return (resolved.relative_to(project) if inside else resolved).as_posix()


def _check_database(graph: Graph, file: CypherFile) -> None:
    if not file.uses:
        return
    known = graph.settings.database or graph.database
    for use in file.uses:
        if use.database.lower() != known.lower():
            raise ConfigurationError(
                f"{use.place}: the file is for the database {use.database!r}, and "
                f"this project's is {known!r}; nothing has run. Run it with "
                f"-x neo4j.database={use.database}, or take the :use out"
            )


def _check_syntax(graph: Graph, file: CypherFile) -> None:
    for run in file.statements:
        if significant_tokens(run.text)[0].keyword in ("EXPLAIN", "PROFILE"):
            continue
        try:
            list(graph.stream(f"EXPLAIN {run.text}", run.parameters))
        except ServerRefused as error:
            # Whatever else is wrong may be right once the statements before it ran.
            if error.code == _SYNTAX:
                raise StatementError(
                    f"{run.place}: {ended(error.server_message)} Nothing has run"
                ) from error
