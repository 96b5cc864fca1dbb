"""Data changes as batches: what is left to do, and the same as one statement.

Each is safe to run again, on the same ids or from the start. Where the data do not
tell what has been done, as after a conversion that keeps the type, the entity gets a
mark in the same write, and a second change takes the marks off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from alembic_neo4j.cypher.patterns import (
    Scope,
    enclosed,
    nodes,
    refuse_own,
    relationships,
)
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import DEFAULT_BATCH_SIZE, Batched
from alembic_neo4j.schema.changes import OnConflict

# A change of nodes or relationships, as the texts that carry it out in batches --------


@dataclass(frozen=True)
class Rewrite:
    """What is changed: what is matched, what of it is left to do, and the change.

    `match` is one MATCH or several, and `variable` what they call the entity; where
    they may find it more than once, it `repeats`. `change` begins with one row for each
    entity and keeps it, and may use the variables in `imported`. With an `extent`, the
    pattern of all that there may be to look at, ids that lie close together are walked
    through.
    """

    match: str
    variable: str
    left: str
    change: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    imported: str = ""
    repeats: bool = False
    extent: str = ""

    @classmethod
    def within(
        cls,
        scope: Scope,
        left: str,
        change: str,
        *,
        pattern: str = "",
        imported: str = "",
        parameters: Mapping[str, Any] | None = None,
        where: str | None = None,
    ) -> Rewrite:
        """Return the rewrite of a scope, by its own pattern or a more exact one.

        `where` is a person's predicate, which narrows down what is `left`.
        """
        return cls(
            f"MATCH {pattern or scope.pattern}",
            scope.variable,
            both(left, where),
            change,
            parameters or {},
            imported,
            extent=scope.pattern,
        )


def batched(
    title: str,
    rewrite: Rewrite,
    *,
    usual: int = DEFAULT_BATCH_SIZE,
    batch_size: int | None = None,
    done: str = "changed",
    only_marks: bool = False,
) -> Batched:
    """Return the change in batches, safe to run again from the start.

    `batch_size` is a person's, `usual` what it is without one.
    """
    match, left, variable = rewrite.match, rewrite.left, rewrite.variable
    rest = left and f" AND {left}"
    once = f"DISTINCT {variable}" if rewrite.repeats else ""
    # Deprecated since 5.0 and understood by Cypher 5 and 25: only an internal id has
    # ranges, and keeps the order of a scan.
    id_ = f"id({variable})"
    return Batched(
        title,
        select=_lines(
            match,
            f"WHERE {id_} > $after{rest}",
            f"WITH {once or variable} ORDER BY {variable} LIMIT $limit",
            f"RETURN collect({id_}) AS ids",
        ),
        write=_lines(
            match,
            f"WHERE {id_} IN $ids{rest}",
            once and f"WITH {once}",
            rewrite.change,
            "RETURN count(*) AS changed",
        ),
        offline=_lines(
            match,
            left and f"WHERE {left}",
            once and f"WITH {once}",
            f"CALL ({rewrite.imported or variable}) {{",
            *(f"  {line}" for line in rewrite.change.splitlines()),
            f"}} IN TRANSACTIONS OF {batch_size or usual} ROWS",
        ),
        parameters=rewrite.parameters,
        batch_size=usual,
        chosen_size=batch_size,
        done=done,
        only_marks=only_marks,
        extent=rewrite.extent and extent(rewrite.extent, variable),
        walk=rewrite.extent
        and _lines(
            match,
            f"WHERE {id_} IN range($first, $last){rest}",
            f"WITH {once or '*'}, {id_} AS _id ORDER BY _id LIMIT $size",
            rewrite.change,
            "RETURN count(*) AS changed, max(_id) AS last",
        ),
        count=_lines(
            match,
            left and f"WHERE {left}",
            f"RETURN count({once or '*'}) AS count",
        ),
    )


def extent(pattern: str, variable: str) -> str:
    """Return the query for how many a pattern finds, and their first and last id."""
    found, id_ = f"MATCH {pattern} RETURN", f"id({variable})"
    return (
        f"{found} count(*) AS value\n"
        f"UNION ALL {found} {id_} AS value ORDER BY {variable} LIMIT 1\n"
        f"UNION ALL {found} {id_} AS value ORDER BY {variable} DESC LIMIT 1"
    )


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def both(predicate: str, where: str | None) -> str:
    """Return a predicate, narrowed down by a person's where there is one."""
    if where is None:
        return predicate
    return f"{predicate} AND {enclosed(where)}" if predicate else enclosed(where)


# The marks by which a downgrade knows what its upgrade wrote, and what was there ------


MARK_PREFIX = "_alembic_mark_"

DONE_PREFIX = "_alembic_done_"
"""How the marks begin by which a change knows what it has done; they go with it."""


def is_mark(name: str) -> str:
    """Return the predicate that a property, by an expression for its name, is a mark.

    Archived values and names of batches are none: they are data that may not get lost.
    """
    return f"({name} STARTS WITH '{MARK_PREFIX}' OR {name} STARTS WITH '{DONE_PREFIX}')"


def alike(first: str, second: str) -> str:
    """Return the predicate that two entities have the same properties, marks aside."""
    return (
        f"all(name IN keys({first}) + keys({second}) WHERE {is_mark('name')} "
        f"OR coalesce({first}[name] = {second}[name], false))"
    )


def united(stays: str, maps: str) -> str:
    """Return the clauses that leave the marks to what stays that hold for all of it.

    `maps` are the properties of all that it is made of. What was there before in one of
    them was there before; what a revision has written is so only where it wrote all.
    What a change that is under way has marked is left to that.
    """
    kept = f"name STARTS WITH '{Mark.KEPT.prefix}'"
    return (
        f"FOREACH (name IN [name IN keys({stays}) WHERE "
        f"name STARTS WITH '{MARK_PREFIX}' AND NOT {kept} "
        f"AND any(map IN {maps} WHERE map[name] IS NULL)] | "
        f"SET {stays}[name] = null)\n"
        f"FOREACH (map IN {maps} | FOREACH (name IN [name IN keys(map) WHERE {kept} "
        f"AND {stays}[name] IS NULL] | SET {stays}[name] = map[name]))"
    )


class Mark(Enum):
    """What a mark tells of the node or relationship that it is a property of.

    FILLED holds the value that a revision filled in, CONVERTED the one that its
    conversion gave, beside the archived original. LABELLED is on a node that got a
    label, LACKED on one that was without the label which others lost. KEPT is on what
    had the new name, type or direction before others got it: for a conversion it holds
    the value, for a label it is true where the node had the old one besides.
    """

    FILLED = "filled"
    CONVERTED = "converted"
    LABELLED = "labelled"
    LACKED = "lacked"
    KEPT = "kept"

    def of(self, revision: str, *names: str) -> str:
        """Return the property that is the mark; `names` say what it is about."""
        return f"{self.prefix}{revision}_{'.'.join(names)}"

    @property
    def prefix(self) -> str:
        """How the names of its properties begin."""
        return f"{MARK_PREFIX}{self.value}_"


# Data changes as batches: what is left to do, and the same as one statement -----------


RELATIONSHIP_BATCH_SIZE = 5_000
"""How many relationships are created anew at once; they weigh more than a property."""


ARCHIVE_PREFIX = "_alembic_archive_"


def archive_name(revision: str, name: str) -> str:
    """Return the property that holds the values that a revision removed.

    It is on the entity itself: moving a value there is atomic in each batch, keeps
    the entity's identity, and bringing it back needs no join.
    """
    return f"{ARCHIVE_PREFIX}{revision}_{name}"


def mark_name(revision: str, name: str) -> str:
    """Return the property that tells which entities a revision has done already."""
    return f"{DONE_PREFIX}{revision}_{name}"


def add_labels(
    label: str,
    added: Sequence[str],
    *,
    mark: str | None = None,
    bases_mark: str | None = None,
    unless: str | None = None,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Give further labels to the nodes with a label.

    Where they lack the first they get the `mark` with it, and `bases_mark` with those
    of the others that they lack; what has the mark `unless` stays as it is.
    """
    for name in added:
        refuse_own(name)
    labels = _joined(added)
    word = "label" if len(added) == 1 else "labels"
    sets = []
    if mark is not None:
        marked = f"n.{quote(mark)}"
        lacking = f"CASE WHEN n:{quote(added[0])} THEN {marked} ELSE true END"
        sets.append(f"{marked} = {lacking}")
    bases = {"bases": list(added[1:])} if bases_mark and added[1:] else {}
    if bases_mark and bases:
        sets.append(_lacking(bases_mark, "bases"))
    left = _unless(nodes(label), unless, f"NOT n{labels}")
    return batched(
        f"add the {word} {', '.join(added)} to {label}",
        Rewrite.within(
            *(nodes(label), left, f"SET {', '.join((*sets, f'n{labels}'))}"),
            parameters=bases,
            where=where,
        ),
        batch_size=batch_size,
    )


def _lacking(mark: str, bases: str) -> str:
    """Return what sets a mark to those labels of a parameter that a node lacks."""
    # Of two changes the one that gives a label has to take it back.
    lacking = f"[label IN ${bases} WHERE NOT label IN labels(n)]"
    marked = f"n.{quote(mark)}"
    return f"{marked} = CASE {lacking} WHEN [] THEN {marked} ELSE {lacking} END"


def remove_label(
    label: str, removed: str, *, where: str | None = None, batch_size: int | None = None
) -> Batched:
    """Take a label off the nodes with another one."""
    refuse_own(removed)
    change = f"REMOVE n:{quote(removed)}"
    return batched(
        f"remove the label {removed} from {label}",
        Rewrite.within(nodes(label), f"n:{quote(removed)}", change, where=where),
        batch_size=batch_size,
    )


def rename_label(
    old: str,
    new: Sequence[str],
    *,
    marks: Mapping[str, Sequence[str]] | None = None,
    unless: str | None = None,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Give the nodes with a label another one in its place, and those of its bases.

    Each of the `marks` is set to those of its labels that a node lacks. What has the
    mark `unless` stays as it is.
    """
    for name in new:
        refuse_own(name)
    sets, parameters = [], {}
    for number, (mark, labels) in enumerate((marks or {}).items()):
        parameters[f"bases_{number}"] = list(labels)
        sets.append(_lacking(mark, f"bases_{number}"))
    change = f"SET {', '.join((*sets, f'n{_joined(new)}'))} REMOVE n:{quote(old)}"
    left = _unless(nodes(old), unless)
    return batched(
        f"rename the label {old} to {new[0]}",
        Rewrite.within(*(nodes(old), left, change), parameters=parameters, where=where),
        batch_size=batch_size,
    )


def _joined(labels: Sequence[str]) -> str:
    return "".join(f":{quote(label)}" for label in labels)


def rename_type(
    old: str,
    new: str,
    *,
    unless: str | None = None,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Replace each relationship of a type by one of another with the same ends.

    What has the mark `unless` stays as it is.
    """
    return batched(
        f"rename the relationship type {old} to {new}",
        Rewrite.within(
            relationships(old),
            _unless(relationships(old), unless),
            replaced(f"(s)-[copy:{quote(new)}]->(e)"),
            pattern=f"(s)-[r:{quote(old)}]->(e)",
            imported="s, r, e",
            where=where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        batch_size=batch_size,
    )


def reverse(
    source: str,
    type_: str,
    target: str,
    *,
    mark: str,
    unless: str | None = None,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Turn round the relationships of a type that lead from a label to another.

    What has been turned round can't be told from what has not, at the least where
    source and target are the same; therefore the new relationship is marked. One that
    begins and ends at the same node stays as it is, and so does what has the mark
    `unless`.
    """
    for label in (source, target):
        refuse_own(label)
    ends = (f"(s:{quote(source)})", f"(e:{quote(target)})")
    return batched(
        f"turn round {source}-[{type_}]->{target}",
        Rewrite.within(
            relationships(type_),
            _unless(
                relationships(type_), unless, f"s <> e AND r.{quote(mark)} IS NULL"
            ),
            replaced(f"(e)-[copy:{quote(type_)}]->(s)")
            + f" SET copy.{quote(mark)} = true",
            pattern=f"{ends[0]}-[r:{quote(type_)}]->{ends[1]}",
            imported="s, r, e",
            where=where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        batch_size=batch_size,
    )


def remove_property(scope: Scope, name: str, *, title: str = "") -> Batched:
    """Remove a property and its values."""
    value = scope.value(name)
    return batched(
        title or f"remove {name} from {scope}",
        Rewrite.within(scope, f"{value} IS NOT NULL", f"REMOVE {value}"),
    )


def unmark(scope: Scope, mark: str) -> Batched:
    """Take off the marks that a change has left on what it has done."""
    return remove_property(scope, mark, title=f"take the marks off {scope}")


def move_property(
    scope: Scope,
    old: str,
    new: str,
    *,
    among: str,
    on_conflict: OnConflict = "overwrite",
    hidden: str | None = None,
    batch_size: int | None = None,
    title: str = "",
) -> Batched:
    """Move the values of a property to another name.

    `among` is a predicate that narrows the scope. Where both names have a value,
    "fail" leaves the entity as it is, "overwrite" takes the old name's value, "keep"
    the new name's; the other one goes to the property `hidden`, if that is given.
    """
    source, goal = scope.value(old), scope.value(new)
    left = f"{among} AND {goal} IS NULL" if on_conflict == "fail" else among
    sets = []
    if on_conflict == "keep":
        if hidden is not None:
            lost = f"CASE WHEN {goal} IS NOT NULL THEN {source} END"
            sets.append(f"{scope.value(hidden)} = {lost}")
        sets.append(f"{goal} = coalesce({goal}, {source})")
    else:
        if hidden is not None and on_conflict == "overwrite":
            sets.append(f"{scope.value(hidden)} = {goal}")
        sets.append(f"{goal} = {source}")
    return batched(
        title or f"rename {old} to {new} on {scope}",
        Rewrite.within(scope, left, f"SET {', '.join(sets)} REMOVE {source}"),
        batch_size=batch_size,
    )


def set_default(scope: Scope, name: str, value: Any, *, mark: str) -> Batched:
    """Set a property, and its mark, to a value where it is missing."""
    operand = scope.value(name)
    return batched(
        f"set {name} of {scope} to its default",
        Rewrite.within(
            scope,
            f"{operand} IS NULL",
            f"SET {operand} = $value, {scope.value(mark)} = $value",
            parameters={"value": list(value) if isinstance(value, tuple) else value},
        ),
    )


def fill(
    scope: Scope,
    name: str,
    expression: str,
    *,
    mark: str | None = None,
    where: str | None = None,
    batch_size: int | None = None,
) -> Batched:
    """Set a property by an expression where it is missing and that gives a value.

    With a `mark` the value is written to that as well.
    """
    operand, given = scope.value(name), enclosed(expression)
    change = f"SET {operand} = {given}"
    if mark is not None:
        # Once: another call of randomUUID() would give another value.
        change = (
            f"WITH *, {given} AS value "
            f"SET {operand} = value, {scope.value(mark)} = value"
        )
    return batched(
        f"set {name} of {scope} where it is missing",
        Rewrite.within(
            scope,
            f"{operand} IS NULL AND {given} IS NOT NULL",
            change,
            where=where,
        ),
        batch_size=batch_size,
    )


def _unless(scope: Scope, mark: str | None, left: str = "") -> str:
    absent = "" if mark is None else f"{scope.value(mark)} IS NULL"
    return " AND ".join(filter(None, (left, absent)))


def replaced(created: str) -> str:
    """Return what puts a relationship called ``copy`` in the place of ``r``."""
    # Deleted before its copy is created: the copy has the same unique values.
    return (
        f"WITH *, properties(r) AS properties DELETE r "
        f"CREATE {created} SET copy = properties"
    )
