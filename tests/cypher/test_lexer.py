"""Cypher text is read as the server reads it: tokens, statements, kinds."""

from __future__ import annotations

import neo4j
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from neo4j.exceptions import ClientError, DatabaseError, Neo4jError

from alembic_neo4j.cypher.lexer import (
    Kind,
    ScriptStatement,
    TokenKind,
    classify,
    lex,
    significant_tokens,
    split_statements,
)
from alembic_neo4j.errors import StatementError

CYPHER_PIECES = [
    *("'", '"', "`", "``", "\\", "\\\\", "\\u0027", "\\u0060", "\\u005C", "\\u000A"),
    *("//", "/*", "*/", "\n", "\r\n", " ", "\u2003", ";", ":", "$", ".", "..", "{"),
    *("SET", "n", "é", "€", "\u0301", "😀", "0x1F", "1.5e-3", "1", "_", "\ufeff"),
]
cypher_like = st.one_of(
    st.text(), st.lists(st.sampled_from(CYPHER_PIECES)).map("".join)
)
on_server = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def kinds_and_texts(text: str) -> list[tuple[str, str]]:
    return [(token.kind.value, token.text) for token in significant_tokens(text)]


# --- tokens ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RETURN 'a;b'", [("word", "RETURN"), ("string", "'a;b'")]),
        (r"'it\'s'", [("string", r"'it\'s'")]),
        (r'"\\"', [("string", r'"\\"')]),
        ("'a\nb'", [("string", "'a\nb'")]),
        ("`a``b`", [("quoted name", "`a``b`")]),
        ("`a\\`", [("quoted name", "`a\\`")]),
        ("``", [("quoted name", "``")]),
        ("a // b\n c", [("word", "a"), ("word", "c")]),
        ("a // b\r c", [("word", "a"), ("word", "c")]),
        ("a // b\u2028 c", [("word", "a")]),
        ("a /* b\n ; */ c", [("word", "a"), ("word", "c")]),
        (
            "[1..2]",
            [
                *(("punctuation", "["), ("number", "1"), ("punctuation", "..")),
                *(("number", "2"), ("punctuation", "]")),
            ],
        ),
        ("0x1F", [("number", "0x1F")]),
        ("0o17", [("number", "0o17")]),
        ("1_000", [("number", "1_000")]),
        (".5", [("number", ".5")]),
        ("1E-5", [("number", "1E-5")]),
        ("08", [("number", "08")]),
        ("$a", [("parameter", "$a")]),
        ("$`a b`", [("parameter", "$`a b`")]),
        ("$1a", [("parameter", "$1a")]),
        ("$ /* c */ a", [("parameter", "$ /* c */ a")]),
        ("$é", [("parameter", "$é")]),
        ("$(x", [("punctuation", "$"), ("punctuation", "("), ("word", "x")]),
        ("a$b", [("word", "a$b")]),
        ("a€b", [("word", "a€b")]),
        ("a\x01b", [("word", "a\x01b")]),
        ("été", [("word", "été")]),
        ("e\u0301a", [("word", "e\u0301a")]),
        ("a\u2003b", [("word", "a"), ("word", "b")]),
        ("a😀b", [("word", "a"), ("punctuation", "😀"), ("word", "b")]),
        ("\ufeffRETURN", [("word", "RETURN")]),
        ("n::STRING", [("word", "n"), ("punctuation", "::"), ("word", "STRING")]),
        (r"'a\u0027 b", [("string", r"'a\u0027"), ("word", "b")]),
        (r"`a\u0060 b", [("quoted name", r"`a\u0060"), ("word", "b")]),
        (r"'a\u005C'b'", [("string", r"'a\u005C'b'")]),
        (r"'a\\u0027'", [("string", r"'a\\u0027'")]),
        (r"a //\u000Ab", [("word", "a"), ("word", "b")]),
        (r"S\u0045T", [("word", r"S\u0045T")]),
    ],
)
def test_tokens(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds_and_texts(text) == expected


def test_tokens_know_their_place() -> None:
    tokens = significant_tokens("a\r\n  b /* x\ny */ c \\u0064 e")
    assert [(token.text, token.line, token.column) for token in tokens] == [
        *(("a", 1, 1), ("b", 2, 3), ("c", 3, 6), ("\\u0064", 3, 8), ("e", 3, 15)),
    ]


def test_an_escape_is_replaced_in_the_value_of_a_token() -> None:
    (token,) = significant_tokens(r"\u0053ET")
    assert (token.value, token.keyword) == ("SET", "SET")


def test_a_long_s_makes_no_keyword() -> None:
    (token,) = significant_tokens("\u017fET")
    assert token.keyword == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [("abc", "abc"), ("`a``b`", "a`b"), ("$a", "a"), ("$ `a b`", "a b")],
)
def test_the_name_of_a_token(text: str, name: str) -> None:
    (token,) = significant_tokens(text)
    assert token.name == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RETURN\n  'abc", "line 2, column 3: a string"),
        ('RETURN "abc', "line 1, column 8: a string"),
        (r"RETURN 'abc\'", "line 1, column 8: a string"),
        ("RETURN `abc", "line 1, column 8: a name"),
        ("RETURN `a``b", "line 1, column 8: a name"),
        ("RETURN 1\n/* abc", "line 2, column 1: a comment"),
        ("RETURN $/* abc", "line 1, column 9: a comment"),
        ("RETURN $`abc", "line 1, column 9: a name"),
        ("RETURN 1\n// C:\\users", r"line 2, column 6: \u without"),
        (r"RETURN '\u12'", r"line 1, column 9: \u without"),
        (r"RETURN '\u0041\u0042'+'x", "line 1, column 23: a string"),
    ],
)
def test_what_has_no_end_is_named_with_its_place(text: str, found: str) -> None:
    with pytest.raises(StatementError) as raised:
        list(lex(text))
    assert found in str(raised.value)


@given(cypher_like)
@example("\\")
@example("$")
@example("\\uD83D\\uDE00")
def test_the_tokens_joined_are_the_text(text: str) -> None:
    try:
        tokens = list(lex(text))
    except StatementError:
        assume(False)
    assert "".join(token.text for token in tokens) == text
    assert all(token.text and token.value for token in tokens)
    for token in tokens:
        assert text[token.start : token.end] == token.text
        assert token.line == text.count("\n", 0, token.start) + 1
        assert token.column == token.start - text.rfind("\n", 0, token.start)


@pytest.mark.parametrize(
    "text",
    [
        "$" + " " * 50_000 + "(",
        "$" + "/*a*/" * 50_000 + "(",
        "'" + "\\a" * 50_000 + "'",
        "`" + "``" * 50_000 + "`",
        "$" * 50_000,
        "\\u0041" * 50_000,
        "RETURN 1;" * 20_000,
    ],
    ids=[
        "spaces",
        "comments",
        "escapes",
        "backticks",
        "dollars",
        "unicode",
        "one line",
    ],
)
def test_long_texts_are_read_to_the_end(text: str) -> None:
    assert "".join(token.text for token in lex(text)) == text
    split_statements(text)


# --- statements of a script ------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", []),
        (" \n ; ;; \n", []),
        ("// nothing\n/* at all; */", []),
        ("// nothing\n;", []),
        ("RETURN 1", [ScriptStatement("RETURN 1", 1)]),
        ("RETURN 1;", [ScriptStatement("RETURN 1", 1)]),
        (
            "RETURN 1; RETURN 2\n;\nRETURN 3",
            [
                ScriptStatement("RETURN 1", 1),
                ScriptStatement("RETURN 2", 1),
                ScriptStatement("RETURN 3", 3),
            ],
        ),
        (
            "RETURN 'a;\nb' /* c;\nd */;",
            [ScriptStatement("RETURN 'a;\nb' /* c;\nd */", 1)],
        ),
        ("RETURN `a;b`", [ScriptStatement("RETURN `a;b`", 1)]),
        (r"RETURN 'a\';b'", [ScriptStatement(r"RETURN 'a\';b'", 1)]),
        (
            "// first\nRETURN 1; // second\nRETURN 2 // end",
            [
                ScriptStatement("// first\nRETURN 1", 2),
                ScriptStatement("// second\nRETURN 2 // end", 3),
            ],
        ),
        ("\ufeffRETURN 1;\r\n", [ScriptStatement("RETURN 1", 1)]),
        (
            "RETURN 1,\r\n 2;\r\nRETURN 3;\r\n",
            [ScriptStatement("RETURN 1,\r\n 2", 1), ScriptStatement("RETURN 3", 3)],
        ),
        (
            ":use movies\nRETURN 1;\n  :param x => 'a;b';\nRETURN $x;",
            [
                ScriptStatement(":use movies", 1, True),
                ScriptStatement("RETURN 1", 2),
                ScriptStatement(":param x => 'a;b'", 3, True),
                ScriptStatement("RETURN $x", 4),
            ],
        ),
        (
            "// it's here\n:param x => it's\r\nRETURN 1",
            [
                ScriptStatement(":param x => it's", 2, True),
                ScriptStatement("RETURN 1", 3),
            ],
        ),
        ("MATCH (n\n:A) RETURN n", [ScriptStatement("MATCH (n\n:A) RETURN n", 1)]),
        (r"RETURN '\u0041';RETURN 2", [
            ScriptStatement(r"RETURN '\u0041'", 1), ScriptStatement("RETURN 2", 1),
        ]),
    ],
)  # fmt: skip
def test_split(script: str, expected: list[ScriptStatement]) -> None:
    assert split_statements(script) == expected


def test_split_names_what_has_no_end() -> None:
    with pytest.raises(StatementError, match="line 3, column 8: a string"):
        split_statements("RETURN 1;\n:use a\nRETURN 'abc;\n")


statement_text = st.lists(
    st.sampled_from(
        [
            *("RETURN", "n", "'a;b'", "`c;`", "/* d; */", "// e;\n", '"f\n;"', "$p"),
            *("é", r"'\u003B'", "1", ".", "(", ")", r"'\';'"),
        ]
    ),
    min_size=1,
).map(lambda words: "RETURN " + " ".join(words) + " x")


@given(st.lists(statement_text), st.sampled_from([";", ";\n", " ;\r\n\r\n", "\n;"]))
def test_statements_joined_and_split_are_the_statements(
    statements: list[str], separator: str
) -> None:
    script = separator.join(statements)
    assert [found.text for found in split_statements(script)] == statements
    ended = split_statements(script + separator)
    assert [found.text for found in ended] == statements
    for found in ended:
        assert script.split("\n")[found.line - 1].lstrip(" \r;")


# --- kinds -----------------------------------------------------------------------

# Text, kind, and the type that a server of the Community edition reports for it; None
# where that server refuses the text.
KINDS: list[tuple[str, Kind, str | None]] = [
    # schema
    ("CREATE INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    ("create index my_index if not exists for (n:A) on (n.x);", Kind.SCHEMA, "s"),
    ("CREATE RANGE INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    ("CREATE TEXT INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    ("CREATE POINT INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    ("CREATE FULLTEXT INDEX f FOR (n:A|B) ON EACH [n.x]", Kind.SCHEMA, "s"),
    ("CREATE VECTOR INDEX v FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    ("CREATE LOOKUP INDEX IF NOT EXISTS FOR (n) ON EACH labels(n)", Kind.SCHEMA, "s"),
    ("CREATE BTREE INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, None),
    ("CREATE INDEX ON :A(x)", Kind.SCHEMA, None),
    ("CREATE OR REPLACE INDEX i FOR (n:A) ON (n.x)", Kind.SCHEMA, None),
    ("CREATE CONSTRAINT FOR (n:A) REQUIRE n.x IS UNIQUE", Kind.SCHEMA, "s"),
    ("CREATE CONSTRAINT `set` FOR (n:A) REQUIRE n.x IS UNIQUE", Kind.SCHEMA, "s"),
    ("CREATE OR REPLACE CONSTRAINT FOR (n:A) REQUIRE n.x IS UNIQUE", Kind.SCHEMA, None),
    ("DROP INDEX my_index IF EXISTS", Kind.SCHEMA, "s"),
    ("DROP CONSTRAINT my_constraint IF EXISTS", Kind.SCHEMA, "s"),
    ("/* a */ CREATE // b\n INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    (r"CRE\u0041TE INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    ("CYPHER 5 CREATE INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    (
        "CYPHER 25 runtime=slotted planner = cost CREATE INDEX FOR (n:A) ON (n.x)",
        Kind.SCHEMA,
        None,
    ),
    ("CYPHER runtime=slotted DROP INDEX my_index IF EXISTS", Kind.SCHEMA, "s"),
    ("USE neo4j CREATE INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    ("USE `neo4j` DROP INDEX my_index IF EXISTS", Kind.SCHEMA, "s"),
    ("EXPLAIN CREATE INDEX FOR (n:A) ON (n.x)", Kind.SCHEMA, "s"),
    ("ALTER CURRENT GRAPH TYPE SET {}", Kind.SCHEMA, None),
    # data
    ("CREATE (n)", Kind.DATA, "w"),
    ("CREATE (index)", Kind.DATA, "w"),
    ("CREATE index = (a)-[:R]->(b)", Kind.DATA, "w"),
    ("CREATE user = (a)-[:R]->(b)", Kind.DATA, "w"),
    ("CREATE (constraint:Index {name: 'CREATE INDEX'})", Kind.DATA, "w"),
    ("MERGE (n:A {x: 1})", Kind.DATA, "w"),
    ("MATCH (n) SET n.x = 1", Kind.DATA, "w"),
    ("MATCH (n)SET n.x = 1", Kind.DATA, "w"),
    (r"MATCH (n) \u0053ET n.x = 1", Kind.DATA, "w"),
    ("MATCH (n) // RETURN\nSET n.x = 1", Kind.DATA, "w"),
    ("MATCH (n) REMOVE n.x", Kind.DATA, "w"),
    ("MATCH (n) DETACH DELETE n", Kind.DATA, "w"),
    ("MATCH (n) NODETACH DELETE n", Kind.DATA, "w"),
    ("INSERT (n:A)", Kind.DATA, "w"),
    ("FOREACH (x IN [1] | CREATE (n))", Kind.DATA, "w"),
    ("CALL (*) { CREATE (n) }", Kind.DATA, "w"),
    ("CALL { CREATE (n) RETURN 1 AS x } RETURN x", Kind.DATA, "rw"),
    ("RETURN 1 AS x UNION CREATE (n) RETURN 2 AS x", Kind.DATA, "rw"),
    ("WITH {x: 1} AS as CREATE (n) SET n.x = as.x", Kind.DATA, "w"),
    ("LOAD CSV FROM 'file:///a.csv' AS line CREATE (n)", Kind.DATA, "w"),
    ("PROFILE CREATE (n)", Kind.DATA, "w"),
    ("EXPLAIN CREATE (n)", Kind.DATA, "w"),
    ("USE neo4j MATCH (n) SET n.x = 1", Kind.DATA, "w"),
    ("CALL db.createLabel('A')", Kind.DATA, "w"),
    ("CALL `db`.createLabel('A')", Kind.DATA, "w"),
    ("CALL apoc.periodic.iterate('RETURN 1', 'RETURN 2', {})", Kind.DATA, None),
    ("CALL my.own.procedure()", Kind.DATA, None),
    ("CALL DB.LABELS()", Kind.DATA, None),
    ("CALL `db.labels`()", Kind.DATA, None),
    ("MATCH (n) CALL db.createLabel('A') RETURN n", Kind.DATA, "rw"),
    # not surely reading
    ("WITH 1 AS set RETURN set", Kind.DATA, "r"),
    ("MATCH (create) RETURN create", Kind.DATA, "r"),
    ("MATCH (n IS Set) RETURN n", Kind.DATA, "r"),
    ("CALL db.resampleOutdatedIndexes()", Kind.DATA, "r"),
    # reading
    ("RETURN 1", Kind.READ, "r"),
    ("\ufeffRETURN 1;", Kind.READ, None),
    ("MATCH (n) RETURN n.create, n.set AS x, n . delete AS y", Kind.READ, "r"),
    ("MATCH (n:CREATE) RETURN n", Kind.READ, "r"),
    ("MATCH (n:A|SET&!MERGE)-[:DELETE|REMOVE]->() RETURN n", Kind.READ, "r"),
    ("MATCH (n {set: 1}) RETURN {merge: n.x, create : 2}", Kind.READ, "r"),
    ("MATCH (n) RETURN n {.delete, .set}", Kind.READ, "r"),
    ("RETURN 'CREATE (n)', \"it's; SET\"", Kind.READ, "r"),
    ("RETURN 1 AS `SET x`", Kind.READ, "r"),
    ("RETURN 1 // CREATE (n)", Kind.READ, "r"),
    ("RETURN /* MERGE */ 1", Kind.READ, "r"),
    ("RETURN $set, $`create`", Kind.READ, "r"),
    ("RETURN [x IN [1] | x + 1]", Kind.READ, "r"),
    ("RETURN COUNT { MATCH (n) }", Kind.READ, "r"),
    ("CALL { MATCH (n) RETURN n } RETURN n", Kind.READ, "r"),
    ("OPTIONAL CALL db.labels() YIELD label RETURN label", Kind.READ, "r"),
    ("CALL db.labels", Kind.READ, "r"),
    ("CALL `db`.`labels`()", Kind.READ, "r"),
    ("CALL db . schema . visualization ( )", Kind.READ, "r"),
    ("CALL db.awaitIndexes(10)", Kind.READ, "r"),
    ("CALL dbms.components()", Kind.READ, "s"),
    ("LOAD CSV FROM 'file:///a.csv' AS line RETURN line", Kind.READ, "r"),
    ("MATCH (n) FINISH", Kind.READ, "r"),
    ("SHOW INDEXES", Kind.READ, "r"),
    ("SHOW CONSTRAINTS YIELD name, createStatement RETURN name", Kind.READ, "r"),
    ("SHOW DATABASES", Kind.READ, "s"),
    ("EXPLAIN MATCH (n) RETURN n", Kind.READ, "r"),
    ("CYPHER 5 EXPLAIN RETURN 1", Kind.READ, "r"),
    ("USE (neo4j) RETURN 1", Kind.READ, "r"),
    ("USE GRAPH neo4j RETURN 1", Kind.READ, "r"),
    ("USE graph.byName('a') RETURN 1", Kind.READ, None),
    ("WITH [1] AS transactions RETURN {a: 1} IN transactions", Kind.READ, "r"),
    ("RETURN '} IN TRANSACTIONS', 1 AS `} IN TRANSACTIONS`", Kind.READ, "r"),
    # auto-commit
    ("UNWIND [1] AS x CALL (x) {CREATE (n)} IN TRANSACTIONS", Kind.AUTOCOMMIT, "w"),
    (
        "MATCH (n) CALL (n) /* a */ { SET n.x = 1 } // b\nIN 2 CONCURRENT TRANSACTIONS "
        "OF 1000 ROWS ON ERROR CONTINUE",
        Kind.AUTOCOMMIT,
        "w",
    ),
    (
        "MATCH (n) CALL (n) { SET n.x = {a: 1}.a } IN $p + 1 CONCURRENT TRANSACTIONS",
        Kind.AUTOCOMMIT,
        "w",
    ),
    ("MATCH (n) CALL { WITH n DELETE n } in transactions", Kind.AUTOCOMMIT, "w"),
    ("CALL (*) { RETURN 1 AS x } IN TRANSACTIONS RETURN x", Kind.AUTOCOMMIT, "r"),
    (
        "EXPLAIN MATCH (n) CALL (n) { DELETE n } IN TRANSACTIONS",
        Kind.AUTOCOMMIT,
        "w",
    ),
    (
        "USING PERIODIC COMMIT LOAD CSV FROM 'file:///a' AS l CREATE (n)",
        Kind.AUTOCOMMIT,
        None,
    ),
    ("CREATE USER a SET PASSWORD 'abcdefgh'", Kind.AUTOCOMMIT, "s"),
    ("CREATE OR REPLACE USER a SET PASSWORD 'abcdefgh'", Kind.AUTOCOMMIT, "s"),
    ("ALTER USER a SET PASSWORD 'abcdefgh'", Kind.AUTOCOMMIT, "s"),
    ("DROP USER a IF EXISTS", Kind.AUTOCOMMIT, "s"),
    ("RENAME USER a TO b", Kind.AUTOCOMMIT, "s"),
    ("CREATE DATABASE a", Kind.AUTOCOMMIT, None),
    ("CREATE COMPOSITE DATABASE a", Kind.AUTOCOMMIT, None),
    ("STOP DATABASE a", Kind.AUTOCOMMIT, None),
    ("START DATABASE a", Kind.AUTOCOMMIT, None),
    ("DROP DATABASE a", Kind.AUTOCOMMIT, None),
    ("CREATE ROLE a", Kind.AUTOCOMMIT, None),
    ("CREATE ALIAS a FOR DATABASE b", Kind.AUTOCOMMIT, None),
    ("GRANT ROLE a TO b", Kind.AUTOCOMMIT, None),
    ("DENY TRAVERSE ON GRAPH * TO a", Kind.AUTOCOMMIT, None),
    ("REVOKE ROLE a FROM b", Kind.AUTOCOMMIT, None),
    ("ENABLE SERVER 'a'", Kind.AUTOCOMMIT, None),
    ("DEALLOCATE DATABASES FROM SERVER 'a'", Kind.AUTOCOMMIT, None),
    ("TERMINATE TRANSACTION 'a-transaction-1'", Kind.AUTOCOMMIT, "r"),
    (
        "SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTIONS t "
        "YIELD message RETURN message",
        Kind.AUTOCOMMIT,
        "r",
    ),
    (
        "CALL db.index.vector.createNodeIndex('v', 'A', 'x', 3, 'cosine')",
        Kind.AUTOCOMMIT,
        "w",
    ),
    ("CALL apoc.schema.assert({}, {})", Kind.AUTOCOMMIT, None),
]


@pytest.mark.parametrize(("text", "kind"), [(row[0], row[1]) for row in KINDS])
def test_the_kind_of_a_statement(text: str, kind: Kind) -> None:
    assert classify(text) is kind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found none"),
        (" ; ", "found none"),
        ("// only this", "found none"),
        ("RETURN 1;\nRETURN 2", "another one starts in line 2, column 1"),
        (":use movies", "the client command ':use movies'"),
        ("RETURN 'abc", "a string without its closing '"),
    ],
)
def test_what_is_not_one_statement_has_no_kind(text: str, found: str) -> None:
    with pytest.raises(StatementError) as raised:
        classify(text)
    assert found in str(raised.value)


@given(cypher_like)
def test_a_text_that_can_be_read_has_a_kind_or_is_refused(text: str) -> None:
    try:
        kind = classify(text)
    except StatementError:
        assume(False)
    assert kind in Kind


@given(st.lists(st.sampled_from(["SET", "n", ".", ":", "|", "{", "}", "(", "AS"])))
def test_no_clause_that_writes_is_missed(words: list[str]) -> None:
    assert classify("MATCH (n) " + " ".join(words) + " x SET n.y = 1") is not Kind.READ


# --- the server's word -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "query_type"),
    [row for row in KINDS if row[2] is not None],
)
def test_the_server_agrees_on_the_kind(
    reader: neo4j.Driver, text: str, kind: Kind, query_type: str
) -> None:
    plain = text.removeprefix("EXPLAIN ").replace("5 EXPLAIN", "5")
    plain = plain.removeprefix("PROFILE ")
    with reader.session() as session:
        result = session.run("EXPLAIN " + plain, {"set": 1, "create": 1, "p": 1})
        assert result.consume().query_type == query_type
    if query_type in ("w", "rw"):
        assert kind in (Kind.DATA, Kind.AUTOCOMMIT)
    if kind is Kind.SCHEMA:
        assert query_type == "s"


@pytest.mark.parametrize(
    "text",
    # Cypher 25 is a server's of 2025 on.
    [row[0] for row in KINDS if row[2] is None and "CYPHER 25" not in row[0]],
)
def test_the_server_refuses_the_others(driver: neo4j.Driver, text: str) -> None:
    with driver.session() as session, pytest.raises((ClientError, DatabaseError)):
        session.run(text).consume()


@pytest.mark.parametrize(
    "text",
    [row[0] for row in KINDS if row[1] is Kind.AUTOCOMMIT and "CALL (" in row[0]],
)
def test_the_server_refuses_autocommit_in_a_transaction(
    driver: neo4j.Driver, text: str
) -> None:
    # Without a row that reaches the subquery the server lets it pass.
    driver.execute_query("CREATE (n)")
    plain = text.removeprefix("EXPLAIN ")
    refused = "Neo.DatabaseError.Transaction.TransactionStartFailed"
    assert _refusal(driver, plain) == refused
    with driver.session() as session:
        session.run(plain, p=1).consume()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("CREATE (n:A)", "EXPLAIN CREATE INDEX FOR (n:A) ON (n.x)"),
        ("CREATE INDEX FOR (n:A) ON (n.x)", "EXPLAIN CREATE (n:A)"),
        ("CREATE (n:A)", "CREATE INDEX FOR (n:A) ON (n.x)"),
        ("CREATE (n:A)", "CREATE USER a SET PASSWORD 'abcdefgh'"),
        ("CREATE (n:A)", "SHOW DATABASES"),
        (
            "CREATE INDEX FOR (n:A) ON (n.x)",
            "CALL db.index.vector.createNodeIndex('v', 'A', 'y', 3, 'cosine')",
        ),
    ],
)
def test_the_server_refuses_other_kinds_in_a_transaction(
    driver: neo4j.Driver, first: str, second: str
) -> None:
    assert classify(first) is not classify(second)
    forbidden = "Neo.ClientError.Transaction.ForbiddenDueToTransactionType"
    assert _refusal(driver, first, second) == forbidden


def test_statements_that_read_share_every_transaction(driver: neo4j.Driver) -> None:
    reads = ["SHOW INDEXES", "CALL db.labels()", "EXPLAIN MATCH (n) RETURN n"]
    assert {classify(text) for text in reads} == {Kind.READ}
    assert _refusal(driver, "CREATE (n:A)", *reads) is None
    assert _refusal(driver, "CREATE INDEX FOR (n:A) ON (n.x)", *reads) is None


def _refusal(driver: neo4j.Driver, *texts: str) -> str | None:
    """The code of the error when these run in one transaction, which is rolled back."""
    with driver.session() as session:
        transaction = session.begin_transaction()
        try:
            for text in texts:
                transaction.run(text, p=1).consume()
        except Neo4jError as error:
            return error.code
        finally:
            transaction.close()
    return None


def test_procedures_that_read_are_of_a_mode_that_does_not_write(
    driver: neo4j.Driver,
) -> None:
    shown = driver.execute_query("SHOW PROCEDURES YIELD name, mode").records
    modes = {row["name"]: row["mode"] for row in shown}
    read = {name for name in modes if classify(f"CALL {name}()") is Kind.READ}
    assert {"db.labels", "db.awaitIndexes", "dbms.components"} <= read
    assert {modes[name] for name in read} <= {"READ", "DBMS"}
    alone = {name for name in modes if classify(f"CALL {name}()") is Kind.AUTOCOMMIT}
    assert alone == {name for name, mode in modes.items() if mode == "SCHEMA"}


hostile_text = st.lists(
    st.sampled_from(
        [
            *("'", '"', "`", "\\", "\\\\", "u", "n", "0", "\n", "//", "/*", "*/", "x"),
            *(r"\u0027", r"\u005C", r"\u0060", r"\u000A", r"\u0041", "AS", " ", "é"),
        ]
    ),
    max_size=8,
).map("".join)


@on_server
@given(hostile_text)
@example(r"a\u005C")
@example(r"\u0027'")
@example(r"\\u0027")
@example(r"\\\u0027")
@example(r"'u\u005C//")
def test_a_string_ends_where_the_server_ends_it(
    reader: neo4j.Driver, content: str
) -> None:
    text = f"RETURN '{content}' AS found"
    assert _returns(reader, text, "found") == _is_read_as(text, TokenKind.STRING)


@on_server
@given(hostile_text.filter(bool))
@example(r"a\u0060")
@example(r"a\u0060\u0060b")
@example(r"a\\u0060")
@example("a\\")
def test_a_quoted_name_ends_where_the_server_ends_it(
    reader: neo4j.Driver, content: str
) -> None:
    text = f"RETURN 1 AS `{content}`"
    as_name = _is_read_as(text, TokenKind.QUOTED_NAME)
    name = significant_tokens(text)[-1].name if as_name else ""
    assert _returns(reader, text, name) == as_name


def _returns(driver: neo4j.Driver, text: str, name: str) -> bool:
    """Whether the server takes the text and returns one column of that name."""
    try:
        return driver.execute_query(text).keys == [name]
    except Neo4jError:
        return False


def _is_read_as(text: str, kind: TokenKind) -> bool:
    """Whether the lexer finds ``RETURN value AS name`` with one token of a kind."""
    try:
        tokens = significant_tokens(text)
    except StatementError:
        return False
    if len(tokens) != 4 or tokens[2].keyword != "AS":
        return False
    return [token.kind for token in tokens].count(kind) == 1
