"""The files of Cypher that a revision runs, which are part of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic_neo4j.cypher.files import (
    SUFFIXES,
    CypherFile,
    cypher_code,
    cypher_digest,
    read_cypher_file,
)
from alembic_neo4j.cypher.steps import Run
from alembic_neo4j.errors import StatementError
from alembic_neo4j.ingest.files import beside_or_above

_CALL = b"run_cypher_file"


def statements_of(
    name: str,
    revision_file: str,
    parameters: Mapping[str, Any],
    *,
    repeatable: bool,
) -> tuple[Run, ...]:
    """Return the statements of a file that a revision runs.

    Raises StatementError for a file that can't be read, that is for another database,
    or whose name the revision does not spell out: its digest would not be known.
    """
    revision = Path(revision_file)
    if name not in _named(revision.read_bytes()):
        raise StatementError(
            f"op.run_cypher_file({name!r}): the name has to stand in {revision.name} "
            f"as it is, as one string that ends in {' or '.join(SUFFIXES)}, so that "
            "an edited file is noticed"
        )
    path = beside_or_above(revision, name)
    if path is None:
        raise StatementError(
            f"op.run_cypher_file({name!r}): there is no such file beside "
            f"{revision_file}, nor in a directory above it"
        )
    file = read_cypher_file(path, parameters, name=name, repeatable=repeatable)
    _refuse_uses(file)
    return file.statements


def named_files(revision_file: str) -> list[str]:
    """Return the names of the files that a revision runs."""
    return sorted(_named(Path(revision_file).read_bytes()))


def digests(revision_file: Path, source: bytes) -> Iterator[str]:
    """Yield the name and the digest of each file that a revision runs."""
    for name, path in _files(revision_file, source):
        yield f"{name} {cypher_digest(path) if path else 'missing'}"


def codes(revision_file: Path, source: bytes) -> Iterator[str]:
    """Yield what the files say that a revision runs, without comments."""
    for name, path in _files(revision_file, source):
        yield f"{name} {cypher_code(path) if path else 'missing'}"


def _files(revision_file: Path, source: bytes) -> Iterator[tuple[str, Path | None]]:
    for name in sorted(_named(source)):
        yield name, beside_or_above(revision_file, name)


def _named(source: bytes) -> set[str]:
    """Return the strings of a revision that name a file of Cypher."""
    if _CALL not in source:
        return set()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.endswith(SUFFIXES)
        and "\n" not in node.value
    }


def _refuse_uses(file: CypherFile) -> None:
    for use in file.uses:
        raise StatementError(
            f"{use.place}: `:use {use.database}` can't be carried out in a revision, "
            "which runs on the project's database (neo4j.database). Take it out"
        )
