"""Waiting for a graph and its ledger to answer, and bringing the graph to its heads."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from alembic import command
from alembic.config import Config

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.command.upgrade import pending_scripts
from alembic_neo4j.database import sqlite_path
from alembic_neo4j.errors import Neo4jMigrationError
from alembic_neo4j.graph.connection import ServerRefused, Unreachable
from alembic_neo4j.migration.session import Session

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
_PASSES = "Neo.TransientError."
"""How the code of an error begins that may pass by itself."""


@dataclass(frozen=True)
class Ensured:
    """The revisions that were applied, in their order, and how long was waited."""

    applied: tuple[str, ...]
    waited: float


def ensure(config: Config, *, patience: float) -> Ensured:
    """Upgrade a graph to all heads once it answers, and return what was applied.

    `patience` is how many seconds it may take until graph and ledger answer; what a
    later attempt would not change is raised at once, such as a password that is
    refused. Raises ConnectionFailed or ConfigurationError where they do not answer in
    time, and what ``alembic upgrade`` raises.
    """
    waited = _await(config, patience)
    before = in_session(config, _pending)
    if before:
        command.upgrade(config, "heads")
    left = in_session(config, _pending) if before else ()
    return Ensured(tuple(each for each in before if each not in left), waited)


def _pending(session: Session) -> tuple[str, ...]:
    return tuple(script.revision for script in pending_scripts(session))


def _await(config: Config, patience: float) -> float:
    """Return after how many seconds graph and ledger have answered."""
    began = time.monotonic()
    told = False
    while (error := in_session(config, _missing)) is not None:
        waited = time.monotonic() - began
        if waited + _PAUSE_SECONDS > patience:
            raise error
        if not told:
            log.info("Waiting for at most %g s: %s", patience, error)
            told = True
        time.sleep(_PAUSE_SECONDS)
    return time.monotonic() - began


def _missing(session: Session) -> Neo4jMigrationError | None:
    """Return why it can't begin yet, None where it can; raises what will not pass."""
    session.check()
    failure = session.database.failure
    if failure is not None:
        if sqlite_path(session.database.url) is not None:
            # A file does not come by itself.
            raise failure
        return failure
    try:
        session.graph.read("RETURN 1 AS one")
    except Unreachable as error:
        return error
    except ServerRefused as error:
        if not error.code.startswith(_PASSES):
            raise
        return error
    return None
