"""The rows of a CSV file: checked and kept for their load, against made twice."""

from __future__ import annotations

import csv
import statistics
import time
from pathlib import Path

from alembic_neo4j.cypher.load_targets import NodeTarget
from alembic_neo4j.ingest.data_rows import DataFileSource, DataRows
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.schema.definitions import Schema

TYPES = {
    "id": "INTEGER",
    "name": "STRING",
    "email": "STRING",
    "age": "INTEGER",
    "score": "FLOAT",
    "born": "DATE",
    "active": "BOOLEAN",
    "note": "STRING",
}


def measure(directory: Path, runs: int, *, count: int) -> tuple[float, float]:
    """Return the seconds of the processor with rows that are kept, and without."""
    path = directory / "people.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(TYPES)
        for i in range(count):
            text = (f"person {i}", f"p{i}@example.org")
            day = f"2000-01-{1 + i % 28:02}"
            rows.writerow([i, *text, i % 90, i / 2, day, "true", ""])
    asked = (PropertyRules(*one, unique=one[0] == "id") for one in TYPES.items())
    source = DataFileSource(str(path), rules=Rules(tuple(asked)))
    kept, anew = (
        statistics.median(_seconds(source, keep=keep) for _ in range(runs))
        for keep in (True, False)
    )
    return kept, anew


def _seconds(source: DataFileSource, *, keep: bool) -> float:
    file = source.obtain()
    start = time.process_time()
    with DataRows(file, source, NodeTarget(("Person",)), Schema()) as rows:
        rows.check(keep=keep)
        for _ in rows:
            pass
    return time.process_time() - start
