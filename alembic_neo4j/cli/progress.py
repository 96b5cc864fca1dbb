"""How far a verb has come: a bar on a terminal, else a line each ten seconds."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.waiting import SAID_AFTER_SECONDS

if TYPE_CHECKING:
    from alembic_neo4j.ingest.files import BytesReport
    from alembic_neo4j.ingest.progress import Progress, Report


@contextmanager
def shown_progress(what: str) -> Iterator[Report]:
    """Give what reports the progress of reading a file, on stderr."""
    from alembic_neo4j.ingest.progress import described

    with _shown(
        what, lambda done: described(what, done), lambda done: f"{done.rows:,} rows"
    ) as told:
        yield told


@contextmanager
def shown_transfer(what: str) -> Iterator[BytesReport]:
    """Give what reports the bytes of a file that are fetched or hashed, on stderr."""
    from alembic_neo4j.ingest.progress import Progress

    def line(done: Progress) -> str:
        return f"{what}: {_of(done.bytes, done.total_bytes)}"

    with _shown(what, line, lambda _: "") as told:
        yield lambda done, total: told(Progress(0, done, total or 0))


@contextmanager
def shown_rows(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what reports how many rows of how many are done, on stderr."""
    from alembic_neo4j.ingest.progress import Progress

    def line(done: Progress) -> str:
        return f"{what}: {done.rows:,} of {done.total_bytes:,} rows"

    with _shown(what, line, lambda done: f"{done.rows:,} rows") as told:
        yield lambda done, total: told(Progress(done, done, total))


@contextmanager
def _shown(what: str, line: Worded, note: Worded) -> Iterator[Report]:
    """Give what reports by a bar with a note, without a terminal by a line."""
    from alembic_neo4j.ingest.progress import spaced

    if not sys.stderr.isatty():
        yield spaced(
            lambda done: click.echo(line(done), err=True), first=SAID_AFTER_SECONDS
        )
        return
    with _bar(what) as update:
        yield lambda done: update(done.bytes, done.total_bytes, note(done))


@contextmanager
def _bar(what: str) -> Iterator[_Update]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    with _logged_above(bar):
        task = bar.add_task(what, total=None, note="")

        def update(done: int, total: int, note: str) -> None:
            bar.update(task, completed=done, total=total or None, note=note)

        yield update


@contextmanager
def _logged_above(bar: Live) -> Iterator[None]:
    """Show a bar; what is logged to the terminal meanwhile has lines of its own."""
    terminal = sys.stderr
    with bar:
        # The bar stands in for the stream that handlers were made with.
        handlers = [one for one in _handlers() if one.stream is terminal]
        for handler in handlers:
            handler.setStream(sys.stderr)
        try:
            yield
        finally:
            for handler in handlers:
                handler.setStream(terminal)


def _handlers() -> Iterator[logging.StreamHandler[Any]]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, logging.StreamHandler):
                yield handler


if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress as Live

    _Update = Callable[[int, int, str], None]
    Worded = Callable[[Progress], str]


def _of(done: int, total: int) -> str:
    return f"{size(done)} of {size(total)}" if total else size(done)


def size(count: int) -> str:
    """Return a number of bytes in megabytes, for people."""
    return f"{count / 1e6:.1f} MB"
