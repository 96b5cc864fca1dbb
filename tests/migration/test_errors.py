"""What goes wrong before a run: a message, a status, and nothing has changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer
from tests.migration.project import NOWHERE, Outcome, Project, graph_state

ENTERPRISE = "op.add_node_property_existence_constraint('P', 'p')"


@dataclass(frozen=True)
class Wrong:
    """Something wrong with a project, and what its message says."""

    message: str
    verb: str = "upgrade head"
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    prepare: Callable[[Project], object] = lambda project: None


WRONG = {
    "no such scheme": Wrong(
        "URI scheme 'http' is not supported", environment={"URI": "http://127.0.0.1"}
    ),
    "no such port": Wrong(
        "ALEMBIC_NEO4J_URI = bolt://127.0.0.1:nope: Port could not be cast",
        environment={"URI": "bolt://127.0.0.1:nope"},
    ),
    "no such host": Wrong(
        "no Neo4j answers at bolt://host.invalid:7687",
        environment={"URI": "bolt://host.invalid:7687"},
    ),
    "server down": Wrong(
        "Connection refused). Start the server", environment={"URI": NOWHERE}
    ),
    "cluster down": Wrong(
        "no Neo4j answers at neo4j://127.0.0.1:1",
        environment={"URI": "neo4j://127.0.0.1:1"},
    ),
    # A user of its own: the server locks one out after three wrong passwords.
    "wrong password": Wrong(
        "refuses the credentials",
        environment={"USERNAME": "nobody", "PASSWORD": "s3cret"},
    ),
    "no password": Wrong(
        "asks for credentials, and there are none", environment={"PASSWORD": ""}
    ),
    # The password of the environment is that of the address in the environment.
    "another server's password": Wrong(
        "-x neo4j.url: give -x neo4j.username and -x neo4j.password_file",
        arguments=("-x", "neo4j.url={url}"),
    ),
    "wrong database": Wrong(
        "has no database 'nope': correct -x neo4j.database",
        arguments=("-x", "neo4j.database=nope"),
    ),
    "wrong edition": Wrong(
        "needs Enterprise Edition",
        prepare=lambda project: project.revision("r3", ENTERPRISE, down="r2"),
    ),
    "unknown target": Wrong("Can't locate revision", verb="upgrade nope"),
    "unknown downgrade": Wrong("Can't locate revision", verb="downgrade nope"),
    "too far up": Wrong(
        "Relative revision +9 didn't produce 9 migrations", verb="upgrade +9"
    ),
    "too far down": Wrong(
        "Relative revision -9 didn't produce 9 migrations", verb="downgrade -9"
    ),
    "unknown stamp": Wrong("Can't locate revision", verb="stamp nope"),
    "unknown key": Wrong(
        "unknown key neo4j.nope", prepare=lambda project: project.set("neo4j.nope", "1")
    ),
    "models can't be imported": Wrong(
        "No module named 'no_such_library'",
        verb="check",
        prepare=lambda project: project.models("import no_such_library"),
    ),
    "models are missing": Wrong(
        "there is no module or package 'nope'",
        verb="revision --autogenerate",
        prepare=lambda project: project.set("neo4j.models", "nope"),
    ),
    "models are not named": Wrong(
        "neo4j.models is not set",
        verb="check",
        prepare=lambda project: project.set("neo4j.models", None),
    ),
    "replay fails": Wrong(
        "revision r3",
        prepare=lambda project: project.revision(
            "r3", "op.run_cypher('RETURN 1 AS x')[0]", down="r2"
        ),
    ),
    "the history does not fit": Wrong(
        "does not fit the history before it",
        prepare=lambda project: project.revision(
            "r3", "op.drop_index('Nope', 'p')", down="r2"
        ),
    ),
}


@pytest.mark.sample(14)
@pytest.mark.parametrize("applied", [False, True], ids=["new", "at r1"])
@pytest.mark.parametrize("name", list(WRONG))
def test_it_is_said_and_nothing_has_changed(
    chain: Project,
    neo4j_graph: Graph,
    neo4j_server: Neo4jServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    applied: bool,
) -> None:
    wrong = WRONG[name]
    if applied:
        chain.done("upgrade", "r1")
    wrong.prepare(chain)
    before, remembered = graph_state(neo4j_graph), chain.remembered()
    revisions = sorted(chain.versions.iterdir())
    for key, value in wrong.environment.items():
        monkeypatch.setenv(f"ALEMBIC_NEO4J_{key}", value)
    arguments = [part.format(url=neo4j_server.url) for part in wrong.arguments]
    outcome = chain.run(*arguments, *wrong.verb.split())
    _is_refused(outcome, wrong.message, neo4j_server.password)
    assert graph_state(neo4j_graph) == before
    assert chain.remembered() == remembered
    assert sorted(chain.versions.iterdir()) == revisions


@pytest.mark.parametrize(
    "name", ["server down", "wrong password", "wrong edition", "unknown target"]
)
def test_the_installed_program_says_so_too(
    chain: Project, neo4j_graph: Graph, neo4j_server: Neo4jServer, name: str
) -> None:
    wrong = WRONG[name]
    wrong.prepare(chain)
    before = graph_state(neo4j_graph)
    environment = {f"ALEMBIC_NEO4J_{k}": v for k, v in wrong.environment.items()}
    outcome = chain.program(
        "-c", "neo4j.ini", *wrong.verb.split(), environment=environment
    )
    _is_refused(outcome, wrong.message, neo4j_server.password)
    assert graph_state(neo4j_graph) == before
    assert chain.remembered() is None


def test_the_file_of_an_applied_revision_is_missing(chain: Project) -> None:
    chain.done("upgrade", "r2")
    (chain.versions / "r3_.py").unlink()
    (chain.versions / "r2_.py").unlink()
    assert "Can't locate revision identified by 'r2'" in chain.failed("upgrade", "head")


def test_an_error_in_a_replay_names_the_line_and_the_guard(chain: Project) -> None:
    path = chain.revision(
        "r3", "x = 1\nop.run_cypher('RETURN 1 AS x')[0]['x']", down="r2"
    )
    line = (
        path.read_text()
        .splitlines()
        .index("    op.run_cypher('RETURN 1 AS x')[0]['x']")
    )
    message = chain.failed("upgrade", "head")
    assert f"{path}, line {line + 1}" in message
    assert "IndexError" in message
    assert "if not op.is_replaying():" in message


def _is_refused(outcome: Outcome, message: str, password: str) -> None:
    assert outcome.status == 255, outcome.text
    assert "FAILED: " in outcome.out
    assert message in outcome.out
    # The server's sentences end by themselves.
    assert not re.search(r"[.:;]\.(\s|$)", outcome.out)
    assert "Traceback" not in outcome.text
    assert password not in outcome.text
    assert "s3cret" not in outcome.text
