"""What the golden files hold: a call of `op` in each of its forms, kind by kind.

A case with no `downgrade` has the reverse of its upgrade, as autogenerate writes it.
`before` is what an earlier revision did, besides `HISTORY`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HISTORY = """
op.add_relationship_type(
    "KNOWS", op.Property("since", "INTEGER"), op.Property("note", "STRING")
)
op.add_node(
    "Person",
    op.Property("name", "STRING"),
    op.Property("born", "INTEGER"),
    op.Property("city", "STRING"),
    op.Property("spot", "POINT"),
    op.Property("vector", "LIST<FLOAT>"),
)
op.add_node("Boss", op.Property("name", "STRING"), bases=["Person"])
op.add_node("City", op.Property("name", "STRING"))
op.add_relationship("Person", "KNOWS", "Person")
op.add_relationship("Person", "LIVES_IN", "City", attribute="home")
"""
INDEXED = """
op.add_index("Person", "born")
op.add_unique_constraint("Person", "name", name="one name")
op.add_fulltext_index(["Person", "City"], "name", "city")
op.add_relationship_index("KNOWS", "since")
"""


@dataclass(frozen=True)
class Case:
    """Calls of `op`, those that take them back, and those that go before."""

    upgrade: str
    downgrade: str = ""
    before: str = ""


_OWNER = {"": "Person", "relationship_": "KNOWS"}
_PROPERTY = {"": "name", "relationship_": "note"}


def _index(kind: str, options: str) -> list[Case]:
    """Return the cases of a kind of index or constraint, on nodes and relationships."""
    cases = []
    for entity in ("", "relationship_"):
        element = f"{entity}{kind}"
        if kind.startswith(("key_", "property_existence_")) and not entity:
            element = f"node_{kind}"
        place = f'"{_OWNER[entity]}", "{_PROPERTY[entity]}"'
        type_ = ', "STRING"' if kind == "property_type_constraint" else ""
        add = f"op.add_{element}({place}{type_})"
        named = f'name="a `name`"{options}, allow_unknown=True'
        cases += [
            Case(add),
            Case(f'op.add_{element}("Un kno`wn", "a b"{type_}, {named})'),
            Case(f"op.drop_{element}({place})", add, before=add),
        ]
    return cases


def _properties(entity: str, owner: str, name: str, variable: str) -> list[Case]:
    """Return the cases of a property of nodes or relationships."""
    place = f'"{owner}", "{name}"'
    of = f"{entity}_property"
    restored = f'op.restore_{of}({place}, "STRING")'
    every = (
        'required=True, default_factory="uuid4.hex", choices=["a", "b"], max_length=7, '
        'pattern="a|b", format="%Y"'
    )
    nan = 'default=float("inf"), allow_nan=True, allow_unknown=True'
    narrowed = f"where=\"{variable}.{name} > 'm'\", batch_size=7"
    indexed = (
        INDEXED
        if entity == "node"
        else INDEXED + ('op.add_relationship_text_index("KNOWS", "note")')
    )
    return [
        Case(f'op.add_{of}("{owner}", "x")'),
        Case(f'op.add_{of}("{owner}", "x", "STRING", attribute="ex", {every})'),
        Case(f'op.add_{of}("{owner}", "x", "INTEGER", default=7)'),
        Case(f'op.add_{of}("{owner}", "x", "INTEGER", default=7, backfill=False)'),
        Case(f'op.add_{of}("{owner}", "x", "STRING", backfill="{variable}.{name}")'),
        Case(
            f'op.add_{of}("{owner}", "x", "STRING", required=True, backfill=op.FILL_IN)'
        ),
        Case(f'op.add_{of}("{owner}", "x", "LIST<STRING>", default=["it\'s", "b"])'),
        Case(f'op.add_{of}("{owner}", "x", "POINT", crs="wgs-84")'),
        Case(f'op.add_{of}("{owner}", "x", "FLOAT", {nan})'),
        Case(f"op.remove_{of}({place})", restored),
        Case(f"op.remove_{of}({place}, archive=False)", f"op.add_{of}({place})"),
        Case(f"op.remove_{of}({place}, keep=True)", f"op.add_{of}({place})"),
        Case(f"op.remove_{of}({place}, undo=True, allow_unknown=True)", "pass"),
        Case(
            f'op.restore_{of}("{owner}", "x", "STRING", attribute="ex", '
            f'default="a", {every}, allow_unknown=True)'.replace(
                'default_factory="uuid4.hex", ', ""
            )
        ),
        Case(f'op.restore_{of}("{owner}", "x", "STRING", default_factory="uuid4.hex")'),
        Case(
            f'op.restore_{of}("{owner}", "x", "FLOAT", crs=None, '
            'default=float("inf"), allow_nan=True)'
        ),
        Case(
            f"op.alter_{of}({place}, required=True)",
            f"op.alter_{of}({place}, required=False)",
        ),
        Case(
            f'op.alter_{of}({place}, choices=["a", "b"], max_length=7)',
            f"op.alter_{of}({place}, choices=None, max_length=None)",
        ),
        Case(
            f'op.alter_{of}({place}, pattern="a|b", format="%Y", crs=None)',
            f"op.alter_{of}({place}, pattern=None, format=None)",
        ),
        Case(
            f'op.alter_{of}({place}, type="FLOAT", default=float("inf"), '
            "allow_nan=True, allow_unknown=True)",
            f'op.alter_{of}({place}, type="STRING", default=None)',
        ),
        Case(
            f'op.alter_{of}({place}, default_factory="uuid4.hex")',
            f"op.alter_{of}({place}, default_factory=None)",
        ),
        Case(
            f'op.alter_{of}({place}, type="INTEGER", using="toInteger(value)")',
            f'op.alter_{of}({place}, type="STRING", using="toString(value)", '
            "undo=True)",
        ),
        Case(f'op.alter_{of}({place}, type="INTEGER", using=op.FILL_IN)', "pass"),
        Case(f'op.rename_{of}({place}, "title")'),
        Case(f'op.rename_{of}({place}, "title", attribute="heading")', before=indexed),
        Case(f'op.rename_{of}({place}, "born", on_conflict="overwrite")'),
        Case(f'op.rename_{of}({place}, "born", on_conflict="keep", {narrowed})'),
        Case(f'op.rename_{of}({place}, "title", undo=True, allow_unknown=True)'),
    ]


def _data_of_properties(
    entity: str, plural: str, owner: str, variable: str
) -> list[Case]:
    """Return the cases of the refactorings of a property."""
    narrowed = f'where="{variable}.born > 1", batch_size=7, allow_unknown=True'
    of, key = f"{entity}_property", f"{entity}_surrogate_key"
    a = f'"{owner}"'
    return [
        Case(f'op.copy_{of}({a}, "name", "title")'),
        Case(f'op.copy_{of}({a}, "name", "title", on_conflict="keep", {narrowed})'),
        Case(f'op.copy_{of}({a}, "name", "title", on_conflict="overwrite")'),
        Case(f'op.backfill_{of}({a}, "title", "{variable}.name")'),
        Case(f'op.backfill_{of}({a}, "title", "{variable}.name", {narrowed})'),
        Case(f"op.add_{key}({a})"),
        Case(f'op.add_{key}({a}, "key", generator="randomUUID() + 1", {narrowed})'),
        Case(f'op.convert_{of}({a}, "name", "toInteger(value)")'),
        Case(
            f'op.convert_{of}({a}, "name", "value + 1", on_failure="archive", '
            f"{narrowed})"
        ),
        Case(f'op.convert_{of}({a}, "name", "value + 1", on_failure="keep")'),
        Case(
            f'op.normalize_{entity}_boolean({a}, "active", true_values=["y", 1], '
            "false_values=[None])"
        ),
        Case(
            f'op.normalize_{entity}_boolean({a}, "active", true_values=["y"], '
            f'unmatched="remove", {narrowed})'
        ),
        Case(f'op.split_{of}({a}, "name", ", ")'),
        Case(f'op.split_{of}({a}, "name", ", ", into=["first", "last"], {narrowed})'),
        Case(
            f'op.split_{of}({a}, "name", ", ", into=["first", "last"])',
            f'op.join_{plural}({a}, ["first", "last"], "name", ", ", undo=True)',
        ),
        Case(f'op.join_{plural}({a}, ["first", "last"], "name", ", ")'),
        Case(f'op.join_{plural}({a}, "names", "name", ", ", {narrowed})'),
        Case(
            f'op.join_{plural}({a}, ["first", "last"], "name", ", ")',
            f'op.split_{of}({a}, "name", ", ", into=["first", "last"], undo=True)',
        ),
    ]


_NARROWED = 'where="n.born > 1", batch_size=7, allow_unknown=True'
_RELATED = 'where="r.since > 1", batch_size=7, allow_unknown=True'
_TO_NODE = '"Person", "KNOWS", "Person", "Meeting", "MET", "WITH"'
_TO_RELATIONSHIP = '"Person", "MET", "Meeting", "WITH", "Person", "KNOWS"'
_ENDS = 'source_key="name", target_key="name"'
_ROWS = '[{"name": "it\'s", "born": 1900}, {"name": "b"}]'
_PAIRS = (
    '[{"source": "a", "target": "b"}, '
    '{"source": "b", "target": "a", "properties": {"since": 1}}]'
)
_FILE = (
    'rules={"properties": {"name": {"required": True}}}, sha256="0" * 64, '
    'read_options={"delimiter": ";"}, value_options={"date_format": "%d"}, '
    'on_error="skip", max_rejects=3, reject_file="rejects.jsonl", '
    "storage_options={}, batch_size=7, allow_unknown=True"
)
_ROLLBACK = "op.rollback_batch()"
_MEETING = """
op.add_node("Meeting", op.Relationship("WITH", "Person"))
op.add_relationship("Person", "MET", "Meeting")
"""

CASES: Mapping[str, Sequence[Case]] = {
    "nodes": [
        Case('op.add_node("Dog")'),
        Case("""
op.add_node(
    "Dog",
    op.Property("name", "STRING", required=True, attribute="title"),
    op.Property("size", "INTEGER", default=3),
    op.Property("at", "ZONED DATETIME", default_factory="datetime.utcnow"),
    op.Relationship("OWNED_BY", "Person", direction="IN",
        cardinality="One", attribute="owner"),
    bases=["Animal"],
    optional_labels=["Good"],
    open=True,
    databases=["dogs"],
    kgid="dog",
)
"""),
        Case(
            'op.add_node("Dog", op.Property("x", "FLOAT", default=float("inf")), '
            "allow_nan=True)"
        ),
        Case('op.remove_node("City")', 'op.add_node("City", op.Property("name"))'),
        Case(
            'op.alter_node("City", optional_labels=["Old"], open=True)',
            'op.alter_node("City", optional_labels=[], open=False)',
        ),
        Case(
            'op.alter_node("City", databases=["x"], kgid="city")',
            'op.alter_node("City", databases=[], kgid=None)',
        ),
        Case('op.add_label("Person", "Being")'),
        Case(f'op.add_label("Person", "Being", {_NARROWED})'),
        Case('op.add_label("Boss", "Being", undo=True)'),
        Case('op.remove_label("Boss", "Person")'),
        Case(f'op.remove_label("Boss", "Person", {_NARROWED})'),
        Case('op.remove_label("Boss", "Person", undo=True)'),
        Case('op.rename_label("Person", "Human")'),
        Case('op.rename_label("Person", "Hu`man being")', before=INDEXED),
        Case(f'op.rename_label("Person", "Human", {_NARROWED})'),
        Case('op.rename_label("Person", "Human", undo=True)'),
    ],
    "properties": _properties("node", "Person", "name", "n"),
    "relationships": [
        Case('op.add_relationship("City", "TWIN_OF", "City", direction="ANY")'),
        Case(
            'op.add_relationship("City", "PART_OF", "City", direction="IN", '
            'cardinality="ZeroOrOne", exclusion_group="g", attribute="parts")'
        ),
        Case('op.remove_relationship("Person", "KNOWS", "Person", direction="OUT")'),
        Case('op.add_relationship("Any", "HAS", "Other", allow_unknown=True)'),
        Case('op.remove_relationship("Any", "HAS", "Other", allow_unknown=True)'),
        Case(
            'op.alter_relationship("Any", "HAS", "Other", cardinality="One", '
            "allow_unknown=True)",
            "pass",
        ),
        Case(
            'op.alter_relationship("Person", "KNOWS", "Person", direction="OUT", '
            'cardinality="One")',
            'op.alter_relationship("Person", "KNOWS", "Person", '
            'cardinality="ZeroOrMore")',
        ),
        Case(
            'op.alter_relationship("Person", "KNOWS", "Person", cardinality='
            '"OneOrMore", exclusion_group="g", new_target="City", new_direction="IN")',
            "pass",
        ),
        Case('op.reverse_relationships("Person", "LIVES_IN", "City")'),
        Case(f'op.reverse_relationships("Person", "LIVES_IN", "City", {_RELATED})'),
        Case('op.reverse_relationships("Person", "KNOWS", "Person", undo=True)'),
        Case('op.add_relationship_type("OWNS")'),
        Case(
            'op.add_relationship_type("OWNS", op.Property("x", "FLOAT", '
            'default=float("inf")), kgid="owns", allow_nan=True)'
        ),
        Case(
            'op.remove_relationship_type("KNOWS")',
            'op.add_relationship_type("KNOWS", op.Property("since", "INTEGER"))',
        ),
        Case(
            'op.alter_relationship_type("KNOWS", kgid="knows")',
            'op.alter_relationship_type("KNOWS", kgid=None)',
        ),
        Case('op.rename_relationship_type("KNOWS", "LIKES")'),
        Case('op.rename_relationship_type("KNOWS", "LI`KES it")', before=INDEXED),
        Case(f'op.rename_relationship_type("KNOWS", "LIKES", {_RELATED})'),
        Case(
            'op.rename_relationship_type("KNOWS", "LIKES", '
            'source_labels=["Person", "Boss"])'
        ),
        Case('op.rename_relationship_type("KNOWS", "LIKES", undo=True)'),
    ],
    "relationship_properties": _properties("relationship", "KNOWS", "note", "r"),
    "refactorings_of_properties": [
        *_data_of_properties("node", "node_properties", "Person", "n"),
        *_data_of_properties("relationship", "relationship_properties", "KNOWS", "r"),
    ],
    "refactorings": [
        Case('op.extract_property_to_node("Person", "city", "City", "LIVES_IN")'),
        Case(
            'op.extract_property_to_node("Person", "city", "City", "HAS", '
            f'target_property="name", direction="IN", merge=False, {_NARROWED})'
        ),
        Case('op.inline_property_from_node("Person", "name", "City", "LIVES_IN")'),
        Case(
            'op.inline_property_from_node("Person", "city", "City", "LIVES_IN", '
            f'target_property="name", direction="IN", {_NARROWED})'
        ),
        Case('op.merge_nodes("Person", "n.name")'),
        Case(
            'op.merge_nodes("Person", "n.name", policies={"born": "first", "city": '
            f'"all"}}, policy="last", order_by="n.born", {_NARROWED})'
        ),
        Case('op.delete_nodes("City")'),
        Case(f'op.delete_nodes("City", detach=True, {_NARROWED})'),
        Case(f"op.relationship_to_node({_TO_NODE})", before=_MEETING),
        Case(f"op.relationship_to_node({_TO_NODE}, {_RELATED})", "pass"),
        Case(
            f"op.relationship_to_node({_TO_NODE})",
            f"op.node_to_relationship({_TO_RELATIONSHIP}, undo=True)",
            before=_MEETING,
        ),
        Case(f"op.node_to_relationship({_TO_RELATIONSHIP}, allow_unknown=True)"),
        Case(f"op.node_to_relationship({_TO_RELATIONSHIP}, {_NARROWED})", "pass"),
        Case(
            f"op.node_to_relationship({_TO_RELATIONSHIP}, allow_unknown=True)",
            f"op.relationship_to_node({_TO_NODE}, undo=True)",
        ),
        Case('op.deduplicate_relationships("Person", "KNOWS", "Person")'),
        Case(
            'op.deduplicate_relationships("Person", "KNOWS", "Person", by=["since"], '
            f"{_RELATED})"
        ),
        Case('op.delete_relationships("KNOWS")'),
        Case(
            'op.delete_relationships("KNOWS", source_label="Person", '
            f'target_label="Person", {_RELATED})'
        ),
    ],
    "indexes": [
        *_index("index", ""),
        Case('op.add_index("Person", "name", "born")'),
        Case('op.add_relationship_index("KNOWS", "note", "since")'),
        *_index("text_index", ""),
        *_index("point_index", ', config={"cartesian.min": [-9.0, -9.0]}'),
        *_index(
            "fulltext_index",
            ', analyzer="english", eventually_consistent=True, config={"x.y": 1}',
        ),
        Case('op.add_fulltext_index(["Person", "City"], "name", "city")'),
        Case('op.add_relationship_fulltext_index(["KNOWS", "LIVES_IN"], "note")'),
        *_index(
            "vector_index",
            ', dimensions=4, similarity_function="cosine", config={"vector.hnsw.m": 8}',
        ),
    ],
    "constraints": [
        *_index("unique_constraint", ""),
        Case('op.add_unique_constraint("Person", "name", "born")'),
        Case('op.add_relationship_unique_constraint("KNOWS", "note", "since")'),
        *_index("key_constraint", ""),
        *_index("property_existence_constraint", ""),
        *_index("property_type_constraint", ""),
    ],
    "statements": [
        Case(
            'op.run_cypher("CREATE (:City {name: $name, at: $at})", '
            '{"name": "it\'s; // \\\\ \\n", "at": [1.5, 2.0]})',
            'op.run_cypher("MATCH (n:City) DELETE n")',
        ),
        Case(
            'op.run_cypher("MATCH (n) CALL (n) { SET n.x = 1 } IN TRANSACTIONS", '
            "repeatable=True)"
        ),
        Case('op.run_cypher("CREATE INDEX x FOR (n:City) ON (n.x)")'),
        Case('op.execute("MATCH (n) SET n.x = 1", execution_options={})', "pass"),
        Case(
            'op.run_cypher_file("mixed.cypher", {"y": 6}, repeatable=True)',
            'op.run_cypher_file("mixed.cypher", {"y": 7})',
        ),
        Case(
            'op.add_index("City", "x")\nop.run_cypher("CREATE (:City)")\n'
            'op.add_unique_constraint("City", "name")\n'
            "with op.get_context().autocommit_block():\n"
            '    op.execute("MATCH (n) SET n.y = 1")\n'
            'op.rename_node_property("City", "name", "title")',
            'op.rename_node_property("City", "title", "name")\n'
            'op.drop_unique_constraint("City", "name")\n'
            'op.run_cypher("MATCH (n:City) DELETE n")\nop.drop_index("City", "x")',
        ),
    ],
    "batches": [
        Case("op.begin_batch()", _ROLLBACK),
        Case(
            'op.begin_batch("people", loader="me", loader_version="1")\n'
            f'op.create_nodes("Person", {_ROWS})',
            'op.rollback_batch("people", detach=True)',
        ),
        Case(f'op.create_nodes("Boss", {_ROWS})', _ROLLBACK),
        Case(
            'op.create_nodes(["Person", "Happy"], [{"x": float("inf")}], '
            "batch_size=7, allow_unknown=True, allow_nan=True)",
            'op.delete_nodes_by_batch("Person", "people", detach=True, '
            "allow_unknown=True)",
        ),
        Case(f'op.upsert_nodes("Person", {_ROWS}, merge_keys=["name"])', _ROLLBACK),
        Case(
            f'op.upsert_nodes("Person", {_ROWS}, merge_keys="name", batch_size=7, '
            "allow_unknown=True, allow_nan=True)",
            'op.delete_nodes_by_batch("Person")',
        ),
        Case(
            f'op.create_relationships("Person", "Person", "KNOWS", {_PAIRS}, {_ENDS})',
            _ROLLBACK,
        ),
        Case(
            f'op.create_relationships("Person", "Person", "KNOWS", {_PAIRS}, '
            f'{_ENDS}, on_unmatched="fail", batch_size=7, allow_unknown=True, '
            "allow_nan=True)",
            'op.delete_relationships_by_batch("KNOWS", "people", allow_unknown=True)',
        ),
        Case(
            f'op.upsert_relationships("Person", "Person", "KNOWS", {_PAIRS}, {_ENDS})',
            _ROLLBACK,
        ),
        Case(
            f'op.upsert_relationships("Person", "Person", "KNOWS", {_PAIRS}, '
            f'{_ENDS}, merge_keys="since", on_unmatched="fail", batch_size=7, '
            "allow_unknown=True, allow_nan=True)".replace(
                '"target": "b"}', '"target": "b", "properties": {"since": 2}}'
            ),
            'op.delete_relationships_by_batch("KNOWS")',
        ),
        Case(
            f'op.load_nodes("people.csv", "Person", merge_keys="name", {_FILE})',
            _ROLLBACK,
        ),
        Case(
            'op.load_relationships("knows.csv", "Person", "Person", "KNOWS", '
            f'{_ENDS}, source_column="a", target_column="b", merge_keys=[], '
            f'on_unmatched="fail", {_FILE})',
            _ROLLBACK,
        ),
        Case(
            'op.transfer("graphs.db", "one", mapping="map.toml", batch_size=7, '
            "allow_unknown=True)",
            _ROLLBACK,
        ),
    ],
    "files": [
        Case(
            'settings = op.read_json("settings.json")\n'
            'settings["new"] = "ü"\n'
            'op.write_json("settings.json", settings)\n'
            'op.write_json("made/a.json", {"b": [1], "a": None}, backup=False)',
            "pass",
        ),
        Case(
            'data = op.read_toml("settings.toml")\n'
            'data["tool"] = {"name": "x"}\n'
            'op.write_toml("settings.toml", data, backup=False)\n'
            'op.run_cypher("CREATE (:City)")\n'
            'data = op.read_yaml("settings.yaml")\n'
            'data["debug"] = True\n'
            'op.write_yaml("settings.yaml", data, backup=True)',
            'op.run_cypher("MATCH (n:City) DELETE n")',
        ),
        Case(
            'op.backup_file("settings.json")\n'
            'op.copy_file("settings.json", "copies/settings.json", backup=False)\n'
            'op.move_file("copies/settings.json", "settings.yaml", backup=True)\n'
            'op.remove_file("settings.toml")\n'
            'op.remove_file("missing.json", missing_ok=True)\n'
            'op.remove_file("missing.json")\n'
            'op.ensure_directory("made/for/it")\n'
            'op.remove_directory("copies")\n'
            'op.remove_directory("made", missing_ok=True)',
            'op.remove_file("settings.json.bak", missing_ok=True)',
        ),
    ],
}
PROJECT_FILES = {
    "settings.json": '{\n  "old": 1\n}\n',
    "settings.toml": "# what it is about\nold = 1  # one\n",
    "settings.yaml": "# what it is about\nold:\n    - 1   # one\n    - 'two'\n",
}
"""What the cases read from files of the project."""

FILES = {
    "mixed.cypher": """// the schema
CREATE INDEX one FOR (n:City) ON (n.a);
:param x => 5
CREATE (:City {a: $x, t: "a;
// b"}); CREATE (:City {a: $y});
MATCH (n:City) CALL (n) { SET n.c = 1 } IN TRANSACTIONS OF 1 ROWS;
""",
}
"""What the cases read from files beside their revision."""
