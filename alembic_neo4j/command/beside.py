"""What is done beside graph and ledger, told in the trail of a project that has one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.migration.audit import audited_if_there_is_a_trail
from alembic_neo4j.migration.session import Session

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class _Once(Generic[Result]):
    """A function that is called once, and what it has returned."""

    def __init__(self, act: Callable[[], Result]) -> None:
        self._act, self._results, self.called = act, list[Result](), False

    def __call__(self) -> Result:
        if not self.called:
            self.called = True
            self._results.append(self._act())
        return self._results[0]

    @property
    def failed(self) -> bool:
        """Whether it was called and has returned nothing."""
        return self.called and not self._results


def told(
    config: Config, action: str, about: Sequence[str], act: Callable[[], Result]
) -> Result:
    """Return what `act` returns; the project's audit trail is told, before and after.

    It is done without a project, and where that can't be told, of which the log warns:
    it needs neither graph nor ledger. Raises what `act` raises.
    """
    once = _Once(act)

    def within(session: Session) -> None:
        with audited_if_there_is_a_trail(session, action, about):
            once()

    if config.get_alembic_option("script_location"):
        try:
            in_session(config, within)
        except (CommandError, SQLAlchemyError) as error:
            if once.failed:
                raise
            log.warning("The audit trail could not be told of this: %s", error)
    return once()
