"""What a server can do, told from its version and its edition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alembic_neo4j.errors import CapabilityError
from alembic_neo4j.schema.changes import AddConstraint, AddIndex, Change
from alembic_neo4j.schema.definitions import Constraint, Element, Index

MINIMUM_VERSION = (5, 26)
"""The oldest server that is supported: the long-term support release of Neo4j 5.

It has all that the Cypher of this package uses: ``CALL (n) { … } IN TRANSACTIONS``
(5.23), ``IS ::`` (5.9), uniqueness on relationships (5.7), property type constraints
(5.9, of lists 5.10, of unions 5.11), vector indexes by command on nodes (5.15) and on
relationships (5.18).
"""

_KERNEL = "Neo4j Kernel"


@dataclass(frozen=True)
class Server:
    """A Neo4j server: name, version (``(5, 26, 12)``) and edition."""

    name: str
    version: tuple[int, ...]
    edition: str

    @classmethod
    def from_components(cls, rows: Iterable[Mapping[str, Any]]) -> Server:
        """Return the server that ``CALL dbms.components()`` shows.

        The rows have ``name``, ``versions`` and ``edition``; from 2026 on there is a
        second one for the Cypher languages. Raises CapabilityError when none is
        Neo4j's or its version can't be read.
        """
        shown = list(rows)
        for row in shown:
            if row["name"] == _KERNEL:
                return cls(row["name"], _version(row["versions"]), row["edition"])
        names = ", ".join(repr(row["name"]) for row in shown) or "nothing"
        raise CapabilityError(
            f"the server should show a component {_KERNEL!r} and shows {names}; "
            "is this a Neo4j server?"
        )

    @property
    def enterprise(self) -> bool:
        """Whether it has what only Enterprise Edition has."""
        return self.edition.lower() == "enterprise"

    @property
    def supported(self) -> bool:
        """Whether it is not older than MINIMUM_VERSION."""
        return self.version >= MINIMUM_VERSION

    def __str__(self) -> str:
        version = ".".join(str(part) for part in self.version)
        return f"Neo4j {version} {self.edition.capitalize()} Edition"


def missing(server: Server, wanted: Index | Constraint | Change) -> str | None:
    """Return why the server can't do what is wanted, None when it can.

    Dropping, renaming and data changes are possible on every supported server.
    """
    if not server.supported:
        minimum = ".".join(str(part) for part in MINIMUM_VERSION)
        return f"Neo4j {minimum} or later is needed, this is {server}"
    if isinstance(wanted, (AddIndex, AddConstraint)):
        wanted = wanted.element
    if isinstance(wanted, (Index, Constraint)):
        return _missing_for(server, wanted)
    return None


def _version(versions: Iterable[str]) -> tuple[int, ...]:
    text = next(iter(versions), "")
    # Aura says 5.27-aura, a preview 2026.09.0-1234.
    found = re.match(r"\d+(?:\.\d+)*", text)
    if found is None:
        raise CapabilityError(
            f"the server's version {text!r} can't be read; "
            "it should begin with a number such as 5.26.12"
        )
    return tuple(int(part) for part in found[0].split("."))


def _missing_for(server: Server, element: Element) -> str | None:
    kind = element.kind.traits
    if server.version < kind.since:
        since = ".".join(map(str, kind.since))
        return f"a {kind.in_words} needs Neo4j {since} or later, this is {server}"
    if kind.enterprise and not server.enterprise:
        return f"a {kind.in_words} needs Enterprise Edition, this is {server}"
    if isinstance(element, Constraint) or server.version[0] > 5:
        return None
    unknown = [k for k, _ in element.options if k in element.kind.traits.unknown_to_5]
    if not unknown:
        return None
    return f"the option {unknown[0]} is not known to Neo4j 5, this is {server}"
