"""Checksums of a graph that know no order and no ids, by label set and by type.

A node's is that of its labels and properties, a relationship's that of its type, its
properties and the checksums of both ends. Those of a set are added up: it is the same
in whatever order they come, and in a graph that gives other ids.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

_BITS = 128
_MODULUS = 1 << _BITS
_UNKNOWN = 0
_GAP = 1_000_000
"""How many ids may lack between those of nodes that are kept together."""

Properties: TypeAlias = "Mapping[str, Any]"
"""Values as typed JSON, by name."""


@dataclass(frozen=True)
class Checksum:
    """How many nodes or relationships of a kind there are, and what they add up to."""

    count: int
    digest: str


@dataclass(frozen=True)
class Checksums:
    """Those of a graph: of nodes by their labels, and of relationships by type."""

    nodes: Mapping[tuple[str, ...], Checksum]
    relationships: Mapping[str, Checksum]

    def differences(self, other: Checksums) -> tuple[str, ...]:
        """Return where another graph is not the same, for people."""
        found = _differing(
            {labels_text(labels): sum_ for labels, sum_ in self.nodes.items()},
            {labels_text(labels): sum_ for labels, sum_ in other.nodes.items()},
        )
        types = _differing(
            {f"[:{name}]": sum_ for name, sum_ in self.relationships.items()},
            {f"[:{name}]": sum_ for name, sum_ in other.relationships.items()},
        )
        return (*found, *types)


def labels_text(labels: Sequence[str]) -> str:
    """Return a set of labels as messages name it."""
    return f"({''.join(f':{label}' for label in labels)})"


def _differing(
    expected: Mapping[str, Checksum], found: Mapping[str, Checksum]
) -> list[str]:
    nothing = Checksum(0, "")
    told = []
    for name in sorted({*expected, *found}):
        one, other = expected.get(name, nothing), found.get(name, nothing)
        if one.count != other.count:
            told.append(f"{name}: expected {one.count:,}, found {other.count:,}")
        elif one != other:
            told.append(f"{name}: {one.count:,} there, with other values or other ends")
    return told


@dataclass
class _Sum:
    count: int = 0
    total: int = 0

    def add(self, value: int) -> None:
        self.count += 1
        self.total = (self.total + value) % _MODULUS

    @property
    def checksum(self) -> Checksum:
        return Checksum(self.count, f"{self.total:0{_BITS // 4}x}")


class _Ends:
    """A word for each node, by its internal id, in 8 bytes of memory where that can be.

    Ids are dense in most stores; those far beyond the others are kept apart.
    """

    def __init__(self) -> None:
        self._words = array("Q")
        self._sparse: dict[int, int] = {}

    def put(self, node: int, word: int) -> None:
        size = len(self._words)
        if node >= 2 * size + _GAP:
            self._sparse[node] = word
            return
        if node >= size:
            self._words.extend([_UNKNOWN] * (max(node + 1, size * 3 // 2) - size))
        self._words[node] = word

    def get(self, node: int) -> int:
        if node in self._sparse:
            return self._sparse[node]
        return self._words[node] if node < len(self._words) else _UNKNOWN


@dataclass
class Adding:
    """Adds up a graph, all of its nodes first."""

    _nodes: dict[tuple[str, ...], _Sum] = field(default_factory=dict)
    _types: dict[str, _Sum] = field(default_factory=dict)
    _ends: _Ends = field(default_factory=_Ends)

    def node(self, number: int, labels: Iterable[str], properties: Properties) -> None:
        """Add a node with its internal id."""
        key = tuple(sorted(labels))
        value = _hash(key, properties)
        self._nodes.setdefault(key, _Sum()).add(value)
        # A node is never unknown, whatever its checksum begins with.
        self._ends.put(number, value >> (_BITS - 64) or 1)

    def relationship(
        self, name: str, start: int, end: int, properties: Properties
    ) -> bool:
        """Add a relationship; tell whether both of its ends are known."""
        ends = self._ends.get(start), self._ends.get(end)
        value = _hash([name, *map(str, ends)], properties)
        self._types.setdefault(name, _Sum()).add(value)
        return _UNKNOWN not in ends

    @property
    def checksums(self) -> Checksums:
        """Those of what was added."""
        return Checksums(
            {labels: sum_.checksum for labels, sum_ in sorted(self._nodes.items())},
            {name: sum_.checksum for name, sum_ in sorted(self._types.items())},
        )


def _hash(named: Sequence[str], properties: Properties) -> int:
    text = json.dumps([named, properties], sort_keys=True, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
    return int.from_bytes(digest.digest(), "big")
