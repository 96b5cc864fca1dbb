"""A file of Cypher: its statements, its kinds, and what it says to the client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.cypher.files import (
    CypherFile,
    cypher_code,
    cypher_digest,
    read_cypher_file,
)
from alembic_neo4j.cypher.lexer import Kind
from alembic_neo4j.errors import StatementError


def read(directory: Path, text: str | bytes, **options: Any) -> CypherFile:
    path = directory / "file.cypher"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_cypher_file(path, name="file.cypher", **options)


def texts(file: CypherFile) -> list[str]:
    return [run.text for run in file.statements]


def refusal(directory: Path, text: str | bytes, **options: Any) -> str:
    with pytest.raises(StatementError) as refused:
        read(directory, text, **options)
    return str(refused.value)


# Statements (peers.md, 69 to 72) -----------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE (:A {t: 'x;\ny'})", ["CREATE (:A {t: 'x;\ny'})"]),
        ("/* a;\n b; */ CREATE (:A)", ["/* a;\n b; */ CREATE (:A)"]),
        ("CREATE (:A); CREATE (:B);", ["CREATE (:A)", "CREATE (:B)"]),
        ("CREATE (:`a;b`)", ["CREATE (:`a;b`)"]),
        ("CREATE (:A);\n;;\nCREATE (:B)", ["CREATE (:A)", "CREATE (:B)"]),
        ("// one;\n/* two */", []),
        ("", []),
        ("\ufeff", []),
    ],
)
def test_statements_end_at_their_semicolon(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    assert texts(read(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("MATCH (n) CALL (n) { SET n.a = 1 } IN TRANSACTIONS", Kind.AUTOCOMMIT),
        (
            "UNWIND [1] AS x CALL (x) { CREATE (:A) } IN 2 CONCURRENT\n"
            "TRANSACTIONS OF 1000 ROWS",
            Kind.AUTOCOMMIT,
        ),
        ("CREATE (:A {t: 'CALL () {} IN TRANSACTIONS'})", Kind.DATA),
        ("CREATE (:`CALL () {} IN TRANSACTIONS`)", Kind.DATA),
        ("CREATE (:A) // CALL () {} IN TRANSACTIONS", Kind.DATA),
        ("EXPLAIN MATCH (n) RETURN n", Kind.READ),
        ("PROFILE CREATE (:A)", Kind.DATA),
        ("CREATE INDEX FOR (n:A) ON (n.a)", Kind.SCHEMA),
    ],
)
def test_each_has_its_kind(tmp_path: Path, text: str, kind: Kind) -> None:
    (run,) = read(tmp_path, text).statements
    assert run.kind is kind


def test_each_knows_its_line(tmp_path: Path) -> None:
    file = read(tmp_path, "// one\nCREATE (:A); CREATE\n(:B);\n:use neo4j\nRETURN 1")
    assert file.lines == (2, 2, 5)
    assert file.statements[2].place == "file.cypher, line 5"


def test_a_byte_order_mark_and_line_endings_change_nothing(tmp_path: Path) -> None:
    text = "CREATE (:A {t: 'one\ntwo'});\n:param x => 1\nCREATE (:B {x: $x})"
    plain = read(tmp_path, text)
    other = read(tmp_path, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert plain == other
    assert plain.digest == cypher_digest(tmp_path / "file.cypher")


def test_its_code_leaves_out_comments_and_whitespace(tmp_path: Path) -> None:
    path = tmp_path / "a.cypher"
    path.write_text("CREATE (:A {t: '// x'}); // one")
    before = cypher_code(path)
    path.write_text("// two\nCREATE\n  (:A {t: '// x'});")
    assert cypher_code(path) == before
    path.write_text("CREATE (:A {t: '// y'});")
    assert cypher_code(path) != before


# Commands to the client --------------------------------------------------------------


def test_use_is_noted(tmp_path: Path) -> None:
    file = read(tmp_path, ":use movies;\nRETURN 1;\n:USE `a b`\n")
    assert [(use.database, use.place) for use in file.uses] == [
        ("movies", "file.cypher, line 1"),
        ("a b", "file.cypher, line 3"),
    ]


def test_what_an_export_of_apoc_says_of_transactions_is_passed_over(
    tmp_path: Path,
) -> None:
    file = read(
        tmp_path,
        ":begin\nCREATE CONSTRAINT c FOR (n:A) REQUIRE (n.a) IS UNIQUE;\n:commit\n"
        "CALL db.awaitIndexes(300);\n:begin\nUNWIND [{a: 1}] AS row\n"
        "CREATE (n:A{a: row.a});\n:COMMIT;\n",
    )
    assert [run.text.split()[0] for run in file.statements] == [
        "CREATE",
        "CALL",
        "UNWIND",
    ]
    assert file.lines == (2, 4, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (":begin\nCREATE (:A);\n:rollback\n", "line 3: ':rollback' asks to take back"),
        (":begin now\nRETURN 1;", "line 1: ':begin now' is a command"),
    ],
)
def test_what_is_no_plain_begin_or_commit_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(StatementError) as raised:
        read(tmp_path, text)
    assert message in str(raised.value)


def test_parameters_hold_for_what_stands_below(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        ":param a => 1\n:param {b: 'x', c: [1]};\nRETURN $a, $b;\n:param a => 2\n"
        "RETURN $a",
    )
    assert [run.parameters for run in file.statements] == [{"a": 1, "b": "x"}, {"a": 2}]


def test_given_parameters_win_and_go_where_they_are_used(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        ":param a => 1\nRETURN $a; CREATE (:A {t: '$b'}); RETURN $`b`",
        parameters={"a": 7, "b": 8},
    )
    assert [run.parameters for run in file.statements] == [{"a": 7}, {}, {"b": 8}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RETURN 1;\nRETURN $x", "line 2: $x has no value"),
        ("RETURN 1;\n:source x\nRETURN 1", "line 2: ':source x' is a command"),
        (":source other.cypher", "line 1: ':source other.cypher' is a command"),
        (":use", "line 1: :use needs the name"),
        (":param x", "line 1: :param was expected as"),
        (":param x => date()", "line 1: a literal was expected"),
        ("RETURN 1;\nRETURN 'a", "line 2, column 8: a string without"),
        ("RETURN 1;\n/* a", "line 2, column 1: a comment without"),
        (
            b"RETURN 1;\nRETURN '\xe9'",
            "line 2: UTF-8 was expected, found the byte 0xe9",
        ),
        ("RETURN 1".encode("utf-16"), "line 1: UTF-8 was expected"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    told = refusal(tmp_path, text)
    assert "file.cypher" in told
    assert message in told


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StatementError, match="can't be read: No such file"):
        read_cypher_file(tmp_path / "none.cypher")
