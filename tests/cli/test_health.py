"""``alembic-neo4j health``: three checks, each in its time, and what is measured."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import neo4j
import pytest
from prometheus_client.parser import text_string_to_metric_families

from alembic_neo4j.durability import HealthChecker
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer
from tests.forwarding import Forwarder
from tests.migration.project import NOWHERE, Project, undone

PROGRAM = Path(sys.executable).parent / "alembic-neo4j"
CHECKS = ["connectivity", "schema_consistency", "orphan_detection"]


@pytest.fixture
def people(applied: Project, neo4j_graph: Graph) -> Project:
    """The applied history, and data that it declares."""
    write(
        neo4j_graph,
        "CREATE (:Person {name: 'Ada'})-[:LIVES_IN]->(:City {name: 'London'})",
    )
    return applied


def write(graph: Graph, *statements: str) -> None:
    for statement in statements:
        graph.transaction([(statement, {})])


def states(project: Project, *arguments: str) -> list[str]:
    found = project.verb("health", "--format", "json", *arguments)
    report = json.loads(found.out)
    assert list(report["checks"]) == CHECKS
    words = [check["status"] for check in report["checks"].values()]
    healthy = words == ["pass"] * 3
    assert report["status"] == ("healthy" if healthy else "unhealthy")
    assert found.status == (0 if healthy else 1), found.text
    return words


def test_the_object_has_these_keys_and_no_others(people: Project) -> None:
    found = people.verb("health", "--format", "json")
    report = json.loads(found.out)
    assert found.status == 0, found.text
    assert list(report) == ["status", "timestamp", "checks"]
    assert list(report["checks"]) == CHECKS
    for check in report["checks"].values():
        assert list(check) == ["status", "duration_ms"]
        assert check["status"] == "pass"
        assert isinstance(check["duration_ms"], int)
    moment = time.strptime(report["timestamp"], "%Y-%m-%dT%H:%M:%SZ")
    assert abs(time.mktime(moment) - time.mktime(time.gmtime())) < 60
    told = people.verb("health")
    assert told.status == 0
    assert [line.split()[:2] for line in told.out.splitlines()[1:]] == [
        ["pass", name] for name in CHECKS
    ]


def test_what_is_measured_besides(people: Project) -> None:
    people.verb("ledger", "backup", "create")
    people.verb("backup", "create")
    people.revision("r3", "op.add_index('Person', 'name')", down="r2")
    report = json.loads(people.verb("health", "--detailed", "--format", "json").out)
    metrics = report["metrics"]
    assert metrics["server"].startswith("Neo4j ")
    assert (metrics["nodes"], metrics["relationships"]) == (2, 1)
    assert metrics["indexes"] == {"online": 3, "populating": 0, "failed": 0}
    assert metrics["heads"] == ["r2"]
    assert metrics["pending"] == 1
    assert 0 <= metrics["ledger_backup_age_seconds"] < 60
    assert 0 <= metrics["backup_age_seconds"] < 60
    assert metrics["restored_backup_age_seconds"] is None
    assert metrics["audit_intact"] is True
    assert metrics["audit_events"] > 1
    for unset in ("open_run", "lock_holder", "store_bytes"):
        assert metrics[unset] is None
    told = people.verb("health", "--detailed").out
    assert "  indexes: online 3, populating 0, failed 0\n" in told


def test_an_index_that_is_gone_is_found_and_the_rest_is_skipped(
    people: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "DROP INDEX person_born", "CREATE (:Stranger)")
    assert states(people) == ["pass", "fail", "skipped"]
    found = people.verb("health", "--format", "json")
    assert "schema_consistency: " in found.err
    assert "person_born" in found.err
    text = people.verb("health").out
    assert "  fail     schema_consistency" in text
    assert "  skipped  orphan_detection\n" in text


def test_a_graph_that_another_ledger_manages_is_not_consistent(
    people: Project,
) -> None:
    people.ledger.unlink()
    assert states(people) == ["pass", "fail", "skipped"]
    assert "ledger" in people.verb("health").out


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("CREATE (:Stranger)", "nodes: expected a label that the history knows"),
        ("CREATE ()", "nodes: expected a label that the history knows, found 1 others"),
        (
            "MATCH (c:City) CREATE (c)-[:LIVES_IN]->(:City)",
            "relationships of type LIVES_IN: expected (:Person)-[:LIVES_IN]->(:City)",
        ),
        (
            "MATCH (p:Person)-[:LIVES_IN]->(c) CREATE (c)-[:LIVES_IN]->(p)",
            "found 1 others, such as ",
        ),
    ],
)
def test_what_no_model_accounts_for(
    people: Project, neo4j_graph: Graph, statement: str, told: str
) -> None:
    write(neo4j_graph, statement)
    assert states(people) == ["pass", "pass", "fail"]
    assert told in people.verb("health").out


def test_what_the_models_allow_is_no_orphan(live: Project, neo4j_graph: Graph) -> None:
    live.models(
        """
        class Being(StructuredNode):
            name = StringProperty()
            knows = Relationship("Being", "KNOWS")
            fed_by = RelationshipFrom("Being", "FEEDS")

        class Dog(Being):
            bites = RelationshipTo("Being", "BITES")

        class Odd(StructuredNode):
            anything = RelationshipTo("Being", "OF")
        """
    )
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    write(
        neo4j_graph,
        "CREATE (a:Being {name: 'a'}), (d:Being:Dog {name: 'd'}), (o:Odd), "
        "(a)-[:KNOWS]->(d), (d)-[:KNOWS]->(a), (d)-[:FEEDS]->(a), (d)-[:BITES]->(d), "
        "(o)-[:OF]->(a), (a)-[:A_TYPE_THAT_IS_NOT_DECLARED]->(o)",
    )
    assert states(live) == ["pass"] * 3
    write(neo4j_graph, "MATCH (a:Being {name: 'a'}) CREATE (a)-[:BITES]->(a)")
    assert states(live) == ["pass", "pass", "fail"]


def test_labels_that_env_py_leaves_out_are_known(
    people: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "CREATE (:Elses), (:Elses:More)")
    assert states(people)[-1] == "fail"
    env = people.path / "migrations" / "env.py"
    leave_out = "include_name=lambda name, kind, parents: name not in ('Elses', 'More')"
    text = env.read_text()
    changed = text.replace(
        "target_metadata=target", f"{leave_out}, target_metadata=target"
    )
    assert changed != text
    env.write_text(changed)
    assert states(people) == ["pass"] * 3


def test_a_history_without_models_knows_no_orphans(
    chain: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "CREATE (:Whoever)-[:KNOWS]->()")
    assert states(chain) == ["pass"] * 3


def test_nothing_is_written_and_nothing_started(project: Project) -> None:
    project.set("neo4j.url", "local")
    before = sorted(project.path.rglob("*"))
    assert states(project) == ["fail", "skipped", "skipped"]
    assert "alembic-neo4j local start" in project.verb("health").out
    assert sorted(project.path.rglob("*")) == before


# In its time -------------------------------------------------------------------------


def test_nothing_answers(project: Project) -> None:
    project.set("neo4j.url", NOWHERE)
    assert states(project) == ["fail", "skipped", "skipped"]
    assert "no Neo4j answers at" in project.verb("health").out


@pytest.fixture
def forwarders() -> Iterator[list[Forwarder]]:
    made: list[Forwarder] = []
    yield made
    for thread in threading.enumerate():
        if thread.name in CHECKS:
            thread.join(20)
            assert not thread.is_alive()
    for each in made:
        each.close()


@pytest.mark.parametrize("answers", [0, 200, 1_500, 3_000])
def test_a_server_that_goes_silent_fails_the_check_in_its_time(
    people: Project,
    neo4j_server: Neo4jServer,
    forwarders: list[Forwarder],
    answers: int,
) -> None:
    forwarders.append(Forwarder(neo4j_server.url, answers=answers))
    arguments = ["-x", f"neo4j.url={forwarders[0].url}"]
    arguments += ["-x", f"neo4j.username={neo4j_server.username}"]
    password = people.path / "password"
    password.write_text(neo4j_server.password)
    arguments += ["-x", f"neo4j.password_file={password}"]
    for name in ("connectivity", "schema", "orphan"):
        arguments += ["-x", f"neo4j.health_{name}_timeout=1"]
    began = time.monotonic()
    words = states(people, *arguments)
    assert time.monotonic() - began < 10
    assert words.count("fail") == 1
    assert set(words[words.index("fail") + 1 :]) <= {"skipped"}
    assert set(words[: words.index("fail")]) <= {"pass"}


def test_what_takes_too_long_has_not_passed(people: Project) -> None:
    told = people.verb("health", "-x", "neo4j.health_orphan_timeout=0.001")
    assert told.status == 1
    assert "fail     orphan_detection" in told.out


# For others --------------------------------------------------------------------------


def test_the_python_of_the_seed(
    people: Project, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is the driver that is looked through, not the address of the project.
    people.set("neo4j.url", NOWHERE)
    for name in [name for name in os.environ if "NEO4J_" in name]:
        monkeypatch.delenv(name)
    credentials = (neo4j_server.username, neo4j_server.password)
    with neo4j.GraphDatabase.driver(neo4j_server.url, auth=credentials) as driver:
        checker = HealthChecker(driver)
        with undone(people.path):
            result = checker.perform_all_checks(detailed=True)
        assert driver.verify_authentication()
    assert result["status"] == "healthy"
    assert [check["status"] for check in result["checks"].values()] == ["pass"] * 3
    assert result["metrics"]["nodes"] == 2


def test_metrics_are_read_by_prometheus(people: Project) -> None:
    told = people.verb("health", "--detailed", "--format", "prometheus")
    assert told.status == 0
    families = {f.name: f for f in text_string_to_metric_families(told.out)}
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert samples[("neo4j_health_status",)] == 1
    for name in CHECKS:
        assert samples[("neo4j_health_check_status", name)] == 1
        assert samples[("neo4j_health_check_duration_seconds", name)] > 0
    assert samples[("neo4j_health_nodes",)] == 2
    assert samples[("neo4j_health_indexes", "online")] == 3
    assert samples[("neo4j_health_open_run",)] == 0
    assert all(family.documentation for family in families.values())


def test_a_file_for_the_collector(people: Project, neo4j_graph: Graph) -> None:
    file = people.path / "neo4j.prom"
    arguments = ("health", "--format", "prometheus", "--output", str(file))
    assert people.verb(*arguments).out == ""
    assert "neo4j_health_status 1.0" in file.read_text()
    write(neo4j_graph, "CREATE (:Stranger)")
    assert people.verb(*arguments).status == 1
    assert "neo4j_health_status 0.0" in file.read_text()
    assert [p.name for p in people.path.glob("neo4j.prom*")] == ["neo4j.prom"]


def test_over_http_and_again_and_again(people: Project, neo4j_graph: Graph) -> None:
    command = [str(PROGRAM), "health"]
    listening = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"],
        cwd=people.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watching = subprocess.Popen(
        [*command, "--watch", "--interval", "0.1", "--format", "json"],
        cwd=people.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert listening.stdout is not None
        assert watching.stdout is not None
        address = listening.stdout.readline().split()[-1]
        assert fetched(f"{address}/health")[0] == 200
        assert json.loads(fetched(f"{address}/health")[1])["status"] == "healthy"
        assert "neo4j_health_status 1.0" in fetched(f"{address}/metrics")[1]
        assert fetched(f"{address}/other")[0] == 404
        first = json.loads(watching.stdout.readline())
        assert first["status"] == "healthy"
        write(neo4j_graph, "CREATE (:Stranger)")
        assert fetched(f"{address}/health")[0] == 503
        until = time.monotonic() + 60
        while json.loads(watching.stdout.readline())["status"] == "healthy":
            assert time.monotonic() < until
    finally:
        for each in (listening, watching):
            each.send_signal(signal.SIGINT)
            each.communicate(timeout=60)
    assert (listening.returncode, watching.returncode) == (130, 130)


def fetched(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--listen", "here"), "expected HOST:PORT such as 127.0.0.1:9464"),
        (("--listen", "127.0.0.1:70000"), "expected HOST:PORT"),
        (("--listen", "127.0.0.1:0", "--watch"), "no --watch"),
        (("-x", "neo4j.health_schema_timeout=soon"), "neo4j.health_schema_timeout"),
    ],
)
def test_what_is_refused(
    project: Project, arguments: tuple[str, ...], told: str
) -> None:
    found = project.verb("health", *arguments)
    assert found.status == 2
    assert told in found.err


def test_an_address_that_is_taken(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        found = project.verb("health", "--listen", address)
    assert found.status == 2
    assert "expected an address that is free" in found.err
