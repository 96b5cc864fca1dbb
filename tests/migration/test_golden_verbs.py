"""What the verbs print of a project over a graph is what the golden files hold."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import neo4j
import pytest

from alembic_neo4j import __version__
from alembic_neo4j.graph.connection import Graph
from tests.migration import golden
from tests.migration.project import Project

REFRESHES = golden.REFRESH in os.environ
WIDE = {"COLUMNS": "200", "NO_COLOR": "1"}

STOPS = """
op.run_cypher("CREATE (:City)")
op.add_index("City", "y")
if not op.is_replaying():
    from alembic.util import CommandError

    raise CommandError("no")
"""
MODELS = """
from alembic_neo4j import declare

class City(StructuredNode):
    title = StringProperty()
    __neo4j_schema__ = [declare.text_index("title", name="city_title")]

class Person(StructuredNode):
    name = StringProperty(unique_index=True, required=True)
    born = IntegerProperty(index=True)
    home = RelationshipTo("City", "LIVES_IN")
"""
FIRST = """
op.add_node("City", op.Property("name", "STRING"))
op.add_node(
    "Person",
    op.Property("name", "STRING", required=True),
    op.Property("born", "INTEGER"),
    op.Property("nick", "STRING"),
)
op.add_relationship("Person", "LIVES_IN", "City", attribute="home")
op.add_index("Person", "born")
op.add_unique_constraint("Person", "name")
"""
NOT_FIRST = """
op.drop_unique_constraint("Person", "name")
op.drop_index("Person", "born")
op.remove_relationship("Person", "LIVES_IN", "City")
op.remove_node("Person")
op.remove_node("City")
"""
SECOND = """
op.rename_node_property("City", "name", "title")
op.remove_node_property("Person", "nick")
op.run_cypher("MATCH (n:Person {name: $name}) SET n.seen = true", {"name": "Ann"})
op.create_nodes("City", [{"title": "Rome"}, {"title": "Oslo"}])
op.upsert_nodes("Person", [{"name": "Ann", "born": 1}], merge_keys="name")
op.create_relationships(
    "Person", "City", "LIVES_IN", [{"source": "Ann", "target": "Rome"}],
    source_key="name", target_key="title",
)
op.add_text_index("City", "title", name="city_title")
"""
NOT_SECOND = """
op.drop_text_index("City", "title")
op.rollback_batch()
op.run_cypher("MATCH (n:Person) REMOVE n.seen")
op.restore_node_property("Person", "nick", "STRING")
op.rename_node_property("City", "title", "name")
"""
DATA = """
UNWIND range(1, 3) AS i
CREATE (:Person {name: 'p' + i, born: 1900 + i, nick: 'n' + i})
CREATE (:City {name: 'c' + i})
"""
STRAY = "CREATE (:Person {name: 's', born: 'x', odd: 1})-[:ODD]->(:Stray {a: 1})"
PEOPLE = "name,born\nAnn,7\nBob,8\n"
STATEMENTS = (
    "// two\nCREATE (:Person {name: 'Eve'});\nMATCH (n:Person) SET n.ok = true;\n"
)


@pytest.fixture
def peopled(live: Project, neo4j_graph: Graph) -> Iterator[Project]:
    """Two revisions that no one has run yet, and a graph with data."""
    neo4j_graph.transaction([(DATA, {})])
    live.models(MODELS)
    live.revision("r1", FIRST, NOT_FIRST)
    live.revision("r2", SECOND, NOT_SECOND, down="r1")
    (live.path / "people.csv").write_text(PEOPLE)
    (live.path / "all.cypher").write_text(STATEMENTS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in WIDE.items():
            patch.setenv(name, value)
        yield live


def test_a_project_from_its_first_upgrade_to_its_last_downgrade(
    peopled: Project,
) -> None:
    def told() -> str:
        return _told(
            peopled,
            "status",
            "plan",
            "verify",
            "alembic upgrade head",
            "status",
            "plan --down base",
            "verify --full",
            "repair --dry-run",
            "history",
            "archive list",
            "schema dump",
            "schema hash",
            "schema diff r1:r2",
            "ingest validate people.csv",
            "ingest load people.csv --label Person --merge-key name --batch people",
            "ingest load people.csv --label Person --merge-key name --batch people",
            "ingest list",
            "ingest show people",
            "ingest show r2",
            "ingest rollback people --yes",
            "run all.cypher --dry-run",
            "run all.cypher",
            "history --limit 3",
            "alembic current",
            "alembic check",
            "alembic downgrade base",
            "history",
            "status",
        )

    golden.compare("verbs/whole.txt", told, refresh=REFRESHES)


def test_a_project_with_much_that_does_not_fit(
    peopled: Project, neo4j_graph: Graph
) -> None:
    def told() -> str:
        refused = "alembic upgrade head"
        peopled.done("upgrade", "r2")
        neo4j_graph.transaction([("DROP INDEX index_Person_born", {})])
        neo4j_graph.transaction([("CREATE INDEX foreign FOR (n:City) ON (n.x)", {})])
        neo4j_graph.transaction([(STRAY, {})])
        path = peopled.versions / "r2_.py"
        path.write_text(path.read_text().replace("Rome", "Roma"))
        peopled.revision(
            "r3",
            """
            op.add_unique_constraint("City", "kind")
            op.alter_node_property("Person", "born", type="STRING")
            op.rename_node_property("Person", "name", "odd")
            """,
            down="r2",
        )
        neo4j_graph.transaction([("MATCH (n:City) SET n.kind = 1", {})])
        parts = _told(
            peopled,
            "status",
            "plan",
            "verify --full",
            refused,
            "repair --dry-run",
            "repair --only file-edited --yes",
            "plan",
            refused,
            "history",
        )
        peopled.revision("r3", STOPS, down="r2")
        failed = _told(
            *(peopled, refused, "status", "plan", "verify --full", "history"),
            *("alembic downgrade r1", "repair --abandon-run --yes", "history"),
        )
        return f"{parts}\n{failed}"

    golden.compare("verbs/findings.txt", told, refresh=REFRESHES)


LOADS = """
op.create_nodes("City", [{"name": "Rome", "x": 1}], batch_size=7)
op.upsert_nodes("Person", [{"name": "p1", "born": 1}], merge_keys="name")
op.upsert_nodes(["Person", "Vip"], [{"name": "p9"}], merge_keys=["name", "born"][:1],
                allow_unknown=True)
op.create_relationships(
    "Person", "City", "LIVES_IN", [{"source": "p1", "target": "Rome"}],
    source_key="name", target_key="name",
)
op.upsert_relationships(
    "Person", "City", "LIVES_IN",
    [{"source": "p1", "target": "Rome", "properties": {"x": 1}}],
    source_key="name", target_key="name",
)
op.merge_nodes(
    "City", "'one'", policies={"name": "all"}, policy="last",
    order_by="n.name <> 'Rome'",
)
"""


def test_what_loads_and_merges_write(
    peopled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their statements are in no script, and in no step."""
    peopled.revision("r2", LOADS, down="r1")
    peopled.done("upgrade", "r1")
    sent: list[str] = []
    for kind in (neo4j.Session, neo4j.Transaction, neo4j.ManagedTransaction):
        monkeypatch.setattr(kind, "run", _recorded(kind.run, sent))

    def told() -> str:
        peopled.done("upgrade", "r2")
        return "\n\n".join(filter(_writes, dict.fromkeys(sent))) + "\n"

    golden.compare("verbs/sent.txt", told, refresh=REFRESHES)


def _recorded(run: Callable[..., Any], sent: list[str]) -> Callable[..., Any]:
    def recording(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(getattr(query, "text", query))
        return run(self, query, *arguments, **options)

    return recording


def _writes(text: str) -> bool:
    """Tell whether a statement changes data that is no bookkeeping of ours.

    How a batch finds its elements goes by their ids, which are the server's to give.
    """
    other = re.search(
        r"__AlembicNeo4j(Lock|Marker|Stamp)|EXPLAIN|\$(ids|first)\b", text
    )
    return not other and bool(re.search(r"\b(CREATE|MERGE|SET|DELETE|REMOVE)\b", text))


def _told(project: Project, *commands: str) -> str:
    """Return what commands print; those of ours as JSON too, if they only look."""
    lines = []
    for command in commands:
        words = shlex.split(command)
        if words[0] == "alembic":
            done = project.run(*words[1:])
        else:
            done = project.verb(*words)
        lines.append(f"$ {command}\n{done.out}{done.err}[{done.status}]\n")
        if _only_looks(words):
            done = project.verb(*words, "--format", "json")
            assert json.loads(done.out)
            lines.append(f"$ {command} --format json\n{done.out}")
    return _steady(project, "\n".join(lines))


def _only_looks(words: list[str]) -> bool:
    changes = {"alembic", "dump", "load", "rollback"}
    return changes.isdisjoint(words) and (
        words[0] not in ("run", "repair") or "--dry-run" in words
    )


_VARYING = {
    r"(?m)^WARNI \[[\w.]+\] Waiting for .*\n": "",
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00)?": "<time>",
    r"bolt://[\w.]+:\d+": "<address>",
    r"\b4:[0-9a-f-]{36}:\d+": "<element>",
    r"\b5:[0-9a-f-]{36}:\d+": "<element>",
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b": "<uuid>",
    r"\b\w+@[\w.-]+": "<who>",
    r'(?<= UTC by )[\w.-]+|(?<=<time> by )[\w.-]+|(?<="applied_by": ")[\w.-]+': "<who>",
    r'(?<="version": ")\d+\.\d+\.\d+': "<release>",
    r"\b\d+\.\d+ ?(s|ms)\b": "<seconds>",
    r'(?<="seconds": )[\d.e-]+': "<seconds>",
    r"Neo4j \d+\.\d+\.\d+": "Neo4j <release>",
    r"\[alembic_neo4j[\w.]*\]": "[ours]",
}


def _steady(project: Project, text: str) -> str:
    text = text.replace(str(project.path), "<project>")
    text = re.sub(rf"\b{re.escape(__version__)}\b", "<version>", text)
    for pattern, instead in _VARYING.items():
        text = re.sub(pattern, instead, text)
    return text
