"""Saying what a command waits for, as soon as that lasts longer than a moment."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

SAID_AFTER_SECONDS = 4.0
"""How long a wait lasts before the log tells of it."""

SAID_AGAIN_SECONDS = 30.0
"""How long it is until the log tells of the same wait again."""

_LOOK_SECONDS = 0.5

_IDLE_LOOKS = 20
"""After how many looks at nothing there are no more."""


class Wait:
    """What is waited for, and for how many seconds at most; begun again each time.

    `what` may be a function, which is called from another thread whenever the log is
    to tell of the wait; where it gives nothing, the log has been told otherwise.
    Without a `limit` nothing ends the wait but what is waited for. A wait inside of
    another one, on the same thread, is part of that and not told of.
    """

    def __init__(
        self, what: str | Callable[[], str], *, limit: float | None = None
    ) -> None:
        self._what = what
        self._limit = limit
        self._began = self._due = 0.0

    def begin(self) -> None:
        """Wait from now on."""
        if getattr(_thread, "wait", None) is not None:
            return
        _thread.wait = self
        self.renew()
        _under_way[id(self)] = self
        _watch()

    def renew(self) -> None:
        """Count from now on: what is waited for has come in part."""
        self._began = time.monotonic()
        self._due = self._began + SAID_AFTER_SECONDS

    def end(self) -> None:
        """Wait no longer, until `begin` is called again."""
        if getattr(_thread, "wait", None) is self:
            _thread.wait = None
            del _under_way[id(self)]

    def say(self) -> None:
        """Tell the log of the wait where that is due."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + SAID_AGAIN_SECONDS
        what = self._what if isinstance(self._what, str) else self._what()
        if not what:
            return
        since = datetime.now(timezone.utc) - timedelta(seconds=now - self._began)
        log.warning(
            "Waiting for %s, since %s UTC (%.0f s), %s",
            *(what, f"{since:%H:%M:%S}", now - self._began, self._until(since)),
        )

    def _until(self, since: datetime) -> str:
        if self._limit is None:
            return "without a limit; Ctrl-C ends it"
        end = since + timedelta(seconds=self._limit)
        return f"until {end:%H:%M:%S} UTC at most"


@contextmanager
def waiting_for(
    what: str | Callable[[], str], *, limit: float | None = None
) -> Iterator[None]:
    """Wait for something in the block; see `Wait`."""
    wait = Wait(what, limit=limit)
    wait.begin()
    try:
        yield
    finally:
        wait.end()


def each_waited_for(
    items: Iterable[T], what: str | Callable[[], str], *, limit: float | None = None
) -> Iterator[T]:
    """Yield the items; the time in which the next one does not come is a wait."""
    wait = Wait(what, limit=limit)
    wait.begin()
    try:
        for item in items:
            wait.end()
            yield item
            wait.begin()
    finally:
        wait.end()


_thread = threading.local()
_under_way: dict[int, Wait] = {}
_starting = threading.Lock()
_watcher: threading.Thread | None = None


def _watch() -> None:
    """Have a thread look after the waits; it ends when there are none for a while."""
    global _watcher
    if _watcher is not None and _watcher.is_alive():
        return
    with _starting:
        if _watcher is None or not _watcher.is_alive():
            _watcher = threading.Thread(target=_look, name="waiting", daemon=True)
            _watcher.start()


def _look() -> None:
    global _watcher
    idle = 0
    while idle < _IDLE_LOOKS:
        time.sleep(_LOOK_SECONDS)
        idle = 0 if _under_way else idle + 1
        for wait in list(_under_way.values()):
            try:
                wait.say()
            except Exception:
                # What is waited for goes on, whatever becomes of its description.
                log.debug("A wait can't be described", exc_info=True)
    # Whoever began to wait since the last look took this thread for the one to look.
    _watcher = None
    if _under_way:
        _watch()
