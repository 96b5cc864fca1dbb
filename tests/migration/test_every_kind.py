"""Every kind of index and constraint that Community Edition has, there and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import LABEL as LOCK

NODE = """
from neomodel import *
from alembic_neo4j import declare


class Knows(StructuredRel):
    note = StringProperty({relationship_option})
    since = IntegerProperty()
    embedding = ArrayProperty(FloatProperty(){relationship_array})
    __neo4j_schema__ = [{relationship}]


class Person(StructuredNode):
    name = StringProperty({option})
    age = IntegerProperty()
    bio = StringProperty()
    embedding = ArrayProperty(FloatProperty(){array})
    friends = RelationshipTo("Person", "KNOWS_{number}", model=Knows)
    __neo4j_schema__ = [{node}]
"""
NOTHING = {
    "option": "",
    "array": "",
    "node": "",
    "relationship": "",
    "relationship_option": "",
    "relationship_array": "",
}
VECTOR = ", vector_index=VectorIndex(dimensions=3, similarity_function='euclidean')"
KINDS: dict[str, dict[str, str]] = {
    "range": {"option": "index=True"},
    "unique": {"option": "unique_index=True"},
    "fulltext": {
        "option": "fulltext_index=FulltextIndex(analyzer='english', "
        "eventually_consistent=True)"
    },
    "vector": {"array": VECTOR},
    "composite": {"node": "declare.index('name', 'age')"},
    "composite, other order": {"node": "declare.index('age', 'name')"},
    "unique composite": {"node": "declare.unique('name', 'age')"},
    "text": {"node": "declare.text_index('bio')"},
    "point": {
        "node": "declare.point_index('age', config={'cartesian.min': [-9.0, -9.0], "
        "'cartesian.max': [9.0, 9.0]})"
    },
    "fulltext over several": {
        "node": "declare.fulltext_index('name', 'bio', labels=['Animal'], "
        "analyzer='standard')"
    },
    "vector with settings": {
        "node": "declare.vector_index('embedding', dimensions=4, "
        "similarity_function='cosine', config={'hnsw.m': 8})"
    },
    "named": {"node": "declare.index('age', name='by age')"},
    "relationship range": {"relationship_option": "index=True"},
    "relationship unique": {"relationship_option": "unique_index=True"},
    "relationship fulltext": {"relationship_option": "fulltext_index=FulltextIndex()"},
    "relationship vector": {"relationship_array": VECTOR},
    "relationship composite": {"relationship": "declare.index('note', 'since')"},
    "relationship unique composite": {
        "relationship": "declare.unique('note', 'since')"
    },
    "relationship text": {"relationship": "declare.text_index('note')"},
    "relationship point": {"relationship": "declare.point_index('since')"},
}


@pytest.fixture
def config(
    tmp_path: Path, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> Config:
    from alembic_neo4j.cli.init import template_directory

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    config = Config(str(tmp_path / "neo4j.ini"))
    command.init(config, "migrations", template=str(template_directory()))
    return config


@pytest.mark.sample(10)
@pytest.mark.parametrize("kind", KINDS)
def test_autogenerate_upgrade_check_and_downgrade(
    kind: str, config: Config, neo4j_graph: Graph, tmp_path: Path
) -> None:
    before = catalogue(neo4j_graph)
    # neomodel lets a process declare the model of a relationship type only once.
    number = list(KINDS).index(kind)
    module = f"kinds_{number}"
    text = NODE.format(**{**NOTHING, **KINDS[kind], "number": number})
    (tmp_path / f"{module}.py").write_text(text)
    config.set_main_option("neo4j.models", module)

    command.revision(config, "the kind", autogenerate=True)
    command.upgrade(config, "head")
    made = catalogue(neo4j_graph)
    assert len(made) > len(before)
    command.check(config)

    command.downgrade(config, "base")
    assert catalogue(neo4j_graph) == before
    command.upgrade(config, "head")
    assert catalogue(neo4j_graph) == made


def catalogue(graph: Graph) -> list[dict[str, Any]]:
    """What the server shows of its constraints and indexes, ids left out.

    The constraint of the lock is there from the first upgrade on.
    """
    shown = [
        *graph.read(
            "SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties, "
            "options RETURN name, type, entityType, labelsOrTypes, properties, options "
            "ORDER BY name"
        ),
        *graph.read(
            "SHOW INDEXES YIELD name, type, state, entityType, labelsOrTypes, "
            "properties, options, owningConstraint RETURN name, type, state, "
            "entityType, labelsOrTypes, properties, options, owningConstraint "
            "ORDER BY name"
        ),
    ]
    return [row for row in shown if row["labelsOrTypes"] != [LOCK]]
