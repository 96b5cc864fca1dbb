"""Rewrite the outputs in the documents: python tests/docs/refresh.py [FILE...].

It needs a graph that may be wiped: ALEMBIC_NEO4J_URI, ALEMBIC_NEO4J_USERNAME,
ALEMBIC_NEO4J_PASSWORD and ALEMBIC_NEO4J_DISPOSABLE=1, or the package's extra `local`.
Review the difference: what is left out with `...` stays out, all else is what it gave.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from documents import ROOT, Outcome, Session

from alembic_neo4j import local
from alembic_neo4j.graph.connection import Credentials, Graph, GraphSettings
from alembic_neo4j.graph.wipe import wipe

DOCUMENTS = (
    "README.md",
    "docs/tutorial.md",
    *sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "docs/how-to").glob("*.md")
    ),
)


def main() -> None:
    _settle_server()
    for name in sys.argv[1:] or DOCUMENTS:
        _wipe()
        with tempfile.TemporaryDirectory() as directory:
            refresh(ROOT / name, Path(directory))


def refresh(document: Path, directory: Path) -> None:
    session = Session(directory)
    lines = document.read_text().splitlines()
    moved = 0
    for outcome in session.outcomes(document):
        wanted = session.refreshed(outcome)
        if wanted != list(outcome.expected):
            print(f"{document.name}:{outcome.line + 1}: {outcome.title}")
        start = outcome.line + moved
        lines[start : start + len(outcome.expected)] = wanted
        moved += len(wanted) - len(outcome.expected)
        _learn(session, outcome, wanted)
    document.write_text("\n".join(lines) + "\n")


def _learn(session: Session, outcome: Outcome, wanted: list[str]) -> None:
    try:
        session.learn(
            Outcome(
                outcome.title,
                outcome.line,
                tuple(wanted),
                outcome.actual,
                outcome.status,
                excerpt=outcome.excerpt,
            )
        )
    except AssertionError as error:
        print(error, file=sys.stderr)


def _settle_server() -> None:
    if os.environ.get("ALEMBIC_NEO4J_URI"):
        if os.environ.get("ALEMBIC_NEO4J_DISPOSABLE") != "1":
            sys.exit("ALEMBIC_NEO4J_DISPOSABLE=1 is needed: the graph is wiped")
        return
    server = local.ensure_started(ROOT, disposable=True)
    os.environ["ALEMBIC_NEO4J_URI"] = server.url
    os.environ["ALEMBIC_NEO4J_USERNAME"] = server.username
    os.environ["ALEMBIC_NEO4J_PASSWORD"] = server.password


def _wipe() -> None:
    credentials = Credentials(
        "basic",
        os.environ["ALEMBIC_NEO4J_USERNAME"],
        os.environ["ALEMBIC_NEO4J_PASSWORD"],
    )
    settings = GraphSettings(os.environ["ALEMBIC_NEO4J_URI"], ROOT, credentials)
    with closing(Graph(settings)) as graph:
        wipe(graph)


if __name__ == "__main__":
    main()
