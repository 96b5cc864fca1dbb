"""Asks the graph four questions: python queries.py."""

from __future__ import annotations

from typing import Any

import neo4j
from packages_graph.connection import connect
from packages_graph.embedding import embedding

MOST_NEEDED = """
MATCH (package:Package)<-[d:DEPENDS_ON]-(needing:Package)
WHERE d.extra IS NULL
RETURN package.name AS package, count(DISTINCT needing) AS needed_by
ORDER BY needed_by DESC, package LIMIT 5
"""
WHY_IS_IT_HERE = """
MATCH (start:Package {normalized_name: $package})
MATCH (end:Package)-[:RELEASED_AS]->() WHERE end <> start
MATCH path = shortestPath((start)-[:DEPENDS_ON*..12]->(end))
WHERE all(d IN relationships(path) WHERE d.extra IS NULL)
WITH end.name AS package, [p IN nodes(path) | p.name] AS names
RETURN package,
       reduce(text = head(names), name IN tail(names) | text + ' > ' + name) AS because
ORDER BY size(names) DESC, package LIMIT 5
"""
SEARCH = """
CALL db.index.fulltext.queryNodes('fulltext_index_Package_name_summary', $words)
YIELD node, score
RETURN node.name AS package, round(score, 2) AS score, node.summary AS summary
ORDER BY score DESC, package LIMIT 5
"""
SIMILAR = """
CALL db.index.vector.queryNodes('vector_index_Package_embedding', 5, $embedding)
YIELD node, score
RETURN node.name AS package, round(score, 2) AS score, node.summary AS summary
ORDER BY score DESC, package
"""


def ask(driver: neo4j.Driver, question: str, cypher: str, **parameters: Any) -> None:
    """Print the question and its answer, a row a line."""
    records, _, columns = driver.execute_query(cypher, parameters)
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
        ask(driver, "What does most of it depend on?", MOST_NEEDED)
        ask(
            driver,
            "Why is it installed, seen from alembic-neo4j?",
            WHY_IS_IT_HERE,
            package="alembic-neo4j",
        )
        ask(driver, "Which packages are about graphs?", SEARCH, words="graph neo4j")
        ask(
            driver,
            "Which come near to 'a fast Python linter and code formatter'?",
            SIMILAR,
            embedding=embedding("a fast Python linter and code formatter"),
        )


if __name__ == "__main__":
    main()
