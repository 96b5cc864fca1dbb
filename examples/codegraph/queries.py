"""Asks the graph three questions: python queries.py, once callers.cypher was run."""

from __future__ import annotations

from typing import Any

import neo4j
from code_graph.connection import connect

MOST_CALLED = """
MATCH (f:Function {repo_id: 'alembic_neo4j'})
RETURN f.fqn AS function, f.callers AS callers
ORDER BY callers DESC, function LIMIT 5
"""
WIDEST = """
MATCH (base:Class {repo_id: 'alembic_neo4j'})<-[:EXTENDS*]-(derived)
RETURN base.fqn AS class, count(DISTINCT derived) AS derived
ORDER BY derived DESC, class LIMIT 5
"""
MOST_IMPORTED = """
MATCH (file:File {repo_id: 'alembic_neo4j'})<-[:IMPORTS]-(importing)
RETURN file.path AS file, count(importing) AS imported_by
ORDER BY imported_by DESC, file LIMIT 5
"""


def ask(driver: neo4j.Driver, question: str, cypher: str) -> None:
    """Print the question and its answer, a row a line."""
    records, _, columns = driver.execute_query(cypher)
    rows = [columns, *([_text(value) for value in record] for record in records)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    print(f"\n{question}")
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"  {'  '.join(cells)}".rstrip())


def _text(value: Any) -> str:
    return "-" if value is None else str(value)


def main() -> None:
    """Ask the questions."""
    with connect() as driver:
        ask(driver, "Which functions are called most?", MOST_CALLED)
        ask(driver, "Which classes are extended most?", WIDEST)
        ask(driver, "Which files are imported most?", MOST_IMPORTED)


if __name__ == "__main__":
    main()
