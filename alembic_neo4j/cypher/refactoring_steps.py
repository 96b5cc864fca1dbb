"""The steps that carry out a refactoring: what is checked, and changed in batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import singledispatch

from alembic_neo4j.cypher import data_changes, data_checks
from alembic_neo4j.cypher.data_changes import (
    RELATIONSHIP_BATCH_SIZE,
    Rewrite,
    alike,
    archive_name,
    batched,
    both,
    is_mark,
    mark_name,
    united,
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
from alembic_neo4j.cypher.refactoring_reversals import Between, TextAndParts
from alembic_neo4j.cypher.steps import Batched, Check, Merge, Step
from alembic_neo4j.errors import SchemaError
from alembic_neo4j.schema.changes import (
    BackfillProperty,
    ConvertProperty,
    CopyProperty,
    DeduplicateRelationships,
    DeleteNodes,
    DeleteRelationships,
    ExtractProperty,
    InlineNode,
    JoinProperties,
    MergeNodes,
    NodeToRelationship,
    NormalizeBoolean,
    Refactoring,
    RelationshipToNode,
    SplitProperty,
)
from alembic_neo4j.schema.definitions import EntityType, Schema


def steps(change: Refactoring, before: Schema, revision: str) -> Iterable[Step]:
    """Return what a refactoring asks of the server, its checks first.

    `before` is the schema at that time, `revision` names marks and archived values.
    Raises SchemaError where it contradicts itself.
    """
    return _steps(change, before, revision)


@singledispatch
def _steps(change: Refactoring, _before: Schema, _revision: str) -> Iterable[Step]:
    raise TypeError(f"not a refactoring that can be carried out: {change!r}")


# Properties ----------------------------------------------------------------------


@_steps.register(CopyProperty)
def _copy(change: CopyProperty, _before: Schema, _revision: str) -> Iterable[Step]:
    if change.old == change.new:
        return
    scope = Scope(change.entity, (change.owner,))
    source, goal = scope.value(change.old), scope.value(change.new)
    there = f"{source} IS NOT NULL"
    differs = f"{there} AND NOT coalesce({goal} = {source}, false)"
    if change.on_conflict == "fail":
        yield data_checks.both_present(
            *(scope, change.old, change.new, both(differs, change.where)),
            advice='Remove one of the two, or say on_conflict="overwrite" or "keep".',
        )
    overwrite = change.on_conflict == "overwrite"
    yield batched(
        f"copy {change.old} to {change.new} on {scope}",
        Rewrite.within(
            scope,
            differs if overwrite else f"{there} AND {goal} IS NULL",
            f"SET {goal} = {source}",
            where=change.where,
        ),
        batch_size=change.batch_size,
    )


@_steps.register(BackfillProperty)
def _backfill(
    change: BackfillProperty, _before: Schema, _revision: str
) -> Iterable[Step]:
    scope = Scope(change.entity, (change.owner,))
    yield data_changes.fill(
        *(scope, change.name, change.expression),
        where=change.where,
        batch_size=change.batch_size,
    )


@_steps.register(ConvertProperty)
def _convert(change: ConvertProperty, _before: Schema, revision: str) -> Iterable[Step]:
    scope = Scope(change.entity, (change.owner,))
    value, given = scope.value(change.name), enclosed(change.using)
    mark = mark_name(revision, change.name)
    marked = f"{scope.value(mark)} = true"
    left = f"{value} IS NOT NULL AND {scope.value(mark)} IS NULL"
    written = f"{value} = {given}"
    if change.on_failure == "fail":
        yield data_checks.not_converted(
            scope, change.name, both(left, change.where), given
        )
    elif change.on_failure == "keep":
        written = f"{value} = coalesce({given}, value)"
    elif change.on_failure == "archive":
        archive = scope.value(archive_name(revision, change.name))
        unconverted = f"CASE WHEN {given} IS NULL THEN value END"
        written = f"{archive} = coalesce({unconverted}, {archive}), {written}"
    yield batched(
        f"convert {change.name} of {scope}",
        Rewrite.within(
            scope,
            left,
            f"WITH *, {value} AS value SET {written}, {marked}",
            where=change.where,
        ),
        batch_size=change.batch_size,
    )
    yield unmark(scope, mark)


@_steps.register(NormalizeBoolean)
def _normalize(
    change: NormalizeBoolean, _before: Schema, _revision: str
) -> Iterable[Step]:
    scope = Scope(change.entity, (change.owner,))
    value = scope.value(change.name)
    meant = {"true": change.true_values, "false": change.false_values}
    _refuse_ambiguous(change)
    cases = []
    for word, values in meant.items():
        tested = f"{value} IN ${word}_values"
        if None in values:
            tested += f" OR {value} IS NULL"
        cases.append((tested, word))
    any_of = " OR ".join(tested for tested, _ in cases)
    other = f"{value} IS NOT NULL AND NOT {value} IS :: BOOLEAN NOT NULL"
    left = f"NOT {value} IS :: BOOLEAN NOT NULL AND ({any_of})"
    if change.unmatched == "remove":
        left = f"(({other}) OR ({left}))"
    whens = " ".join(f"WHEN {tested} THEN {word}" for tested, word in cases)
    yield batched(
        f"normalise {change.name} of {scope}",
        Rewrite.within(
            scope,
            left,
            f"SET {value} = CASE {whens} END",
            parameters={
                f"{word}_values": [v for v in values if v is not None]
                for word, values in meant.items()
            },
            where=change.where,
        ),
        batch_size=change.batch_size,
    )
    if change.unmatched == "keep":
        yield data_checks.reported(
            *(scope, value, both(other, change.where)),
            text=f"{change.name!r} of {scope} stands neither for true nor for false",
            advice='Name these values, or say unmatched="remove".',
        )


def _refuse_ambiguous(change: NormalizeBoolean) -> None:
    # In Python 1 is True and 1.0 is 1; in Cypher only the latter.
    keys = [
        {(isinstance(value, bool), value) for value in values}
        for values in (change.true_values, change.false_values)
    ]
    twice = [value for _, value in keys[0] & keys[1]]
    if twice:
        raise SchemaError(
            f"op.{change.operation}: {twice[0]!r} stands for true and for false; name "
            "it in one of the two"
        )
    if not any(keys):
        raise SchemaError(
            f"op.{change.operation}: no value stands for true or for false; give "
            "true_values or false_values"
        )


@_steps.register(SplitProperty)
def _split(change: SplitProperty, _before: Schema, revision: str) -> Iterable[Step]:
    parted = TextAndParts.of(change, revision)
    scope, value = parted.scope, parted.value
    if change.name in change.into:
        raise SchemaError(
            f"op.{change.operation}: {change.name!r} is split and can't be one of its "
            f"own parts; rename it first"
        )
    left = parted.is_whole
    if change.undo:
        left += f" AND {parted.unkept} AND {parted.unsettled}"
    for name in change.into:
        yield data_checks.both_present(
            *(scope, change.name, name, both(left, change.where)),
            advice=f"Remove one of the two, or split into another name than {name!r}.",
        )
    if not change.undo:
        yield parted.remember(
            *(parted.is_parted, left, change.where, change.batch_size)
        )
    assigned = ", ".join(f"{name} = {given}" for name, given in parted.given("parts"))
    gone = [value] if change.into else []
    gone += [parted.dropped] if change.undo else []
    yield batched(
        f"split {change.name} of {scope}",
        Rewrite.within(
            scope,
            left,
            f"WITH *, split({value}, $separator) AS parts SET {assigned}"
            + (f" REMOVE {', '.join(gone)}" if gone else ""),
            parameters={"separator": change.separator},
            where=change.where,
        ),
        batch_size=change.batch_size,
    )
    if change.undo:
        yield parted.bring_back(change.batch_size)
        yield parted.forget()


@_steps.register(JoinProperties)
def _join(change: JoinProperties, _before: Schema, revision: str) -> Iterable[Step]:
    parted = TextAndParts.of(change, revision)
    scope, goal = parted.scope, parted.value
    values = [scope.value(name) for name in change.names]
    left = parted.is_parted
    if change.undo:
        left += f" AND {parted.unkept}"
    if change.into in change.names:
        if len(change.names) > 1:
            raise SchemaError(
                f"op.{change.operation}: {change.into!r} is one of those that are "
                "joined; join into another name"
            )
    else:
        names = f"[{', '.join(values)}]"
        yield data_checks.taken(
            *(scope, change.into, names, both(left, change.where)),
            advice=f"Remove one of the two, or join into another name than "
            f"{change.into!r}.",
        )
    if not change.undo:
        yield parted.remember(*(parted.is_whole, left, change.where, change.batch_size))
    parts = (
        f"reduce(all = [], part IN [{', '.join(values)}] | all + coalesce(part, []))"
    )
    joined = (
        "reduce(text = null, part IN parts | "
        "coalesce(text + $separator, '') + toString(part))"
    )
    removed = ", ".join(value for value in values if value != goal)
    archived = "" if change.undo else f"{parted.archiving('joined')}\n"
    yield batched(
        f"join {', '.join(change.names)} of {scope}",
        Rewrite.within(
            scope,
            left,
            f"WITH *, {parts} AS parts WITH *, {joined} AS joined\n{archived}"
            f"SET {goal} = joined" + (f" REMOVE {removed}" if removed else ""),
            parameters={"separator": change.separator},
            where=change.where,
        ),
        batch_size=change.batch_size,
    )
    if change.undo:
        yield parted.forget()


# Nodes ---------------------------------------------------------------------------


@_steps.register(ExtractProperty)
def _extract(change: ExtractProperty, before: Schema, _revision: str) -> Iterable[Step]:
    refuse_own(change.target)
    scope = nodes(change.label)
    value = scope.value(change.name)
    property_ = quote(change.target_property or change.name)
    made = f"(made:{quote(change.target)} {{{property_}: value}})"
    left, right = _arrows(change.direction)
    verb = "MERGE" if change.merge else "CREATE"
    bases = before.labels_of(change.target)[1:]
    # One that is found may lack them as well.
    also = f"SET made{_labels(bases)} " if bases else ""
    # One row for each node stays one row: a list is gone through inside of it.
    listed = f"CASE WHEN {value} IS :: LIST<ANY> THEN {value} ELSE [{value}] END"
    yield batched(
        f"extract {change.name} of {scope} to (:{change.target})",
        Rewrite.within(
            scope,
            f"{value} IS NOT NULL",
            f"FOREACH (value IN {listed} | {verb} {made} {also}"
            f"{verb} (n){left}[:{quote(change.type)}]{right}(made)) REMOVE {value}",
            where=change.where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        batch_size=change.batch_size,
    )


@_steps.register(InlineNode)
def _inline(change: InlineNode, _before: Schema, _revision: str) -> Iterable[Step]:
    refuse_own(change.target)
    value = nodes(change.label).value(change.name)
    left, right = _arrows(change.direction)
    pattern = (
        f"(n:{quote(change.label)}){left}[r:{quote(change.type)}]{right}"
        f"(t:{quote(change.target)})"
    )
    given = f"t.{quote(change.target_property or change.name)}"
    where = f"\nWHERE {enclosed(change.where)}" if change.where else ""
    yield Check(
        f"MATCH {pattern}{where}\n"
        "WITH n, collect(DISTINCT r) AS found, "
        f"[{value}] + collect({given}) AS values\n"
        "WITH n, found, [v IN values WHERE v IS NOT NULL] AS values\n"
        "WHERE any(v IN values WHERE v <> values[0])\n"
        "RETURN values AS value, size(found) AS count, [elementId(n)] AS ids\nLIMIT 20",
        expected=f"(:{change.label}) gets one value for {change.name!r}",
        advice="Delete the relationships that are too much, or narrow down with where.",
    )
    yield batched(
        f"inline (:{change.target}) in {change.name} of (:{change.label})",
        Rewrite.within(
            relationships(change.type),
            "",
            f"SET {value} = coalesce({given}, {value}) DELETE r",
            pattern=pattern,
            imported="n, r, t",
            where=change.where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        batch_size=change.batch_size,
    )


@_steps.register(MergeNodes)
def _merge(change: MergeNodes, before: Schema, revision: str) -> Iterable[Step]:
    scope = nodes(change.label)
    _refuse_typed(change, before)
    gathered = {name: mark_name(revision, name) for name in change.listed}
    where = f"\nWHERE {enclosed(change.where)}" if change.where else ""
    order = f"{enclosed(change.order_by)}, n" if change.order_by else "n"
    alike = (
        f"MATCH {scope.pattern}{where}\n"
        f"WITH n, {enclosed(change.by)} AS same\n"
        "WHERE same IS NOT NULL\n"
    )
    members = (
        f"{alike}WITH n, same ORDER BY {order}\n"
        "WITH same, collect(n) AS members\nWHERE size(members) > 1\n"
    )
    if change.policy == "fail":
        yield Check(
            f"{members}UNWIND members AS n\nUNWIND keys(n) AS name\n"
            "WITH members, name, n[name] AS value\n"
            f"WHERE NOT name IN $settled AND NOT {is_mark('name')}\n"
            "WITH members, name, collect(DISTINCT value) AS values\n"
            "WHERE size(values) > 1\n"
            "WITH name, count(*) AS count, collect(members)[0] AS members\n"
            "RETURN name AS value, count, [n IN members[..5] | elementId(n)] AS ids\n"
            "LIMIT 20",
            expected=f"merged {scope} have one value for each property",
            advice="Say for each of these properties which value stays: policies="
            '{"name": "first"}, or "last" or "all"; or policy="first" for the rest.',
            parameters={"settled": [name for name, _ in change.policies]},
        )
    yield Merge(
        f"merge {scope} by {change.by}",
        groups=f"{members}RETURN [n IN members | id(n)] AS ids LIMIT $limit",
        count=f"{alike}WITH same, count(*) AS members\nWHERE members > 1\n"
        "RETURN coalesce(sum(members - 1), 0) AS count",
        policies=change.policies,
        policy=change.policy,
        gathered=gathered,
        batch_size=change.batch_size,
    )
    if gathered:
        yield _make_lists(change, scope, gathered)


def _make_lists(
    change: MergeNodes, scope: Scope, gathered: Mapping[str, str]
) -> Batched:
    """Return the change by which all that a merge covers have lists of all values.

    Not before all are merged, and all names at once: `by` and `where` may be about
    these very properties, and mean single values.
    """
    left, sets = [], []
    for name, kept in gathered.items():
        value, all_ = scope.value(name), scope.value(kept)
        single = f"{value} IS NOT NULL AND NOT {value} IS :: LIST<ANY>"
        left.append((single, f"{all_} IS NOT NULL"))
        sets.append(
            f"{value} = CASE WHEN {all_} IS NOT NULL THEN {all_} "
            f"WHEN {single} THEN [{value}] ELSE {value} END, {all_} = NULL"
        )
    singles = f"({' OR '.join(f'({single})' for single, _ in left)})"
    if change.where:
        # It is not asked of lists: a function of texts would refuse them.
        asked = f"{enclosed(change.where)}"
        singles = f"CASE WHEN {singles} THEN {asked} ELSE false END"
    merged = " OR ".join(there for _, there in left)
    names = ", ".join(gathered)
    return batched(
        f"make lists of {names} of {scope}",
        Rewrite.within(scope, f"({merged} OR {singles})", f"SET {', '.join(sets)}"),
        batch_size=change.batch_size,
    )


def _refuse_typed(change: MergeNodes, before: Schema) -> None:
    labels = before.labels_of(change.label)
    for constraint in before.constraints.values():
        single = constraint.kind.traits.typed and not (
            constraint.property_type or ""
        ).startswith("LIST")
        of_these = constraint.entity is EntityType.NODE and constraint.label in labels
        for name in change.listed:
            if single and of_these and name in constraint.properties:
                raise SchemaError(
                    f'op.{change.operation}: with "all", {name!r} becomes a list, and '
                    f"the constraint {constraint.name} takes none; drop it before, or "
                    'say "first" or "last"'
                )


@_steps.register(DeleteNodes)
def _delete_nodes(
    change: DeleteNodes, _before: Schema, revision: str
) -> Iterable[Step]:
    scope, where = nodes(change.label), change.where
    if change.detach:
        # What a predicate says of a node may depend on the relationships, which go
        # first: in transactions of their own, since one node may have very many.
        mark = mark_name(revision, "deleted")
        marked = f"{scope.value(mark)} IS NOT NULL"
        if where is not None:
            yield batched(
                f"mark {scope} that are to be deleted",
                Rewrite.within(
                    scope,
                    f"{scope.value(mark)} IS NULL",
                    f"SET {scope.value(mark)} = true",
                    where=where,
                ),
                batch_size=change.batch_size,
            )
            where = marked
        yield batched(
            f"delete the relationships of {scope}",
            Rewrite(
                f"MATCH (n:{quote(change.label)})-[r]-()",
                "r",
                where or "",
                "DELETE r",
                repeats=True,
            ),
            done="deleted",
            batch_size=change.batch_size,
        )
    else:
        yield data_checks.checked(
            *(scope, "COUNT { (n)--() }", both("EXISTS { (n)--() }", where)),
            expected=f"{scope} that are deleted have no relationships",
            advice="Delete these first, or say detach=True.",
        )
    yield batched(
        f"delete {scope}",
        Rewrite.within(
            *(scope, "", "DETACH DELETE n" if change.detach else "DELETE n"),
            where=where,
        ),
        done="deleted",
        batch_size=change.batch_size,
    )


# Relationships -------------------------------------------------------------------


@_steps.register(RelationshipToNode)
def _relationship_to_node(
    change: RelationshipToNode, before: Schema, revision: str
) -> Iterable[Step]:
    refuse_own(change.label)
    between = Between.of(change, revision)
    pattern = _between(change.source, change.type, change.target)
    labels = before.labels_of(change.label)
    left = between.unkept_relationship if change.undo else ""
    where = both(left, change.where)
    for constraint in before.constraints.values():
        unique = constraint.kind.traits.unique
        on_node = constraint.entity is EntityType.NODE
        if unique and on_node and constraint.label in labels:
            yield data_checks.already_used(
                pattern, constraint.label, constraint.properties, where or None
            )
    if not change.undo:
        yield between.remember_nodes(change.batch_size)
    given = labels[:1] if change.undo else labels
    restored = f"\n{between.restoring()}\n" if change.undo else " "
    parameters = {**between.parameters, "bases": list(labels[1:])}
    yield batched(
        f"turn {_shown(change.source, change.type, change.target)} into "
        f"(:{change.label})",
        Rewrite.within(
            relationships(change.type),
            left,
            f"CREATE (s)-[a:{quote(change.source_type)}]->(made{_labels(given)})"
            f"-[b:{quote(change.target_type)}]->(e) "
            f"SET made = properties(r){restored}DELETE r",
            pattern=pattern,
            imported="s, r, e",
            parameters=parameters if change.undo else {},
            where=change.where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        batch_size=change.batch_size,
    )
    if change.undo:
        yield between.forget_relationships()


@_steps.register(NodeToRelationship)
def _node_to_relationship(
    change: NodeToRelationship, before: Schema, revision: str
) -> Iterable[Step]:
    for label in (change.source, change.label, change.target):
        refuse_own(label)
    between = Between.of(change, revision)
    left = between.unkept_node if change.undo else ""
    scope = nodes(change.label)
    ends = (
        f"(s:{quote(change.source)})-[a:{quote(change.source_type)}]->(n)",
        f"(n)-[b:{quote(change.target_type)}]->(e:{quote(change.target)})",
    )
    counts = [f"COUNT {{ {end} }}" for end in ends]
    unfit = f"NOT ({counts[0]} = 1 AND {counts[1]} = 1 AND COUNT {{ (n)--() }} = 2)"
    yield data_checks.checked(
        scope,
        f"[{', '.join(counts)}, COUNT {{ (n)--() }}]",
        both(f"{left} AND {unfit}" if left else unfit, change.where),
        expected=f"{scope} has one {change.source_type} from (:{change.source}), one "
        f"{change.target_type} to (:{change.target}), and no other relationship (these "
        "are the numbers)",
        advice="Mend these nodes, or narrow down with where.",
    )
    if not change.undo:
        yield between.remember_relationships(change.batch_size)
    archived = " " if change.undo else f"\n{between.archiving()}\n"
    parameters = {**between.parameters, "labels": list(before.labels_of(change.label))}
    yield batched(
        f"turn {scope} into {_shown(change.source, change.type, change.target)}",
        Rewrite.within(
            scope,
            left,
            f"CREATE (s)-[made:{quote(change.type)}]->(e) "
            f"SET made = properties(n){archived}DELETE a, b, n",
            pattern=f"(s:{quote(change.source)})-[a:{quote(change.source_type)}]->"
            f"(n:{quote(change.label)})-[b:{quote(change.target_type)}]->"
            f"(e:{quote(change.target)})",
            imported="s, a, n, b, e",
            parameters={} if change.undo else parameters,
            where=change.where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        batch_size=change.batch_size,
    )
    if change.undo:
        yield between.forget_nodes()


@_steps.register(DeduplicateRelationships)
def _deduplicate(
    change: DeduplicateRelationships, _before: Schema, _revision: str
) -> Iterable[Step]:
    same = alike("other", "r")
    if change.by is not None:
        names = [quote(name) for name in change.by]
        same = " AND ".join(
            f"(other.{name} = r.{name} OR (other.{name} IS NULL AND r.{name} IS NULL))"
            for name in names
        )
    repeated = both("id(other) < id(r)", same or None)
    doubled = f"(s)-[other:{quote(change.type)}]->(e) WHERE {repeated}"
    yield batched(
        f"delete doubles of {_shown(change.source, change.type, change.target)}",
        Rewrite.within(
            relationships(change.type),
            f"EXISTS {{ {doubled} }}",
            # The first one stays, whatever else goes.
            f"CALL (s, r, e) {{ MATCH {doubled} "
            "RETURN other ORDER BY id(other) LIMIT 1 }\n"
            "WITH *, [properties(other), properties(r)] AS maps\n"
            f"{united('other', 'maps')}\nDELETE r",
            pattern=_between(change.source, change.type, change.target),
            imported="s, r, e",
            where=change.where,
        ),
        usual=RELATIONSHIP_BATCH_SIZE,
        done="deleted",
        batch_size=change.batch_size,
    )


@_steps.register(DeleteRelationships)
def _delete_relationships(
    change: DeleteRelationships, _before: Schema, _revision: str
) -> Iterable[Step]:
    yield batched(
        f"delete {_shown(change.source_label, change.type, change.target_label)}",
        Rewrite.within(
            relationships(change.type),
            "",
            "DELETE r",
            pattern=_between(change.source_label, change.type, change.target_label),
            where=change.where,
        ),
        done="deleted",
        batch_size=change.batch_size,
    )


# ---------------------------------------------------------------------------------


def _labels(labels: Iterable[str]) -> str:
    return "".join(f":{quote(label)}" for label in labels)


def _arrows(direction: str) -> tuple[str, str]:
    return ("-", "->") if direction == "OUT" else ("<-", "-")


def _between(source: str | None, type_: str, target: str | None) -> str:
    ends = []
    for variable, label in (("s", source), ("e", target)):
        if label is not None:
            refuse_own(label)
        ends.append(f"({variable}:{quote(label)})" if label else f"({variable})")
    return f"{ends[0]}-[r:{quote(type_)}]->{ends[1]}"


def _shown(source: str | None, type_: str, target: str | None) -> str:
    ends = [f"(:{label})" if label else "()" for label in (source, target)]
    return f"{ends[0]}-[:{type_}]->{ends[1]}"
