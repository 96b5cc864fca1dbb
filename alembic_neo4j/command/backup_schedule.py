"""Backups at the times of a cron expression, in a process that stays in front."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.util.exc import CommandError

from alembic_neo4j.command.backup import create, prune
from alembic_neo4j.errors import ConfigurationError, MissingExtra
from alembic_neo4j.sentences import ended

_LOOK_SECONDS = 1.0
"""How often the clock is looked at: it may be set, and a machine may have slept."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Routine:
    """What is done each time: a backup, and which old ones go after it.

    Nothing goes where there is no `retention_days`.
    """

    directory: Path | None = None
    attempts: int = 3
    retention_days: float | None = 30.0
    keep: int = 1


def carry_out(config: Config, routine: Routine, tell: Tell) -> bool:
    """Make one backup and remove old ones; tell whether it is consistent.

    Old ones stay where it is not. Raises what making a backup raises.
    """
    path, manifest = create(config, routine.directory, attempts=routine.attempts)
    state = "" if manifest.consistent else ", not consistent: old ones stay"
    tell(f"made {path}, {manifest.bytes:,} bytes{state}")
    if manifest.consistent and routine.retention_days is not None:
        for removed in prune(
            *(config, routine.directory),
            days=routine.retention_days,
            keep=routine.keep,
        ):
            tell(f"removed {removed.name}")
    return manifest.consistent


def keep_to(cron: str, config: Config, routine: Routine, tell: Tell) -> None:
    """Carry it out at each time of a cron expression; only a signal ends that.

    One that fails is told, and the next one is tried at its time. One that takes longer
    than until the next time leaves that out, and of the times in which the machine
    slept there is one. Raises ConfigurationError for what is no cron expression, and
    MissingExtra where APScheduler is not installed.
    """
    times = next_times(cron)
    while True:
        due = times(datetime.now().astimezone())
        tell(f"next at {due:%Y-%m-%d %H:%M:%S %Z}")
        while (left := due - datetime.now().astimezone()) > timedelta():
            time.sleep(min(left.total_seconds(), _LOOK_SECONDS))
        try:
            carry_out(config, routine, tell)
        except CommandError as error:
            tell(f"failed: {ended(error)} It is tried again at its next time")


def next_times(cron: str) -> Callable[[datetime], datetime]:
    """Return what gives the first time of a cron expression after a moment.

    It has five fields: minute, hour, day, month and day of the week.
    """
    trigger = _trigger(cron)

    def after(moment: datetime) -> datetime:
        found: datetime | None = trigger.get_next_fire_time(moment, moment)
        if found is None:
            raise ConfigurationError(
                f"expected a time that comes, found none of {cron!r}: such as the 30th "
                "of February. Correct the cron expression"
            )
        return found

    return after


def _trigger(cron: str) -> Any:
    try:
        from apscheduler.triggers.cron import CronTrigger
    except ImportError as error:
        raise MissingExtra(
            "Times of a cron expression need APScheduler, which is not installed: "
            'pip install "alembic-neo4j[schedule]"; or let cron call `alembic-neo4j '
            "backup schedule --once`"
        ) from error
    try:
        return CronTrigger.from_crontab(cron)
    except ValueError as error:
        raise ConfigurationError(
            f"expected a cron expression of five fields such as '0 2 * * *', found "
            f"{cron!r}: {ended(error)}"
        ) from error
