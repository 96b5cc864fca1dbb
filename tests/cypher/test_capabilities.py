"""What servers of several versions and editions can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import neo4j
import pytest

from alembic_neo4j.cypher.capabilities import Server, missing
from alembic_neo4j.errors import CapabilityError
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    DropConstraint,
    RenameLabel,
)
from alembic_neo4j.schema.definitions import Constraint, Index
from alembic_neo4j.schema.kinds import IndexKind

COMMUNITY = Server("Neo4j Kernel", (5, 26, 12), "community")
ENTERPRISE = Server("Neo4j Kernel", (5, 26, 12), "enterprise")


def component(version: str, edition: str = "community") -> dict[str, Any]:
    return {"name": "Neo4j Kernel", "versions": [version], "edition": edition}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("5.26.12", (5, 26, 12)),
        ("2026.08.1", (2026, 8, 1)),
        ("5.27-aura", (5, 27)),
        ("2026.09.0-20938", (2026, 9, 0)),
    ],
)
def test_the_version_is_read(text: str, version: tuple[int, ...]) -> None:
    server = Server.from_components([component(text)])
    assert server.version == version
    assert server.supported
    assert not server.enterprise


def test_the_row_of_the_cypher_languages_is_passed_over() -> None:
    languages = {"name": "Cypher", "versions": ["5", "25"], "edition": ""}
    server = Server.from_components([languages, component("2026.08.1", "enterprise")])
    assert server.version == (2026, 8, 1)
    assert server.enterprise


def test_another_database_is_refused() -> None:
    other = {"name": "Memgraph", "versions": ["5.2.0"], "edition": "community"}
    with pytest.raises(CapabilityError, match="is this a Neo4j server"):
        Server.from_components([other])
    with pytest.raises(CapabilityError, match="can't be read"):
        Server.from_components([component("dev")])


def test_enterprise_constraints_need_enterprise() -> None:
    for kind in ("KEY", "EXISTENCE"):
        constraint = Constraint(kind, "NODE", "A", ("p",))
        why = missing(COMMUNITY, AddConstraint(constraint))
        assert why is not None
        assert "needs Enterprise Edition" in why
        assert "Neo4j 5.26.12 Community Edition" in why
        assert missing(COMMUNITY, constraint) == why
        assert missing(ENTERPRISE, constraint) is None
        assert missing(COMMUNITY, DropConstraint(constraint)) is None
    typed = Constraint("TYPE", "RELATIONSHIP", "R", ("p",), "STRING")
    assert missing(COMMUNITY, typed) is not None
    assert missing(ENTERPRISE, typed) is None


def test_a_kind_has_a_release_since_which_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = replace(IndexKind.TEXT.traits, since=(2026, 1))
    monkeypatch.setattr(IndexKind.TEXT, "traits", later)
    index = Index("TEXT", "NODE", ("A",), ("p",))
    assert missing(COMMUNITY, AddIndex(index)) == (
        "a text index needs Neo4j 2026.1 or later, "
        "this is Neo4j 5.26.12 Community Edition"
    )
    assert missing(Server("Neo4j Kernel", (2026, 8, 1), "community"), index) is None


def test_community_has_uniqueness_indexes_and_renames() -> None:
    for entity in ("NODE", "RELATIONSHIP"):
        assert missing(COMMUNITY, Constraint("UNIQUE", entity, "A", ("p",))) is None
        for kind in ("RANGE", "TEXT", "POINT", "FULLTEXT", "VECTOR"):
            assert (
                missing(COMMUNITY, AddIndex(Index(kind, entity, ("A",), ("p",))))
                is None
            )
    assert missing(COMMUNITY, RenameLabel("A", "B")) is None


def test_an_older_server_can_do_nothing() -> None:
    old = Server("Neo4j Kernel", (5, 25, 1), "enterprise")
    assert not old.supported
    why = missing(old, Index("RANGE", "NODE", ("A",), ("p",)))
    assert why == (
        "Neo4j 5.26 or later is needed, this is Neo4j 5.25.1 Enterprise Edition"
    )


def test_newer_vector_options_need_a_newer_server() -> None:
    options = (("vector.quantization.type", "SCALAR"),)
    index = Index("VECTOR", "NODE", ("A",), ("v",), options)
    why = missing(COMMUNITY, AddIndex(index))
    assert why is not None
    assert "vector.quantization.type is not known to Neo4j 5" in why
    newer = Server("Neo4j Kernel", (2026, 8, 1), "community")
    assert missing(newer, index) is None


def test_a_real_server_is_supported(driver: neo4j.Driver) -> None:
    rows = driver.execute_query("CALL dbms.components()").records
    assert Server.from_components(rows).supported
