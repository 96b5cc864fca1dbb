"""``alembic-neo4j ingest load``, ``list``, ``show`` and ``rollback``."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import Owner, graph_lock
from tests.graph.loads import contents, properties
from tests.migration.project import Project, graph_state

SCHEMA = """
op.add_node(
    "Person",
    op.Property("name", "STRING", required=True),
    op.Property("born", "DATE"),
    op.Property("age", "INTEGER"),
    open=True,
)
op.add_node("Town", op.Property("id", "INTEGER"))
op.add_relationship_type("KNOWS")
op.add_relationship_type("LIVES_IN")
op.add_unique_constraint("Person", "name")
"""
PEOPLE = "name,born,age,more\nAnn,2017-01-01,7,x\nBob,,8,\n"


@pytest.fixture
def schema(live: Project) -> Project:
    """A project whose graph has a schema."""
    live.revision("r1", SCHEMA)
    live.done("upgrade", "head")
    write(live, "people.csv", PEOPLE)
    return live


def write(project: Project, name: str, text: str) -> Path:
    path = project.path / name
    path.write_text(text)
    return path


def done(project: Project, *arguments: str) -> str:
    outcome = project.verb("ingest", *arguments)
    assert outcome.status == 0, outcome.text
    return outcome.out


def report(project: Project, *arguments: str) -> Any:
    return json.loads(done(project, *arguments, "--format", "json"))


def failed(project: Project, *arguments: str, status: int = 2) -> str:
    outcome = project.verb("ingest", *arguments)
    assert outcome.status == status, outcome.text
    assert "Traceback" not in outcome.text
    return outcome.err


def test_a_file_is_loaded_shown_and_taken_back(
    schema: Project, neo4j_graph: Graph
) -> None:
    before = contents(neo4j_graph)
    digest = hashlib.sha256(PEOPLE.encode()).hexdigest()

    loaded = report(
        *(schema, "load", "people.csv", "--label", "Person", "--batch", "people"),
        *("--loader", "etl", "--loader-version", "7"),
    )

    assert loaded == {
        "batch": "people",
        "uri": str(schema.path / "people.csv"),
        "sha256": digest,
        "rows": 2,
        "refused": 0,
        "created": 2,
        "touched": 0,
        "unmatched": 0,
        "loaded": True,
        "loaded_before": False,
    }
    ann, bob = properties(neo4j_graph)
    assert (ann["born"].year, ann["age"], ann["more"]) == (2017, 7, "x")
    assert bob == {"name": "Bob", "age": 8, "_alembic_batch": "people"}

    (row,) = report(schema, "list")["batches"]
    assert row == report(schema, "show", "people")
    assert row.pop("begun_at") <= row.pop("ended_at")
    assert "@" in row.pop("begun_by")
    assert row == {
        "batch": "people",
        "state": "loaded",
        "revision": None,
        "sources": [{"uri": str(schema.path / "people.csv"), "sha256": digest}],
        "loader": "etl",
        "loader_version": "7",
        "labels": ["Person"],
        "types": [],
        "created_nodes": 2,
        "touched_nodes": 0,
        "created_relationships": 0,
        "touched_relationships": 0,
        "unmatched": 0,
    }
    assert "people  loaded" in done(schema, "list")
    assert digest in done(schema, "show", "people")

    assert report(schema, "rollback", "people", "--yes") == {
        "batch": "people",
        "deleted_nodes": 2,
        "deleted_relationships": 0,
        "restored_nodes": 0,
        "restored_relationships": 0,
    }
    assert contents(neo4j_graph) == before
    assert report(schema, "show", "people")["state"] == "rolled back"
    assert "rolled back before" in done(schema, "rollback", "people", "--yes")
    schema.done("upgrade", "head")


def test_what_a_file_leaves_out_gets_the_default_of_its_model(
    schema: Project, neo4j_graph: Graph
) -> None:
    schema.revision(
        "r2",
        """
        op.add_node_property("Person", "active", "BOOLEAN", default=True)
        op.add_node_property("Person", "state", "STRING", default="new", required=True)
        op.add_relationship_property("KNOWS", "since", "INTEGER", default=1)
        op.add_relationship("Person", "KNOWS", "Person")
        """,
        down="r1",
    )
    schema.done("upgrade", "head")
    write(schema, "people.csv", "name,active\nAnn,\nBob,false\n")
    write(schema, "knows.csv", "source,target\nAnn,Bob\n")

    done(schema, "load", "people.csv", "--label", "Person", "--batch", "b")
    done(
        *(schema, "load", "knows.csv", "--relationship-type", "KNOWS"),
        *("--source-label", "Person", "--source-key", "name"),
        *("--target-label", "Person", "--target-key", "name"),
    )

    tag = {"_alembic_batch": "b"}
    assert properties(neo4j_graph) == [
        {"name": "Ann", "active": True, "state": "new", **tag},
        {"name": "Bob", "active": False, "state": "new", **tag},
    ]
    since = neo4j_graph.read("MATCH ()-[r:KNOWS]->() RETURN r.since AS since")
    assert since == [{"since": 1}]


def test_relationships_between_nodes_by_columns(
    schema: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:Town {id: 1}), (:Town {id: 2})", {})])
    done(schema, "load", "people.csv", "--label", "Person")
    # The types of the keys are the model's: the text 1 is the number.
    write(schema, "lives.tsv", "who\ttown\tsince\nAnn\t1\t2020\nBob\t3\t2021\n")
    lives = (
        *("load", "lives.tsv", "--relationship-type", "LIVES_IN", "--batch", "lives"),
        *("--source-label", "Person", "--source-key", "name", "--source-column", "who"),
        *("--target-label", "Town", "--target-key", "id", "--target-column", "town"),
    )

    loaded = report(schema, *lives)

    assert (loaded["created"], loaded["unmatched"]) == (1, 1)
    found = neo4j_graph.read(
        "MATCH (p)-[r:LIVES_IN]->(t) RETURN p.name AS p, r.since AS s, t.id AS t"
    )
    assert found == [{"p": "Ann", "s": "2020", "t": 1}]
    done(schema, "rollback", "lives", "--yes")

    message = failed(schema, *lives, "--on-unmatched", "fail")
    assert "row 2: no (:Town {id: 3})" in message
    assert [row["state"] for row in report(schema, "list")["batches"]] == ["loaded"]
    rerun = report(schema, *lives, "--merge")
    assert rerun["created"] == 1
    done(schema, "rollback", "lives", "--yes")
    default = write(schema, "default.csv", "source,target\nAnn,1\n")
    again = report(
        *(schema, "load", str(default), "--relationship-type", "LIVES_IN"),
        *("--source-label", "Person", "--source-key", "name"),
        *("--target-label", "Town", "--target-key", "id"),
    )
    assert again["created"] == 1


def test_a_load_is_not_done_twice(schema: Project, neo4j_graph: Graph) -> None:
    first = report(schema, "load", "people.csv", "--label", "Person")["batch"]

    said = done(schema, "load", "people.csv", "--label", "Person")
    told = report(schema, "load", "people.csv", "--label", "Person")

    assert first.startswith("people.csv-")
    assert "nothing is left to do. To load it once more, give another --batch" in said
    assert (told["batch"], told["created"], told["loaded_before"]) == (first, 2, True)
    assert len(properties(neo4j_graph)) == 2
    # As something else it is not the same load.
    message = failed(
        *(schema, "load", "people.csv", "--label", "Other", "--batch", first),
        "--allow-unknown",
    )
    assert f"the batch {first} was loaded at" in message
    assert f"ingest rollback {first}" in message
    # Under another name it would be, but for the constraint.
    failed(schema, "load", "people.csv", "--label", "Person", "--batch", "other")
    again = report(
        *(schema, "load", "people.csv", "--label", "Person"),
        *("--batch", "other", "--merge-key", "name"),
    )
    assert (again["created"], again["touched"]) == (0, 2)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("-rf *.csv", "_rf__.csv-"),
        ("a'b\"; $(exit 7) `exit 7`\n.csv", "a_b_____exit_7___exit_7__.csv-"),
        ("ünïcode … 人.csv", "ünïcode___人.csv-"),
    ],
)
def test_a_hostile_file_name_is_only_a_name(
    schema: Project, neo4j_graph: Graph, name: str, stem: str
) -> None:
    path = write(schema, name, "name\nAnn\n")

    batch = report(schema, "load", str(path), "--label", "Person")["batch"]

    assert batch.startswith(stem)
    (row,) = report(schema, "list")["batches"]
    shown = str(path).replace("\n", "\N{REPLACEMENT CHARACTER}")
    assert (row["batch"], row["sources"][0]["uri"]) == (batch, shown)
    done(schema, "list")
    done(schema, "rollback", batch, "--yes")
    assert properties(neo4j_graph) == []


@pytest.mark.parametrize("batch", ["-rf", "it's two words; $(exit 7)"])
def test_the_command_that_takes_back_can_be_pasted(
    schema: Project, neo4j_graph: Graph, batch: str
) -> None:
    said = done(schema, "load", "people.csv", "--label", "Person", f"--batch={batch}")

    _, _, command = said.rstrip().partition("To take it back: ")
    program, verb, *arguments = shlex.split(command)
    assert (program, verb) == ("alembic-neo4j", "ingest")
    done(schema, arguments[0], "--yes", *arguments[1:])
    assert properties(neo4j_graph) == []


def test_a_label_that_no_model_has_is_refused_unless_it_is_meant(
    schema: Project, neo4j_graph: Graph
) -> None:
    misspelt = ("load", "people.csv", "--label", "Persn")

    assert "Did you mean 'Person'?" in failed(schema, *misspelt)
    assert properties(neo4j_graph, "Persn") == []
    outcome = schema.verb("ingest", *misspelt, "--allow-unknown")

    assert outcome.status == 0
    assert "No model of the graph's revision has the label Persn" in outcome.err
    (ann, _) = properties(neo4j_graph, "Persn")
    assert ann["age"] == "7"
    known = schema.verb("ingest", "load", "people.csv", "--label", "Person")
    assert "No model" not in known.err


def test_a_dry_run_loads_nothing(schema: Project, neo4j_graph: Graph) -> None:
    before = graph_state(neo4j_graph), schema.remembered()

    found = report(schema, "load", "people.csv", "--label", "Person", "--dry-run")

    assert (found["rows"], found["loaded"]) == (2, False)
    text = done(schema, "load", "people.csv", "--label", "Person", "--dry-run")
    assert "nothing was loaded" in text
    assert (graph_state(neo4j_graph), schema.remembered()) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,age\nAnn,7\nBob,eight\n", "row 2 (line 3), column 'age'"),
        ("age\n7\n", "expected a column for the required property 'name'"),
        ("name,age\nAnn,7\nAnn,8\n", "expected a value of its own"),
        ("name,age\nAnn,7\n,8\n", "column 'name': expected a value, found none"),
        ("name,age\nAnn\n", "row 1"),
    ],
)
def test_the_whole_file_is_checked_first(
    schema: Project, neo4j_graph: Graph, text: str, message: str
) -> None:
    before = graph_state(neo4j_graph), schema.remembered()
    write(schema, "people.csv", text)

    found = failed(schema, "load", "people.csv", "--label", "Person")

    assert message in found
    assert (graph_state(neo4j_graph), schema.remembered()) == before


def test_rows_may_be_refused_and_the_others_loaded(
    schema: Project, neo4j_graph: Graph
) -> None:
    write(schema, "people.csv", "name,age\nAnn,7\nBob,eight\nCid,9\n")
    load = ("load", "people.csv", "--label", "Person", "--on-error", "skip")

    failed(schema, *load, "--max-rejects", "0")
    loaded = report(schema, *load, "--reject-file", "refused.csv")

    assert (loaded["rows"], loaded["refused"], loaded["created"]) == (3, 1, 2)
    assert "Bob" in (schema.path / "refused.csv").read_text()


def test_nan_is_loaded_where_it_is_taken(schema: Project, neo4j_graph: Graph) -> None:
    write(schema, "items.csv", "weight\nNaN\n1.5\n")
    write(schema, "rules.toml", '[properties.weight]\ntype = "FLOAT"\n')
    load = ("load", "items.csv", "--label", "Item", "--allow-unknown")
    load = (*load, "--rules", "rules.toml")

    assert "allow_nan is not given" in failed(schema, *load)
    loaded = report(schema, *load, "--allow-nan")

    assert loaded["created"] == 2
    found = neo4j_graph.read("MATCH (n:Item) RETURN sum(n.weight) AS weight")
    assert math.isnan(found[0]["weight"])


def test_what_the_rows_become_has_to_be_said(schema: Project) -> None:
    for arguments, message in (
        ((), "--label or --relationship-type"),
        (("--label", "A", "--relationship-type", "T"), "not both"),
        (
            ("--relationship-type", "T", "--source-label", "A"),
            "--relationship-type needs",
        ),
        (("--label", "A", "--merge"), "are for --relationship-type"),
        (("--label", "A", "--max-rejects", "1"), "--on-error skip"),
        (("--label", "A", "--batch", ""), "Expected a name for the batch"),
        (("--label", "__AlembicNeo4jLock"), "belongs to alembic_neo4j"),
        (("--label", "A", "--sha256", "0" * 64), "expected the SHA-256"),
    ):
        assert message in failed(schema, "load", "people.csv", *arguments)
    assert "can't be read" in failed(schema, "load", "none.csv", "--label", "A")


def test_a_batch_of_a_revision_can_be_taken_back(
    schema: Project, neo4j_graph: Graph
) -> None:
    schema.revision(
        "r2",
        "op.create_nodes('Person', [{'name': 'Ann'}])",
        "op.delete_nodes_by_batch('Person')",
        down="r1",
    )
    schema.done("upgrade", "head")

    message = failed(schema, "rollback", "r2")

    assert "It belongs to the revision r2, which stays" in message
    assert "say --yes" in message
    assert report(schema, "rollback", "r2", "--yes")["deleted_nodes"] == 1
    schema.done("downgrade", "r1")
    assert properties(neo4j_graph) == []


def test_a_revision_that_loads_what_no_model_knows_is_refused(
    schema: Project, neo4j_graph: Graph
) -> None:
    schema.revision("r2", 'op.load_nodes("people.csv", "Persn")', down="r1")

    assert "Did you mean 'Person'?" in schema.failed("upgrade", "head")
    assert properties(neo4j_graph, "Persn") == []
    schema.revision(
        "r2", 'op.load_nodes("people.csv", "Persn", allow_unknown=True)', down="r1"
    )
    schema.done("upgrade", "head")
    assert len(properties(neo4j_graph, "Persn")) == 2


def test_relationships_of_others_need_detach(
    schema: Project, neo4j_graph: Graph
) -> None:
    done(schema, "load", "people.csv", "--label", "Person", "--batch", "b")
    neo4j_graph.transaction(
        [("MATCH (n:Person {name: 'Ann'}) CREATE (n)-[:X]->(n)", {})]
    )

    assert "1 :X, such as" in failed(schema, "rollback", "b", "--yes")
    assert report(schema, "show", "b")["state"] == "loaded"
    schema.done("upgrade", "head")
    undone = report(schema, "rollback", "b", "--yes", "--detach")

    assert (undone["deleted_nodes"], undone["deleted_relationships"]) == (2, 1)


def test_a_batch_that_nobody_knows(schema: Project, neo4j_graph: Graph) -> None:
    assert "it knows none" in failed(schema, "show", "x")
    assert "there is no batch 'x'" in failed(schema, "rollback", "x", "--yes")
    assert done(schema, "list") == "No batch was loaded.\n"

    # The ledger was lost, and the graph still has it.
    neo4j_graph.transaction([("CREATE (:Person {name: 'A', _alembic_batch: 'x'})", {})])
    assert report(schema, "rollback", "x", "--yes")["deleted_nodes"] == 1


def test_nothing_is_made_by_looking(live: Project) -> None:
    assert done(live, "list") == "No batch was loaded.\n"
    assert "it knows none" in failed(live, "show", "x")
    assert not live.ledger.exists()


def test_a_load_waits_for_the_lock(schema: Project, neo4j_graph: Graph) -> None:
    with graph_lock(neo4j_graph, Owner.of_this_process(), timeout=5):
        message = failed(
            *(schema, "load", "people.csv", "--label", "Person"),
            *("--lock-timeout", "0.2"),
        )

    assert "was not free within 0.2 seconds" in message
    assert properties(neo4j_graph) == []


def test_a_foreign_graph_is_not_loaded_into(
    schema: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction(
        [("MATCH (s:__AlembicNeo4jStamp) SET s.ledger = 'another'", {})]
    )

    message = failed(schema, "load", "people.csv", "--label", "Person")

    assert "another ledger manages this graph" in message
    assert properties(neo4j_graph) == []


def test_a_revision_loads_files(schema: Project, neo4j_graph: Graph) -> None:
    (schema.path / "data").mkdir()
    people = write(schema, "data/people.csv", "Name;age\nAnn;7\nBob;\n")
    write(schema, "data/knows.jsonl", '{"from": "Ann", "to": "Bob", "since": 1}\n')
    rules = schema.path / "data" / "rules.toml"
    rules.write_text('[properties.name]\ncolumn = "Name"\n')
    schema.revision(
        "r2",
        f"""
        loaded = op.load_nodes(
            "data/people.csv", "Person", rules="data/rules.toml",
            read_options={{"delimiter": ";"}},
            sha256={hashlib.sha256(people.read_bytes()).hexdigest()!r},
        )
        assert op.is_replaying() or loaded.created == 2
        op.load_relationships(
            "data/knows.jsonl", "Person", "Person", "KNOWS", source_key="name",
            target_key="name", source_column="from", target_column="to",
        )
        """,
        "op.rollback_batch()",
        down="r1",
    )

    schema.done("upgrade", "head")

    assert [row.get("age") for row in properties(neo4j_graph)] == [7, None]
    found = neo4j_graph.read("MATCH ()-[r:KNOWS]->() RETURN r.since AS since")
    assert found == [{"since": 1}]
    (row,) = report(schema, "list")["batches"]
    assert [source["uri"] for source in row["sources"]] == [
        str(schema.path / "data" / name) for name in ("people.csv", "knows.jsonl")
    ]
    schema.done("downgrade", "r1")
    assert properties(neo4j_graph) == []

    people.write_text("Name;age\nAnn;7\nBob;8\n")
    message = schema.failed("upgrade", "head")
    assert "expected the SHA-256" in message
    assert "run the same command again" not in message


def test_a_part_of_a_node_may_be_changed_by_a_file(
    schema: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:Person {name: 'Ann', code: 'a'})", {})])
    # The required name is not in it, and one node twice.
    write(schema, "ages.json", '[{"code": "a", "age": "7"}, {"code": "a", "age": 8}]')

    loaded = report(
        schema, "load", "ages.json", "--label", "Person", "--merge-key", "code"
    )

    assert (loaded["created"], loaded["touched"]) == (0, 1)
    assert properties(neo4j_graph) == [{"name": "Ann", "code": "a", "age": 8}]


def broken_off(project: Project, graph: Graph, batch: str) -> None:
    """Load a file as a batch whose second row is refused, and leave its run open."""
    graph.transaction([("CREATE (:Person {name: 'Bob'})", {})])
    message = failed(
        *(project, "load", "people.csv", "--label", "Person"),
        *("--batch", batch, "--batch-size", "1"),
    )
    assert "already exists" in message


@pytest.mark.parametrize("batch", ["base", "head", "heads", "r1"])
def test_a_batch_may_be_called_as_a_revision_is(
    schema: Project, neo4j_graph: Graph, batch: str
) -> None:
    broken_off(schema, neo4j_graph, batch)
    (constraint,) = neo4j_graph.read(
        "SHOW CONSTRAINTS YIELD name, labelsOrTypes WHERE labelsOrTypes = ['Person']"
    )
    neo4j_graph.autocommit(f"DROP CONSTRAINT {constraint['name']}")

    outcome = schema.verb("verify", "--format", "json")

    assert outcome.status == 1, outcome.text
    codes = {finding["code"] for finding in json.loads(outcome.out)["findings"]}
    assert {"run-open", "element-missing"} <= codes
    status = json.loads(schema.verb("status", "--format", "json").out)
    assert (status["run"]["action"], status["run"]["subject"]) == ("ingest load", batch)
    assert status["run"]["revision"] is None
    assert f"the load of the batch {batch} was begun" in schema.verb("plan").out
    assert report(schema, "rollback", batch, "--yes")["deleted_nodes"] == 1
    assert [row["name"] for row in properties(neo4j_graph)] == ["Bob"]


def copied(graph: Graph) -> list[tuple[list[str], dict[str, Any]]]:
    """Return the nodes of a graph without relationships, its stamp among them."""
    rows = graph.read(
        "MATCH (n) WHERE NOT n:__AlembicNeo4jLock "
        "RETURN labels(n) AS labels, properties(n) AS values"
    )
    return sorted(((row["labels"], row["values"]) for row in rows), key=str)


def restore(graph: Graph, copy: list[tuple[list[str], dict[str, Any]]]) -> None:
    """Make a graph what its copy was; indexes and constraints are the same."""
    graph.transaction([("MATCH (n) DETACH DELETE n", {})])
    for labels, values in copy:
        names = "".join(f":`{label}`" for label in labels)
        graph.transaction([(f"CREATE (n{names}) SET n = $values", {"values": values})])


LOAD = ("load", "people.csv", "--label", "Person", "--batch", "w3")


def data_codes(project: Project, *options: str) -> list[str]:
    """Return what ``verify`` finds about data that are or are not there."""
    outcome = project.verb("verify", "--format", "json", *options)
    found = [finding["code"] for finding in json.loads(outcome.out)["findings"]]
    return [code for code in found if code.startswith(("data-", "batch-"))]


@pytest.mark.parametrize("earlier", [False, True])
def test_an_older_copy_of_the_graph_is_known(
    schema: Project, neo4j_graph: Graph, earlier: bool
) -> None:
    if earlier:
        write(schema, "towns.csv", "id\n1\n2\n")
        done(schema, "load", "towns.csv", "--label", "Town", "--batch", "w2")
    copy = copied(neo4j_graph)
    done(schema, *LOAD)
    restore(neo4j_graph, copy)

    assert "does not know the latest run" in failed(schema, *LOAD)
    assert "repair --only data-stale" in failed(schema, "rollback", "w3", "--yes")
    assert data_codes(schema) == ["data-stale"]
    assert "older copy" in schema.failed("upgrade", "head")
    assert copied(neo4j_graph) == copy
    outcome = schema.verb("repair", "--only", "data-stale", "--yes")
    assert outcome.status == 0, outcome.text

    assert report(schema, "show", "w3")["state"] == "rolled back"
    if earlier:
        assert report(schema, "show", "w2")["state"] == "loaded"
    assert report(schema, *LOAD)["created"] == 2
    assert data_codes(schema, "--full") == []
    assert "nothing is left to do" in done(schema, *LOAD)


def test_a_run_that_ended_otherwise_is_no_other_graph(
    schema: Project, neo4j_graph: Graph
) -> None:
    broken_off(schema, neo4j_graph, "w1")
    outcome = schema.verb("repair", "--abandon-run", "--yes")
    assert outcome.status == 0, outcome.text
    assert report(schema, "rollback", "w1", "--yes")["deleted_nodes"] == 1
    failed(schema, "load", "people.csv", "--label", "Person", "--batch", "w4")
    neo4j_graph.transaction([("MATCH (n:Person) DELETE n", {})])
    schema.done("upgrade", "head")
    assert report(schema, *LOAD)["created"] == 2


def test_a_load_whose_rows_are_gone_is_not_said_to_be_there(
    schema: Project, neo4j_graph: Graph
) -> None:
    done(schema, *LOAD)
    neo4j_graph.transaction([("MATCH (n:Person {name: 'Ann'}) DELETE n", {})])

    assert "1 of the 2 that it created" in schema.verb("ingest", *LOAD).err
    assert data_codes(schema, "--full") == ["batch-incomplete"]

    neo4j_graph.transaction([("MATCH (n:Person) DELETE n", {})])
    assert "nothing of it is in the graph" in failed(schema, *LOAD)
    assert data_codes(schema, "--full") == ["batch-missing"]
    done(schema, "rollback", "w3", "--yes")
    assert report(schema, *LOAD)["created"] == 2


def test_rows_are_found_by_the_label_that_they_have_now(
    schema: Project, neo4j_graph: Graph
) -> None:
    done(schema, *LOAD)
    schema.revision("r2", "op.rename_label('Person', 'Human')", down="r1")
    schema.done("upgrade", "head")

    assert data_codes(schema, "--full") == []


@pytest.mark.parametrize("earlier", [False, True])
def test_an_older_copy_of_the_ledger_is_known(
    schema: Project, neo4j_graph: Graph, earlier: bool
) -> None:
    if earlier:
        write(schema, "towns.csv", "id\n1\n2\n")
        done(schema, "load", "towns.csv", "--label", "Town", "--batch", "w2")
    older = {path: path.read_bytes() for path in schema.path.glob("neo4j_ledger.db*")}
    done(schema, *LOAD)
    for path in schema.path.glob("neo4j_ledger.db*"):
        path.unlink()
    for path, content in older.items():
        path.write_bytes(content)

    assert "does not know the latest run" in failed(schema, *LOAD)
    outcome = schema.verb("repair", "--only", "data-stale", "--yes")
    assert outcome.status == 0, outcome.text
    assert "has a batch w3 that the ledger does not know" in outcome.err

    assert "the batch w3 was begun and not finished" in failed(schema, *LOAD)
    assert report(schema, "rollback", "w3", "--yes")["deleted_nodes"] == 2
    assert report(schema, *LOAD)["created"] == 2


def test_the_same_rows_as_another_batch_are_told_of_the_key(schema: Project) -> None:
    load = ("load", "people.csv", "--label", "Person")
    done(schema, *load, "--batch", "one")
    told = failed(schema, *load, "--batch", "two")
    assert "already exists" in told
    assert "by rows with a key: --merge-key" in told


def test_a_rollback_that_was_broken_off_tells_of_all_it_took(
    schema: Project, neo4j_graph: Graph
) -> None:
    done(schema, "load", "people.csv", "--label", "Person", "--batch", "people")
    # What a rollback leaves that is killed after its first transaction.
    neo4j_graph.transaction([("MATCH (p:Person {name: 'Ann'}) DELETE p", {})])
    with closing(sqlite3.connect(schema.ledger)) as ledger, ledger:
        ledger.execute("UPDATE alembic_neo4j_batch SET state = 'rolling back'")
    undone = report(schema, "rollback", "people", "--yes")
    assert (undone["deleted_nodes"], undone["restored_nodes"]) == (2, 0)
    assert contents(neo4j_graph) == [[], []]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "looks like 2 that a semicolon separates. Say so: --delimiter ';'"),
        (("--quote", ""), "expected one character for quote (--quote) (none: "),
        (("--delimiter", ""), "expected one character for delimiter (--delimiter)"),
    ],
)
def test_a_file_that_is_delimited_otherwise(
    schema: Project, options: tuple[str, ...], message: str
) -> None:
    write(schema, "t.csv", "name;age\nAnn;7\n")
    load = ("load", "t.csv", "--label", "Person", "--batch", "b")
    assert message in failed(schema, *load, *options)
    assert report(schema, *load, "--delimiter", ";")["created"] == 1
