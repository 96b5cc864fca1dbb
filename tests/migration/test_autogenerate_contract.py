"""``revision --autogenerate`` and ``check`` as Alembic's users know them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, graph_state

PEOPLE = """
class Person(StructuredNode):
    name = StringProperty(unique_index=True)
    born = IntegerProperty(index=True)
    lives_in = RelationshipTo("City", "LIVES_IN")


class City(StructuredNode):
    title = StringProperty(index=True)
"""


@pytest.fixture
def people(project: Project) -> Project:
    """Models of two labels, and no server anywhere."""
    project.models(PEOPLE)
    return project


def _generate(project: Project, revision: str, *arguments: str) -> str:
    project.done("revision", "--autogenerate", "--rev-id", revision, *arguments)
    return _text(project, revision)


def _text(project: Project, revision: str) -> str:
    (path,) = project.versions.glob(f"{revision}*.py")
    return path.read_text()


def _option(project: Project, options: str, above: str = "") -> None:
    env = project.path / "migrations" / "env.py"
    text = env.read_text().replace(
        "target_metadata=target_metadata", f"target_metadata=target_metadata, {options}"
    )
    env.write_text(text.replace("with environment", f"{above}\nwith environment", 1))


def test_the_first_revision_needs_neither_server_nor_ledger(people: Project) -> None:
    text = _generate(people, "r1", "-m", "people")
    assert 'op.add_unique_constraint("Person", "name")' in text
    assert "rollback_safe: bool = True" in text
    assert "schema_hash: str | None = None" not in text
    assert not people.ledger.exists()
    assert "No new upgrade operations detected." in people.done("check")
    assert not people.ledger.exists()


def test_the_file_has_the_hash_of_the_replayed_schema(people: Project) -> None:
    from alembic.script import ScriptDirectory

    from alembic_neo4j.migration.replay import History
    from alembic_neo4j.schema.digest import schema_digest

    text = _generate(people, "r1")
    script = ScriptDirectory.from_config(people.config())
    assert f"'{schema_digest(History(script).at_heads())}'" in text


def test_nothing_to_do_writes_nothing_and_says_so(people: Project) -> None:
    _generate(people, "r1")
    before = sorted(people.versions.iterdir())
    outcome = people.run("revision", "--autogenerate", "-m", "nothing")
    assert outcome.status == 0
    assert "No changes detected: no revision is written" in outcome.err
    assert sorted(people.versions.iterdir()) == before


def test_check_tells_what_is_missing_by_status_and_words(people: Project) -> None:
    message = people.failed("check")
    assert "New upgrade operations detected" in message
    assert "('add_index', 'City', 'title')" in message
    done = people.program("-c", "neo4j.ini", "check")
    assert done.status == 255
    _generate(people, "r1")
    done = people.program("-c", "neo4j.ini", "check")
    assert done.status == 0, done.text
    assert done.out == "No new upgrade operations detected.\n"
    assert not people.ledger.exists()


def test_every_detected_change_is_a_line_of_the_log(people: Project) -> None:
    outcome = people.run("check")
    assert "Detected added index City(title)" in outcome.err
    assert "Read models (2)" in outcome.err


def test_a_ledger_behind_the_heads_is_a_remark(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models(PEOPLE)
    _generate(live, "r1")
    live.done("upgrade", "head")
    live.models(PEOPLE + "    size = IntegerProperty(index=True)\n")
    _generate(live, "r2")
    before, remembered = graph_state(neo4j_graph), live.remembered()
    live.models(PEOPLE + "    size = IntegerProperty()\n")
    outcome = live.run("revision", "--autogenerate", "--rev-id", "r3")
    assert outcome.status == 0, outcome.text
    assert "The ledger is at r1" in outcome.err
    assert 'op.drop_index("City", "size")' in _text(live, "r3")
    assert graph_state(neo4j_graph) == before
    assert live.remembered() == remembered
    live.done("upgrade", "head")
    live.done("downgrade", "base")


@pytest.mark.parametrize("url", ["sqlite:///%(here)s", "postgresql+pg8000://u:p@h/d"])
def test_a_ledger_that_can_not_be_opened_is_a_remark(people: Project, url: str) -> None:
    people.set("sqlalchemy.url", url)
    _generate(people, "r1")
    outcome = people.run("check")
    assert outcome.status == 0
    assert "Models are compared without the ledger" in outcome.err
    for verb in ("current", "upgrade head", "history -i"):
        assert "sqlalchemy.url" in people.failed(*verb.split())


def test_two_heads_are_refused_and_one_of_them_may_be_named(people: Project) -> None:
    _generate(people, "r1")
    people.revision("a1", down="r1")
    people.revision("b1", down="r1")
    people.models(PEOPLE.replace("title", "called"))
    arguments = ("revision", "--autogenerate", "--rev-id", "r2")
    assert "Multiple heads are present" in people.failed(*arguments)
    people.done(*arguments, "--head", "a1")
    assert "called" in _text(people, "r2")


def test_options_of_revision_hold_for_generated_ones(people: Project) -> None:
    text = _generate(people, "r1", "-m", "all people", "--branch-label", "main")
    assert text.startswith('"""all people\n')
    assert "branch_labels: str | Sequence[str] | None = ('main',)" in text


def test_include_object_and_include_name(people: Project) -> None:
    _option(
        people,
        "include_object=keep",
        """
def keep(element, name, type_, reflected, compare_to):
    print(type_, name, reflected, compare_to)
    return not (type_ == "index" and element.labels == ("City",))
""",
    )
    out = people.done("revision", "--autogenerate", "--rev-id", "r1")
    text = _text(people, "r1")
    assert "add_index" in text
    assert 'add_index("City"' not in text
    assert {line.split()[0] for line in out.splitlines()} >= {
        "node",
        "property",
        "index",
        "constraint",
    }
    people.done("check")


def test_include_name_is_asked_about_what_the_history_has(people: Project) -> None:
    _generate(people, "r1")
    people.models(PEOPLE.replace("(index=True)", "()"))
    _option(
        people,
        "include_name=keep",
        """
def keep(name, type_, parent_names):
    return not (type_ == "index" and parent_names == {"label": "City"})
""",
    )
    message = people.failed("check")
    assert "drop_index" in message
    assert "City" not in message


def test_process_revision_directives_sees_our_operations(people: Project) -> None:
    _option(
        people,
        "process_revision_directives=mine",
        """
def mine(context, revision, directives):
    (script,) = directives
    script.message = f"{len(script.upgrade_ops.ops)} operations"
    script.upgrade_ops.ops[:] = script.upgrade_ops.ops[:1]
    script.downgrade_ops.ops[:] = script.downgrade_ops.ops[-1:]
""",
    )
    text = _generate(people, "r1")
    assert " operations\n" in text
    assert text.count(" op.add_node(") == text.count(" op.remove_node(") == 1
    assert "op.add_index" not in text


def test_a_hook_may_decide_that_nothing_is_written(people: Project) -> None:
    _option(
        people,
        "process_revision_directives=mine",
        "def mine(context, revision, directives):\n    directives[:] = []\n",
    )
    people.done("revision", "--autogenerate", "-m", "nothing")
    assert list(people.versions.glob("*.py")) == []


def test_alembics_rewriter_knows_our_operations(people: Project) -> None:
    _option(
        people,
        "process_revision_directives=rewriter",
        """
from alembic.autogenerate import rewriter as rewriting
from alembic_neo4j.migration.operations import AddIndexOp, RunCypherOp
rewriter = rewriting.Rewriter()

@rewriter.rewrites(AddIndexOp)
def noted(context, revision, op):
    return [RunCypherOp("RETURN 'rewritten'"), op]
""",
    )
    text = _generate(people, "r1")
    assert text.count("""op.run_cypher("RETURN 'rewritten'")""") == 2
    people.done("check")


def test_render_item_writes_declarations(people: Project) -> None:
    _option(
        people,
        "render_item=mine, alembic_module_prefix='op.'",
        """
def mine(kind, element, context):
    if kind == "property" and element.name == "born":
        context.imports.add("from born import Born")
        return "Born()"
    return False
""",
    )
    (people.path / "born.py").write_text(
        "from alembic_neo4j.op import Property\n\n"
        "def Born():\n    return Property('born', 'INTEGER')\n"
    )
    text = _generate(people, "r1")
    assert "Born()," in text
    assert "from born import Born\n" in text
    people.done("check")
    assert 'op.Property("name", "STRING")' in text


def test_hooks_run_on_generated_files(people: Project) -> None:
    people.ini.write_text(
        people.ini.read_text()
        + "\n[post_write_hooks]\nhooks = format\nformat.type = module\n"
        "format.module = ruff\nformat.options = format REVISION_SCRIPT_FILENAME\n"
    )
    text = _generate(people, "r1")
    assert 'revision: str = "r1"' in text


def test_a_generated_file_needs_no_formatting_of_its_calls(people: Project) -> None:
    text = _generate(people, "r1")
    assert max(len(line) for line in text.splitlines()) <= 88 + len("schema_hash")


WIDE = """
class Paper(StructuredNode):
    kind = StringProperty(choices={f"kind-{i:02}": "x" for i in range(30)})
    code = StringProperty(default="a long default, " * 8)
    tags = ArrayProperty(StringProperty(), default=[f"tag-{i:02}" for i in range(20)])
    state_of_the_paper_in_the_process_of_review = StringProperty(choices={"in": "x"})


class Node(StructuredNode):
    __optional_labels__ = [f"AnOptionalLabel{i:02}" for i in range(12)]
"""


def test_a_generated_file_is_formatted_and_within_its_line_length(
    project: Project,
) -> None:
    project.models(WIDE)
    _generate(project, "r1")
    project.models(
        WIDE.replace("range(30)", "range(1, 30)")
        .replace("a long default", "another default")
        .replace('StringProperty(choices={"in"', 'IntegerProperty(choices={"in"')
        .replace('[f"tag', '[f"mark')
    )
    _generate(project, "r2")
    for path in project.versions.glob("r*.py"):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", "format", "--isolated", "-"],
            input=path.read_text(),
            capture_output=True,
            text=True,
            check=True,
        )
        body = path.read_text().partition("def upgrade")[2]
        assert [line for line in body.splitlines() if len(line) > 88] == []
        assert done.stdout.partition("def upgrade")[2] == body
    assert "No new upgrade operations detected." in project.done("check")


def test_check_names_what_is_to_be_filled_in(project: Project) -> None:
    model = "class Person(StructuredNode):\n    tags = {}\n"
    project.models(model.format("ArrayProperty(StringProperty())"))
    _generate(project, "r1")
    project.models(model.format("ArrayProperty(IntegerProperty())"))
    message = project.failed("check")
    assert "using=op.FILL_IN" in message
    assert "Placeholder" not in message


def test_generated_revisions_go_up_and_down(live: Project, neo4j_graph: Graph) -> None:
    live.models(PEOPLE)
    before = graph_state(neo4j_graph)
    _generate(live, "r1")
    live.done("upgrade", "head")
    live.done("check")
    live.done("downgrade", "base")
    live.done("upgrade", "head")
    live.done("downgrade", "base")
    after = graph_state(neo4j_graph)
    assert after[1:] == before[1:]
    assert [node["labels"] for node in after[0]] == [["__AlembicNeo4jStamp"]]


def test_the_models_may_be_a_package(project: Project) -> None:
    package = project.path / "app" / "graph"
    package.mkdir(parents=True)
    for path in (package.parent, package):
        (path / "__init__.py").touch()
    Path(package / "people.py").write_text("from neomodel import *\n" + PEOPLE)
    project.set("neo4j.models", "app.graph")
    project.done("revision", "--autogenerate", "--rev-id", "r1")
    assert 'op.add_node(\n        "Person"' in _text(project, "r1")


@pytest.mark.parametrize("database", [None, "neo4j", "films"])
def test_the_models_of_a_project_are_those_of_its_database(
    project: Project, database: str | None
) -> None:
    project.models(
        """
        class Patient(StructuredNode):
            __target_databases__ = ["neo4j"]
            name = StringProperty(index=True)

        class Ill(StructuredNode):
            __label__ = "Patient"
            __target_databases__ = ["films"]
            code = StringProperty(index=True)
        """
    )
    project.set("neo4j.database", database)
    outcome = project.run("revision", "--autogenerate", "--rev-id", "r1")
    assert outcome.status == 0, outcome.text
    ours, theirs = ("code", "name") if database == "films" else ("name", "code")
    assert f'op.add_index("Patient", "{ours}")' in _text(project, "r1")
    assert f'"{theirs}"' not in _text(project, "r1")
    assert outcome.err.count("Left out, as __target_databases__") == 1
    assert "No new upgrade operations detected." in project.done("check")
