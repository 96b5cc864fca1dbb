"""What a person's Cypher reads and writes, by the names in its text."""

from __future__ import annotations

import pytest

from alembic_neo4j.cypher.touched_names import read_by, written_by
from alembic_neo4j.schema.changes.change import (
    EVERYTHING,
    NOTHING,
    TouchedNames,
    labels,
    properties,
    types,
)
from alembic_neo4j.schema.definitions import EntityType


def values(*names: str | None) -> TouchedNames:
    of_nodes = properties(EntityType.NODE, *names)
    return of_nodes | properties(EntityType.RELATIONSHIP, *names)


ANY_VALUE = values(None)
DELETED = labels(None) | types(None)

WRITES = {
    # What is created
    "CREATE (:First)": labels("First"),
    "CREATE (:First {a: 1, b: $b, c: n.d})": labels("First"),
    "CREATE (a:A:B)-[:T]->(:`C d`&E)": labels("A", "B", "C d", "E") | types("T"),
    "CREATE ()": labels(""),
    "CREATE (n) SET n:P": labels("", "P"),
    "CREATE ({a: 1})": labels(""),
    "CREATE (:P $given)": labels("P"),
    "INSERT (:P {match: 1, set: 2})": labels("P"),
    "MATCH (a:A), (b:B {k: 1}) CREATE (a)-[:T {x: 1}]->(b)": labels("") | types("T"),
    "MERGE (n:P {k: 1})": labels("P"),
    "MERGE (n:P {k: 1}) ON CREATE SET n.a = 1 ON MATCH SET n.b = 2": labels("P")
    | values("a", "b"),
    "UNWIND $rows AS row CREATE (n:P) SET n += row": labels("P") | ANY_VALUE,
    "CREATE (:$(label))": EVERYTHING,
    "CREATE (:$all($labels))": EVERYTHING,
    "CREATE (n IS P)": EVERYTHING,
    "MATCH (a), (b) CREATE (a)-[:$($type)]->(b)": EVERYTHING,
    # What is set
    "MATCH (n:P) SET n.a = n.b": values("a"),
    "MATCH (n:P) WHERE n.k = 1 SET n.a = 1, n.b = 2": values("a", "b"),
    "MATCH (n:P) SET n.`a b` = 1": values("a b"),
    "MATCH (n:P) SET (CASE WHEN true THEN n END).a = 1": values("a"),
    "MATCH (n:P) SET n += {a: 1, b: {c: 2}.c}": values("a", "b"),
    "MATCH (n:P) SET n += $map": ANY_VALUE,
    "MATCH (n:P) SET n = {a: 1}": ANY_VALUE,
    "MATCH (n:P), (m) SET n = properties(m)": ANY_VALUE,
    "MATCH (n:P) SET n[$key] = 1": ANY_VALUE,
    "MATCH (n:P) SET n.a = n.list[0]": values("a"),
    "MATCH (n:P) SET n:Q:R": labels("Q", "R"),
    "MATCH (n:P) SET n IS Q": labels(None),
    "MATCH (n:P) SET n.a = [x IN n.l WHERE x > 1 | x], n.b = 2": values("a", "b"),
    "MATCH (n:P) SET n.a = n.c STARTS WITH 'x', n.b = 2": values("a", "b"),
    "MATCH (n:P) SET n.a = COUNT { MATCH (n)-->(m) RETURN m }, n.b = 2": values(
        "a", "b"
    ),
    "MATCH (n:P) FOREACH (x IN n.l | SET n.a = 1) SET n.b = 2": values("a", "b"),
    "MATCH (n:P) CALL (n) { SET n.a = 1 RETURN 1 AS one } SET n.b = 2": values(
        "a", "b"
    ),
    "MATCH (n:P) SET n:$(n.kind)": labels(None),
    "MATCH (n:P) SET n.a = n.b IS NULL": values("a"),
    "MATCH (n:P) SET n.a = n.b IS :: INTEGER": values("a"),
    "MATCH (n:P) SET n.a = CASE WHEN n.b > 1 THEN 1 ELSE 2 END, n.c = 3": values(
        "a", "c"
    ),
    "MATCH (n:P) REMOVE n.a, n:Q": values("a") | labels("Q"),
    "MATCH (n:P) REMOVE n[$key]": ANY_VALUE,
    "MATCH (n:P) REMOVE n:$($label)": labels(None),
    "MATCH (n:P) FOREACH (x IN n.list | SET n.a = x)": values("a"),
    "MATCH (n:P) FOREACH (x IN CASE n.k WHEN 1 THEN [1] ELSE [] END | SET n.a = x)": (
        values("a")
    ),
    "FOREACH (x IN [1] | CREATE (:P {x: x}))": labels("P"),
    "MATCH (n:P) WITH n, [m IN n.l WHERE m.b | m] AS l SET n.a = l": values("a"),
    # What is deleted
    "MATCH (n:P) DELETE n": DELETED,
    "MATCH (n:P) DETACH DELETE n": DELETED,
    "MATCH (:P)-[r:T]->() DELETE r": types("T"),
    "MATCH (:P)-[r:T|S {a: 1}]->()-[s:U]-() WITH r, s DELETE r, s": types(
        "T", "S", "U"
    ),
    "MATCH (:P)-[r]->() DELETE r": DELETED,
    "MATCH (:P)-[r:!T]->() DELETE r": DELETED,
    "MATCH (:P)-[r:T*]->() DELETE r": DELETED,
    "MATCH (:P)-[r:T]->() DETACH DELETE r": DELETED,
    "MATCH (n)-[r:T]->() WITH n AS r DELETE r": DELETED,
    "MATCH ()-[r:T]->() WITH collect(r) AS l FOREACH (r IN l | DELETE r)": DELETED,
    "MATCH ()-[r:T]->() DELETE r UNION MATCH (r) DELETE r": DELETED,
    "MATCH p = ()-[r:T]->() DELETE p": DELETED,
    "MATCH ()-[r:T]->() DELETE r SET $x.a = 1": types("T") | values("a"),
    # In parts
    "CALL { MATCH (n:P) SET n.a = 1 } IN TRANSACTIONS": values("a"),
    "MATCH (n:P) CALL (n) { SET n.a = 1 } IN TRANSACTIONS OF 5 ROWS": values("a"),
    "LOAD CSV WITH HEADERS FROM 'file:///x' AS row CREATE (:P {a: row.a})": labels("P"),
    "MATCH (n:P) WHERE EXISTS { MATCH (n)-->(:Q) } SET n.a = 1 RETURN n": values("a"),
    "CYPHER 5 MATCH (n:P) SET n.a = 1;": values("a"),
    # Nothing
    "MATCH (n) RETURN n": NOTHING,
    "CREATE INDEX i FOR (n:P) ON (n.a)": NOTHING,
    "EXPLAIN CREATE (:P)": NOTHING,
    # What can't be told
    "CALL apoc.do.it()": EVERYTHING,
    "MATCH (n) CALL db.create.setNodeVectorProperty(n, 'a', []) FINISH": EVERYTHING,
    "DROP DATABASE other": EVERYTHING,
    "no Cypher": EVERYTHING,
    "RETURN `": EVERYTHING,
    "RETURN 1; RETURN 2": EVERYTHING,
    # A word for a variable
    "MATCH (set) SET set.a = 1": EVERYTHING,
    "MATCH (match) SET match.a = 1, match.b = 2": EVERYTHING,
    "MATCH (n) WITH n, 1 AS match SET n.x = match, n.y = 1": EVERYTHING,
    "MATCH (n) WITH n, 1 AS match SET n.x = 2 * match - 1, n.y = 1": EVERYTHING,
    "MATCH (n:Set) SET n.create = 1": values("create"),
    "MATCH (n:P) SET n.a = true REMOVE n.b": values("a", "b"),
    "MATCH (n) FOREACH (x IN CASE WHEN n:P THEN [1] WHEN n:Q THEN [2] END | "
    "SET n.a = 1)": values("a"),
}


@pytest.mark.parametrize("text", WRITES)
def test_a_statement_writes_what_it_names(text: str) -> None:
    found, expected = written_by(text), WRITES[text]
    assert all(found.has(name) for name in expected.names), "what it does write"
    assert found == expected


READS = {
    "n.a = 1": values("a"),
    "n.a = 1 AND coalesce(n.b, 'x') STARTS WITH toLower(n.`c d`)": values(
        "a", "b", "c d"
    ),
    "n:P|Q": labels("P", "Q") | types("P", "Q"),
    "toInteger(value)": NOTHING,
    "date(value)": NOTHING,
    "duration.between(date(value), date())": values("between"),
    "CASE WHEN n.a IN ['x'] THEN (n.b) ELSE null END": values("a", "b"),
    "any(x IN n.list WHERE x > 1)": values("list"),
    "size(labels(n)) > 1": EVERYTHING,
    "n[$key]": EVERYTHING,
    "n['a'] = 1": EVERYTHING,
    "properties(n) = {}": EVERYTHING,
    "n {.a} = {a: 1}": EVERYTHING,
    "EXISTS { (n)-->() }": EVERYTHING,
    "COUNT { MATCH (:P) } > 1": EVERYTHING,
    "NOT (n)-[:T]->()": EVERYTHING,
    "(:P)-->(:Q)": EVERYTHING,
    "startNode(r).a = 1": EVERYTHING,
    "apoc.meta.nodes.count() > 1": EVERYTHING,
    "n.a = '": EVERYTHING,
}


@pytest.mark.parametrize("text", READS)
def test_an_expression_reads_what_it_names(text: str) -> None:
    assert read_by(text) == READS[text]
