"""How far a load is, as its marker in the graph has it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.marker import Mark, read_progress
from alembic_neo4j.schema.definitions import EntityType


@dataclass(frozen=True)
class LoadCounts:
    """What became of the rows of a load.

    `created` and `touched` are nodes or relationships that it created, and that it
    found and changed; `unmatched` rows were no relationship for want of an end.
    """

    created: int = 0
    touched: int = 0
    unmatched: int = 0


@dataclass(frozen=True)
class LoadProgress:
    """How far a load is: its rows so far, their digest, and what became of them.

    `entity` says whether they became nodes or relationships.
    """

    entity: str = EntityType.NODE.value
    rows: int = 0
    digest: str = ""
    loaded: LoadCounts = LoadCounts()
    missing: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Return it as the marker keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> LoadProgress:
        """Return what `to_text` wrote, and the beginning for no text."""
        if not text:
            return cls()
        values = json.loads(text)
        values["loaded"] = LoadCounts(**values["loaded"])
        return cls(**{**values, "missing": tuple(values["missing"])})


def loaded_so_far(graph: Graph, mark: Mark) -> tuple[EntityType, LoadCounts] | None:
    """Return what has become of the rows of a load that is under way or was stopped.

    None where its first transaction is still to come, or it is no load at all.
    """
    text = read_progress(graph, mark).text
    if not text:
        return None
    progress = LoadProgress.from_text(text)
    return EntityType(progress.entity), progress.loaded


def has_loaded(graph: Graph, mark: Mark) -> bool:
    """Tell whether a load has come beyond its first transaction."""
    known = read_progress(graph, mark)
    return known.done or bool(known.text)
