"""Two servers with a database of one name, the second without authentication."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from alembic_neo4j import local
from alembic_neo4j.graph.connection import Graph, GraphSettings
from alembic_neo4j.graph.wipe import wipe
from alembic_neo4j.local.guard import guarded
from tests.migration.project import Project, graph_state, indexes, stamped


@pytest.fixture(scope="module")
def second_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that asks nobody who he is."""
    directory = tmp_path_factory.mktemp("second")
    with guarded(directory):
        server = local.ensure_started(
            directory,
            version=os.environ.get("ALEMBIC_NEO4J_TEST_VERSION") or None,
            disposable=True,
            settings={"dbms.security.auth_enabled": "false"},
        )
        yield server.url
        local.stop(directory, disposable=True)


@pytest.fixture
def second(second_server: str, project: Project) -> Iterator[Graph]:
    """Its graph, empty."""
    graph = Graph(GraphSettings(second_server, project.path))
    wipe(graph)
    yield graph
    graph.close()


def _with_an_index(project: Project) -> Project:
    project.revision(
        "r1", "op.add_index('P', 'p', name='i')", "op.drop_index('P', 'p')"
    )
    return project


@pytest.mark.parametrize("scheme", ["none", None])
def test_a_server_without_authentication(
    project: Project, second: Graph, scheme: str | None
) -> None:
    _with_an_index(project)
    project.set("neo4j.url", second.url)
    project.set("neo4j.auth", scheme)
    project.done("upgrade", "head")
    assert project.verb("status").status == 0
    assert (project.heads(), stamped(second)) == (["r1"], ["r1"])
    project.done("downgrade", "base")
    assert (project.heads(), stamped(second)) == ([], [])


def test_one_ledger_is_not_taken_for_that_of_another_server(
    chain: Project, neo4j_graph: Graph, second: Graph
) -> None:
    chain.done("upgrade", "r2")
    there = ("-x", f"neo4j.url={second.url}")
    before, remembered = graph_state(second), chain.remembered()
    for verb in ("upgrade head", "upgrade r2", "downgrade base"):
        message = chain.failed(*there, *verb.split())
        assert "the ledger is at r2, but the graph has no stamp" in message
    assert "stamp-missing" in chain.verb("verify", *there).out
    assert (graph_state(second), chain.remembered()) == (before, remembered)
    chain.done("upgrade", "head")


def test_two_servers_have_heads_of_their_own_in_one_ledger(
    chain: Project, neo4j_graph: Graph, second: Graph
) -> None:
    env = chain.path / "migrations" / "env.py"
    text = env.read_text()
    table = 'config.get_main_option("version_table") or "alembic_version"'
    given = "target_metadata=target_metadata"
    assert given in text
    env.write_text(text.replace(given, f"{given}, version_table={table}"))
    section = (
        "\n[second]\nscript_location = %(here)s/migrations\npath_separator = os\n"
        "version_table = second\n"
    )
    chain.ini.write_text(chain.ini.read_text() + section)
    there = ("-n", "second", "-x", f"neo4j.url={second.url}")
    chain.done("upgrade", "r2")
    chain.done(*there, "upgrade", "r1")
    assert (stamped(neo4j_graph), stamped(second)) == (["r2"], ["r1"])
    assert (indexes(neo4j_graph), indexes(second)) == ({"i1", "i2"}, {"i1"})
    chain.done("downgrade", "base")
    chain.done(*there, "upgrade", "head")
    assert (stamped(neo4j_graph), stamped(second)) == ([], ["r3"])
    tables = chain.remembered() or {}
    assert (tables["alembic_version"], tables["second"]) == ([], [("r3",)])
    # Each for the other's graph is refused.
    assert "another ledger" in chain.failed("-n", "second", "upgrade", "head")
