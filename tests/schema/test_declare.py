"""The values that a class lists in __neo4j_schema__."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from alembic_neo4j import declare


def test_declarations_are_frozen_values() -> None:
    first = declare.vector_index("v", dimensions=3, config={"hnsw.m": 8, "x": [1]})
    assert first == declare.vector_index(
        "v", config={"x": (1,), "hnsw.m": 8, "dimensions": 3}
    )
    assert len({first, declare.index("v"), declare.index("v")}) == 2
    with pytest.raises(FrozenInstanceError):
        first.name = "other"  # type: ignore[misc]


def test_options_carry_the_server_s_names() -> None:
    assert declare.fulltext_index("a", analyzer="x", eventually_consistent=False) == (
        declare.IndexDeclaration(
            "FULLTEXT",
            ("a",),
            options=(
                ("fulltext.analyzer", "x"),
                ("fulltext.eventually_consistent", False),
            ),
        )
    )
    config = {"spatial.cartesian.max": [1, 2]}
    assert declare.point_index("a", config=config).options == (
        ("spatial.cartesian.max", (1, 2)),
    )
    assert declare.vector_index("a").options == (
        ("vector.similarity_function", "cosine"),
    )
    assert declare.fulltext_index("a", labels="Other").labels == ("Other",)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (declare.index, "RANGE"),
        (declare.text_index, "TEXT"),
        (declare.point_index, "POINT"),
        (declare.fulltext_index, "FULLTEXT"),
        (declare.vector_index, "VECTOR"),
        (declare.unique, "UNIQUE"),
        (declare.key, "KEY"),
        (declare.existence, "EXISTENCE"),
    ],
)
def test_every_declaration_takes_a_name(make: Callable[..., Any], kind: str) -> None:
    made = make("a", name="mine")
    assert (made.kind, made.properties, made.name) == (kind, ("a",), "mine")
    assert make("a").name is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: declare.index(), "declare.index: name at least one attribute"),
        (
            lambda: declare.unique("a", "a"),
            "declare.unique: an attribute is named twice",
        ),
        (lambda: declare.key(5), "declare.key: the properties are names, not 5"),
        (
            lambda: declare.fulltext_index("a", labels=[""]),
            "declare.fulltext_index: labels are names, not ''",
        ),
        (
            lambda: declare.property_type("a", ""),
            "declare.property_type: a type such as 'INTEGER' is needed, not ''",
        ),
    ],
)
def test_misuse_is_a_type_error(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError) as raised:
        make()
    assert str(raised.value).startswith(message)


def test_declaring_needs_neither_neomodel_nor_alembic() -> None:
    program = (
        "import sys; from alembic_neo4j import declare; declare.index('a'); "
        "print(sorted({'alembic', 'neo4j', 'neomodel'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
