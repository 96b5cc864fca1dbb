"""Labels and types that no model has are refused before anything is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.schema.known_names import mistaken
from tests.migration.project import Project, graph_state

MODELS = """
op.add_node("Party", op.Property("name", "STRING"))
op.add_node(
    "Customer", op.Property("name", "STRING"), op.Relationship("BUYS", "Party"),
    bases=("Party", "Audited"), optional_labels=("Gold",),
)
op.add_relationship_type("OWNS", op.Property("since", "INTEGER"))
op.add_index("Plain", "name")
"""
ENDS = "source_key='name', target_key='name'"
ROWS = "[{'source': 'Ann', 'target': 'Bob'}]"


@pytest.fixture
def models(live: Project, neo4j_graph: Graph) -> Project:
    """A graph at a history with models, and with a node that was there before."""
    neo4j_graph.transaction([("CREATE (:Customer:Party:Audited {name: 'Ann'})", {})])
    live.revision("r1", MODELS)
    live.done("upgrade", "head")
    return live


WRONG = [
    ("create_nodes('Custmer', [{'name': 'x'}])", "label 'Custmer'", "Customer"),
    ("create_nodes('customer', [{'name': 'x'}])", "label 'customer'", "Customer"),
    ("create_nodes(['Customer', 'Golf'], [])", "label 'Golf'", "Gold"),
    ("upsert_nodes('Partie', [], merge_keys='name')", "label 'Partie'", "Party"),
    ("load_nodes('x.csv', 'Custmer')", "label 'Custmer'", "Customer"),
    (
        f"create_relationships('Custmer', 'Party', 'BUYS', {ROWS}, {ENDS})",
        "label 'Custmer'",
        "Customer",
    ),
    (
        f"create_relationships('Customer', 'Parti', 'BUYS', {ROWS}, {ENDS})",
        "label 'Parti'",
        "Party",
    ),
    (
        f"upsert_relationships('Customer', 'Party', 'BUY', {ROWS}, {ENDS})",
        "relationship type 'BUY'",
        "BUYS",
    ),
    (
        f"load_relationships('x.csv', 'Customer', 'Party', 'OWN', {ENDS})",
        "relationship type 'OWN'",
        "OWNS",
    ),
    ("delete_nodes('Custmer')", "label 'Custmer'", "Customer"),
    ("merge_nodes('Custmer', 'n.name')", "label 'Custmer'", "Customer"),
    ("copy_node_property('Custmer', 'a', 'b')", "label 'Custmer'", "Customer"),
    ("copy_relationship_property('BYS', 'a', 'b')", "type 'BYS'", "BUYS"),
    (
        "extract_property_to_node('Customer', 'name', 'Partty', 'OWNS')",
        "label 'Partty'",
        "Party",
    ),
    (
        "extract_property_to_node('Customer', 'name', 'Party', 'OWN')",
        "type 'OWN'",
        "OWNS",
    ),
    (
        "inline_property_from_node('Customer', 'name', 'Parti', 'OWNS')",
        "label 'Parti'",
        "Party",
    ),
    (
        "relationship_to_node('Customer', 'BUYS', 'Party', 'Custmer', 'OWNS', 'OWNS')",
        "label 'Custmer'",
        "Customer",
    ),
    (
        "node_to_relationship('Party', 'OWNS', 'Customer', 'OWNS', 'Party', 'BUYSS')",
        "type 'BUYSS'",
        "BUYS",
    ),
    (
        "deduplicate_relationships('Customer', 'BUYS', 'Parti')",
        "label 'Parti'",
        "Party",
    ),
    ("delete_relationships('BUYS', source_label='Custmer')", "'Custmer'", "Customer"),
    ("add_node_surrogate_key('Custmer')", "label 'Custmer'", "Customer"),
]


@pytest.mark.sample(7)
@pytest.mark.parametrize(("call", "named", "meant"), WRONG)
def test_a_name_that_no_model_has(
    models: Project, neo4j_graph: Graph, call: str, named: str, meant: str
) -> None:
    before = graph_state(neo4j_graph)
    models.revision("r2", "op.run_cypher('CREATE (:First)')", down="r1")
    models.revision("r3", f"op.{call}", down="r2")

    message = models.failed("upgrade", "head")

    assert "r3: " in message
    assert f"no model of the history has the {named}" in message or named in message
    assert f"Did you mean '{meant}'?" in message
    assert "allow_unknown=True" in message
    assert graph_state(neo4j_graph) == before
    assert models.heads() == ["r1"]
    assert f"Did you mean '{meant}'?" in models.failed("upgrade", "r1:head", "--sql")


@pytest.mark.parametrize(
    "call",
    [
        "create_nodes('Odd', [{'name': 'x'}], allow_unknown=True)",
        "upsert_nodes('Odd', [{'name': 'x'}], merge_keys='name', allow_unknown=True)",
        "extract_property_to_node('Customer', 'name', 'Odd', 'O', allow_unknown=True)",
    ],
)
def test_what_is_meant(models: Project, neo4j_graph: Graph, call: str) -> None:
    models.revision("r2", f"op.{call}", down="r1")
    models.done("upgrade", "head")
    (row,) = neo4j_graph.read("MATCH (n:Odd) RETURN count(n) AS count")
    assert row["count"] == 1


NEAR = [
    ("add_label('Custmer', 'Vip')", "label 'Custmer'", "Customer"),
    ("remove_label('Custmer', 'Party')", "label 'Custmer'", "Customer"),
    ("remove_label('Customer', 'Partyy')", "label 'Partyy'", "Party"),
    ("rename_label('Custmer', 'Client')", "label 'Custmer'", "Customer"),
    ("rename_label('customer', 'Client')", "label 'customer'", "Customer"),
    ("rename_relationship_type('BUY', 'GETS')", "relationship type 'BUY'", "BUYS"),
    (
        "rename_relationship_type('BUYS', 'GETS', source_labels=['Custmer'])",
        "label 'Custmer'",
        "Customer",
    ),
    ("reverse_relationships('Custmer', 'BUYS', 'Party')", "'Custmer'", "Customer"),
    ("reverse_relationships('Customer', 'BUY', 'Party')", "'BUY'", "BUYS"),
    ("reverse_relationships('Customer', 'BUYS', 'Parti')", "'Parti'", "Party"),
    ("add_node_property('Custmer', 'x', default=1)", "label 'Custmer'", "Customer"),
    ("add_relationship('Custmer', 'HAS', 'Party')", "label 'Custmer'", "Customer"),
    ("add_relationship('Customer', 'HAS', 'Partz')", "label 'Partz'", "Party"),
    ("remove_relationship('Custmer', 'BUYS', 'Party')", "'Custmer'", "Customer"),
    (
        "alter_relationship('Custmer', 'BUYS', 'Party', cardinality='One')",
        "label 'Custmer'",
        "Customer",
    ),
    ("restore_node_property('Custmer', 'x')", "label 'Custmer'", "Customer"),
    ("remove_node_property('Custmer', 'x')", "label 'Custmer'", "Customer"),
    ("remove_node_property('Customer', 'nmae')", "property 'nmae'", "name"),
    ("alter_node_property('Customer', 'Name', required=True)", "'Name'", "name"),
    ("rename_node_property('Customer', 'nme', 'title')", "'nme'", "name"),
    ("rename_node_property('Party', 'nme', 'title')", "of 'Party'", "name"),
    ("add_relationship_property('OWN', 'x', default=1)", "'OWN'", "OWNS"),
    ("restore_relationship_property('OWN', 'x')", "'OWN'", "OWNS"),
    ("remove_relationship_property('OWNS', 'sinse')", "'sinse'", "since"),
    ("alter_relationship_property('OWNS', 'sinc', required=True)", "'sinc'", "since"),
    ("rename_relationship_property('OWNS', 'snice', 'at')", "'snice'", "since"),
    ("copy_node_property('Customer', 'nme', 'title')", "'nme'", "name"),
    ("copy_relationship_property('OWNS', 'sinse', 'at')", "'sinse'", "since"),
    ("backfill_node_property('Customer', 'nme', '1')", "'nme'", "name"),
    ("convert_node_property('Customer', 'nme', 'value')", "'nme'", "name"),
    ("normalize_node_boolean('Customer', 'nme', true_values=['y'])", "'nme'", "name"),
    ("split_node_property('Customer', 'nme', ' ')", "'nme'", "name"),
    ("join_node_properties('Customer', ['nme', 'x'], 'y', ' ')", "'nme'", "name"),
    (
        "extract_property_to_node('Customer', 'nme', 'Party', 'OWNS')",
        "property 'nme' of 'Customer'",
        "name",
    ),
    (
        "inline_property_from_node('Customer', 'x', 'Party', 'OWNS', "
        "target_property='nme')",
        "property 'nme' of 'Party'",
        "name",
    ),
    ("merge_nodes('Party', 'n.name', policies={'nme': 'first'})", "'nme'", "name"),
    (
        "deduplicate_relationships('Customer', 'OWNS', 'Party', by=['sinse'])",
        "'sinse'",
        "since",
    ),
    ("delete_nodes_by_batch('Custmer')", "label 'Custmer'", "Customer"),
    ("delete_relationships_by_batch('BUY')", "type 'BUY'", "BUYS"),
    # Of indexes and constraints, each with a name that none before it has made known.
    ("add_index('Custmer', 'x')", "label 'Custmer'", "Customer"),
    ("add_index('Customer', 'nme')", "property 'nme'", "name"),
    ("add_text_index('Cstomer', 'x')", "'Cstomer'", "Customer"),
    ("add_point_index('Customr', 'x')", "'Customr'", "Customer"),
    ("add_fulltext_index(['Party', 'Custome'], 'x')", "'Custome'", "Customer"),
    ("add_vector_index('Costumer', 'x', dimensions=3)", "'Costumer'", "Customer"),
    ("add_relationship_index('BUY', 'x')", "'BUY'", "BUYS"),
    ("add_relationship_text_index('BYS', 'x')", "'BYS'", "BUYS"),
    ("add_relationship_point_index('BUSY', 'x')", "'BUSY'", "BUYS"),
    ("add_relationship_fulltext_index('OWN', 'x')", "'OWN'", "OWNS"),
    ("add_relationship_vector_index('OWS', 'x', dimensions=3)", "'OWS'", "OWNS"),
    ("add_unique_constraint('Parti', 'x')", "'Parti'", "Party"),
    ("add_unique_constraint('Party', 'nane')", "'nane'", "name"),
    ("add_node_key_constraint('Partty', 'x')", "'Partty'", "Party"),
    ("add_node_property_existence_constraint('Pary', 'x')", "'Pary'", "Party"),
    ("add_property_type_constraint('Prty', 'x', 'STRING')", "'Prty'", "Party"),
    ("add_relationship_unique_constraint('OWNN', 'x')", "'OWNN'", "OWNS"),
    ("add_relationship_key_constraint('OWMS', 'x')", "'OWMS'", "OWNS"),
    ("add_relationship_property_existence_constraint('OWNz', 'x')", "'OWNz'", "OWNS"),
    (
        "add_relationship_property_type_constraint('OWSN', 'x', 'STRING')",
        "'OWSN'",
        "OWNS",
    ),
]


def test_every_operation_is_judged_before_the_first_write(
    models: Project, neo4j_graph: Graph
) -> None:
    before = graph_state(neo4j_graph)
    models.revision("r2", "op.run_cypher('CREATE (:First)')", down="r1")
    calls = [f"op.{call}" for call, _, _ in NEAR]
    path = models.revision("r3", "\n".join(calls), down="r2")
    lines = path.read_text().splitlines()

    message = models.failed("upgrade", "head")

    told = message.splitlines()
    for call, (_, named, meant) in zip(calls, NEAR, strict=True):
        (number,) = [i for i, line in enumerate(lines, 1) if line.strip() == call]
        place = f"{call.partition('(')[0]} ({path}, line {number}): "
        place = place if "_by_batch" not in call else f"({path}, line {number}): "
        found = [line for line in told if place in line]
        assert any(named in line for line in found), (call, found)
        assert any(f"Did you mean '{meant}'?" in line for line in found), call
    assert "allow_unknown=True" in message
    assert graph_state(neo4j_graph) == before
    assert models.heads() == ["r1"]


UNDECLARED = """
CREATE (a:Custmer {nme: 'a b', nane: 'y'})-[:BUY {sinse: 1}]->(b:Partyy {nme: 'b'}),
  (c:Customer:Custmer {nme: 'c'})-[:OWNS {sinse: 2, snice: 3}]->
  (d:Customer:Pary {id: 1}),
  (e:Customer {nme: 'x y', nane: 'y'})
"""


@pytest.mark.parametrize(
    "calls",
    [
        """
        op.add_label("Custmer", "Vip")
        op.remove_label("Customer", "Pary")
        op.copy_node_property("Customer", "nme", "title")
        op.backfill_node_property("Customer", "nme", "'z'")
        op.convert_node_property("Customer", "nme", "value + '!'")
        op.normalize_node_boolean("Customer", "nane", true_values=["y"])
        op.rename_node_property("Customer", "nme", "names")
        op.rename_relationship_property("OWNS", "sinse", "at")
        op.remove_relationship_property("OWNS", "snice")
        op.add_index("Custmer", "nme")
        op.add_unique_constraint("Pary", "nme")
        op.reverse_relationships("Custmer", "BUY", "Partyy")
        op.rename_relationship_type("BUY", "BUYING")
        op.rename_label("Custmer", "Costumer")
        """,
        """
        op.split_node_property("Custmer", "nme", " ")
        op.join_node_properties("Custmer", ["nme"], "nme", " ")
        op.delete_relationships("BUY")
        op.delete_nodes("Partyy")
        op.remove_node_property("Custmer", "nme")
        op.merge_nodes("Custmer", "n.nane", policies={"nme": "first"})
        """,
    ],
)
def test_what_the_graph_has_is_known(
    models: Project, neo4j_graph: Graph, calls: str
) -> None:
    """Nobody declared these data, and what migrates them has near misses for names."""
    neo4j_graph.transaction([(UNDECLARED, {})])
    before = graph_state(neo4j_graph)
    models.revision("r2", calls, down="r1")
    models.done("upgrade", "head")
    assert graph_state(neo4j_graph) != before
    assert models.heads() == ["r2"]


def test_a_run_that_goes_on_misses_nothing_that_it_has_renamed(
    models: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([(UNDECLARED, {})])
    models.revision(
        "r2",
        """
        op.rename_label("Custmer", "Client")
        op.delete_nodes("Partyy", detach=True)
        op.run_cypher("MATCH (n:Late) SET n.x = 1 / n.zero")
        """,
        down="r1",
    )
    neo4j_graph.transaction([("CREATE (:Late {zero: 0})", {})])
    assert "by zero" in models.failed("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:Custmer|Partyy) RETURN n") == []
    neo4j_graph.transaction([("MATCH (n:Late) SET n.zero = 1", {})])
    models.done("upgrade", "head")


def test_what_is_made_before_is_known_and_a_new_name_is_new(
    models: Project, neo4j_graph: Graph
) -> None:
    models.revision(
        "r2",
        """
        op.rename_label("Customer", "Customers")
        op.rename_node_property("Customers", "name", "names")
        op.add_label("Customers", "Partys")
        op.rename_label("Persns", "Persn")
        op.add_index("Persn", "nickname")
        op.add_index("Customers2", "names")
        op.remove_node_property("Customers", "names2")
        op.rename_label("Partis", "Party", allow_unknown=True)
        op.delete_nodes("Partis", detach=True)
        op.run_cypher("MATCH (n:Custmer) SET n.nmes = 1")
        op.add_index("Custmer", "nmes")
        op.rename_node_property("Customers", "nmes", "labels")
        """,
        """
        op.rename_label("Customers", "Customer")
        """,
        down="r1",
    )
    models.done("upgrade", "head")
    assert len(neo4j_graph.read("MATCH (n:Customers) RETURN n")) == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Custmer", "Customer"),
        ("CUSTOMER", "Customer"),
        ("Cutsomer", "Customer"),
        ("nme", "name"),
        ("Customer2", None),
        ("CustomerV2", None),
        ("CustomerGroup", None),
        ("Supplier", None),
        ("id", None),
        ("nome_old", None),
    ],
)
def test_what_may_be_meant(name: str, meant: str | None) -> None:
    assert mistaken(name, ("Customer", "Customer1", "name", "uid")) == meant


def test_bases_optional_labels_and_those_of_indexes_are_known(
    models: Project, neo4j_graph: Graph
) -> None:
    models.revision(
        "r2",
        """
        op.create_nodes("Audited", [{"name": "x"}])
        op.create_nodes(["Gold", "Customer"], [{"name": "x"}])
        op.create_nodes("Plain", [{"name": "x"}])
        """,
        down="r1",
    )
    models.done("upgrade", "head")
    (row,) = neo4j_graph.read("MATCH (n {name: 'x'}) RETURN count(n) AS count")
    assert row["count"] == 3


def test_what_is_left_of_a_model_that_was_removed_can_be_cleared(
    models: Project, neo4j_graph: Graph
) -> None:
    models.revision("r2", "op.remove_node('Customer')", down="r1")
    models.revision("r3", "op.delete_nodes('Customer', detach=True)", down="r2")
    models.done("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:Customer) RETURN n") == []
    models.revision("r4", "op.create_nodes('Customer', [{'name': 'x'}])", down="r3")
    assert "has the label 'Customer'" in models.failed("upgrade", "head")


def test_a_model_has_to_be_there_before_its_rows(models: Project) -> None:
    load = "op.create_nodes('Late', [{'name': 'x'}])"
    declare = "op.add_node('Late', op.Property('name', 'STRING'))"
    path = models.revision("r2", f"{load}\n{declare}", down="r1")
    assert "has the label 'Late'" in models.failed("upgrade", "head")
    path.unlink()
    models.revision("r2", f"{declare}\n{load}", down="r1")
    models.done("upgrade", "head")


def test_what_a_replay_does_not_show_is_refused_when_it_runs(
    models: Project, neo4j_graph: Graph
) -> None:
    before = neo4j_graph.read("MATCH (n:Custmer) RETURN n")
    models.revision(
        "r2",
        """
        if not op.is_replaying():
            op.create_nodes("Custmer", [{"name": "x"}])
        """,
        down="r1",
    )
    assert "Did you mean 'Customer'?" in models.failed("upgrade", "head")
    assert neo4j_graph.read("MATCH (n:Custmer) RETURN n") == before == []


def test_what_a_replay_does_not_show_hides_no_refactoring(models: Project) -> None:
    guarded = "if not op.is_replaying():\n    op.run_cypher('CREATE (:Odd)')"
    models.revision("r2", f"{guarded}\nop.delete_nodes('Custmer')", down="r1")
    assert "Did you mean 'Customer'?" in models.failed("upgrade", "head")


def test_a_file_of_a_misspelt_label(models: Project, neo4j_graph: Graph) -> None:
    (models.path / "c.csv").write_text("name\nEve\n")
    before = graph_state(neo4j_graph), models.remembered()
    for more in ((), ("--dry-run",)):
        outcome = models.verb("ingest", "load", "c.csv", "--label", "Custmer", *more)
        assert outcome.status == 2, outcome.text
        assert "Did you mean 'Customer'?" in outcome.err
        assert "--allow-unknown" in outcome.err
    ends = ("--source-key", "name", "--target-key", "name")
    for type_, source, target, meant in (
        ("BUY", "Customer", "Party", "BUYS"),
        ("BUYS", "Custmer", "Party", "Customer"),
        ("BUYS", "Customer", "Parti", "Party"),
    ):
        labels = ("--source-label", source, "--target-label", target)
        outcome = models.verb(
            "ingest", "load", "c.csv", "--relationship-type", type_, *labels, *ends
        )
        assert outcome.status == 2, outcome.text
        assert f"Did you mean '{meant}'?" in outcome.err
    assert (graph_state(neo4j_graph), models.remembered()) == before

    without = models.verb("ingest", "load", "c.csv", "--label", "Xyzzy").err
    assert "has the label 'Xyzzy'. Nothing was loaded." in without

    allowed = ("--label", "Custmer", "--allow-unknown")
    assert models.verb("ingest", "load", "c.csv", *allowed).status == 0
    assert len(neo4j_graph.read("MATCH (n:Custmer) RETURN n")) == 1


MAPPING = """
[graphs]
query = "SELECT DISTINCT team FROM people"
id = "team"
[[nodes]]
labels = "Customer"
query = "SELECT name FROM people WHERE team = :graph"
key = "name"
[[relationships]]
type = "BUY"
query = "SELECT name, boss FROM people WHERE team = :graph"
source = { label = "Customer", key = { name = "name" } }
target = { label = "Customer", key = { name = "boss" } }
"""


def test_a_transfer_judges_all_parts_before_the_first(
    models: Project, neo4j_graph: Graph
) -> None:
    (models.path / "map.toml").write_text(MAPPING)
    with closing(sqlite3.connect(models.path / "p.db")) as made:
        made.execute("CREATE TABLE people (name TEXT, boss TEXT, team TEXT)")
        made.execute("INSERT INTO people VALUES ('Zoe', 'Zoe', 'a')")
        made.commit()
    options = ("--source", "p.db", "--mapping", "map.toml", "--without-constraints")
    found = "MATCH (n {name: 'Zoe'}) RETURN labels(n) AS labels"

    for more in ((), ("--dry-run",)):
        outcome = models.verb("transfer", "a", *options, *more)
        assert outcome.status == 2, outcome.text
        assert "Did you mean 'BUYS'?" in outcome.err
        assert neo4j_graph.read(found) == []

    models.revision("r2", "op.transfer('p.db', mapping='map.toml')", down="r1")
    assert "Did you mean 'BUYS'?" in models.failed("upgrade", "head")
    assert neo4j_graph.read(found) == []

    outcome = models.verb("transfer", "a", *options, "--allow-unknown")
    assert outcome.status == 0, outcome.text
    (row,) = neo4j_graph.read(found)
    assert sorted(row["labels"]) == ["Audited", "Customer", "Party"]


def test_a_history_without_models_asks_nothing(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision(
        "r1",
        f"""
        op.add_index("Customer", "name")
        op.create_nodes("Custmer", [{{"name": "Ann"}}])
        op.create_relationships("Custmer", "Custmer", "ANY", {ROWS}, {ENDS})
        op.merge_nodes("Nobody", "n.name")
        """,
    )
    live.done("upgrade", "head")
    assert len(neo4j_graph.read("MATCH (n:Custmer) RETURN n")) == 1
