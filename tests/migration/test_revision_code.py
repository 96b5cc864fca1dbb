"""What a revision's file and its functions may not be, and what is said of it."""

from __future__ import annotations

import re

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, data, graph_state

NOT_PLAIN = {
    "async def": ("async def {}():\n    op.run_cypher('CREATE (:A)')", "coroutine"),
    "generator": ("def {}():\n    yield op.run_cypher('CREATE (:A)')", "generator"),
    "async generator": ("async def {}():\n    yield 1", "asynchronous generator"),
    "wrapped coroutine": (
        "async def work(): op.run_cypher('CREATE (:A)')\ndef {}(): return work()",
        "returned a coroutine",
    ),
    "wrapped generator": (
        "def work(): yield op.run_cypher('CREATE (:A)')\n{} = lambda: work()",
        "returned a generator",
    ),
    "partial": (
        "import functools\nasync def work(x): pass\n{} = functools.partial(work, 1)",
        "coroutine",
    ),
    "decorated": (
        "import functools\ndef mine(f):\n    @functools.wraps(f)\n"
        "    def inner(): return f()\n    return inner\n"
        "@mine\nasync def {}(): pass",
        "coroutine function",
    ),
    "a value": ("def {}(): return 1", "returned int; expected None"),
    "rows": ("def {}(): return op.run_cypher('CREATE (:A)')", "returned list"),
    "no function": ("{} = 'CREATE (:A)'", "no function but 'CREATE (:A)'"),
}


def _replace(project: Project, revision: str, name: str, code: str) -> None:
    """Write a function of a revision anew."""
    path = project.versions / f"{revision}_.py"
    text = path.read_text()
    start = text.index(f"def {name}():")
    end = text.find("\ndef ", start + 1)
    path.write_text(text[:start] + code.format(name) + text[end:] * (end > 0) + "\n")


@pytest.mark.sample(4)
@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_what_is_no_plain_function_runs_nothing(
    live: Project, neo4j_graph: Graph, kind: str
) -> None:
    code, message = NOT_PLAIN[kind]
    live.revision("r1", "op.run_cypher('CREATE (:First)')")
    live.revision("r2", down="r1")
    _replace(live, "r2", "upgrade", code)
    before = graph_state(neo4j_graph)
    for verb in (("upgrade", "head"), ("check",), ("upgrade", "head", "--sql")):
        told = live.failed(*verb)
        assert message in told, (verb, told)
        assert "r2_.py" in told
    for verb in ("verify", "plan"):
        outcome = live.verb(verb)
        assert outcome.status, verb
        assert message in outcome.text, (verb, outcome.text)
    assert graph_state(neo4j_graph) == before
    assert live.remembered() is None


@pytest.mark.parametrize("kind", ["async def", "generator", "wrapped coroutine"])
def test_nor_does_a_downgrade(live: Project, neo4j_graph: Graph, kind: str) -> None:
    code, message = NOT_PLAIN[kind]
    live.revision("r1", "op.run_cypher('CREATE (:First)')")
    live.done("upgrade", "head")
    _replace(live, "r1", "downgrade", code)
    live.verb("repair", "--only", "file-edited", "--yes")
    assert message in live.failed("downgrade", "base")
    assert live.heads() == ["r1"]
    assert data(neo4j_graph) == [{"labels": ["First"]}]


def test_what_only_the_run_returns_fails_the_revision(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        """
        if not op.is_replaying():
            op.run_cypher('MERGE (:First)')
            return work()
        """,
        header="async def work(): op.run_cypher('CREATE (:A)')",
    )
    for _ in range(2):
        told = live.failed("upgrade", "head")
        assert told.startswith("upgrade  -> r1, the message of r1: upgrade() returned")
        assert "What the revision did before this stays" in told
    assert live.heads() == []
    assert data(neo4j_graph) == [{"labels": ["First"]}]


# Ending the program ------------------------------------------------------------------


EXITS = {
    "in upgrade": ("import sys; sys.exit(0)", ""),
    "with a text": ("raise SystemExit('enough')", ""),
    "in a library": (
        "argparse.ArgumentParser(prog='x').parse_args(['-h'])",
        "import argparse",
    ),
    "where it is loaded": ("pass", "import sys\nsys.exit(0)"),
    "in what it imports": ("pass", "import ends"),
}


@pytest.mark.parametrize("kind", EXITS)
def test_a_revision_can_not_end_the_program(
    live: Project, neo4j_graph: Graph, kind: str
) -> None:
    upgrade, header = EXITS[kind]
    (live.path / "ends.py").write_text("import sys\n\nsys.exit(0)\n")
    live.revision("r1", "op.run_cypher('CREATE (:First)')")
    live.revision("r2", upgrade, down="r1", header=header)
    before = graph_state(neo4j_graph)
    file = "ends.py, line 3" if header == "import ends" else r"r2_.py, line \d+"
    verbs = (("upgrade", "head"), ("check",), ("upgrade", "head", "--sql"))
    for verb in verbs:
        told = live.failed(*verb)
        assert re.search(rf"was called at \S*{file}", told), (verb, told)
    for name in ("verify", "plan"):
        outcome = live.verb(name)
        assert "sys.exit(" in outcome.text, (name, outcome.text)
    assert graph_state(neo4j_graph) == before


@pytest.mark.parametrize("verb", ["upgrade", "downgrade"])
def test_nor_in_the_midst_of_a_run(
    live: Project, neo4j_graph: Graph, verb: str
) -> None:
    ends = """
        op.run_cypher('MERGE (:Begun)')
        import os, sys
        if not op.is_replaying() and not os.path.exists('go'):
            sys.exit(0)
        """
    bodies = {"upgrade": "pass", "downgrade": "pass", verb: ends}
    live.revision("r1", bodies["upgrade"], bodies["downgrade"])
    command = ("upgrade", "head") if verb == "upgrade" else ("downgrade", "base")
    if verb == "downgrade":
        live.done("upgrade", "head")
    heads = live.heads()
    told = live.failed(*command)
    assert re.search(r"sys.exit\(0\) was called at \S+r1_.py, line \d+", told)
    assert "run the same command again and it goes on from here" in told
    assert live.heads() == heads
    (live.path / "go").touch()
    live.done(*command)
    assert data(neo4j_graph) == [{"labels": ["Begun"]}]


def test_nor_can_env_py_or_the_models(live: Project, neo4j_graph: Graph) -> None:
    live.models("import sys\nsys.exit(0)")
    assert "models.py:3" in live.failed("check")
    live.models("")
    env = live.path / "migrations" / "env.py"
    text = env.read_text()
    run = "context.run_migrations("
    env.write_text(text.replace(run, f"raise SystemExit(0); {run}"))
    assert "env.py, line" in live.failed("upgrade", "head")
    env.write_text("raise SystemExit(0)\n" + text)
    outcome = live.verb("status")
    assert outcome.status == 2
    assert "env.py failed: SystemExit: 0" in outcome.text


# Threads -----------------------------------------------------------------------------

THREADS = {
    "a pool": """
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(op.run_cypher, ["CREATE (:A)"] * 8))
        """,
    "an error that nobody sees": """
        thread = Thread(target=lambda: op.run_cypher("CREATE (:A)"))
        thread.start(); thread.join()
        """,
    "an error that is swallowed": """
        def work():
            try: op.execute("CREATE (:A)")
            except Exception: pass
        thread = Thread(target=work)
        thread.start(); thread.join()
        """,
    "a thread that is not waited for": """
        def work():
            time.sleep(0.2); op.execute("CREATE (:A)")
        Thread(target=work).start()
        """,
    "the bind": """
        bind = op.get_bind()
        with ThreadPoolExecutor(2) as pool:
            pool.submit(bind.run, "CREATE (:A)")
        """,
    "asyncio": """
        async def work():
            await asyncio.to_thread(op.add_node, "A")
        try: asyncio.run(work())
        except Exception: pass
        """,
    "the ledger": """
        with ThreadPoolExecutor(2) as pool:
            pool.submit(op.execute, sa.text("CREATE TABLE mine (x INTEGER)"))
        """,
    "a block": """
        def work():
            with op.get_context().autocommit_block(): pass
        with ThreadPoolExecutor(2) as pool:
            pool.submit(work)
        """,
}
IMPORTS = """
import asyncio, time
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
import sqlalchemy as sa
"""


@pytest.mark.sample(5)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("replayed", [True, False], ids=["replayed", "guarded"])
@pytest.mark.parametrize("kind", THREADS)
def test_an_operation_of_another_thread_fails_the_revision(
    live: Project, neo4j_graph: Graph, kind: str, replayed: bool
) -> None:
    guard = "" if replayed else "if op.is_replaying(): return\n"
    path = live.revision("r1", "pass", header=IMPORTS)
    body = "\n".join(line[4:] for line in THREADS[kind].splitlines())
    path.write_text(path.read_text().replace("    pass", f"    {guard}{body}", 1))
    for _ in range(2):
        told = live.failed("upgrade", "head")
        assert "called from another thread" in told, told
    assert live.heads() == []
    assert data(neo4j_graph) == []


def test_threads_that_only_compute_do_no_harm(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        """
        with ThreadPoolExecutor(4) as pool:
            for name in pool.map(str.upper, ["a", "b"]):
                op.run_cypher("CREATE (:A {name: $name})", {"name": name})
        async def work():
            op.run_cypher("CREATE (:A {name: 'C'})")
        asyncio.run(work())
        """,
        header=IMPORTS,
    )
    live.done("upgrade", "head")
    rows = neo4j_graph.read("MATCH (n:A) RETURN n.name AS name ORDER BY name")
    assert [row["name"] for row in rows] == ["A", "B", "C"]


# What a file says of itself ----------------------------------------------------------


FILES = {
    "no upgrade": ("def upgrade():\n    pass", "", "has no function upgrade()"),
    "rollback_safe": (
        "depends_on = None",
        "depends_on = None\nrollback_safe = 'no'",
        "rollback_safe = 'no': expected True or False",
    ),
    "migration_type": (
        "depends_on = None",
        "depends_on = None\nmigration_type = 7",
        "migration_type = 7: expected one of config, schema, hooks, settings",
    ),
    "schema_hash": (
        "depends_on = None",
        "depends_on = None\nschema_hash = 7",
        "schema_hash = 7: expected None or a text",
    ),
    "branch_labels": (
        "branch_labels = None",
        "branch_labels = 7",
        "branch_labels = 7: expected",
    ),
    "depends_on": (
        "depends_on = None",
        "depends_on = [7]",
        "depends_on = [7]: expected",
    ),
    "revision": ("revision = 'r2'", "revision = 7", "r2_.py"),
    "down_revision": (
        "down_revision = 'r1'",
        "down_revision = 7",
        "down_revision = 7: expected",
    ),
    "no down_revision": ("down_revision = 'r1'\n", "", "'down_revision'"),
    "twice": (
        "revision = 'r2'\ndown_revision = 'r1'",
        "revision = 'r1'\ndown_revision = None",
        "present more than once",
    ),
    "a cycle": ("down_revision = 'r1'", "down_revision = 'r2'", "r2"),
    "no Python": ("depends_on = None", "depends_on =", r"r2_.py, line \d+: SyntaxE"),
    "no import": ("depends_on = None", "import nope", r"r2_.py, line \d+: ModuleNotF"),
}


@pytest.mark.sample(5)
@pytest.mark.parametrize("kind", FILES)
def test_every_verb_says_the_same_of_a_file(
    live: Project, neo4j_graph: Graph, kind: str
) -> None:
    old, new, message = FILES[kind]
    live.revision("r1", "op.run_cypher('CREATE (:First)')")
    path = live.revision("r2", down="r1")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    before = graph_state(neo4j_graph)
    said = set()
    for verb in (("upgrade", "head"), ("check",), ("upgrade", "head", "--sql")):
        told = live.failed(*verb)
        said.add(told)
        assert re.search(message, told) or message in told, (verb, told)
        assert "\n" not in told
    (message,) = said
    for name in ("verify", "plan", "status"):
        outcome = live.verb(name)
        assert outcome.status, (name, outcome.text)
        assert "".join(message.split()) in "".join(outcome.text.split()), outcome.text
        assert "Traceback" not in outcome.text
    assert graph_state(neo4j_graph) == before
    assert live.remembered() is None


def test_a_missing_downgrade_is_told_when_it_is_needed(
    live: Project, neo4j_graph: Graph
) -> None:
    path = live.revision("r1", "op.run_cypher('CREATE (:First)')")
    path.write_text(path.read_text().replace("def downgrade():\n    pass", ""))
    live.done("upgrade", "head")
    told = live.failed("downgrade", "base")
    assert "has no function downgrade()" in told
    assert live.heads() == ["r1"]
