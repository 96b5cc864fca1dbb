"""The kinds of index and of constraint: a row for each has all that is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

RANGE_BYTES = 8_167
"""What the values of one entity may take in a range index, a constraint's too.

A string takes its UTF-8 bytes and 3, so that a single one may have 8,164; those of a
composite index share the limit. Measured on 5.26.30 and 2026.08.1.
"""

TEXT_BYTES = 32_766
"""How many UTF-8 bytes a string may have in a text index; measured on the same."""


@dataclass(frozen=True)
class Option:
    """A setting of an index that Python has a name for: what follows the prefix.

    `default` is what the server takes by itself, None where that depends. A value `in
    capitals` is written so, however it is given.
    """

    key: str
    default: Any = None
    in_capitals: bool = False

    @property
    def name(self) -> str:
        """Its name in Python."""
        return self.key.partition(".")[2]


@dataclass(frozen=True, kw_only=True)
class _Traits:
    """What tells a kind from the others.

    `noun` is that of its functions of `op`. One that is `composite` may have several
    properties; one that `covers_any` has what has any of several labels and any of its
    properties, in no order. Of those that are `exclusive` there is one at a place: they
    need the same index. That may hold `max_bytes` of an entity: all that its values
    take, or for `strings_only` a string alone. `since` is the first release with it.
    """

    noun: str
    composite: bool = False
    covers_any: bool = False
    exclusive: bool = False
    max_bytes: int | None = None
    strings_only: bool = False
    enterprise: bool = False
    since: tuple[int, ...] = (5,)

    @property
    def in_words(self) -> str:
        """The kind as it is named in a sentence."""
        return self.noun.removeprefix("node_").replace("_", " ")


@dataclass(frozen=True, kw_only=True)
class IndexTraits(_Traits):
    """What tells a kind of index from the others.

    Its settings begin with `prefix`; those in `options` have a name in Python, those in
    `unknown_to_5` came with the release after Neo4j 5.
    """

    prefix: str = ""
    options: tuple[Option, ...] = ()
    unknown_to_5: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConstraintTraits(_Traits):
    """What tells a kind of constraint from the others.

    `required` is what follows ``IS`` in its command, `shown` how SHOW CONSTRAINTS calls
    it. Values are `unique`, have to be `present`, or are `typed`.
    """

    required: str
    shown: tuple[str, ...]
    unique: bool = False
    present: bool = False
    typed: bool = False


class _Kind(str, Enum):
    _value_: str
    traits: _Traits

    def __new__(cls, value: str, *row: _Traits) -> _Kind:
        kind = str.__new__(cls, value)
        kind._value_ = value
        (kind.traits,) = row
        return kind


class IndexKind(_Kind):
    """The kinds of index that a person declares (lookup indexes are the server's)."""

    traits: IndexTraits

    RANGE = (
        "RANGE",
        IndexTraits(
            noun="index", composite=True, exclusive=True, max_bytes=RANGE_BYTES
        ),
    )
    TEXT = (
        "TEXT",
        IndexTraits(noun="text_index", max_bytes=TEXT_BYTES, strings_only=True),
    )
    POINT = "POINT", IndexTraits(noun="point_index", prefix="spatial.")
    FULLTEXT = (
        "FULLTEXT",
        IndexTraits(
            noun="fulltext_index",
            composite=True,
            covers_any=True,
            prefix="fulltext.",
            options=(
                Option("fulltext.analyzer", default="standard-no-stop-words"),
                Option("fulltext.eventually_consistent", default=False),
            ),
        ),
    )
    VECTOR = (
        "VECTOR",
        IndexTraits(
            noun="vector_index",
            prefix="vector.",
            options=(
                Option("vector.dimensions"),
                Option("vector.similarity_function", in_capitals=True),
            ),
            unknown_to_5=(
                "vector.quantization.type",
                "vector.default_search_expansion_factor",
            ),
        ),
    )


class ConstraintKind(_Kind):
    """The kinds of constraint."""

    traits: ConstraintTraits

    UNIQUE = (
        "UNIQUE",
        ConstraintTraits(
            noun="unique_constraint",
            required="UNIQUE",
            shown=(
                "UNIQUENESS",
                "RELATIONSHIP_UNIQUENESS",
                "NODE_PROPERTY_UNIQUENESS",
                "RELATIONSHIP_PROPERTY_UNIQUENESS",
            ),
            composite=True,
            exclusive=True,
            max_bytes=RANGE_BYTES,
            unique=True,
        ),
    )
    KEY = (
        "KEY",
        ConstraintTraits(
            noun="node_key_constraint",
            required="{entity} KEY",
            shown=("NODE_KEY", "RELATIONSHIP_KEY"),
            composite=True,
            exclusive=True,
            max_bytes=RANGE_BYTES,
            enterprise=True,
            unique=True,
            present=True,
        ),
    )
    EXISTENCE = (
        "EXISTENCE",
        ConstraintTraits(
            noun="node_property_existence_constraint",
            required="NOT NULL",
            shown=("NODE_PROPERTY_EXISTENCE", "RELATIONSHIP_PROPERTY_EXISTENCE"),
            enterprise=True,
            present=True,
        ),
    )
    TYPE = (
        "TYPE",
        ConstraintTraits(
            noun="property_type_constraint",
            required=":: {type}",
            shown=("NODE_PROPERTY_TYPE", "RELATIONSHIP_PROPERTY_TYPE"),
            enterprise=True,
            typed=True,
        ),
    )


EXCLUSIVE: tuple[IndexKind | ConstraintKind, ...] = tuple(
    kind for kind in (*IndexKind, *ConstraintKind) if kind.traits.exclusive
)
"""The kinds of which there is one at a place."""
