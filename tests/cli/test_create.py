"""``alembic-neo4j create-node`` and ``create-relationship``: new models."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project, graph_state

MODELS = '''"""The models, for a reason."""

from __future__ import annotations

from neomodel import StringProperty, StructuredNode


class Person(StructuredNode):
    """Somebody."""

    __kgid__ = "person_1"

    name = StringProperty()


class City(StructuredNode):
    __kgid__ = "city_1"
    name = StringProperty()

    def shout(self):
        return self.name.upper()
# the end
'''


@pytest.fixture
def models(project: Project) -> Path:
    """A module of two models, in a project of its own."""
    path = project.path / "models.py"
    path.write_text(MODELS)
    return path


def created(project: Project, *arguments: str) -> dict[str, Any]:
    outcome = project.verb(*arguments, "--format", "json")
    assert outcome.status == 0, outcome.text
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def refused(project: Project, *arguments: str) -> str:
    before = files(project)
    outcome = project.verb(*arguments)
    assert outcome.status == 2, outcome.text
    assert files(project) == before
    return outcome.err


def files(project: Project) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in project.path.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def imported(project: Project, module: str, code: str) -> str:
    """What a Python of its own prints of a module."""
    text = f"import {module} as m\nprint({code})"
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_node_is_written_and_autogenerate_finds_it(
    live: Project, neo4j_graph: Graph
) -> None:
    (live.path / "models.py").write_text(MODELS)
    live.done("revision", "--autogenerate", "-m", "first")
    live.done("upgrade", "head")
    neo4j_graph.transaction([("CREATE (:Person {name: 'Ada'})", {})])

    found = created(live, "create-node", "TaxOffice")

    assert re.fullmatch(r"taxoffice_[0-9a-f]{8}", found["kgid"])
    assert found["file"] == str(live.path / "models.py")
    assert (live.path / "models.py").read_text() == (
        f"{MODELS}\n\nclass TaxOffice(StructuredNode):\n"
        f'    __kgid__ = "{found["kgid"]}"\n\n    name = StringProperty()\n'
    )
    assert imported(live, "models", "m.TaxOffice.__kgid__") == found["kgid"]
    live.done("revision", "--autogenerate", "-m", "offices")
    (path,) = live.versions.glob("*_offices.py")
    assert f'"TaxOffice", op.Property("name", "STRING"), kgid="{found["kgid"]}"' in (
        " ".join(path.read_text().split()).replace("( ", "(")
    )
    live.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:Person) RETURN p.name AS n") == [{"n": "Ada"}]
    live.done("check")


def test_a_relationship_between_two_models(live: Project, neo4j_graph: Graph) -> None:
    path = live.path / "models.py"
    path.write_text(MODELS)
    live.done("revision", "--autogenerate", "-m", "first")
    live.done("upgrade", "head")

    found = created(
        live,
        "create-relationship",
        "WorksIn",
        *("--kgid", "works-1", "--source-label", "Person", "--target-label", "City"),
    )

    assert found["usage"] is None
    text = path.read_text()
    assert text == MODELS.replace(
        "import StringProperty, StructuredNode\n",
        "import StringProperty, StructuredNode\n"
        "from neomodel import RelationshipTo, StructuredRel\n",
    ).replace(
        "class Person(",
        'class WorksIn(StructuredRel):\n    __kgid__ = "works-1"\n\n\nclass Person(',
    ).replace(
        "    name = StringProperty()\n\n\nclass City",
        "    name = StringProperty()\n"
        '    works_in = RelationshipTo("City", "WORKS_IN", model=WorksIn)\n'
        "\n\nclass City",
    )
    # neomodel takes a class of a relationship once in a process.
    alembic(live, "revision", "--autogenerate", "-m", "works")
    (revision,) = live.versions.glob("*_works.py")
    assert '"WORKS_IN"' in revision.read_text()
    assert "works-1" in revision.read_text()
    alembic(live, "upgrade", "head")
    alembic(live, "check")
    state = graph_state(neo4j_graph)[1:]
    alembic(live, "downgrade", "-1")
    alembic(live, "upgrade", "head")
    assert graph_state(neo4j_graph)[1:] == state


def alembic(project: Project, *arguments: str) -> None:
    outcome = project.program("-c", "neo4j.ini", *arguments)
    assert outcome.status == 0, outcome.text


def test_behind_a_method_the_attribute_has_a_line_of_its_own(
    project: Project, models: Path
) -> None:
    created(
        project,
        *("create-relationship", "Twin", "--relationship-type", "TWIN OF"),
        *("--source-label", "City", "--target-label", "City"),
    )
    assert (
        "        return self.name.upper()\n\n"
        '    twin = RelationshipTo("City", "TWIN OF", model=Twin)\n# the end\n'
    ) in models.read_text()
    assert imported(project, "models", "m.City.twin.definition['relation_type']") == (
        "TWIN OF"
    )


def test_without_ends_the_line_to_be_written_is_told(
    project: Project, models: Path
) -> None:
    outcome = project.verb("create-relationship", "KNOWS")
    assert outcome.status == 0, outcome.text
    assert "from models import KNOWS\n" in outcome.out
    assert '  knows = RelationshipTo("City", "KNOWS", model=KNOWS)\n' in outcome.out
    assert imported(project, "models", "m.KNOWS.__kgid__").startswith("knows_")


@pytest.mark.parametrize(
    ("before", "name", "file"),
    [
        ({"models/__init__.py": ""}, "TaxOffice", "models/tax_office.py"),
        ({"models/people.py": "from neomodel import *\n"}, "Class", "models/class_.py"),
        ({}, "Person", "models.py"),
        ({"models.py": ""}, "Person", "models.py"),
        ({"models.py": "import neomodel as nm\r\nx = 1\r\n"}, "HTTPCall", "models.py"),
        ({"models.py": "#!/usr/bin/python\n# licence\n"}, "Person", "models.py"),
        ({"models.py": "from neomodel import *\n"}, "Person", "models.py"),
        ({"models.py": "a = '\f'\nb = 1"}, "Émile", "models.py"),
    ],
)
def test_into_whatever_modules_there_are(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, str],
    name: str,
    file: str,
) -> None:
    (project.path / "models.py").unlink()
    monkeypatch.delitem(sys.modules, "models", raising=False)
    for path, text in before.items():
        (project.path / path).parent.mkdir(exist_ok=True)
        (project.path / path).write_bytes(text.encode())
    found = created(project, "create-node", name, "--kgid", "k.1")
    # A package without an __init__.py has no file to know it by.
    sys.modules.pop("models", None)
    assert found["file"] == str(project.path / file)
    module = file.removesuffix(".py").replace("/", ".")
    assert found["module"] == module
    code = f"getattr(m, {name!r}).__kgid__"
    assert imported(project, module, code) == "k.1"
    written = (project.path / file).read_bytes()
    for line in before.get(file, "").encode().splitlines():
        assert line in written
    assert (b"\r\n" in written) == ("\r\n" in before.get(file, ""))
    if b"\r\n" in written:
        assert b"\n" not in written.replace(b"\r\n", b"")


def test_models_of_an_asynchronous_application_stay_so(project: Project) -> None:
    project.models("class Person(AsyncStructuredNode):\n    name = StringProperty()")
    created(project, "create-node", "City")
    created(
        project,
        *("create-relationship", "WorksIn"),
        *("--source-label", "Person", "--target-label", "City"),
    )
    code = "m.City.__mro__[1].__name__, type(m.Person.works_in).__name__"
    assert imported(project, "models", code) == (
        "AsyncStructuredNode AsyncRelationshipTo"
    )


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("Person", (), "Person is there already: models.Person (models.py:8)"),
        ("StructuredNode", (), "models.py has the name StructuredNode already"),
        ("My Bad-Name", (), "expected the name of a class"),
        ("class", (), "expected the name of a class"),
        ("1st", (), "expected the name of a class"),
        ("__AlembicNeo4jX", (), "expected the name of a class"),
        ("", (), "expected the name of a class"),
        ("Dog", ("--kgid", "person_1"), "is that of models.Person"),
        ("Dog", ("--kgid", 'a"b'), "expected a __kgid__ of letters"),
        ("Dog", ("--kgid", ""), "expected a __kgid__ of letters"),
        ("Dog", ("--module", "other"), "expected one of neo4j.models (models)"),
    ],
)
@pytest.mark.parametrize("verb", ["create-node", "create-relationship"])
def test_what_is_refused(
    project: Project,
    models: Path,
    verb: str,
    name: str,
    options: tuple[str, ...],
    message: str,
) -> None:
    if (verb, name) == ("create-relationship", "StructuredNode"):
        options = ("--source-label", "Person", "--target-label", "City")
    assert message in refused(project, verb, name, *options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--relationship-type", "A`B"), "expected a relationship type"),
        (("--relationship-type", " "), "expected a relationship type"),
        (("--relationship-type", "__AlembicNeo4jX"), "belong to alembic_neo4j"),
        (("--source-label", "Person"), "Say both of"),
        (
            ("--source-label", "Person", "--target-label", "Town"),
            "found 'Town'; there are City, Person",
        ),
        (
            ("--source-label", "Short", "--target-label", "City"),
            "write into the class yourself: knows = RelationshipTo(",
        ),
    ],
)
def test_relationships_that_are_refused(
    project: Project, models: Path, options: tuple[str, ...], message: str
) -> None:
    if "Short" in options:
        models.write_text(f"{MODELS}class Short(StructuredNode): pass\n")
    assert message in refused(project, "create-relationship", "Knows", *options)


def test_a_file_that_is_there_is_not_overwritten(project: Project) -> None:
    (project.path / "models.py").unlink()
    (project.path / "models").mkdir()
    for name in ("__init__.py", "dog.py"):
        (project.path / "models" / name).write_text("")
    assert "dog.py is there already" in refused(project, "create-node", "Dog")


def test_models_outside_of_the_project_are_not_written_to(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "library_of_models.py").write_text(MODELS)
    project.set("neo4j.models", "library_of_models")
    project.set("prepend_sys_path", str(elsewhere))
    try:
        told = refused(project, "create-node", "Dog")
    finally:
        sys.modules.pop("library_of_models", None)
    assert "outside of the project's directory" in told
    assert (elsewhere / "library_of_models.py").read_text() == MODELS


def test_models_that_can_not_be_imported_stay_as_they_are(
    project: Project, models: Path
) -> None:
    models.write_text(f"{MODELS}class (:\n")
    assert "module 'models' can't be imported" in refused(project, "create-node", "Dog")
