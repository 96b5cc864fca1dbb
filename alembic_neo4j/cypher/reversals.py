"""The marks that an upgrade leaves in batches, and the changes that go by them.

What was there before is marked by a step of its own, which is over before the change
begins: afterwards the two look the same. On the way back the marked ones are left
alone by the change, and their marks come off when that is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alembic_neo4j.cypher import data_changes, data_checks
from alembic_neo4j.cypher.data_changes import (
    Mark,
    Rewrite,
    archive_name,
    batched,
    both,
    unmark,
)
from alembic_neo4j.cypher.patterns import (
    Scope,
    enclosed,
    nodes,
    refuse_own,
    relationships,
)
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import Batched, Check, Step
from alembic_neo4j.schema.changes import (
    AddLabel,
    RemoveLabel,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
)


def same(value: str, other: str) -> str:
    """Return the predicate that two values are one, and neither is missing.

    Not a number is the same as not a number.
    """
    nan = f"{value} <> {value} AND {other} <> {other}"
    return f"coalesce({value} = {other} OR ({nan}), false)"


# Labels and types ----------------------------------------------------------------


def lacked(change: AddLabel | RemoveLabel, revision: str) -> str:
    """Return the mark of the nodes that lack a label which others lose."""
    name = change.added if isinstance(change, AddLabel) else change.removed
    return Mark.LACKED.of(revision, change.label, name)


def remember_lacking(change: RemoveLabel, revision: str) -> Batched:
    """Mark the nodes that lack the label before others lose it."""
    mark = lacked(change, revision)
    return _remembered(
        nodes(change.label),
        mark,
        f"NOT n:{quote(change.removed)}",
        title=f"remember (:{change.label}) without the label {change.removed}",
        batch_size=change.batch_size,
    )


def given_bases(revision: str, old: str, new: str) -> str:
    """Return the mark that lists the labels of bases which a change has given."""
    return Mark.LABELLED.of(revision, old, new, "bases")


def take_label_back(change: RemoveLabel, revision: str) -> Batched:
    """Take a label off the nodes that the upgrade has given it, and those of bases."""
    refuse_own(change.removed)
    mark = f"n.{quote(Mark.LABELLED.of(revision, change.removed))}"
    bases = f"n.{quote(given_bases(revision, change.label, change.removed))}"
    return batched(
        f"take the label {change.removed} back from {change.label}",
        Rewrite.within(
            nodes(change.label),
            f"({mark} IS NOT NULL OR {bases} IS NOT NULL)",
            f"{_without(bases)}\n"
            f"FOREACH (_ IN CASE WHEN {mark} IS NULL THEN [] ELSE [1] END | "
            f"REMOVE n:{quote(change.removed)})\nREMOVE {mark}, {bases}",
            where=change.where,
        ),
        batch_size=change.batch_size,
    )


def _without(mark: str) -> str:
    """Return the clause that takes the labels off which a mark lists."""
    return f"FOREACH (label IN coalesce({mark}, []) | REMOVE n:$(label))"


def rename_marks(
    change: RenameLabel, new: Sequence[str], old: Sequence[str], revision: str
) -> dict[str, Sequence[str]]:
    """Return the marks of a rename, each with the labels that a node may lack.

    `new` are the labels that come with the new one, `old` those with the old one.
    """
    marks = {given_bases(revision, change.old, change.new): new}
    marks[_lacked_bases(revision, change.old, change.new)] = old
    return {mark: labels for mark, labels in marks.items() if labels}


def _lacked_bases(revision: str, old: str, new: str) -> str:
    return Mark.LACKED.of(revision, old, new, "bases")


def rename_back(
    change: RenameLabel, bases: Sequence[str], revision: str
) -> Iterable[Step]:
    """Rename what the upgrade has renamed, and take off what came with the new label.

    What has been made since gets the labels of `bases` too; what lacked some of them
    lacks them again.
    """
    refuse_own(change.new)
    lacked = f"n.{quote(_lacked_bases(revision, change.new, change.old))}"
    sets = f"SET n:{quote(change.new)} REMOVE n:{quote(change.old)}"
    if bases:
        sets = (
            f"FOREACH (label IN [label IN $bases WHERE NOT label IN "
            f"coalesce({lacked}, [])] | SET n:$(label))\n{sets}"
        )
    yield batched(
        f"rename the label {change.old} to {change.new}",
        Rewrite.within(
            nodes(change.old),
            f"n.{quote(kept_name(change, revision))} IS NULL",
            sets,
            parameters={"bases": list(bases)} if bases else {},
            where=change.where,
        ),
        batch_size=change.batch_size,
    )
    yield from _unmark_label(change, revision)
    given = f"n.{quote(given_bases(revision, change.new, change.old))}"
    yield batched(
        f"take back the labels that (:{change.new}) got with {change.old}",
        Rewrite.within(
            nodes(change.new),
            f"({given} IS NOT NULL OR {lacked} IS NOT NULL)",
            f"{_without(given)}\nREMOVE {given}, {lacked}",
        ),
        batch_size=change.batch_size,
    )


def kept_name(change: RenameLabel | RenameRelationshipType, revision: str) -> str:
    """Return the mark of what has the new name before others get it."""
    names = (change.new, change.old) if change.undo else (change.old, change.new)
    return Mark.KEPT.of(revision, *names)


def remember_label(change: RenameLabel, revision: str) -> Batched:
    """Mark the nodes that have the new label, and tell which have the old one too."""
    return _remembered(
        nodes(change.new),
        kept_name(change, revision),
        value=f"(n:{quote(change.old)})",
        title=f"remember (:{change.new}) that is there already",
        batch_size=change.batch_size,
    )


def _unmark_label(change: RenameLabel, revision: str) -> Iterable[Step]:
    """Give nodes that had both labels both again, and take the marks off."""
    mark = f"n.{quote(kept_name(change, revision))}"
    yield batched(
        f"bring back the label {change.new} of (:{change.old})",
        Rewrite.within(
            nodes(change.old),
            f"{mark} = true",
            f"SET n:{quote(change.new)} REMOVE {mark}",
        ),
        batch_size=change.batch_size,
    )
    yield unmark(nodes(change.old), kept_name(change, revision))


def remember_type(change: RenameRelationshipType, revision: str) -> Batched:
    """Mark the relationships that are of the new type already."""
    return _remembered(
        relationships(change.new),
        kept_name(change, revision),
        title=f"remember [:{change.new}] that is there already",
        batch_size=change.batch_size,
    )


def kept_direction(change: ReverseRelationships, revision: str) -> str:
    """Return the mark of what leads in the new direction before others do."""
    ends = (change.source, change.target)
    source, target = reversed(ends) if change.undo else ends
    return Mark.KEPT.of(revision, source, change.type, target)


def remember_direction(change: ReverseRelationships, revision: str) -> Iterable[Step]:
    """Mark the relationships that lead in the new direction, and not in the old one.

    There are none between nodes of one label.
    """
    if change.source == change.target:
        return
    source, target = quote(change.source), quote(change.target)
    mark = f"r.{quote(kept_direction(change, revision))}"
    yield batched(
        f"remember {change.target}-[{change.type}]->{change.source} that is there "
        "already",
        Rewrite.within(
            relationships(change.type),
            f"s <> e AND NOT (s:{source} AND e:{target}) AND {mark} IS NULL",
            f"SET {mark} = true",
            pattern=f"(s:{target})-[r:{quote(change.type)}]->(e:{source})",
            imported="r",
        ),
        batch_size=change.batch_size,
        only_marks=True,
    )


# Properties ----------------------------------------------------------------------


def filled(revision: str, name: str) -> str:
    """Return the mark that holds the value which a revision filled in."""
    return Mark.FILLED.of(revision, name)


def take_values_back(scope: Scope, name: str, revision: str) -> Batched:
    """Remove the values that the upgrade filled in and nobody has changed since."""
    value, mark = scope.value(name), scope.value(filled(revision, name))
    return batched(
        f"take back what {name} of {scope} was filled in with",
        Rewrite.within(
            scope,
            f"{mark} IS NOT NULL",
            f"SET {value} = CASE WHEN NOT {same(value, mark)} THEN {value} END "
            f"REMOVE {mark}",
        ),
    )


def kept_value(change: RenameProperty, revision: str) -> str:
    """Return the mark of what has a value of the new name, and none of the old one."""
    names = (change.new, change.old) if change.undo else (change.old, change.new)
    return Mark.KEPT.of(revision, change.owner, *names)


def remember_value(change: RenameProperty, revision: str) -> Batched:
    """Mark what has the new name's value, and is not going to be renamed."""
    scope = Scope(change.entity, (change.owner,))
    old, new = scope.value(change.old), scope.value(change.new)
    stays = f"{old} IS NULL"
    if change.where is not None:
        stays = f"({stays} OR NOT coalesce({enclosed(change.where)}, false))"
    return _remembered(
        scope,
        kept_value(change, revision),
        f"{new} IS NOT NULL AND {stays}",
        title=f"remember {change.new} of {scope} that is there already",
        batch_size=change.batch_size,
    )


def hidden(change: RenameProperty, revision: str) -> str | None:
    """Return where the value goes that a rename would lose, if it would lose one."""
    if change.on_conflict == "fail":
        return None
    lost = change.old if change.on_conflict == "keep" else change.new
    return archive_name(revision, lost)


def conflicts(change: RenameProperty, revision: str) -> Iterable[Check]:
    """Return the checks for what has got a value of the old name since the upgrade."""
    scope = Scope(change.entity, (change.owner,))
    lost = archive_name(revision, change.new)
    if change.on_conflict == "fail":
        untouched = f"{_untouched(change, revision)} AND {scope.value(lost)} IS NULL"
        yield data_checks.both_present(
            *(scope, change.old, change.new, untouched),
            advice="The old name has got these values since the upgrade: remove one "
            'of the two, or say on_conflict="overwrite" or "keep".',
        )
    yield data_checks.both_present(
        *(scope, lost, change.new, f"{scope.value(lost)} IS NOT NULL"),
        advice=f"The archived values of {change.new!r} come back, and these entities "
        "have got others meanwhile: remove one of the two.",
    )


def undo_rename(change: RenameProperty, revision: str) -> Iterable[Step]:
    """Rename what the upgrade has renamed, and bring back what that has hidden."""
    scope = Scope(change.entity, (change.owner,))
    old, new = scope.value(change.new), scope.value(change.old)
    kept = scope.value(kept_value(change, revision))
    lost_old = scope.value(archive_name(revision, change.new))
    lost_new = scope.value(archive_name(revision, change.old))
    yield data_changes.move_property(
        *(scope, change.old, change.new),
        among=f"{_untouched(change, revision)} AND {lost_old} IS NULL "
        f"AND {lost_new} IS NULL",
        on_conflict=change.on_conflict,
        batch_size=change.batch_size,
    )
    # Again after it: what was written meanwhile is left alone, and not hidden.
    yield from conflicts(change, revision)
    yield batched(
        f"bring back {change.new} and {change.old} of {scope} as they were",
        Rewrite.within(
            scope,
            f"({kept} IS NOT NULL OR {lost_old} IS NOT NULL OR {lost_new} IS NOT NULL)",
            f"WITH *, CASE WHEN {lost_old} IS NOT NULL THEN {lost_old} "
            f"WHEN {lost_new} IS NOT NULL THEN {new} ELSE {old} END AS before, "
            f"coalesce({lost_new}, {new}) AS after "
            f"SET {old} = before, {new} = after "
            f"REMOVE {kept}, {lost_old}, {lost_new}",
        ),
        batch_size=change.batch_size,
    )


def _untouched(change: RenameProperty, revision: str) -> str:
    """What holds for an entity whose value the upgrade may have renamed."""
    scope = Scope(change.entity, (change.owner,))
    kept = scope.value(kept_value(change, revision))
    there = f"{scope.value(change.old)} IS NOT NULL AND {kept} IS NULL"
    return both(there, change.where)


# ---------------------------------------------------------------------------------


def _remembered(
    scope: Scope,
    mark: str,
    left: str = "",
    *,
    value: str = "true",
    title: str,
    batch_size: int | None,
) -> Batched:
    unmarked = f"{scope.value(mark)} IS NULL"
    return batched(
        title,
        Rewrite.within(
            scope,
            f"{left} AND {unmarked}" if left else unmarked,
            f"SET {scope.value(mark)} = {value}",
        ),
        batch_size=batch_size,
        only_marks=True,
    )
