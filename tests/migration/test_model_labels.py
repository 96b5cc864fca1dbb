"""A node that is written under a model's label carries all labels of that model."""

from __future__ import annotations

from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.graph.loads import contents, images
from tests.migration.project import Project

MODELS = """
op.add_node("Party", op.Property("name", "STRING"))
op.add_node("Legal", op.Property("name", "STRING"))
op.add_node(
    "Customer", op.Property("name", "STRING"), op.Property("tier", "INTEGER"),
    bases=("Legal", "Party"), optional_labels=("Gold",),
)
op.add_node("Loose", op.Property("name", "STRING"))
op.add_relationship_type("BUYS", op.Property("name", "STRING"))
op.add_relationship_type("SELLS")
op.add_index("Party", "name")
"""
WHOLE = ["Customer", "Legal", "Party"]


@pytest.fixture
def models(live: Project) -> Project:
    """A project whose graph is at a history with a model of two bases."""
    live.revision("r1", MODELS)
    live.done("upgrade", "head")
    return live


def write(graph: Graph, *statements: str) -> None:
    for statement in statements:
        graph.transaction([(statement, {})])


def labels(graph: Graph, name: str = "name") -> dict[Any, list[str]]:
    """Return the labels of the nodes by their names."""
    rows = graph.read(
        f"MATCH (n) WHERE n.{name} IS NOT NULL "
        f"RETURN n.{name} AS name, labels(n) AS labels"
    )
    return {row["name"]: sorted(row["labels"]) for row in rows}


CREATE = "op.create_nodes('Customer', [{'name': 'Ann'}, {'name': 'Bob', 'tier': 1}])"
UPSERT = (
    "op.upsert_nodes('Customer', [{'name': 'Ann', 'tier': 1}, {'name': 'Bob'}], "
    "merge_keys=['name'])"
)


@pytest.mark.parametrize("call", [CREATE, UPSERT])
def test_what_a_revision_creates_is_taken_back_whole(
    models: Project, neo4j_graph: Graph, call: str
) -> None:
    write(neo4j_graph, "CREATE (:Party {name: 'Zoe'})")
    before = contents(neo4j_graph)
    models.revision("r2", call, "op.delete_nodes_by_batch('Customer')", down="r1")

    models.done("upgrade", "head")

    party = {"Zoe": ["Party"]}
    assert labels(neo4j_graph) == {"Ann": WHOLE, "Bob": WHOLE, **party}

    models.done("downgrade", "-1")
    assert contents(neo4j_graph) == before


@pytest.mark.parametrize(
    "rows", ["[{'name': 'Ann', 'tier': 2}, {'name': 'Bob'}]", "[{'name': 'Ann'}]"]
)
def test_a_node_that_is_found_gets_what_it_lacks_and_loses_it_again(
    models: Project, neo4j_graph: Graph, rows: str
) -> None:
    write(
        neo4j_graph,
        "CREATE (:Customer:Legal {name: 'Ann', tier: 1})",
        "CREATE (:Customer:Party:Legal {name: 'Bob'}), (:Customer:Other {name: 'Cid'})",
    )
    before = contents(neo4j_graph)
    models.revision(
        "r2",
        f"op.upsert_nodes('Customer', {rows}, merge_keys=['name'])",
        "op.delete_nodes_by_batch('Customer')",
        down="r1",
    )

    models.done("upgrade", "head")

    cid = ["Customer", "Other"]
    assert labels(neo4j_graph) == {"Ann": WHOLE, "Bob": WHOLE, "Cid": cid}

    models.done("downgrade", "-1")
    assert contents(neo4j_graph) == before
    assert images(neo4j_graph) == []


@pytest.mark.parametrize("order", [("b1", "b2"), ("b2", "b1")])
def test_a_label_stays_while_a_batch_that_gives_it_does(
    models: Project, neo4j_graph: Graph, order: tuple[str, str]
) -> None:
    write(neo4j_graph, "CREATE (:Customer:Legal {name: 'Ann'})")
    before = contents(neo4j_graph)
    (models.path / "people.csv").write_text("name,tier\nAnn,3\n")
    for batch in ("b1", "b2"):
        load = (
            "people.csv",
            "--label",
            "Customer",
            "--merge-key",
            "name",
            "--batch",
            batch,
        )
        assert models.verb("ingest", "load", *load).status == 0
    assert labels(neo4j_graph) == {"Ann": WHOLE}

    first, last = order
    assert models.verb("ingest", "rollback", first, "--yes").status == 0
    assert labels(neo4j_graph) == {"Ann": WHOLE}
    assert models.verb("ingest", "rollback", last, "--yes").status == 0
    assert contents(neo4j_graph) == before


def test_a_file_is_loaded_with_all_labels(models: Project, neo4j_graph: Graph) -> None:
    (models.path / "people.csv").write_text("name,tier\nAnn,1\n")
    models.revision(
        "r2",
        'op.load_nodes("people.csv", "Customer")',
        "op.delete_nodes_by_batch('Customer')",
        down="r1",
    )
    models.done("upgrade", "head")
    loaded = models.verb("ingest", "load", "people.csv", "--label", "Customer")
    assert loaded.status == 0, loaded.text
    rows = neo4j_graph.read("MATCH (n {name: 'Ann'}) RETURN labels(n) AS labels")
    assert [sorted(row["labels"]) for row in rows] == [WHOLE, WHOLE]


def test_optional_labels_are_given_only_where_they_are_named(
    models: Project, neo4j_graph: Graph
) -> None:
    models.revision(
        "r2",
        "op.create_nodes(['Gold', 'Customer'], [{'name': 'Ann'}])",
        down="r1",
    )
    models.done("upgrade", "head")
    assert labels(neo4j_graph) == {"Ann": sorted([*WHOLE, "Gold"])}


def test_the_labels_are_those_of_the_revision_and_not_of_the_newest(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        """
        op.add_node("Customer", op.Property("name", "STRING"))
        op.create_nodes("Customer", [{"name": "early"}])
        op.add_node("Party", op.Property("name", "STRING"))
        op.add_label("Customer", "Party", where="n.name = 'nobody'")
        """,
    )
    live.revision(
        "r2",
        """
        op.remove_node("Customer")
        op.add_node("Customer", op.Property("name", "STRING"), bases=("Party",))
        op.create_nodes("Customer", [{"name": "late"}])
        """,
        down="r1",
    )
    live.done("upgrade", "head")
    assert labels(neo4j_graph) == {
        "early": ["Customer"],
        "late": ["Customer", "Party"],
    }


@pytest.mark.parametrize("merge", [True, False])
def test_extracted_values(models: Project, neo4j_graph: Graph, merge: bool) -> None:
    write(
        neo4j_graph,
        "UNWIND ['Ann', 'Bob'] AS name CREATE (:Loose {buyer: name})",
        "CREATE (:Customer {name: 'Ann'})",
    )
    models.revision(
        "r2",
        "op.extract_property_to_node('Loose', 'buyer', 'Customer', 'BUYS', "
        f"target_property='name', merge={merge})",
        down="r1",
    )
    models.done("upgrade", "head")
    rows = neo4j_graph.read(
        "MATCH (:Loose)-[:BUYS]->(n) RETURN n.name AS name, labels(n) AS labels"
    )
    assert {row["name"]: sorted(row["labels"]) for row in rows} == {
        "Ann": WHOLE,
        "Bob": WHOLE,
    }


def test_relationships_that_become_nodes(models: Project, neo4j_graph: Graph) -> None:
    write(
        neo4j_graph,
        "CREATE (:Loose {name: 1})-[:BUYS {name: 'Ann'}]->(:Loose {name: 2})",
    )
    models.revision(
        "r2",
        "op.relationship_to_node('Loose', 'BUYS', 'Loose', 'Customer', 'SELLS', "
        "'SELLS')",
        "op.node_to_relationship('Loose', 'SELLS', 'Customer', 'SELLS', 'Loose', "
        "'BUYS')",
        down="r1",
    )
    before = [row[1:] for part in contents(neo4j_graph) for row in part][:2]
    models.done("upgrade", "head")
    assert labels(neo4j_graph)["Ann"] == WHOLE
    models.done("downgrade", "-1")
    assert [row[1:] for part in contents(neo4j_graph) for row in part][:2] == before


def test_a_unique_value_of_a_base_is_looked_for_before_nodes_are_made(
    models: Project, neo4j_graph: Graph
) -> None:
    constraint = "op.add_unique_constraint('Party', 'name')"
    models.revision("r2", f"op.drop_index('Party', 'name')\n{constraint}", down="r1")
    models.done("upgrade", "head")
    write(
        neo4j_graph,
        "CREATE (:Party {name: 'Ann'})",
        "CREATE (:Loose)-[:BUYS {name: 'Ann'}]->(:Loose)",
    )
    before = contents(neo4j_graph)
    models.revision(
        "r3",
        "op.relationship_to_node('Loose', 'BUYS', 'Loose', 'Customer', 'SELLS', "
        "'SELLS')",
        down="r2",
    )
    assert "each value of (:Party)(name) may be there once" in models.failed(
        "upgrade", "head"
    )
    assert contents(neo4j_graph) == before


@pytest.mark.parametrize(
    "call",
    [
        "op.add_label('Loose', 'Customer', where='n.kind = 1')",
        "op.rename_label('Loose', 'Customer', where='n.kind = 1')",
    ],
)
def test_some_nodes_that_become_those_of_a_model(
    models: Project, neo4j_graph: Graph, call: str
) -> None:
    write(
        neo4j_graph,
        "CREATE (:Loose {name: 'Ann', kind: 1}), (:Loose {name: 'Bob', kind: 2})",
    )
    models.revision("r2", call, down="r1")
    models.done("upgrade", "head")
    found = labels(neo4j_graph)
    assert set(WHOLE) <= set(found["Ann"])
    assert found["Bob"] == ["Loose"]


def test_a_script_writes_all_labels(models: Project, neo4j_graph: Graph) -> None:
    models.revision("r2", f"{CREATE}\n{UPSERT}", down="r1")
    written = models.done("upgrade", "r1:r2", "--sql")
    assert "CREATE (n:Customer:Legal:Party" in written.replace("`", "")
    assert "SET n:Legal:Party" in written.replace("`", "")


def test_a_history_without_models_adds_nothing(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("r1", "op.create_nodes('Customer', [{'name': 'Ann'}])")
    live.done("upgrade", "head")
    assert labels(neo4j_graph) == {"Ann": ["Customer"]}
