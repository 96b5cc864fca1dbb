"""What a transfer moves: the mapping that fits a source, its graphs, their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from alembic_neo4j.errors import IngestError
from alembic_neo4j.graph.load_rows import Row
from alembic_neo4j.ingest.transfer_mapping import Part, TransferMapping
from alembic_neo4j.ingest.transfer_mapping_files import (
    mapping_from_file,
    shipped_mappings,
)
from alembic_neo4j.ingest.transfer_source import SourceGraph, TransferSource, fits

BATCH_SIZE = 1_000
"""How many rows one transaction transfers."""

_MOST_IDS = 10


@dataclass(frozen=True)
class PartRows:
    """A part of a mapping, and its rows of one graph, read when they are asked for."""

    part: Part
    source: TransferSource
    graph: SourceGraph
    mapping: TransferMapping

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows, from the first; may be called again."""
        return self.source.rows(self.part, self.graph, self.mapping.values)


def mapping_for(source: TransferSource, file: Path | None = None) -> TransferMapping:
    """Return the mapping of a file, else the shipped one that fits the source.

    Raises IngestError where none does.
    """
    if file is not None:
        return mapping_from_file(file)
    columns = source.columns()
    for mapping in shipped_mappings():
        if fits(mapping, columns):
            return mapping
    tables = ", ".join(sorted(columns)) or "no tables"
    raise IngestError(
        f"{source.path}: expected the tables of a code graph (graphs, nodes, edges), "
        f"found {tables}. Say with a mapping what becomes what: --mapping, or mapping= "
        "in op.transfer."
    )


def chosen_graphs(
    source: TransferSource, mapping: TransferMapping, ids: Iterable[str] | None
) -> list[SourceGraph]:
    """Return the graphs with these ids, each once, or all of them.

    Raises IngestError where there is no such graph: nothing is transferred then.
    """
    known = {graph.id: graph for graph in source.graphs(mapping)}
    if ids is None:
        return list(known.values())
    wanted = list(dict.fromkeys(ids))
    for wrong in wanted:
        if wrong not in known:
            raise IngestError(_no_such_graph(source, wrong, list(known)))
    return [known[id_] for id_ in wanted]


def parts_of(
    source: TransferSource, mapping: TransferMapping, graph: SourceGraph
) -> list[PartRows]:
    """Return the parts of a graph, in the order in which they are transferred."""
    return [PartRows(part, source, graph, mapping) for part in mapping.parts]


def _no_such_graph(source: TransferSource, wrong: str, known: list[str]) -> str:
    shown = ", ".join(known[:_MOST_IDS]) or "none"
    more = f" and {len(known) - _MOST_IDS:,} more" if len(known) > _MOST_IDS else ""
    close = get_close_matches(wrong, known, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"{source.path}: expected the id of a graph, found {wrong!r}; there are "
        f"{shown}{more}.{meant}"
    )
