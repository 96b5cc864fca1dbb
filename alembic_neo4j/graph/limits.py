"""How long a run waits, how much it writes at once, and what asks it to stop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

log = logging.getLogger(__name__)

# What asks a run to stop, a signal or a program: what is in hand is finished first ----


_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}

_LOOK_SECONDS = 0.2
"""How often a wait looks whether it should end."""

_ASKED: ContextVar[threading.Event | None] = ContextVar("asked", default=None)
"""What a program sets to have the runs that began in this context stop."""


class Interrupted(SystemExit):
    """A run was stopped between two transactions; it can be resumed.

    The program's exit status is 128 and the signal's number, as a shell shows it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class Interrupts:
    """Whether a run that is under way should stop: a signal came, or the program asked.

    The program's own request is that of the context in which this is made.
    """

    def __init__(self) -> None:
        self._asked = _ASKED.get()
        self._received: int | None = None
        self._deferred: dict[signal.Signals, Any] = {}

    def check(self) -> None:
        """Raise Interrupted when the run should stop; called between transactions."""
        if self.is_due():
            raise Interrupted(self._received or signal.SIGINT)

    def wait(self, seconds: float) -> None:
        """Wait, but raise Interrupted soon after the run was asked to stop."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))
            self.check()

    def is_due(self) -> bool:
        """Tell whether the run should stop."""
        asked = self._asked is not None and self._asked.is_set()
        return asked or self._received is not None

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Note SIGINT and SIGTERM instead of dying of them; a second one kills.

        Handlers that the program has set itself are left alone, and so is everything
        when this is not the main thread.
        """
        self._deferred = _replaceable()
        try:
            _set(dict.fromkeys(self._deferred, self._note))
            yield
        finally:
            _set(self._deferred)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._received = number
        # Killed, since a KeyboardInterrupt would still end the driver's transaction in
        # order, and wait for what hangs.
        _set(dict.fromkeys(self._deferred, signal.SIG_DFL))
        log.warning(
            "%s: what is in hand is finished first; once more to stop at once",
            signal.Signals(number).name,
        )


@contextmanager
def stopped_by(asked: threading.Event) -> Iterator[None]:
    """Have the runs that begin in the block stop once `asked` is set, by any thread."""
    token = _ASKED.set(asked)
    try:
        yield
    finally:
        _ASKED.reset(token)


def _replaceable() -> dict[signal.Signals, Any]:
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: handler
        for number, handler in _DEFAULTS.items()
        if signal.getsignal(number) == handler
    }


def _set(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


# How long a run waits, how much it writes at once, and when it is to stop -------------


@dataclass(frozen=True)
class Limits:
    """How long to wait for an index, in seconds, and how much to write at once.

    `throttle` is a pause before each transaction of a data change, in seconds.
    `interrupts` tells when to stop between two transactions.
    """

    schema_timeout: float = 3600.0
    batch_size: int | None = None
    throttle: float = 0.0
    interrupts: Interrupts = field(default_factory=Interrupts)

    def between(self) -> None:
        """Leave the server to others between two transactions of a data change.

        Raises Interrupted when a signal has come.
        """
        self.interrupts.wait(self.throttle)
