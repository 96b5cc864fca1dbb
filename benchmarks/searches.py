"""Search in a store of entities, against a bare FTS5 query for the same rows."""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, event

from alembic_neo4j.entities import Entity, EntityRepository

QUERIES = {
    "a word of 0.01 %": ("rare3", "rare3"),
    "a word of 1 %": ("some3", "some3"),
    "a word of 20 %": ("often3", "often3"),
    "two words": ("often3 word5", "often3 AND word5"),
    "a phrase": ('"word3 word4"', '"word3 word4"'),
    "a prefix of 10 %": ("rare1*", "rare1*"),
}
"""What is looked for, as the store and as FTS5 are asked."""

LIMIT = 20


def texts(count: int) -> list[str]:
    """Return texts of thirty words: some are in a few texts, some in every fifth."""
    draw = random.Random(1)
    made = []
    for _ in range(count):
        words = [f"often{draw.randrange(5)}", f"some{draw.randrange(100)}"]
        words += [f"rare{draw.randrange(max(count // 10, 1))}"]
        words += [f"word{draw.randrange(300)}" for _ in range(27)]
        draw.shuffle(words)
        made.append(" ".join(words))
    return made


def measure(
    directory: Path, runs: int, *, count: int
) -> dict[str, tuple[float, float]]:
    """Return the seconds of each query, by the store and by a bare FTS5 table."""
    made = texts(count)
    event.listen(Engine, "connect", _hurry)
    with EntityRepository(directory / "entities.db") as repo:
        for number, text in enumerate(made):
            repo.create(Entity(f"note-{number}", "note", "open", {"text": text}))
        with closing(sqlite3.connect(directory / "bare.db")) as bare:
            fill(bare, made)
            found = {}
            for name, (ours, theirs) in QUERIES.items():
                found[name] = seconds(
                    lambda text=ours: repo.search(text, limit=LIMIT),
                    lambda text=theirs: by_fts5(bare, text),
                    max(runs, 3) * 7,
                )
    return found


def _hurry(connection: sqlite3.Connection, _record: object) -> None:
    # Waiting for the disk 100,000 times is not what is measured.
    connection.execute("PRAGMA synchronous=OFF").close()


def fill(bare: sqlite3.Connection, made: list[str]) -> None:
    """Write the texts to a table of FTS5 alone."""
    bare.execute("CREATE VIRTUAL TABLE notes USING fts5(id UNINDEXED, text)")
    rows = ((f"note-{number}", text) for number, text in enumerate(made))
    bare.executemany("INSERT INTO notes VALUES (?, ?)", rows)
    bare.commit()


def by_fts5(bare: sqlite3.Connection, text: str) -> list[tuple[str, str]]:
    """Return the best rows, as one writes it without a store."""
    query = "SELECT id, text FROM notes WHERE notes MATCH ? ORDER BY rank LIMIT ?"
    return bare.execute(query, (text, LIMIT)).fetchall()


def seconds(
    ours: Callable[[], object], theirs: Callable[[], object], runs: int
) -> tuple[float, float]:
    """Return the processor's median seconds of two calls, made by turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs + 1):
        for call, times in zip((ours, theirs), taken, strict=True):
            started = time.process_time()
            call()
            times.append(time.process_time() - started)
    # The first one fills the caches.
    return statistics.median(taken[0][1:]), statistics.median(taken[1][1:])
