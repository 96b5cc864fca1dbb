"""Secrets of the environment: a variable, or one that names a file."""

from __future__ import annotations

from pathlib import Path

from alembic_neo4j.configuration import key_values
from alembic_neo4j.configuration.sources import variable
from alembic_neo4j.errors import ConfigurationError


def secret_variable(name: str, what: str, project: Path) -> str | None:
    """Return a secret of ``ALEMBIC_NEO4J_<name>``, or of the file of ``…_FILE``.

    A relative file is one of the project's directory. Raises ConfigurationError where
    both are given, or the file can't be read; the secret is in no message.
    """
    given, file = variable(name), variable(f"{name}_FILE")
    if given and file:
        raise ConfigurationError(
            f"{given[1]} and {file[1]} are both given: leave out one of them"
        )
    if given:
        return given[0]
    if file:
        return key_values.first_line(file[0], project, file[1], what)
    return None
