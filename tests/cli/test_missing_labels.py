"""Nodes that lack a label of their model: `verify` finds them, `repair` mends them."""

from __future__ import annotations

import json

import pytest

from alembic_neo4j.graph import data_survey
from alembic_neo4j.graph import data_survey as graph_contents
from alembic_neo4j.graph.connection import Graph
from tests.cli.test_repair import repair
from tests.cli.test_verify import only
from tests.cli.test_verify_graph import include, write
from tests.crash.harness import KILLED, Kill, client
from tests.graph.loads import contents
from tests.migration.project import Project

MODELS = """
class Party(StructuredNode):
    name = StringProperty()

class Customer(Party):
    pass

class Gold(Customer):
    pass
"""
HISTORY = """
name = op.Property("name", "STRING")
op.add_node("Party", name)
op.add_node("Customer", name, bases=("Party",))
op.add_node("Gold", name, bases=("Customer", "Party"))
"""


@pytest.fixture
def parties(live: Project, neo4j_graph: Graph) -> Project:
    """Three models in a row, and nodes of each that carry all of their labels."""
    live.models(MODELS)
    live.revision("r1", HISTORY)
    live.done("upgrade", "head")
    write(
        neo4j_graph,
        "UNWIND range(1, 3) AS i CREATE (:Party), (:Customer:Party), "
        "(:Gold:Customer:Party)",
    )
    return live


def missing(project: Project, *arguments: str) -> dict[str, str]:
    outcome = project.verb("verify", "--format", "json", *arguments)
    assert outcome.status in (0, 1), outcome.text
    found = json.loads(outcome.out)["findings"]
    return {
        f["subject"]: f["found"].partition(", such")[0]
        for f in found
        if f["code"] == "label-missing"
    }


def test_nothing_is_found_where_all_is_well(parties: Project) -> None:
    assert missing(parties) == missing(parties, "--full") == {}


def test_a_few_among_many_are_found_by_a_sample(
    parties: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "CREATE (:Customer), (:Customer)")

    finding = only(parties)

    assert finding["code"] == "label-missing"
    assert finding["severity"] == "error"
    assert finding["subject"] == "(:Customer)"
    assert "(:Customer:Party)" in finding["expected"]
    assert finding["found"].startswith("at least 2 nodes without, such as ")
    assert finding["repair"] == "add the labels that are missing"
    assert missing(parties, "--full") == {"(:Customer)": "2 nodes without"}


def test_what_the_counts_tell_needs_no_look(
    parties: Project, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(neo4j_graph, "UNWIND range(1, 20) AS i CREATE (:Customer)")
    # The first of the nodes have all labels.
    monkeypatch.setattr(data_survey, "SAMPLE", 4)
    monkeypatch.setattr(graph_contents, "SAMPLE", 4)
    assert missing(parties) == {"(:Customer)": "at least 17 nodes without"}
    write(neo4j_graph, "UNWIND range(1, 20) AS i CREATE (:Party)")
    assert missing(parties) == {}
    assert missing(parties, "--full") == {"(:Customer)": "20 nodes without"}


def test_a_label_is_missed_by_the_model_that_is_next_to_it(
    parties: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "CREATE (:Gold), (:Gold:Customer), (:Gold:Party)")
    assert missing(parties, "--full") == {
        "(:Customer)": "1 node without",
        "(:Gold)": "2 nodes without",
    }


def test_repair_adds_them_in_batches(parties: Project, neo4j_graph: Graph) -> None:
    write(
        neo4j_graph,
        "UNWIND range(1, 25) AS i CREATE (:Gold {name: 'g' + i}), (:Customer:Other)",
    )
    parties.set("neo4j.batch_size", "10")
    before = contents(neo4j_graph)
    assert repair(parties, "--dry-run", status=1).out.count("label-missing") == 2
    assert contents(neo4j_graph) == before

    repair(parties, "--yes")

    assert missing(parties, "--full") == {}
    rows = neo4j_graph.read("MATCH (n) RETURN labels(n) AS labels, count(*) AS count")
    assert {
        tuple(sorted(row["labels"])): row["count"]
        for row in rows
        if not row["labels"][0].startswith("__")
    } == {
        ("Party",): 3,
        ("Customer", "Party"): 3,
        ("Customer", "Gold", "Party"): 28,
        ("Customer", "Other", "Party"): 25,
    }
    assert "Nothing to mend." in repair(parties, "--yes").out


def test_repair_that_is_killed_is_done_by_the_same_command(
    parties: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "UNWIND range(1, 25) AS i CREATE (:Customer {name: 'c' + i})")
    parties.set("neo4j.batch_size", "10")
    command = ("alembic-neo4j", "repair", "--yes")
    for number in range(1, 6):
        outcome = client(parties, command, Kill(f"graph.commit.after#{number}"))
        assert outcome.status == KILLED, outcome.text
        (row,) = neo4j_graph.read("MATCH (n:Customer&!Party) RETURN count(n) AS count")
        if row["count"] < 25:
            break
    assert row["count"] == 15

    assert client(parties, command, Kill()).status == 0
    assert missing(parties, "--full") == {}


def test_a_constraint_of_the_base_is_judged_before_the_first_label(
    parties: Project, neo4j_graph: Graph
) -> None:
    parties.revision("r2", "op.add_unique_constraint('Party', 'name')", down="r1")
    parties.done("upgrade", "head")
    write(neo4j_graph, "UNWIND range(1, 2) AS i CREATE (:Customer {name: 'same'})")
    before = contents(neo4j_graph)
    out = repair(parties, "--yes", "--only", "label-missing", status=2).out
    assert "Not mended: the data stand in the way" in out
    assert contents(neo4j_graph) == before


def test_what_env_leaves_out_is_not_missed(
    parties: Project, neo4j_graph: Graph
) -> None:
    write(neo4j_graph, "CREATE (:Customer)")
    include(parties, "name != 'Party'")
    assert missing(parties, "--full") == {}


def test_another_choice_looks_at_no_node(parties: Project, neo4j_graph: Graph) -> None:
    write(neo4j_graph, "CREATE (:Customer)")
    out = repair(parties, "--only", "marker-left").out
    assert "Nothing to mend." in out
