"""The example of the installed packages: its history, its renames, its loader."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import neo4j
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.digest import schema_digest

__all__ = [
    "test_model_definitions_match_ddl",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "packages"

OLD_NAMES = {
    "package": "Project",
    "person": "Author",
    "email": "mail",
    "homepage": "home_page",
    "maintained_by": "WRITTEN_BY",
    "depends_on": "REQUIRES",
    "specifier": "spec",
}
NEW_NAMES = {
    "package": "Package",
    "person": "Person",
    "email": "email",
    "homepage": "homepage",
    "maintained_by": "MAINTAINED_BY",
    "depends_on": "DEPENDS_ON",
    "specifier": "specifier",
}
LOAD_PROJECTS = """
UNWIND $rows AS row
MERGE (p:Project {name: row.name})
SET p.summary = row.summary, p.home_page = row.homepage
MERGE (a:Author {name: row.author}) SET a.mail = row.mail
MERGE (p)-[:WRITTEN_BY {role: 'author'}]->(a)
MERGE (p)-[:RELEASED_AS]->(:Release {version: row.version})
"""
LOAD_REQUIREMENTS = """
UNWIND $rows AS row
MATCH (p:Project {name: row.name})
MERGE (needed:Project {name: row.needed})
CREATE (p)-[:REQUIRES {text: row.text, spec: row.spec, extra: row.extra}]->(needed)
"""
CONTENT = """
MATCH (p:%(package)s)
RETURN p.name AS name, p.summary AS summary, p.%(homepage)s AS homepage,
  COLLECT {
    MATCH (p)-[r:%(maintained_by)s]->(a:%(person)s)
    RETURN [a.name, a.%(email)s, r.role]
  } AS people,
  COLLECT { MATCH (p)-[:RELEASED_AS]->(r:Release) RETURN r.version } AS versions,
  COLLECT {
    MATCH (p)-[r:%(depends_on)s]->(needed:%(package)s)
    RETURN [needed.name, r.text, r.%(specifier)s, r.extra] ORDER BY r.text
  } AS requirements
ORDER BY name
"""


@pytest.fixture
def alembic_config() -> Config:
    return Config(str(EXAMPLE / "neo4j.ini"))


@pytest.fixture
def config(neo4j_graph: Graph, tmp_path: Path) -> Config:
    """The example with a ledger of its own over an empty graph."""
    config = Config(str(EXAMPLE / "neo4j.ini"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path / 'ledger.db'}")
    return config


def test_the_history_leads_to_the_models(config: Config) -> None:
    config.stdout = io.StringIO()

    command.check(config)

    assert config.stdout.getvalue() == "No new upgrade operations detected.\n"


def test_the_graph_gets_what_the_models_declare(
    config: Config, driver: neo4j.Driver
) -> None:
    command.upgrade(config, "head")

    assert schema_objects(driver) == {
        "constraint_unique_License_name": "UNIQUENESS",
        "constraint_unique_Package_name": "UNIQUENESS",
        "constraint_unique_Package_normalized_name": "UNIQUENESS",
        "constraint_unique_Person_name": "UNIQUENESS",
        "constraint_unique_Topic_name": "UNIQUENESS",
        "fulltext_index_Package_name_summary": "FULLTEXT",
        "index_DEPENDS_ON_extra": "RANGE",
        "index_Person_email": "RANGE",
        "index_Release_version": "RANGE",
        "vector_index_Package_embedding": "VECTOR",
    }


def test_every_rename_keeps_its_data_up_and_down(
    config: Config, driver: neo4j.Driver
) -> None:
    command.upgrade(config, "0002")
    load_at_0002(driver)
    loaded = content(driver, OLD_NAMES)
    assert {row["name"] for row in loaded} >= {d.name for d in installed()}

    command.upgrade(config, "head")

    assert content(driver, NEW_NAMES) == loaded
    assert content(driver, OLD_NAMES) == []

    command.downgrade(config, "0002")

    assert content(driver, OLD_NAMES) == loaded
    assert content(driver, NEW_NAMES) == []


@pytest.mark.parametrize("revision", ["0003", "0004", "0005"])
def test_one_rename_down_and_up_again_keeps_its_data(
    config: Config, driver: neo4j.Driver, revision: str
) -> None:
    command.upgrade(config, "0002")
    load_at_0002(driver)
    command.upgrade(config, revision)
    before = everything(driver)

    command.downgrade(config, "-1")
    assert everything(driver) != before
    command.upgrade(config, "+1")

    assert everything(driver) == before


def test_the_filled_in_revision_names_packages_as_an_index_does(
    config: Config, driver: neo4j.Driver
) -> None:
    command.upgrade(config, "0002")
    load_at_0002(driver)

    command.upgrade(config, "0007")

    rows = records(driver, "MATCH (p:Package) RETURN p.name, p.normalized_name")
    assert len(rows) > len(installed())
    assert all(row["p.normalized_name"] == normalized(row["p.name"]) for row in rows)


def test_the_loader_writes_what_the_metadata_say(
    config: Config, driver: neo4j.Driver
) -> None:
    command.upgrade(config, "head")

    printed = run("load.py")

    packages = installed()
    required = {
        (normalized(package.name), text)
        for package in packages
        for text in package.requires or ()
    }
    names = {normalized(package.name) for package in packages}
    needed = {normalized(needed_name(text)) for _, text in required}
    found = counts(driver)
    assert printed.startswith(f"{len(packages)} installed packages are in the graph")
    assert found["Package"] == len(names | needed)
    assert found["DEPENDS_ON"] == len(required)
    assert found["CLASSIFIED_AS"] == sum(len(topics(p)) for p in packages)
    assert found["RELEASED_AS"] == len(packages)
    rows = records(
        driver,
        "MATCH (p:Package)-[:RELEASED_AS]->(r) RETURN p.name AS name, r.version AS v",
    )
    assert {row["name"]: row["v"] for row in rows} == {
        package.name: package.version for package in packages
    }


def test_loading_twice_changes_nothing(config: Config, driver: neo4j.Driver) -> None:
    command.upgrade(config, "head")
    first = run("load.py")
    before = everything(driver)

    assert run("load.py") == first
    assert everything(driver) == before


def test_a_step_back_and_forth_keeps_the_loaded_graph(
    config: Config, driver: neo4j.Driver
) -> None:
    command.upgrade(config, "head")
    run("load.py")
    before = everything(driver)

    command.downgrade(config, "-1")
    assert "vector_index_Package_embedding" not in schema_objects(driver)
    command.upgrade(config, "head")

    assert everything(driver) == before
    assert "vector_index_Package_embedding" in schema_objects(driver)


def test_files_are_loaded_taken_back_and_loaded_again(
    neo4j_graph: Graph, tmp_path: Path, driver: neo4j.Driver
) -> None:
    copy = tmp_path / "packages"
    ignored = shutil.ignore_patterns(".neo4j", "*.db*", "__pycache__")
    shutil.copytree(EXAMPLE, copy, ignore=ignored)
    run_in(copy, "alembic", "-c", "neo4j.ini", "upgrade", "head")
    run_in(copy, sys.executable, "load.py")
    expected = packages_and_needs(driver)
    driver.execute_query("MATCH (n:!__AlembicNeo4jStamp) DETACH DELETE n")
    story = (EXAMPLE / "README.md").read_text().split("```")[5].replace("\\\n", "")
    commands = [shlex.split(line) for line in filter(None, story.split("\n"))]
    loads = [words for words in commands if "load" in words]
    undoing = [words for words in commands if "rollback" in words]
    assert (len(loads), len(undoing)) == (2, 2)

    run_in(copy, sys.executable, "write_files.py")
    for _ in range(2):
        for words in loads:
            run_in(copy, *words)
        assert packages_and_needs(driver) == expected
        for words in undoing:
            run_in(copy, *words)
        assert everything(driver) == [[], []]


def test_the_questions_are_answered(config: Config) -> None:
    command.upgrade(config, "head")
    run("load.py")

    answers = run("queries.py")

    assert re.search(r"alembic-neo4j > alembic > Mako", answers)
    assert re.search(r"neomodel .* An object mapper for the neo4j graph", answers)
    # Which they are is not certain: the index is searched approximately.
    near = answers.partition("Which come near")[2].strip().splitlines()[2:]
    scores = re.findall(r"(?m)^ *\S+ +([01]\.\d+) ", "\n".join(near))
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)


def load_at_0002(driver: neo4j.Driver) -> None:
    """Load the installed packages under the names that the graph had then."""
    display = {normalized(d.name): d.name for d in installed()}
    projects, requirements = [], []
    for package in installed():
        metadata = package.metadata
        projects.append(
            {
                "name": package.name,
                "summary": metadata.get("Summary"),
                "homepage": metadata.get("Home-page"),
                "author": f"the author of {package.name}",
                "mail": metadata.get("Author-email"),
                "version": package.version,
            }
        )
        for text in package.requires or ():
            name = needed_name(text)
            requirements.append(
                {
                    "name": package.name,
                    "needed": display.setdefault(normalized(name), name),
                    "text": text,
                    "spec": text.partition(";")[0].removeprefix(name).strip(),
                    "extra": text.partition("extra ==")[2].strip(" '\"") or None,
                }
            )
    driver.execute_query(LOAD_PROJECTS, rows=projects)
    driver.execute_query(LOAD_REQUIREMENTS, rows=requirements)


def installed() -> list[Distribution]:
    """The installed packages, the first of a name on the path."""
    found: dict[str, Distribution] = {}
    for distribution in distributions():
        found.setdefault(normalized(distribution.name), distribution)
    return list(found.values())


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed_name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return match[0]


def topics(package: Distribution) -> set[str]:
    classifiers = package.metadata.get_all("Classifier") or []
    return {c for c in classifiers if c.startswith("Topic :: ")}


def content(driver: neo4j.Driver, names: dict[str, str]) -> list[dict[str, Any]]:
    """What was loaded, read under one set of names."""
    return records(driver, CONTENT % names)


def everything(driver: neo4j.Driver) -> list[list[dict[str, Any]]]:
    """Every node and relationship of the user's, in an order of its own."""
    nodes = records(
        driver,
        "MATCH (n) WHERE none(l IN labels(n) WHERE l STARTS WITH '__') "
        "RETURN labels(n) AS labels, properties(n) AS properties",
    )
    relationships = records(
        driver,
        "MATCH (a)-[r]->(b) RETURN type(r) AS type, properties(r) AS properties, "
        "properties(a) AS start, properties(b) AS end",
    )
    return [sorted(nodes, key=repr), sorted(relationships, key=repr)]


def counts(driver: neo4j.Driver) -> dict[str, int]:
    rows = records(
        driver,
        "MATCH (n) UNWIND labels(n) AS name RETURN name, count(*) AS count "
        "UNION ALL MATCH ()-[r]->() RETURN type(r) AS name, count(*) AS count",
    )
    return {row["name"]: row["count"] for row in rows}


def schema_objects(driver: neo4j.Driver) -> dict[str, str]:
    """The names of the user's constraints and indexes, and their kinds."""
    constraints = records(driver, "SHOW CONSTRAINTS YIELD name, type")
    indexes = records(
        driver,
        "SHOW INDEXES YIELD name, type, owningConstraint "
        "WHERE owningConstraint IS NULL AND type <> 'LOOKUP' RETURN name, type",
    )
    # 2026.x says NODE_PROPERTY_UNIQUENESS where 5.26 says UNIQUENESS.
    return {
        row["name"]: row["type"].removeprefix("NODE_PROPERTY_")
        for row in [*constraints, *indexes]
        if not row["name"].startswith("__")
    }


def records(driver: neo4j.Driver, cypher: str) -> list[dict[str, Any]]:
    return [record.data() for record in driver.execute_query(cypher).records]


def packages_and_needs(driver: neo4j.Driver) -> list[list[dict[str, Any]]]:
    """The packages and what they need, without the tags of batches."""
    found = [
        records(
            driver,
            "MATCH (p:Package) WITH properties(p) AS p "
            "RETURN p ORDER BY p.normalized_name",
        ),
        records(
            driver,
            "MATCH (a:Package)-[r:DEPENDS_ON]->(b:Package) "
            "WITH a.name AS a, b.name AS b, properties(r) AS p "
            "RETURN a, b, p ORDER BY a, p.text",
        ),
    ]
    for row in (row for rows in found for row in rows):
        # An empty cell of a file is no value.
        row["p"] = {
            name: value
            for name, value in row["p"].items()
            if name != "_alembic_batch" and value != ""
        }
    return found


def run(script: str) -> str:
    """Run a script of the example as its user does and return what it prints."""
    return run_in(EXAMPLE, sys.executable, script)


def run_in(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        arguments,
        cwd=directory,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_schema_hash_is_that_of_the_replayed_history(config: Config) -> None:
    script = ScriptDirectory.from_config(config)
    history = History(script)
    for revision in script.walk_revisions():
        written = revision.module.schema_hash
        if written is not None:
            assert written == schema_digest(history.at([revision.revision]))
