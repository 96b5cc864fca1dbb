"""A mapping file is checked by the schema that is shipped, and against itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.cypher.load_targets import NodeTarget, RelationshipTarget
from alembic_neo4j.errors import IngestError, MissingExtra
from alembic_neo4j.ingest.transfer_mapping import (
    SCHEMA_FILE,
    PropertyMapping,
    mapping_from_file,
    mapping_from_value,
    shipped_mappings,
)

FULL = """
[requires]
people = "id"

[values]
list_separator = ","
true_words = ["yes"]

[graphs]
table = "teams"
id = "team"
scope = { property = "team", column = "team" }

[[nodes]]
labels = ["Person", "Node"]
query = "SELECT * FROM people WHERE team = :graph;"
key = "id"
other_columns = ["secret"]

[nodes.properties]
born = { type = "DATE" }
tags = { column = "labels", type = "LIST<STRING>" }
source = { value = "hr" }
name = "full_name"

[[relationships]]
type = "KNOWS"
table = "knows"
source = { label = "Person", key = { id = "a" } }
target = { label = "Person", key = { id = { column = "b", type = "INTEGER" } } }
key = ["since"]
unmatched = "fail"
other_columns = "ignore"
"""


def said(**changes: Any) -> dict[str, Any]:
    """A small mapping, with changes."""
    nodes = [{"labels": "A", "table": "a", "key": "id"}]
    return {"nodes": nodes, **changes}


def refusal(value: Any) -> str:
    with pytest.raises(IngestError) as refused:
        mapping_from_value(value, source="m.toml")
    return str(refused.value)


def test_all_that_a_file_can_say(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text(FULL)

    mapping = mapping_from_file(path)

    assert mapping.name == "people"
    assert mapping.requires == {"people": ("id",)}
    assert mapping.values.list_separator == ","
    assert mapping.values.true_words == ("yes",)
    assert mapping.graphs is not None
    assert mapping.graphs.query == 'SELECT * FROM "teams"'
    assert mapping.graphs.scope_property == "team"
    (people,), (knows,) = mapping.nodes, mapping.relationships
    assert people.query == "SELECT * FROM people WHERE team = :graph"
    assert people.target == NodeTarget(("Person", "Node"), ("id",))
    assert people.other_columns == ("secret",)
    assert people.properties == (
        PropertyMapping("born", "born", type="DATE"),
        PropertyMapping("tags", "labels", type="LIST<STRING>"),
        PropertyMapping("source", None, "hr"),
        PropertyMapping("name", "full_name"),
    )
    assert isinstance(knows.target, RelationshipTarget)
    assert knows.target.merge_keys == ("since",)
    assert knows.target.on_unmatched == "fail"
    assert knows.target_end.keys == (PropertyMapping("id", "b", type="INTEGER"),)
    assert knows.other_columns == "ignore"


def test_json_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(said()))
    (tmp_path / "m.toml").write_text('[[nodes]]\nlabels = "A"\ntable = "a"\nkey = "id"')
    one, other = (mapping_from_file(tmp_path / f"m.{end}") for end in ("json", "toml"))
    assert one.nodes == other.nodes


def test_its_digest_is_that_of_the_text_whatever_the_line_endings(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.toml"
    path.write_bytes(FULL.encode())
    first = mapping_from_file(path).digest
    path.write_bytes(FULL.replace("\n", "\r\n").encode())
    assert mapping_from_file(path).digest == first
    path.write_bytes(FULL.replace("hr", "HR").encode())
    assert mapping_from_file(path).digest != first


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "expected an object"),
        ({}, "expected the key 'nodes', found none"),
        ({"nodes": []}, "nodes: expected at least 1"),
        (said(node=[]), "found 'node'; did you mean 'nodes'?"),
        (
            {"nodes": [{"labels": "A", "table": "a"}]},
            "nodes[0]: expected the key 'key'",
        ),
        (
            {"nodes": [{"labels": 5, "table": "a", "key": "id"}]},
            "nodes[0].labels: expected a name or a list of names, found 5",
        ),
        (
            {"nodes": [{"labels": "A", "key": "id"}]},
            "nodes[0]: expected one of 'table' and 'query', found neither",
        ),
        (
            {
                "nodes": [
                    {"labels": "A", "key": "id", "table": "a", "query": "SELECT 1"}
                ]
            },
            "nodes[0]: expected one of 'table' and 'query', found both",
        ),
        (
            {"nodes": [{"labels": "A", "key": "id", "query": "DELETE FROM a"}]},
            "nodes[0].query: expected a query that begins with SELECT or WITH",
        ),
        (
            {"nodes": [{"labels": "A", "key": "id", "query": " "}]},
            "nodes[0].query: expected a query that begins with",
        ),
        (
            {
                "nodes": [
                    {
                        "labels": "A",
                        "key": "id",
                        "table": "a",
                        "properties": {"x": {"column": "y", "value": 1}},
                    }
                ]
            },
            "nodes[0].properties.x: expected one of 'column' and 'value', found both",
        ),
        (
            {
                "nodes": [
                    {
                        "labels": "A",
                        "key": "id",
                        "table": "a",
                        "properties": {"x": {"type": "NUMBER"}},
                    }
                ]
            },
            "nodes :A: Expected a property type",
        ),
        (
            {"nodes": [{"labels": "__AlembicNeo4jLock", "key": "id", "table": "a"}]},
            "belongs to alembic_neo4j",
        ),
        (
            said(
                relationships=[{"type": "R", "table": "r", "source": {}, "target": {}}]
            ),
            "relationships[0].source: expected the key 'label'",
        ),
        (
            said(graphs={"table": "g", "scope": {"property": "p"}}),
            "graphs.scope: expected the key 'column'",
        ),
        (said(values={"time_zone": 1}), "values.time_zone: expected a string"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(value: Any, message: str) -> None:
    told = refusal(value)
    assert told.startswith("m.toml")
    assert message in told


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.toml", "[", "expected a mapping in TOML"),
        ("m.json", "{", "expected a mapping in TOML (or JSON"),
        ("m.toml", None, "can't be read: No such file"),
    ],
)
def test_a_file_that_can_not_be_read(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(IngestError) as refused:
        mapping_from_file(path)
    assert message in str(refused.value)


def test_the_shipped_mappings_fit_and_are_told_apart() -> None:
    shipped = {mapping.name: mapping for mapping in shipped_mappings()}
    assert set(shipped) == {"codegraph", "codegraph-documents"}
    for mapping in shipped.values():
        # A shipped one is taken as it is, and so is judged here.
        assert mapping == mapping_from_file(
            SCHEMA_FILE.with_name(f"{mapping.name}.toml")
        )
        assert [part.labels for part in mapping.nodes] == [
            ("File", "Node"),
            ("Class", "Node"),
            ("Function", "Node"),
        ]
        assert {part.type for part in mapping.relationships} == {
            *("CONTAINS", "IMPORTS", "EXTENDS", "CALLS", "HAS_METHOD")
        }
        assert mapping.requires


def test_a_mapping_of_ones_own_needs_jsonschema(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)

    with pytest.raises(MissingExtra, match=r"alembic-neo4j\[data\]"):
        mapping_from_value(said())


def test_the_schema_says_what_it_is_for_editors() -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["nodes"]
