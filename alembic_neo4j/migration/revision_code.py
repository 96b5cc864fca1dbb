"""What a revision's file has to be, and the call of its functions.

``upgrade()`` and ``downgrade()`` are plain functions that run on one thread and return
None, or a MigrationResult where they declare it. Whatever else they are, or do, would
be recorded as applied without having run.
"""

from __future__ import annotations

import inspect
import logging
import os
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError as HistoryError
from alembic.util.exc import CommandError

from alembic_neo4j.errors import LedgerError, RevisionError
from alembic_neo4j.graph.limits import Interrupted
from alembic_neo4j.migration.declarations import (
    CHECK,
    bound_class,
    check_declarations,
    named,
    question_of,
)
from alembic_neo4j.migration_types import MigrationResult
from alembic_neo4j.sentences import ended

log = logging.getLogger(__name__)

_THREAD_SECONDS = 1.0
"""How long a thread that a revision has left behind is waited for."""

# Reading a history ---------------------------------------------------------------


def load_revisions(script: ScriptDirectory) -> None:
    """Import the revision files, and see that each of them is a revision.

    Raises RevisionError, with file and line, for one that can't be imported, lacks
    ``upgrade`` or has a variable of a wrong type, and LedgerError where they are no
    history: two have the same revision, one follows a revision that is not there, or
    one follows itself.
    """
    with whole_history(), _loading():
        revisions = list(script.walk_revisions())
    for revision in revisions:
        _check_revision(revision)


@contextmanager
def whole_history() -> Iterator[None]:
    """Raise LedgerError in the block where the revision files are no history."""
    # Alembic warns, and then runs one of two files, or fails with a KeyError.
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "error", r"Revision .* is (not present|present more than once)", UserWarning
        )
        try:
            yield
        except UserWarning as warning:
            raise _no_history(warning) from warning
        except HistoryError as error:
            raise _no_history(error) from error


def _no_history(reason: Exception) -> LedgerError:
    return LedgerError(
        f"{str(reason).rstrip('. ')}: the revision files are no history. Nothing has "
        "run; mend or remove the file"
    )


@contextmanager
def needed_functions() -> Iterator[None]:
    """Raise RevisionError in the block where a revision lacks a function to call."""
    try:
        yield
    except AttributeError as error:
        file = getattr(error.obj, "__file__", None)
        if error.name not in ("upgrade", "downgrade") or file is None:
            raise
        name = f"revision {getattr(error.obj, 'revision', '')} ({file})"
        raise RevisionError(_lacking(name, error.name)) from error


@contextmanager
def _loading() -> Iterator[None]:
    try:
        yield
    except (CommandError, HistoryError, Interrupted, Warning):
        raise
    except (Exception, SystemExit) as error:
        file = _loaded_file(error)
        if file is None:
            # Alembic stumbles over a variable of a wrong type in many places.
            for script in _scripts(error):
                _check_revision(script)
            raise
        if isinstance(error, SystemExit):
            what = f"{file}: {_exit(error)}"
        else:
            where = _place(error.__traceback__, within=os.path.dirname(file))
            if isinstance(error, SyntaxError):
                where = f"{error.filename}, line {error.lineno}"
            what = f"{where or file}: {type(error).__name__}: {error}"
        raise RevisionError(
            f"a revision's file can't be loaded: {ended(what)} Nothing has run; "
            "mend the file"
        ) from error


def _loaded_file(error: BaseException) -> str | None:
    """Return the file that Alembic was loading, of a history's and no other."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        names = frame.f_locals
        if "scriptdir" in names and "filename" in names and "dir_" in names:
            found = str(os.path.join(names["dir_"], names["filename"]))
    return found


def _scripts(error: BaseException) -> Iterator[Script]:
    """Yield the revisions that Alembic was looking at."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in list(frame.f_locals.values()):
            if isinstance(value, Script):
                yield value


def _check_revision(script: Script) -> None:
    module = script.module
    check_declarations(script)
    bound = bound_class(script)
    if bound is not None:
        for name in ("migrate", CHECK, "description"):
            _check_function(script, name, getattr(bound.cls, name, None))
    for name in ("upgrade", "downgrade", CHECK):
        function = getattr(module, name, None)
        if function is None and name == "upgrade":
            raise RevisionError(_lacking(named(script), name))
        if function is not None:
            _check_function(script, name, function)


def _lacking(revision: str, name: str) -> str:
    return (
        f"{revision} has no function {name}(): write "
        f"`def {name}() -> None:`, with `pass` where it does nothing. Nothing has run"
    )


def function_of(script: Script, name: str) -> Callable[..., Any]:
    """Return a revision's ``upgrade`` or ``downgrade``.

    Raises RevisionError where there is none, or it is no plain function.
    """
    function = getattr(script.module, name, None)
    if function is None:
        raise RevisionError(_lacking(named(script), name))
    _check_function(script, name, function)
    return function  # type: ignore[no-any-return]


_RETURNED = {
    CHECK: "True or False",
    "migrate": "a MigrationResult",
    "description": "a text",
}


def _check_function(script: Script, name: str, function: Any) -> None:
    kind = _kind_of(function)
    if kind:
        code = getattr(inspect.unwrap(function), "__code__", None)
        line = f", line {code.co_firstlineno}" if code else ""
        raise RevisionError(
            f"revision {script.revision} ({script.path}{line}): {name} is {kind}, "
            "which would run nothing when it is called. Expected a plain function that "
            f"returns {_RETURNED.get(name, 'None')} (asyncio.run(…) in it runs a "
            "coroutine). Nothing has run"
        )


def _kind_of(function: Any) -> str:
    """Return what a revision's function is, empty where it is a plain one."""
    if not callable(function) or isinstance(function, type):
        return f"no function but {function!r}"
    plain = inspect.unwrap(function)
    if inspect.iscoroutinefunction(plain):
        return "a coroutine function (async def)"
    if inspect.isasyncgenfunction(plain):
        return "an asynchronous generator (async def with yield)"
    if inspect.isgeneratorfunction(plain):
        return "a generator (it has a yield)"
    return ""


@dataclass(frozen=True)
class RevisionContext:
    """What ``check_applicable(context)`` may look at.

    `root` is the directory of the project's files (``neo4j.files_root``); `read` gives
    the rows of a Cypher statement that writes nothing.
    """

    revision: str
    root: Path
    read: Callable[..., list[dict[str, Any]]]


# Calling a function --------------------------------------------------------------


class OwnThread:
    """The thread that made this, which is the one that runs a revision.

    What another thread asks for is refused: its transactions would overtake each other,
    and the journal counts what a revision does in its order.
    """

    def __init__(self) -> None:
        self._owner = self._current()
        self._refused = ""

    def check(self) -> None:
        """Raise RevisionError in any other thread, and remember that."""
        if self._current() == self._owner:
            return
        self._refused = (
            "an operation was called from another thread "
            f"({threading.current_thread().name}): operations belong to the thread "
            "that runs the revision. Compute in threads what you like, and call op in "
            "upgrade() or downgrade() itself"
        )
        raise RevisionError(self._refused)

    def settle(self) -> None:
        """Raise RevisionError where another thread was refused, whoever caught that."""
        refused, self._refused = self._refused, ""
        if refused:
            raise RevisionError(refused)

    @staticmethod
    def _current() -> tuple[int, int]:
        return os.getpid(), threading.get_ident()


def call(
    script: Script, name: str, thread: OwnThread, arguments: Mapping[str, Any]
) -> MigrationResult | None:
    """Call a revision's ``upgrade`` or ``downgrade`` and look at what it has done.

    Returns its MigrationResult, whatever that says, where it declares one. Raises
    RevisionError where it ends the program, returns anything else, or an operation was
    called from another thread; else what it raises.
    """
    function = function_of(script, name)
    threads = set(threading.enumerate())
    with no_exit():
        result = function(**arguments)
    _wait_for(thread for thread in threading.enumerate() if thread not in threads)
    thread.settle()
    declared = str(getattr(function, "__annotations__", {}).get("return", ""))
    if "MigrationResult" in declared:
        if not isinstance(result, MigrationResult):
            raise RevisionError(
                f"{name}() declares a MigrationResult and returned "
                f"{type(result).__name__}: return op.MigrationResult(success=True)"
            )
        return result
    if result is not None:
        raise RevisionError(_returned(name, result))
    return None


def is_applicable(script: Script, context: RevisionContext) -> bool:
    """Ask a revision's ``check_applicable``; one without it is.

    The function is given the context, if it takes an argument. Raises RevisionError
    where it is no plain function, or returns anything but True or False.
    """
    function = question_of(script)
    if function is None:
        return True
    _check_function(script, CHECK, function)
    given = (context,) if inspect.signature(function).parameters else ()
    with no_exit():
        found = function(*given)
    if not isinstance(found, bool):
        raise RevisionError(
            f"{CHECK}() returned {found!r}; expected True or False. The revision has "
            "not run"
        )
    return found


def _wait_for(threads: Iterator[threading.Thread]) -> None:
    # One that is not joined may be about to call an operation.
    for thread in threads:
        if not thread.daemon:
            thread.join(_THREAD_SECONDS)


def _returned(name: str, result: Any) -> str:
    what = type(result).__name__
    if isinstance(result, MigrationResult):
        return (
            f"{name}() returned a MigrationResult, which it does not declare: write "
            f"`def {name}() -> op.MigrationResult:`"
        )
    if inspect.iscoroutine(result):
        # Python would warn besides that it was never awaited.
        result.close()
        what = "a coroutine, which nobody runs"
    elif inspect.isgenerator(result) or inspect.isasyncgen(result):
        what = "a generator, which nobody runs"
    return (
        f"{name}() returned {what}; expected None. What is returned is lost: do it in "
        f"{name}() itself, and leave the `return` out"
    )


@contextmanager
def no_exit() -> Iterator[None]:
    """Raise RevisionError in the block where it ends the program (``sys.exit``)."""
    try:
        yield
    except Interrupted:
        raise
    except SystemExit as error:
        raise RevisionError(_exit(error)) from error


def _exit(error: SystemExit) -> str:
    place = _place(error.__traceback__)
    at = f" at {place}" if place else ""
    return (
        f"sys.exit({'' if error.code is None else repr(error.code)}) was called{at}, "
        "which would end the command as if all were well. Raise an error instead"
    )


_LIBRARIES = tuple(
    os.path.realpath(path) + os.sep
    for name, path in sysconfig.get_paths().items()
    if name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def _place(trace: TracebackType | None, *, within: str = "") -> str:
    """Return file and line of what raised, of a person's own files if there are any."""
    frames: Sequence[tuple[str, int]] = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(trace)
        if not frame.f_code.co_filename.startswith("<")
    ]
    own = [
        frame
        for frame in frames
        if not os.path.realpath(frame[0]).startswith((*_LIBRARIES, _OURS))
        and frame[0].startswith(within)
    ]
    if not own and within:
        return ""
    file, line = (own or frames or [("", 0)])[-1]
    return f"{file}, line {line}" if file else ""


_OURS = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep
