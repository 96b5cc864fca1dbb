"""What revisions have archived and marked, in the graph of a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from alembic_neo4j.command.verb_run import run_recorded, verb_step
from alembic_neo4j.cypher.steps import Step
from alembic_neo4j.errors import LedgerError
from alembic_neo4j.graph.archives import Archive, find_archives, purging, restoring
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.migration.session import Session
from alembic_neo4j.schema.changes import OnConflict

Archives: TypeAlias = "Sequence[Archive]"


def archives(
    session: Session,
    revision: str | None = None,
    name: str | None = None,
    *,
    marks: bool = True,
) -> list[Archive]:
    """Return what is archived: all of it, or by one revision, or of one property of it.

    With `marks` those of the revisions are among it. A revision may be given by the
    beginning of its id. Raises LedgerError where it has archived nothing, or several
    begin like that.
    """
    known = [script.revision for script in session.script.walk_revisions()]
    found = [
        archive
        for archive in find_archives(session.graph, known)
        if marks or archive.mark is None
    ]
    chosen = [
        archive
        for archive in found
        if archive.revision.startswith(revision or "") and name in (None, archive.name)
    ]
    if revision is None:
        return chosen
    revisions = sorted({archive.revision for archive in chosen})
    if len(revisions) == 1:
        return chosen
    what = f"{name!r} of {revision}" if name else revision
    there = ", ".join(sorted({f"{a.name!r} of {a.revision}" for a in found}))
    raise LedgerError(
        f"expected one revision that has archived {what}, found "
        f"{', '.join(revisions) or 'none'}; archived is {there or 'nothing'}. Nothing "
        "was changed"
    )


def restore_archives(
    session: Session, chosen: Archives, on_conflict: OnConflict
) -> None:
    """Bring archived values back; raises CheckFailed where there are others meanwhile.

    It may be killed and called again.
    """
    _carry_out(
        session,
        "archive restore",
        chosen,
        lambda archive: restoring(archive, on_conflict),
    )


def purge_archives(session: Session, chosen: Archives) -> None:
    """Remove archived values for good; it may be killed and called again."""
    _carry_out(session, "archive purge", chosen, purging)


def _carry_out(
    session: Session,
    verb: str,
    chosen: Archives,
    steps: Callable[[Archive], list[Step]],
) -> None:
    # All labels at once: what is archived under one name is one change.
    once = {(a.key, a.entity): a for a in chosen}

    def act(runner: GraphRunner) -> None:
        for archive in once.values():
            runner.add(steps(archive))

    about = [_about(archive) for archive in once.values()]
    step = verb_step(verb, chosen[0].revision, *about)
    run_recorded(session, step, act, repeatable=True)


def _about(archive: Archive) -> list[Any]:
    return [archive.revision, archive.name, archive.entity, archive.mark]
