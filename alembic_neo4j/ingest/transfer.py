"""What a transfer moves: the mapping that fits a source, its graphs, their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from alembic_neo4j.cypher.loads import Row
from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.transfer_mapping import (
    LeftOutCount,
    Part,
    TransferMapping,
    mapping_from_file,
    shipped_mappings,
)
from alembic_neo4j.ingest.transfer_source import SourceGraph, TransferSource, fits

_MOST_SHOWN = 10


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

    Raises IngestError, with all of them, where there are no such graphs: nothing is
    transferred then.
    """
    known = {graph.id: graph for graph in source.graphs(mapping)}
    if ids is None:
        return list(known.values())
    wanted = list(dict.fromkeys(ids))
    wrong = [id_ for id_ in wanted if id_ not in known]
    if wrong:
        raise IngestError(_no_such_graphs(source, wrong, list(known)))
    return [known[id_] for id_ in wanted]


def parts_of(
    source: TransferSource, mapping: TransferMapping, graph: SourceGraph
) -> list[PartRows]:
    """Return the parts of a graph, in the order in which they are transferred."""
    return [PartRows(part, source, graph, mapping) for part in mapping.parts]


def check_something_is_taken(
    source: TransferSource,
    mapping: TransferMapping,
    graph: SourceGraph,
    left_out: Sequence[LeftOutCount],
) -> None:
    """Raise IngestError where a graph no part of which has a row has something.

    Without `graphs` in the mapping, all of the source is the graph.
    """
    found = listed(left_out)
    if not found and mapping.graphs is None:
        found = listed([f"rows in {name}" for name in source.filled_tables()])
    if found:
        raise IngestError(
            f"{source.path}: expected nodes or relationships of {graph.id!r} that the "
            f"mapping {mapping.name} takes, found none. It has {found}. Nothing was "
            "transferred; say with --mapping (mapping= in op.transfer) what becomes "
            "what."
        )


def listed(things: Sequence[object]) -> str:
    """Return things in one line; of many only the first."""
    shown = ", ".join(map(str, things[:_MOST_SHOWN]))
    more = len(things) - _MOST_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _no_such_graphs(source: TransferSource, wrong: list[str], known: list[str]) -> str:
    expected = "the id of a graph" if len(wrong) == 1 else "ids of graphs"
    # All of them: who has a list of ids takes these out of it.
    found = ", ".join(map(repr, wrong))
    return (
        f"{source.path}: expected {expected}, found {found}; there are "
        f"{listed(known) or 'none'}.{_meant(wrong, known)} Nothing was done."
    )


def _meant(wrong: list[str], known: list[str]) -> str:
    folded = {id_.casefold(): id_ for id_ in known}
    for id_ in wrong:
        for close in get_close_matches(id_.casefold(), folded, n=1):
            return f" Did you mean {folded[close]!r}?"
    return ""
