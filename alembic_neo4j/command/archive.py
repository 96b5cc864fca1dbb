"""What revisions have archived and marked, in the graph of a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from alembic.config import Config

from alembic_neo4j.command.inspection import in_session
from alembic_neo4j.command.verb_run import run_recorded, verb_step
from alembic_neo4j.cypher.steps import Step
from alembic_neo4j.errors import LedgerError
from alembic_neo4j.graph.archives import Archive, find_archives, purging, restoring
from alembic_neo4j.migration.run import GraphRunner
from alembic_neo4j.migration.session import Session
from alembic_neo4j.schema.changes import OnConflict

Archives: TypeAlias = "Sequence[Archive]"
Confirm: TypeAlias = "Callable[[Archives], None]"


@dataclass(frozen=True)
class Choice:
    """What is meant of all that is archived: by one revision, and of one property.

    With `marks` those of the revisions are among it. A revision may be given by the
    beginning of its id.
    """

    revision: str | None = None
    name: str | None = None
    marks: bool = True


def read_archives(config: Config) -> Archives:
    """Return all that is archived, and the marks."""
    return in_session(config, lambda session: _archives(session, Choice()))


def _archives(session: Session, choice: Choice) -> Archives:
    """Return what is meant; raises LedgerError where that is not one revision's."""
    revision, name = choice.revision, choice.name
    known = [script.revision for script in session.script.walk_revisions()]
    found = [
        archive
        for archive in find_archives(session.graph, known)
        if choice.marks or archive.mark is None
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
    config: Config, choice: Choice, on_conflict: OnConflict, *, confirm: Confirm
) -> Archives:
    """Bring archived values back; raises CheckFailed where there are others meanwhile.

    It may be killed and called again. `confirm` is called with what is going to be,
    which is returned; what it raises ends that.
    """

    def act(session: Session) -> Archives:
        confirm(chosen := _archives(session, choice))
        restored = partial(restoring, on_conflict=on_conflict)
        _carry_out(session, "archive restore", chosen, restored)
        return chosen

    return in_session(config, act)


def purge_archives(config: Config, choice: Choice, *, confirm: Confirm) -> Archives:
    """Remove archived values for good (see restore_archives)."""

    def act(session: Session) -> Archives:
        confirm(chosen := _archives(session, choice))
        _carry_out(session, "archive purge", chosen, purging)
        return chosen

    return in_session(config, act)


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
