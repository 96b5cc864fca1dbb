"""SIGINT and SIGTERM during a run: what is in hand is finished first."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

log = logging.getLogger(__name__)

_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}

_LOOK_SECONDS = 0.2
"""How often a wait looks whether a signal has come."""


class Interrupted(SystemExit):
    """A run was stopped by a signal, between two transactions; it can be resumed.

    The program's exit status is 128 and the signal's number, as a shell shows it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class Interrupts:
    """The signal that came while a run was under way, if one did."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._deferred: dict[signal.Signals, Any] = {}

    def check(self) -> None:
        """Raise Interrupted when a signal has come; called between transactions."""
        if self._received is not None:
            raise Interrupted(self._received)

    def wait(self, seconds: float) -> None:
        """Wait, but raise Interrupted soon after a signal has come."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))
            self.check()

    def is_due(self) -> bool:
        """Tell whether a signal has come."""
        return self._received is not None

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
