"""What the nearest tools get wrong about a history, its files and its ledger."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import neo4j
import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer
from tests.migration.project import Project, graph_state, indexes

CONSTRAINTS = (
    "SHOW CONSTRAINTS YIELD labelsOrTypes, properties "
    "WHERE none(label IN labelsOrTypes WHERE label STARTS WITH '__') "
    "RETURN labelsOrTypes[0] AS label, properties ORDER BY label"
)


def _makes(project: Project, revision: str, down: str | None = None) -> Path:
    return project.revision(
        revision,
        # Counted: Neo4j gives the ids of deleted nodes again, in no order.
        "op.execute('OPTIONAL MATCH (m:Made) WITH count(m) AS place '"
        f"'CREATE (:Made {{by: \"{revision}\", place: place}})')",
        f"op.execute('MATCH (m:Made {{by: \"{revision}\"}}) DELETE m')",
        down=down,
    )


def _made(graph: Graph) -> list[str]:
    rows = graph.read("MATCH (m:Made) RETURN m.by AS by ORDER BY m.place")
    return [row["by"] for row in rows]


def _generated(project: Project, revision: str, *arguments: str) -> str:
    project.done("revision", "--autogenerate", "--rev-id", revision, *arguments)
    (path,) = project.versions.glob(f"{revision}_*.py")
    return path.read_text()


# The history: its order is that of the chain, and all of its files count.


def test_the_chain_gives_the_order_and_not_the_names_of_files(
    live: Project, neo4j_graph: Graph
) -> None:
    for revision, down in (("b_root", None), ("c_mid", "b_root"), ("a", "c_mid")):
        _makes(live, revision, down)
    live.done("upgrade", "head")
    assert _made(neo4j_graph) == ["b_root", "c_mid", "a"]
    live.done("downgrade", "c_mid")
    assert _made(neo4j_graph) == ["b_root", "c_mid"]


@pytest.mark.parametrize("verb", ["upgrade heads", "upgrade r1", "stamp r1"])
@pytest.mark.parametrize("applied", [False, True], ids=["new", "at r1"])
def test_files_that_are_no_history_are_refused(
    live: Project, neo4j_graph: Graph, applied: bool, verb: str
) -> None:
    _makes(live, "r1")
    if applied:
        live.done("upgrade", "r1")
    before = graph_state(neo4j_graph)
    twin = live.versions / "twin.py"
    shutil.copy(_makes(live, "r2", "r1"), twin)
    assert "r2 is present more than once" in live.failed(*verb.split())
    twin.unlink()
    orphan = _makes(live, "r3", "nowhere")
    assert "nowhere referenced from" in live.failed(*verb.split())
    orphan.unlink()
    _makes(live, "r1", "r2")
    assert "Cycle is detected" in live.failed(*verb.split())
    assert graph_state(neo4j_graph) == before
    assert live.heads() == (["r1"] if applied else [])


def test_a_file_that_is_no_python_stops_everything_with_its_name(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "r1")
    before = graph_state(neo4j_graph)
    (chain.versions / "broken.py").write_text("def (:\n")
    outcome = chain.program("-c", "neo4j.ini", "upgrade", "head")
    assert outcome.status != 0
    assert "broken.py" in outcome.err
    assert "SyntaxError" in outcome.err
    assert graph_state(neo4j_graph) == before
    assert chain.heads() == ["r1"]


@pytest.mark.parametrize("target", ["r2", "r3"])
def test_a_downgrade_to_what_is_not_applied_takes_nothing_back(
    chain: Project, neo4j_graph: Graph, target: str
) -> None:
    chain.done("upgrade", "r1")
    before = graph_state(neo4j_graph)
    message = chain.failed("downgrade", target)
    assert f"{target} is not a valid downgrade target" in message
    assert graph_state(neo4j_graph) == before
    assert chain.heads() == ["r1"]


def test_an_applied_revision_can_not_be_made_safe_by_editing_its_file(
    chain: Project, neo4j_graph: Graph
) -> None:
    path = chain.revision("r2", "pass", "pass", down="r1", rollback_safe=False)
    chain.done("upgrade", "head")
    before = graph_state(neo4j_graph)
    text = path.read_text()
    path.write_text(text.replace("rollback_safe = False", "rollback_safe = True"))
    assert path.read_text() != text
    assert "r2 was edited after it was applied" in chain.failed("downgrade", "base")
    assert graph_state(neo4j_graph) == before


@pytest.mark.parametrize(
    "message",
    ['three """ quotes', 'it ends in a "', "C:\\new\\x", "\"\"\"\"''' and '''"],
)
def test_any_message_gives_a_file_that_runs(
    live: Project, neo4j_graph: Graph, message: str
) -> None:
    live.done("revision", "--rev-id", "r1", "-m", message)
    live.done("upgrade", "head")
    assert live.heads() == ["r1"]
    assert message in live.done("history")


# The models: nothing is lost on the way from them to the graph.


def test_a_fresh_clone_generates_the_same(project: Project, tmp_path: Path) -> None:
    project.models("class P(StructuredNode):\n    name = StringProperty(index=True)")
    _generated(project, "r1")
    clone = Project(tmp_path / "clone")
    shutil.copytree(project.path, clone.path, ignore=shutil.ignore_patterns("clone"))
    assert not clone.ledger.exists()
    texts = []
    for one in (project, clone):
        one.models(
            "class P(StructuredNode):\n    name = StringProperty(unique_index=True)\n"
            "    age = IntegerProperty(index=True)"
        )
        # In processes of their own, as two people have them.
        verb = ("revision", "--autogenerate", "--rev-id", "r2")
        outcome = one.program("-c", "neo4j.ini", *verb)
        assert outcome.status == 0, outcome.text
        texts.append(next(one.versions.glob("r2_*.py")).read_text())
    assert 'op.add_unique_constraint("P", "name")' in texts[0]
    assert _without_dates(texts[1]) == _without_dates(texts[0])


def _without_dates(text: str) -> list[str]:
    return [line for line in text.splitlines() if "Create Date" not in line]


def test_names_that_would_be_one_are_two_constraints(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models(
        "class A(StructuredNode):\n    B_c = StringProperty(unique_index=True)\n\n"
        "class A_B(StructuredNode):\n    c = StringProperty(unique_index=True)"
    )
    _generated(live, "r1")
    live.done("upgrade", "head")
    assert neo4j_graph.read(CONSTRAINTS) == [
        {"label": "A", "properties": ["B_c"]},
        {"label": "A_B", "properties": ["c"]},
    ]
    live.done("check")
    live.done("downgrade", "base")
    assert neo4j_graph.read(CONSTRAINTS) == []


def test_an_index_becomes_unique_and_back_and_goes(
    live: Project, neo4j_graph: Graph
) -> None:
    model = "class P(StructuredNode):\n    name = StringProperty({})"
    states: list[Any] = []
    for number, option in enumerate(("index=True", "unique_index=True", "index=True")):
        live.models(model.format(option))
        _generated(live, f"r{number}")
        live.done("upgrade", "head")
        states.append((indexes(neo4j_graph), neo4j_graph.read(CONSTRAINTS)))
    assert states[0] == states[2] == ({"index_P_name"}, [])
    assert states[1] == (set(), [{"label": "P", "properties": ["name"]}])
    live.models(model.format(""))
    _generated(live, "r3")
    live.done("upgrade", "head")
    assert (indexes(neo4j_graph), neo4j_graph.read(CONSTRAINTS)) == (set(), [])
    live.done("check")
    for state in reversed(states):
        live.done("downgrade", "-1")
        assert (indexes(neo4j_graph), neo4j_graph.read(CONSTRAINTS)) == state


def test_a_property_that_was_renamed_without_a_hint_keeps_its_values(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models("class P(StructuredNode):\n    nm = StringProperty()")
    _generated(live, "r1")
    live.done("upgrade", "head")
    neo4j_graph.transaction([("CREATE (:P {nm: 'precious'})", {})])
    live.models("class P(StructuredNode):\n    name = StringProperty()")
    _generated(live, "r2")
    live.done("upgrade", "head")
    kept = neo4j_graph.read("MATCH (p:P) RETURN p {.*} AS p")[0]["p"]
    assert "precious" in kept.values()
    live.done("downgrade", "-1")
    assert neo4j_graph.read("MATCH (p:P) RETURN p {.*} AS p") == [
        {"p": {"nm": "precious"}}
    ]


def test_required_properties_run_on_community(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models("class P(StructuredNode):\n    name = StringProperty(required=True)")
    _generated(live, "r1")
    live.done("upgrade", "head")
    live.models(
        "class P(StructuredNode):\n    name = StringProperty(required=True)\n"
        "    age = IntegerProperty(default=7)"
    )
    neo4j_graph.transaction([("CREATE (:P {name: 'a'})", {})])
    _generated(live, "r2")
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) RETURN p.age AS age") == [{"age": 7}]
    live.done("check")


def test_what_enterprise_alone_has_is_left_out_with_a_comment(live: Project) -> None:
    live.models(
        "from alembic_neo4j import declare\n\n"
        "class P(StructuredNode):\n    name = StringProperty()\n"
        "    __neo4j_schema__ = [declare.key('name')]"
    )
    text = _generated(live, "r1")
    assert "op.add_node_key_constraint" not in text
    assert "Left out: the key constraint on P(name) needs Enterprise Edition" in text
    live.done("upgrade", "head")
    live.done("check")


# The run: what a revision asks of the data is asked when it is its turn.


def test_data_of_an_earlier_revision_are_seen_and_no_condition_is_asked_twice(
    live: Project, neo4j_graph: Graph
) -> None:
    _makes(live, "r1")
    live.revision(
        "r2",
        """
        rows = op.run_cypher("MATCH (m:Made {by: 'r1'}) RETURN count(m) AS n")
        if op.is_replaying() or rows[0]["n"] == 1:
            op.execute("MATCH (m:Made) DELETE m")
            op.execute("CREATE (:Made {by: 'r2', place: 0})")
        """,
        down="r1",
    )
    live.done("upgrade", "head")
    assert _made(neo4j_graph) == ["r2"]
    live.done("upgrade", "head")
    _makes(live, "r3", "r2")
    live.done("upgrade", "head")
    assert _made(neo4j_graph) == ["r2", "r3"]


def test_the_history_outlives_the_data(chain: Project, neo4j_graph: Graph) -> None:
    chain.done("upgrade", "r2")
    neo4j_graph.transaction([("MATCH (n) DETACH DELETE n", {})])
    assert chain.done("current").strip() == "r2"
    before = graph_state(neo4j_graph)
    assert "the graph has no stamp" in chain.failed("upgrade", "head")
    assert graph_state(neo4j_graph) == before


@pytest.mark.parametrize(
    "verb",
    [
        "current -v",
        "current --check-heads",
        "history -i",
        "heads",
        "branches",
        "show current",
        "check",
        "upgrade head --sql",
        "upgrade r2",
    ],
)
def test_reading_commits_nothing_to_the_graph(
    chain: Project, neo4j_graph: Graph, neo4j_server: Neo4jServer, verb: str
) -> None:
    chain.done("upgrade", "r2")
    before = _last_commit(neo4j_server)
    chain.run(*verb.split())
    assert _last_commit(neo4j_server) == before
    neo4j_graph.transaction([("CREATE (:P)", {})])
    assert _last_commit(neo4j_server) != before


@pytest.mark.parametrize(
    "verb",
    ["status", "plan", "plan --down base", "verify --full", "repair", "unlock --yes"],
)
def test_our_own_verbs_that_look_commit_nothing_either(
    chain: Project, neo4j_graph: Graph, neo4j_server: Neo4jServer, verb: str
) -> None:
    # Without the nodes and constraints of ours, and with them.
    for target in ("base", "r2"):
        chain.done("upgrade", target)
        before = _last_commit(neo4j_server)
        looked = chain.verb(*verb.split(), "--format", "json")
        assert looked.status in {0, 1}, looked.text
        assert _last_commit(neo4j_server) == before


def test_a_ledger_at_a_revision_that_is_unknown_here_stays_as_it_is(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("upgrade", "head")
    for revision in ("r2", "r3"):
        (chain.versions / f"{revision}_.py").unlink()
    before, remembered = graph_state(neo4j_graph), chain.remembered()
    for verb in ("upgrade head", "downgrade base", "current", "stamp r1"):
        message = chain.failed(*verb.split())
        assert "Can't locate revision identified by 'r3'" in message
    assert graph_state(neo4j_graph) == before
    assert chain.remembered() == remembered
    assert "head-unknown" in chain.verb("status").out
    chain.done("stamp", "--purge", "r1")
    assert chain.heads() == ["r1"]


def _last_commit(server: Neo4jServer) -> frozenset[str]:
    # A bookmark is the id of the last transaction that changed anything.
    credentials = (server.username, server.password)
    with (
        neo4j.GraphDatabase.driver(server.url, auth=credentials) as driver,
        driver.session(database=server.database) as session,
    ):
        session.execute_read(lambda transaction: transaction.run("RETURN 1").consume())
        return session.last_bookmarks().raw_values


# The project: no secret and no address of the environment gets into a file.


def test_the_files_of_a_project_have_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from alembic_neo4j.cli import main

    monkeypatch.chdir(tmp_path)
    for prefix in ("ALEMBIC_NEO4J_", "NEO4J_"):
        monkeypatch.setenv(f"{prefix}URI", "bolt://leaked.example:7687")
        monkeypatch.setenv(f"{prefix}PASSWORD", "leaked")
    done = CliRunner().invoke(main, ["init"])
    assert done.exit_code == 0, done.output
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 3
    assert [text for text in (*texts, done.output) if "leaked" in text] == []
