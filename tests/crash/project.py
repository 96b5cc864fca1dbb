"""The project whose migration is killed, and what has to be true when it is done."""

from __future__ import annotations

import contextlib
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

from alembic_neo4j.cli.init import template_directory
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.wipe import wipe
from tests.migration.project import Project, stamped

ITEMS = 400
PAIRS = 150
REVISIONS = ("r1", "r2", "r3")

_UPGRADES = {
    "r1": """
        op.add_node(
            "Item",
            op.Property("code", "STRING"),
            op.Property("number", "INTEGER"),
            op.Property("title", "STRING"),
            op.Property("gone", "INTEGER"),
        )
        op.add_index("Item", "code", name="item_code")
        op.add_index("Item", "title", name="item_title")
        op.add_unique_constraint("Item", "number", name="item_number")
        rows = op.run_cypher(
            "MATCH (n:Item) SET n.first = coalesce(n.first, 0) + 1 "
            "RETURN count(n) AS n"
        )
        seen = rows[0]["n"] if rows else None
        op.run_cypher("CREATE (:Log {seen: $seen})", {"seen": seen})
        op.execute("MATCH (n:Item) SET n.second = coalesce(n.second, 0) + 1")
        op.execute("CREATE (:Note {text: 'r1'})")
    """,
    "r2": """
        op.drop_index("Item", "code")
        op.add_unique_constraint("Item", "code", name="item_code")
        op.rename_node_property("Item", "title", "heading")
        op.add_node_property("Item", "size", "INTEGER", default=7)
        op.execute("MATCH (n:Item) SET n.third = coalesce(n.third, 0) + 1")
        op.rename_relationship_type("KNOWS", "MET")
        found = op.get_bind().run("MATCH ()-[r:MET]->() RETURN count(r) AS n")
        met = found[0]["n"] if found else None
        rows = op.run_cypher(
            "MATCH ()-[r:MET]->() SET r.counter = coalesce(r.counter, 0) + 1 "
            "RETURN count(r) AS n"
        )
        op.run_cypher(
            "CREATE (:Met {found: $found, written: $written})",
            {"found": met, "written": rows[0]["n"] if rows else None},
        )
    """,
    "r3": """
        op.rename_label("Item", "Product")
        op.remove_node_property("Product", "gone")
        op.add_label("Product", "Thing")
        op.run_cypher("MATCH (n:Product) SET n.fourth = coalesce(n.fourth, 0) + 1")
        op.add_text_index("Product", "heading", name="product_words")
        op.execute("CREATE (:Note {text: 'r3'})")
    """,
}
_DOWNGRADES = {
    "r3": """
        op.execute("CREATE (:Undone {text: 'r3'})")
        op.drop_text_index("Product", "heading")
        op.run_cypher("MATCH (n:Product) SET n.fifth = coalesce(n.fifth, 0) + 1")
        op.remove_label("Product", "Thing")
        op.restore_node_property("Product", "gone", "INTEGER")
        op.rename_label("Product", "Item")
    """,
    "r2": """
        op.rename_relationship_type("MET", "KNOWS")
        rows = op.run_cypher(
            "MATCH ()-[r:KNOWS]->() SET r.counter = r.counter + 1 "
            "RETURN count(r) AS n"
        )
        op.run_cypher(
            "CREATE (:Undone {text: 'r2', n: $n})",
            {"n": rows[0]["n"] if rows else None},
        )
        op.remove_node_property("Item", "size", archive=False)
        op.rename_node_property("Item", "heading", "title")
        op.drop_unique_constraint("Item", "code")
        op.add_index("Item", "code", name="item_code")
    """,
    "r1": """
        op.execute("MATCH (n:Item) SET n.sixth = coalesce(n.sixth, 0) + 1")
        op.drop_unique_constraint("Item", "number")
        op.drop_index("Item", "title")
        op.drop_index("Item", "code")
        op.remove_node("Item")
        op.run_cypher("CREATE (:Undone {text: 'r1'})")
    """,
}


def empty_project(path: Path) -> Project:
    """Write a project without revisions; the environment tells where its graph is."""
    project = Project(path)
    with _working_in(path), contextlib.redirect_stdout(io.StringIO()):
        command.init(
            Config(str(project.ini)), "migrations", template=str(template_directory())
        )
    project.models("class Item(StructuredNode):\n    code = StringProperty()")
    project.set("neo4j.batch_size", "50")
    return project


def make_project(path: Path) -> Project:
    """Write the project that is migrated."""
    project = empty_project(path)
    for revision, down in zip(REVISIONS, (None, *REVISIONS), strict=False):
        write_revision(project, revision, down)
    return project


@contextlib.contextmanager
def _working_in(path: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


def write_revision(
    project: Project, revision: str, down: str | None, *, more: str = ""
) -> None:
    """Write the file of a revision, with `more` at the end of its upgrade."""
    upgrade = _UPGRADES[revision].rstrip() + (f"\n        {more}" if more else "")
    project.revision(revision, upgrade, _DOWNGRADES[revision], down=down)


_MARK = "_alembic_mark_"
_SIZES = {1: {"size": 7}, 2: {"size": 8}}
"""The sizes that some items have before they are declared."""


def fill(graph: Graph) -> None:
    """Empty the graph and write the data that are migrated.

    Some have what the upgrade gives to all, which the downgrade has to leave to them.
    """
    wipe(graph)
    nodes = (
        "UNWIND range(1, $items) AS i CREATE (n:Item {number: i, gone: -i, "
        "code: 'code ' + i, title: 'title ' + i}) "
        "SET n.size = CASE i % 50 WHEN 1 THEN 7 WHEN 2 THEN 8 END"
    )
    there_already = [
        ("MATCH (n:Item) WHERE n.number % 50 = 3 SET n:Thing", {}),
        ("CREATE (:Product {number: -1})", {}),
    ]
    pairs = (
        "MATCH (a:Item), (b:Item) WHERE a.number <= $pairs AND b.number = a.number + 1 "
        "CREATE (a)-[:KNOWS {since: a.number}]->(b)"
    )
    graph.transaction([(nodes, {"items": ITEMS}), (pairs, {"pairs": PAIRS})])
    graph.transaction(there_already)


def wrong_after_upgrade(project: Project, graph: Graph) -> list[str]:
    """Return what is not as one whole upgrade leaves it."""
    counters = dict.fromkeys(("first", "second", "third", "fourth"), 1)
    labelled = {f"{_MARK}labelled_r3_Thing": True}
    items = [
        (
            ["Product", "Thing"],
            {
                "number": i,
                "_alembic_archive_r3_gone": -i,
                "code": f"code {i}",
                "heading": f"title {i}",
                **(_SIZES.get(i % 50) or {"size": 7, f"{_MARK}filled_r2_size": 7}),
                **({} if i % 50 == 3 else labelled),
                **counters,
            },
        )
        for i in range(1, ITEMS + 1)
    ]
    kept = {f"{_MARK}kept_r3_Item.Product": False, "fourth": 1}
    others = [
        (["Product", "Thing"], {"number": -1, **kept, **labelled}),
        (["Log"], {"seen": ITEMS}),
        (["Met"], {"found": PAIRS, "written": PAIRS}),
        (["Note"], {"text": "r1"}),
        (["Note"], {"text": "r3"}),
    ]
    elements = [
        ("item_code", "UNIQUENESS", ["Product"], ["code"]),
        ("item_number", "UNIQUENESS", ["Product"], ["number"]),
        ("item_title", "RANGE", ["Product"], ["heading"]),
        ("product_words", "TEXT", ["Product"], ["heading"]),
    ]
    return [
        *_wrong_nodes(graph, [*items, *others]),
        *_wrong_relationships(graph, "MET", counter=1),
        *wrong_catalogue(graph, elements),
        *wrong_records(project, graph, ["r3"], REVISIONS),
    ]


def wrong_after_downgrade(project: Project, graph: Graph) -> list[str]:
    """Return what is not as one whole upgrade and one whole downgrade leave it."""
    names = ("first", "second", "third", "fourth", "fifth", "sixth")
    counters = dict.fromkeys(names, 1)
    items = [
        (
            ["Item", "Thing"] if i % 50 == 3 else ["Item"],
            {
                "number": i,
                "gone": -i,
                "code": f"code {i}",
                "title": f"title {i}",
                **_SIZES.get(i % 50, {}),
                **counters,
            },
        )
        for i in range(1, ITEMS + 1)
    ]
    others = [
        (["Product"], {"number": -1, "fourth": 1, "fifth": 1}),
        (["Log"], {"seen": ITEMS}),
        (["Met"], {"found": PAIRS, "written": PAIRS}),
        (["Note"], {"text": "r1"}),
        (["Note"], {"text": "r3"}),
        (["Undone"], {"text": "r1"}),
        (["Undone"], {"text": "r2", "n": PAIRS}),
        (["Undone"], {"text": "r3"}),
    ]
    return [
        *_wrong_nodes(graph, [*items, *others]),
        *_wrong_relationships(graph, "KNOWS", counter=2),
        *wrong_catalogue(graph, []),
        *wrong_records(project, graph, [], ()),
    ]


def open_runs(project: Project) -> int:
    """Return how many runs of the ledger have not ended."""
    tables = project.remembered() or {}
    return sum("open" in row for row in tables.get("alembic_neo4j_run", []))


_OWN = "STARTS WITH '__AlembicNeo4j'"


def _wrong_nodes(
    graph: Graph, expected: Iterable[tuple[list[str], dict[str, Any]]]
) -> list[str]:
    rows = graph.read(
        f"MATCH (n) WHERE none(label IN labels(n) WHERE label {_OWN}) "
        "RETURN labels(n) AS labels, properties(n) AS properties"
    )
    found = [(sorted(row["labels"]), row["properties"]) for row in rows]
    return _differences("nodes", map(_text, found), map(_text, expected))


def _wrong_relationships(graph: Graph, type_: str, *, counter: int) -> list[str]:
    rows = graph.read(
        "MATCH (a)-[r]->(b) RETURN a.number AS a, type(r) AS type, "
        "properties(r) AS properties, b.number AS b"
    )
    found = [(row["a"], row["type"], row["properties"], row["b"]) for row in rows]
    expected = [
        (i, type_, {"since": i, "counter": counter}, i + 1) for i in range(1, PAIRS + 1)
    ]
    return _differences("relationships", map(_text, found), map(_text, expected))


def wrong_catalogue(
    graph: Graph, expected: Iterable[tuple[str, str, list[str], list[str]]]
) -> list[str]:
    """Return how the indexes and constraints differ from the expected ones."""
    theirs = f"type <> 'LOOKUP' AND none(label IN labelsOrTypes WHERE label {_OWN})"
    columns = "name, type, labelsOrTypes AS labels, properties"
    constraints = graph.read(
        "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties "
        f"WHERE {theirs} RETURN {columns}"
    )
    indexes = graph.read(
        "SHOW INDEXES YIELD name, type, labelsOrTypes, properties, owningConstraint, "
        f"state WHERE {theirs} AND (owningConstraint IS NULL OR state <> 'ONLINE') "
        f"RETURN {columns}, state"
    )
    found = [
        (row["name"], row["type"], row["labels"], row["properties"])
        for row in [*constraints, *indexes]
    ]
    offline = [f"catalogue: not online: {r}" for r in indexes if r["state"] != "ONLINE"]
    return offline + _differences("catalogue", map(str, found), map(str, expected))


def wrong_records(
    project: Project, graph: Graph, heads: list[str], applied: Iterable[str]
) -> list[str]:
    """Return what ledger and stamp do not say as they should."""
    tables = project.remembered() or {}
    recorded = [row[1] for row in tables.get("alembic_neo4j_revision", [])]
    markers = graph.read("MATCH (m:__AlembicNeo4jMarker) RETURN properties(m) AS m")
    pairs: list[tuple[str, Any, Any]] = [
        ("version table", project.heads(), heads),
        ("revisions in the ledger", sorted(recorded), sorted(applied)),
        ("stamp in the graph", stamped(graph), heads),
        ("open runs", open_runs(project), 0),
        ("markers in the graph", markers, []),
    ]
    return [
        f"{what}: expected {expected}, found {found}"
        for what, found, expected in pairs
        if found != expected
    ]


def _text(entity: tuple[Any, ...]) -> str:
    return str(
        [sorted(part.items()) if isinstance(part, dict) else part for part in entity]
    )


def _differences(what: str, found: Iterable[str], expected: Iterable[str]) -> list[str]:
    """Return the first of what is there and should not be, and the other way round."""
    there, wanted = sorted(found), sorted(expected)
    surplus, lacking = _without(there, wanted), _without(wanted, there)
    return [
        f"{what}: {len(lines)} {how}, such as {lines[0]}"
        for how, lines in (("too many", surplus), ("missing", lacking))
        if lines
    ]


def _without(lines: list[str], others: list[str]) -> list[str]:
    left = Counter(lines)
    left.subtract(others)
    return sorted(left.elements())
