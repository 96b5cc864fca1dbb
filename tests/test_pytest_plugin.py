"""The pytest plugin, in projects of its users that run in a process of their own."""

from __future__ import annotations

import contextlib
import io
import os
import textwrap
import time
from collections.abc import Sequence

import pytest
from alembic import command
from alembic.config import Config
from filelock import FileLock

from alembic_neo4j import local
from alembic_neo4j.cli.init import template_directory
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.pytest_plugin import Neo4jServer

pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME", "")

BY_NAME = ("alembic_neo4j", "pytest_alembic")
BY_MODULE = ("alembic_neo4j.pytest_plugin", "pytest_alembic.plugin")

CONFTEST = """
    import pytest

    @pytest.fixture
    def alembic_config():
        return {"file": "neo4j.ini"}
"""

MODELS = """
    from neomodel import StringProperty, StructuredNode

    class Person(StructuredNode):
        name = StringProperty(unique_index=True, required=True)
"""

REVISION = '''
    """{revision}"""
    from alembic_neo4j import op

    revision = {revision!r}
    down_revision = {down!r}
    branch_labels = None
    depends_on = None
    rollback_safe = {safe!r}


    def upgrade():
        {upgrade}


    def downgrade():
        {downgrade}
'''


@pytest.fixture
def graph_project(
    pytester: pytest.Pytester,
    neo4j_server: Neo4jServer,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.Pytester:
    """A project with one revision, whose tests are told of the disposable graph."""
    for name in [name for name in os.environ if "NEO4J_" in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ALEMBIC_NEO4J_URI", neo4j_server.url)
    monkeypatch.setenv("ALEMBIC_NEO4J_USERNAME", neo4j_server.username)
    monkeypatch.setenv("ALEMBIC_NEO4J_PASSWORD", neo4j_server.password)
    monkeypatch.setenv("ALEMBIC_NEO4J_DISPOSABLE", "1")
    init(pytester, "neo4j.ini", template=str(template_directory()))
    write(pytester, "models.py", MODELS)
    write(pytester, "tests/conftest.py", CONFTEST)
    revision(
        pytester,
        "first",
        """op.add_node("Person", op.Property("name", "STRING", required=True))
        op.add_unique_constraint("Person", "name")""",
        """op.drop_unique_constraint("Person", "name")
        op.remove_node("Person")""",
    )
    return pytester


@pytest.fixture
def sql_project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project that ``alembic init`` made, with one revision that makes a table."""
    init(pytester, "alembic.ini", template="generic")
    environment = pytester.path / "migrations" / "env.py"
    text = environment.read_text()
    environment.write_text(
        text.replace(
            "connectable = engine_from_config(",
            'connectable = config.attributes["connection"] or engine_from_config(',
        )
    )
    revision(
        pytester,
        "first",
        'op.get_bind().exec_driver_sql("CREATE TABLE person (name)")',
        'op.get_bind().exec_driver_sql("DROP TABLE person")',
        package="alembic",
    )
    write(pytester, "tests/conftest.py", "")
    return pytester


def init(pytester: pytest.Pytester, file: str, *, template: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        command.init(Config(str(pytester.path / file)), "migrations", template=template)


def write(pytester: pytest.Pytester, name: str, source: str) -> None:
    path = pytester.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(source))


def revision(
    pytester: pytest.Pytester,
    name: str,
    upgrade: str,
    downgrade: str,
    *,
    down: str | Sequence[str] | None = None,
    safe: bool = True,
    package: str = "alembic_neo4j",
) -> None:
    text = textwrap.dedent(REVISION).format(
        revision=name,
        down=down,
        safe=safe,
        upgrade=upgrade.replace("\n        ", "\n    "),
        downgrade=downgrade.replace("\n        ", "\n    "),
    )
    text = text.replace("from alembic_neo4j", f"from {package}")
    write(pytester, f"migrations/versions/{name}.py", text)


@pytest.mark.parametrize(
    ("order", "autoload"),
    [
        ((), True),
        (BY_NAME, True),
        (BY_NAME[::-1], True),
        (BY_MODULE, False),
        (BY_MODULE[::-1], False),
    ],
)
def test_our_engine_wins_whatever_the_loading_order(
    graph_project: pytest.Pytester,
    neo4j_graph: Graph,
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[str, ...],
    autoload: bool,
) -> None:
    if not autoload:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    neo4j_graph.autocommit("CREATE (:Person {name: 'left by another test'})")
    write(
        graph_project,
        "tests/test_engine.py",
        """
        def test_engine(alembic_engine, neo4j_graph):
            assert alembic_engine.url.database.endswith("neo4j_ledger.db")
            assert neo4j_graph.read("MATCH (n) RETURN n") == []
        """,
    )

    done = graph_project.runpytest_subprocess(
        "--test-alembic", *(part for name in order for part in ("-p", name))
    )

    done.assert_outcomes(passed=5)


def test_a_graph_that_is_not_disposable_is_refused(
    graph_project: pytest.Pytester,
    neo4j_graph: Graph,
    neo4j_server: Neo4jServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ALEMBIC_NEO4J_DISPOSABLE")
    neo4j_graph.autocommit("CREATE (:Person {name: 'kept'})")

    done = graph_project.runpytest_subprocess("--test-alembic", "-rE")

    done.assert_outcomes(errors=4)
    done.stdout.fnmatch_lines(
        [
            f"ALEMBIC_NEO4J_URI = {neo4j_server.url}: expected ALEMBIC_NEO4J_DISPOSABLE"
            "=1, for these tests wipe*"
        ]
    )
    done.stdout.no_fnmatch_line("*Traceback*")
    done.stdout.no_fnmatch_line(f"*{neo4j_server.password}*")
    assert neo4j_graph.read("MATCH (n) RETURN n.name AS name") == [{"name": "kept"}]


def test_each_test_has_an_empty_graph_that_alembic_reaches(
    graph_project: pytest.Pytester,
) -> None:
    # What the file says about the graph is not for tests.
    ini = graph_project.path / "neo4j.ini"
    text = ini.read_text()
    elsewhere = "neo4j.url = bolt://127.0.0.1:1\nneo4j.database = elsewhere"
    ini.write_text(text.replace("neo4j.url = local", elsewhere))
    write(
        graph_project,
        "tests/test_graph.py",
        """
        import pytest
        from alembic import command
        from alembic.config import Config

        PEOPLE = "MATCH (p:Person) RETURN count(*) AS count"
        CONSTRAINTS = (
            "SHOW CONSTRAINTS YIELD name WHERE NOT name STARTS WITH '__' "
            "RETURN count(*) AS count"
        )

        @pytest.mark.parametrize("number", range(2))
        def test_empty(neo4j_graph, neo4j_ledger, number):
            assert neo4j_graph.read(PEOPLE) == [{"count": 0}]
            assert neo4j_graph.read(CONSTRAINTS) == [{"count": 0}]
            config = Config("neo4j.ini", attributes={"connection": neo4j_ledger})
            command.upgrade(config, "head")
            neo4j_graph.transaction([("CREATE (:Person {name: 'Ada'})", {})])
            assert neo4j_graph.read(PEOPLE) == [{"count": 1}]
            assert neo4j_graph.read(CONSTRAINTS) == [{"count": 1}]
        """,
    )

    done = graph_project.runpytest_subprocess()

    done.assert_outcomes(passed=2)
    assert not (graph_project.path / "neo4j_ledger.db").exists()


def test_it_does_without_pytest_alembic(graph_project: pytest.Pytester) -> None:
    write(
        graph_project,
        "tests/test_graph.py",
        """
        def test_graph(neo4j_graph):
            assert neo4j_graph.read("RETURN 1 AS one") == [{"one": 1}]

        def test_engine(alembic_engine):
            pass
        """,
    )

    done = graph_project.runpytest_subprocess("-p", "no:pytest_alembic")

    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["*fixture 'alembic_engine' not found"])


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "config",
    [
        "{'file': 'neo4j.ini'}",
        "{'config_file_name': 'neo4j.ini', 'minimum_downgrade_revision': 'first'}",
        "alembic.config.Config('neo4j.ini')",
        "{'alembic_config': alembic.config.Config('neo4j.ini')}",
        "pytest_alembic.Config(config_options={'file': 'neo4j.ini'})",
        "pytest_alembic.Config(alembic_config=alembic.config.Config('neo4j.ini'))",
    ],
)
def test_any_form_of_configuration_is_understood(
    graph_project: pytest.Pytester, config: str
) -> None:
    write(
        graph_project,
        "tests/conftest.py",
        f"""
        import alembic.config
        import pytest
        import pytest_alembic

        @pytest.fixture
        def alembic_config():
            return {config}
        """,
    )
    write(
        graph_project,
        "tests/test_engine.py",
        """
        def test_engine(alembic_runner, alembic_engine):
            assert alembic_engine.url.database.endswith("neo4j_ledger.db")
            alembic_runner.migrate_up_to("heads")
        """,
    )

    done = graph_project.runpytest_subprocess()

    done.assert_outcomes(passed=1)


def test_a_project_in_pyproject_toml_is_understood(
    graph_project: pytest.Pytester,
) -> None:
    (graph_project.path / "neo4j.ini").unlink()
    write(graph_project, "tests/conftest.py", "")
    write(
        graph_project,
        "pyproject.toml",
        """
        [tool.alembic]
        script_location = "%(here)s/migrations"
        prepend_sys_path = ["."]

        [tool.alembic.neo4j]
        url = "local"
        models = "models"
        """,
    )

    done = graph_project.runpytest_subprocess("--test-alembic")

    done.assert_outcomes(passed=4)


def test_an_sql_project_keeps_the_engine_of_pytest_alembic(
    sql_project: pytest.Pytester,
) -> None:
    ini = sql_project.path / "alembic.ini"
    unknown_here = "sqlalchemy.url = postgresql://%(user)s@host"
    ini.write_text(ini.read_text().replace("sqlalchemy.url = driver", unknown_here))
    write(
        sql_project,
        "tests/test_engine.py",
        """
        def test_engine(alembic_runner, alembic_engine):
            assert str(alembic_engine.url) == "sqlite:///"
            assert alembic_runner.migrate_up_one() == "first"
        """,
    )

    done = sql_project.runpytest_subprocess("-W", "error")

    done.assert_outcomes(passed=1)
    assert not (sql_project.path / ".neo4j").exists()


def test_an_sql_project_keeps_an_engine_of_its_own(
    sql_project: pytest.Pytester,
) -> None:
    write(
        sql_project,
        "tests/conftest.py",
        """
        import pytest
        import sqlalchemy

        @pytest.fixture
        def alembic_engine(tmp_path):
            engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/people.db")
            yield engine
            engine.dispose()
        """,
    )
    write(
        sql_project,
        "tests/test_engine.py",
        """
        def test_engine(alembic_runner, alembic_engine):
            assert alembic_engine.url.database.endswith("people.db")
            assert alembic_runner.migrate_up_one() == "first"
        """,
    )

    done = sql_project.runpytest_subprocess()

    done.assert_outcomes(passed=1)


def test_a_session_has_a_local_server_that_it_stops(
    graph_project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALEMBIC_NEO4J_DISPOSABLE")
    monkeypatch.setenv("ALEMBIC_NEO4J_URI", "local")
    # The server's jars are in a cache below the real one.
    monkeypatch.setenv("HOME", HOME)
    write(
        graph_project,
        "tests/test_server.py",
        """
        from pathlib import Path

        def test_server(neo4j_server, neo4j_graph):
            assert neo4j_graph.read("RETURN 1 AS one") == [{"one": 1}]
            Path("url").write_text(neo4j_server.url)
        """,
    )
    (graph_project.path / ".neo4j").mkdir()

    session = FileLock(graph_project.path / ".neo4j" / "session.lock", timeout=0)
    with session:
        done = graph_project.runpytest_subprocess("-rA")

    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["Neo4j *: starting*", "Neo4j *: ready at bolt://*"])
    assert local.known(graph_project.path) == []
    (server,) = local.known(graph_project.path / ".neo4j" / "session-1")
    assert server.disposable
    assert server.server is None
    assert (graph_project.path / "url").read_text().startswith("bolt://127.0.0.1:")

    write(
        graph_project,
        "tests/test_server.py",
        """
        import os

        def test_server(neo4j_server):
            os.kill(os.getpid(), 9)
        """,
    )
    assert graph_project.runpytest_subprocess().ret == -9
    with session:
        pass
    (server,) = local.known(graph_project.path)
    until = time.monotonic() + 60
    while local.running(graph_project.path) and time.monotonic() < until:
        time.sleep(0.1)
    assert server.disposable
    assert local.running(graph_project.path) == []


TRACE = """
    from alembic_neo4j.pytest_plugin import test_downgrade_leaves_no_trace
"""


def test_downgrades_that_leave_no_trace_pass(graph_project: pytest.Pytester) -> None:
    branches = (("left", "first"), ("right", "first"), ("third", ("left", "right")))
    for name, down in branches:
        revision(
            graph_project,
            name,
            f"""op.add_index("Person", "{name}")
        op.execute("CREATE (:Person {{name: '{name}'}})-[:IS]->(:Thing)")""",
            f"""op.execute("MATCH (p {{name: '{name}'}})-->(t) DETACH DELETE p, t")
        op.drop_index("Person", "{name}")""",
            down=down,
        )
    revision(
        graph_project,
        "fourth",
        'op.execute("MATCH (p:Person) DETACH DELETE p")',
        'raise NotImplementedError("the people are gone")',
        down="third",
        safe=False,
    )
    write(graph_project, "tests/test_trace.py", TRACE)

    done = graph_project.runpytest_subprocess("-W", "error")

    done.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("upgrade", "downgrade", "found"),
    [
        ('op.add_index("Person", "born")', "pass", "left: *Index*born*"),
        ('op.drop_unique_constraint("Person", "name")', "pass", "lost: *Constraint*"),
        ("op.execute(\"CREATE (:Person {name: 'Ada'})\")", "pass", "left: *Ada*"),
    ],
)
def test_a_downgrade_that_leaves_a_trace_is_named(
    graph_project: pytest.Pytester, upgrade: str, downgrade: str, found: str
) -> None:
    revision(graph_project, "second", upgrade, downgrade, down="first")
    write(graph_project, "tests/test_trace.py", TRACE)

    done = graph_project.runpytest_subprocess()

    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["expected the downgrade of second *", f"*{found}"])


def test_a_downgrade_that_is_not_implemented_is_a_warning(
    graph_project: pytest.Pytester,
) -> None:
    body = 'raise NotImplementedError("not written")'
    revision(graph_project, "second", "pass", body, down="first")
    revision(graph_project, "third", "pass", "pass", down="second")
    write(graph_project, "tests/test_trace.py", TRACE)

    done = graph_project.runpytest_subprocess()

    done.assert_outcomes(passed=1, warnings=1)
    done.stdout.fnmatch_lines(["*second has no downgrade: *not written*"])
