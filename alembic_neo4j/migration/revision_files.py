"""A revision's file and its files of Cypher: their digests, and the schema hash."""

from __future__ import annotations

import ast
import hashlib
import io
import os
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic.script import Script

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

# The files of Cypher that a revision runs, which are part of it -----------------------


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


# The text of a revision's file: its digests, and the schema hash written in it --------


SCHEMA_HASH = "schema_hash"

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_DEPTHS = {tokenize.INDENT: 1, tokenize.DEDENT: -1}


def file_digest(script: Script) -> str:
    """Return the SHA-256 of a revision's file, whatever its line endings are.

    The files of Cypher that it runs are part of it.
    """
    source = _source(script)
    digest = hashlib.sha256(source)
    for line in digests(Path(script.path), source):
        digest.update(f"\n{line}".encode())
    return digest.hexdigest()


def code_digest(script: Script) -> str:
    """Return the SHA-256 of what a revision's file does.

    Comments, docstrings, whitespace and the schema hash are left out. It is the same
    in every version of Python. A file that can't be read as Python has that of its
    text.
    """
    source = _source(script)
    try:
        code = "\n".join(
            [
                *_statements(source.decode()),
                *codes(Path(script.path), source),
            ]
        )
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return file_digest(script)
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def write_schema_hash(path: Path, digest: str) -> None:
    """Put the hash in place of the one in a revision's file, the rest as it was.

    The file is there in one version or the other whatever happens. Raises ValueError
    where it does not assign `schema_hash` once, at its top level.
    """
    text = path.read_bytes().decode()
    start, end = _assigned(text)
    written = f'{text[:start]}"{digest}"{text[end:]}'
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(written.encode())
    beside.chmod(path.stat().st_mode)
    os.replace(beside, path)


def _source(script: Script) -> bytes:
    return Path(script.path).read_bytes().replace(b"\r\n", b"\n")


def _statements(text: str) -> Iterator[str]:
    """Yield each line of code, its parts apart from each other."""
    parts: list[str] = []
    lines = list(io.StringIO(text))
    depth = 0
    for token in _tokens(text):
        if token.type == tokenize.NEWLINE:
            if not _says_nothing(parts, depth):
                yield " ".join(parts)
            parts = []
        elif token.type in _DEPTHS:
            depth += _DEPTHS[token.type]
            yield tokenize.tok_name[token.type]
        elif token.type not in _NO_CODE:
            parts.append(_between(lines, token.start, token.end))
    if parts:
        yield " ".join(parts)


def _says_nothing(parts: list[str], depth: int) -> bool:
    if depth == 0 and parts[:1] == [SCHEMA_HASH]:
        return True
    return len(parts) == 1 and parts[0].lstrip("rRuU")[:1] in {'"', "'"}


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    # From Python 3.12 on an f-string is many tokens: it is made one again.
    opened: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name in ("FSTRING_START", "TSTRING_START"):
            opened.append(token)
        elif name in ("FSTRING_END", "TSTRING_END"):
            first = opened.pop()
            if not opened:
                whole = (tokenize.STRING, first.string, first.start, token.end)
                yield tokenize.TokenInfo(*whole, first.line)
        elif not opened:
            yield token


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    middle = lines[start[0] : end[0] - 1]
    return "".join(
        [lines[start[0] - 1][start[1] :], *middle, lines[end[0] - 1][: end[1]]]
    )


def _assigned(text: str) -> tuple[int, int]:
    """Return where the value stands that `schema_hash` is assigned."""
    values = [
        value
        for statement in ast.parse(text).body
        for target, value in _assignments(statement)
        if isinstance(target, ast.Name) and target.id == SCHEMA_HASH
    ]
    if len(values) != 1:
        raise ValueError(f"{SCHEMA_HASH} is assigned {len(values)} times")
    (value,) = values
    assert value.end_lineno is not None
    assert value.end_col_offset is not None
    return (
        _offset(text, value.lineno, value.col_offset),
        _offset(text, value.end_lineno, value.end_col_offset),
    )


def _assignments(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield statement.target, statement.value
    elif isinstance(statement, ast.Assign):
        yield from ((target, statement.value) for target in statement.targets)


def _offset(text: str, line: int, column: int) -> int:
    # Columns of `ast` count bytes.
    lines = list(io.StringIO(text))
    before = sum(map(len, lines[: line - 1]))
    return before + len(lines[line - 1].encode()[:column].decode())
