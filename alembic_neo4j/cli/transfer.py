"""``alembic-neo4j transfer``: graphs that are in SQLite become part of the graph."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from alembic_neo4j.cli.ingest_options import allow_unknown_option
from alembic_neo4j.cli.progress import shown_rows
from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.command.transfer import Comparison, TransferPreview
    from alembic_neo4j.ingest.transfer_mapping import LeftOutCount, TransferMapping
    from alembic_neo4j.ingest.transfer_source import SourceGraph, TransferSource
    from alembic_neo4j.migration.session import Session


# What a dry run of a transfer tells: counts, memory, and a warning --------------------


def previewed(found: TransferPreview, warning: str | None) -> Iterator[str]:
    """Yield the counts of a transfer that is only previewed, and what it needs."""
    counts = [(f"{part.what} {part.name}", part.rows) for part in found.parts]
    counts += [(f"left out: {one.title}", one.count) for one in found.left_out]
    widest = max((len(title) for title, _ in counts), default=0)
    for title, count in counts:
        yield f"  {title:<{widest}}  {count:>9,}"
    given = found.server_bytes
    told = "what the server does not tell" if given is None else _mebibytes(given)
    yield (
        f"  memory of the largest transaction: about "
        f"{_mebibytes(found.transaction_bytes)} of {told}"
    )
    if warning:
        yield f"  Warning: {warning}"


def memory_warning(found: TransferPreview) -> str | None:
    """Return a warning where the server may run out of memory, None elsewhere."""
    if not found.is_too_large:
        return None
    return (
        "a transaction may take more than a quarter of what the server has for all of "
        f"them: say --batch-size {found.fitting}, or give it more memory"
    )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


# ``alembic-neo4j transfer``: graphs that are in SQLite become part of the graph -------


_STDIN = "-"


@dataclass(frozen=True)
class Outcome:
    """What became of one graph; `details` are in the report of JSON."""

    id: str
    state: str
    lines: tuple[str, ...] = ()
    error: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


Act: TypeAlias = "Callable[[Session, Any], Outcome]"
"""Does with one graph what the command is for."""

Prepare: TypeAlias = "Callable[[Session, Any], Iterable[Any]]"
"""Checks what has to be before any graph, and gives these in their order."""


def _as_given(_session: Session, graphs: Any) -> Iterable[Any]:
    return graphs  # type: ignore[no-any-return]


@click.command()
@click.argument("graph_ids", nargs=-1, metavar="[GRAPH_ID]...")
@project_options
@click.option(
    "--source",
    help="The SQLite database, as a path or sqlite:///path. It is only read.",
)
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What becomes what, as a TOML or JSON file. Without it the source is a code "
    "graph.",
)
@click.option("--list", "list_only", is_flag=True, help="Print the ids of the graphs.")
@click.option("--all", "all_graphs", is_flag=True, help="Transfer every graph.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=1_000,
    show_default=True,
    help="How many rows one transaction transfers.",
)
@click.option(
    "--verify", is_flag=True, help="Compare only; exit status 1 if different."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Count what would be transferred, and write nothing.",
)
@click.option("--rollback", is_flag=True, help="Undo the transfer of the graphs.")
@click.option(
    "--detach",
    is_flag=True,
    help="With --rollback, delete the relationships of others with the nodes.",
)
@click.option(
    "--without-constraints",
    is_flag=True,
    help="Transfer even where no constraint makes a key unique, which is slow.",
)
@allow_unknown_option
@format_option
def transfer(
    config: Config,
    graph_ids: tuple[str, ...],
    source: str | None,
    mapping_file: Path | None,
    list_only: bool,
    all_graphs: bool,
    batch_size: int,
    verify: bool,
    dry_run: bool,
    rollback: bool,
    detach: bool,
    without_constraints: bool,
    allow_unknown: bool,
    as_json: bool,
) -> None:
    """Transfer graphs from a SQLite database, each with its GRAPH_ID; - reads ids.

    Each graph is a batch of its own and may be transferred again: what is there is
    found by its keys. A graph that fails does not keep the others. Exit status 0 when
    all is well, 1 where --verify found a difference, 2 where a graph failed.
    """
    from alembic_neo4j.ingest.transfer import chosen_graphs, mapping_for
    from alembic_neo4j.ingest.transfer_source import open_source

    if list_only + verify + dry_run + rollback > 1:
        raise click.UsageError(
            "--list, --verify, --dry-run and --rollback exclude each other."
        )
    ids = _ids(graph_ids, for_all=all_graphs or list_only)
    if rollback and ids is not None:
        # Their batches are in the graph, whatever the source is by now.
        _report(_all_back(config, ids, detach=detach, quiet=as_json), as_json)
        return
    if source is None:
        raise click.UsageError("Say which SQLite database: --source PATH.")
    with open_source(source) as opened:
        mapping = mapping_for(opened, mapping_file)
        if list_only:
            _list(opened.graphs(mapping), as_json)
            return
        graphs = chosen_graphs(opened, mapping, ids)
        elsewhere = opened.left_out(mapping)
        if all_graphs and not graphs:
            _no_graphs(opened, elsewhere)
        if rollback:
            known = [graph.id for graph in graphs]
            outcomes = _all_back(config, known, detach=detach, quiet=as_json)
        elif verify:
            outcomes = _each(config, _verifying(opened, mapping), graphs, quiet=as_json)
        else:
            acting = _previewing if dry_run else _transferring
            act = acting(opened, mapping, batch_size, allow_unknown)
            first = _preparing(mapping, constrained=not without_constraints)
            outcomes = _each(config, act, graphs, first=first, quiet=as_json)
    _report(outcomes, as_json, () if rollback else elsewhere)
    if verify and elsewhere:
        sys.exit(1)


def _no_graphs(source: TransferSource, elsewhere: Sequence[LeftOutCount]) -> None:
    from alembic_neo4j.errors import IngestError
    from alembic_neo4j.ingest.transfer import listed

    if elsewhere:
        raise IngestError(
            f"{source.path}: expected graphs, found none, but {listed(elsewhere)}. "
            "Nothing was done."
        )
    click.echo(f"{source.path} has no graphs.", err=True)


def _ids(given: tuple[str, ...], *, for_all: bool) -> tuple[str, ...] | None:
    if for_all and given:
        raise click.UsageError("Name graphs or say --all, not both.")
    if for_all:
        return None
    if not given:
        raise click.UsageError(
            "Name a graph, say --all for every one, or - to read ids from standard "
            "input; --list shows which there are."
        )
    ids: list[str] = []
    for id_ in given:
        ids += _read_ids() if id_ == _STDIN else [id_]
    return tuple(dict.fromkeys(ids))


def _read_ids() -> list[str]:
    lines = (line.strip() for line in sys.stdin)
    return [line for line in lines if line]


def _list(graphs: list[SourceGraph], as_json: bool) -> None:
    if as_json:
        print_json({"graphs": [{"id": g.id, "scope": g.scope} for g in graphs]})
        return
    for graph in graphs:
        click.echo(graph.id)


# One graph after the other -----------------------------------------------------------


def _each(
    config: Config,
    act: Act,
    graphs: Iterable[Any],
    *,
    first: Prepare = _as_given,
    quiet: bool,
) -> list[Outcome]:
    """Do it with each graph, in the order that `first` gives; tell as it goes."""
    from alembic_neo4j.command.inspection import in_session

    def acted(session: Session) -> list[Outcome]:
        return [_told(act, session, graph, quiet) for graph in first(session, graphs)]

    return in_session(config, acted)


def _told(act: Act, session: Session, graph: Any, quiet: bool) -> Outcome:
    from alembic_neo4j.errors import Neo4jMigrationError

    try:
        outcome = act(session, graph)
    except Neo4jMigrationError as error:
        id_ = graph if isinstance(graph, str) else graph.id
        click.echo(f"Error: {id_}: {error}", err=True)
        return Outcome(id_, "failed", error=str(error))
    for line in () if quiet else outcome.lines:
        click.echo(line)
    return outcome


def _preparing(mapping: TransferMapping, *, constrained: bool) -> Prepare:
    def prepared(session: Session, graphs: Any) -> Iterable[SourceGraph]:
        from alembic_neo4j.command.transfer import check_constraints, in_order

        if constrained:
            check_constraints(session.graph, mapping)
        return in_order(session, graphs)

    return prepared


def _transferring(
    source: TransferSource,
    mapping: TransferMapping,
    batch_size: int,
    allow_unknown: bool,
) -> Act:
    def act(session: Session, graph: SourceGraph) -> Outcome:
        from alembic_neo4j.command.transfer import transfer_graph
        from alembic_neo4j.ingest.transfer import listed

        with shown_rows(graph.id) as report:
            done = transfer_graph(
                session,
                source,
                mapping,
                graph,
                batch_size=batch_size,
                report=report,
                allow_unknown=allow_unknown,
            )
        line = (
            f"{graph.id}: {done.created_nodes:,} of {done.nodes:,} nodes and "
            f"{done.created_relationships:,} of {done.relationships:,} relationships "
            "created"
        )
        left = done.nodes + done.relationships - done.unmatched
        if left > done.created_nodes + done.created_relationships:
            line += ", the others found"
        if done.unmatched:
            line += f"; {done.unmatched:,} lack a node to lead from or to"
        if done.left_out:
            line += f"; left out: {listed(done.left_out)}"
        return Outcome(graph.id, "transferred", (line,), details=asdict(done))

    return act


def _previewing(
    source: TransferSource,
    mapping: TransferMapping,
    batch_size: int,
    allow_unknown: bool,
) -> Act:
    def act(session: Session, graph: SourceGraph) -> Outcome:
        from alembic_neo4j.command.transfer import check_known, preview_transfer

        if not allow_unknown:
            check_known(session, source, mapping, graph)
        found = preview_transfer(
            session.graph, source, mapping, graph, batch_size=batch_size
        )
        warning = memory_warning(found)
        lines = (
            f"{graph.id}: {found.nodes:,} nodes and {found.relationships:,} "
            "relationships would be transferred; nothing was written",
            *previewed(found, warning),
        )
        details = {**asdict(found), "warning": warning}
        return Outcome(graph.id, "counted", lines, details=details)

    return act


def _verifying(source: TransferSource, mapping: TransferMapping) -> Act:
    def act(session: Session, graph: SourceGraph) -> Outcome:
        from alembic_neo4j.command.transfer import verify_graph

        compared = verify_graph(session.graph, source, mapping, graph)
        state = "equal" if all(one.is_equal for one in compared) else "different"
        lines = (f"{graph.id}: {state}", *_table(compared))
        rows = [_compared_row(one) for one in compared]
        return Outcome(graph.id, state, lines, details={"comparisons": rows})

    return act


def _all_back(
    config: Config, ids: Iterable[str], *, detach: bool, quiet: bool
) -> list[Outcome]:
    from alembic_neo4j.command.transfer import transferred

    return _each(config, _rolling_back(detach), ids, first=transferred, quiet=quiet)


def _rolling_back(detach: bool) -> Act:
    def act(session: Session, graph_id: str) -> Outcome:
        from alembic_neo4j.command.transfer import rollback_graph

        done = rollback_graph(session, graph_id, detach=detach)
        line = (
            f"{graph_id}: nodes deleted: {done.deleted_nodes:,}, restored: "
            f"{done.restored_nodes:,}; relationships deleted: "
            f"{done.deleted_relationships:,}, restored: {done.restored_relationships:,}"
        )
        return Outcome(graph_id, "rolled back", (line,), details=asdict(done))

    return act


# What is printed ---------------------------------------------------------------------


def _compared_row(one: Comparison) -> dict[str, Any]:
    return {
        "what": one.what,
        "name": one.name,
        "source": one.source,
        "found": one.found,
        "there": one.there,
        "equal": one.is_equal,
        "missing": list(one.missing),
    }


def _table(compared: list[Comparison]) -> Iterator[str]:
    widest = max(len(f"{one.what} {one.name}") for one in compared)
    yield f"  {'':<{widest}}  {'source':>9}  {'found':>9}  {'there':>9}"
    for one in compared:
        there = "" if one.there is None else f"{one.there:,}"
        title = f"{one.what} {one.name}"
        line = f"  {title:<{widest}}  {one.source:>9,}  {one.found:>9,}  {there:>9}"
        yield line.rstrip() if one.is_equal else f"{line}  different"
        if one.missing:
            yield f"    missing, such as: {'; '.join(one.missing)}"


def _report(
    outcomes: list[Outcome], as_json: bool, elsewhere: Sequence[LeftOutCount] = ()
) -> None:
    from alembic_neo4j.ingest.transfer import listed

    if as_json:
        rows = [
            {"id": o.id, "state": o.state, "error": o.error, **o.details}
            for o in outcomes
        ]
        print_json({"graphs": rows, "left_out": [asdict(one) for one in elsewhere]})
    elif elsewhere:
        click.echo(f"Left out of every graph: {listed(elsewhere)}", err=True)
    failed = [outcome.id for outcome in outcomes if outcome.state == "failed"]
    if failed:
        click.echo(
            f"{len(failed):,} of {len(outcomes):,} graphs failed: {', '.join(failed)}",
            err=True,
        )
        sys.exit(2)
    if any(outcome.state == "different" for outcome in outcomes):
        sys.exit(1)
