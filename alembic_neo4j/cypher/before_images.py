"""What entities were like before a batch changed them, kept beside them in the graph.

An image is a node of ours for one entity and one batch. It has ``batch``, ``element``
(the entity's element id), ``entity`` and ``owner`` (a label, or a type), ``names``, the
properties that the batch writes, and the value that each had as ``p_<name>``; a name
without a value had none. ``given`` are the labels, beside that of the keys, that the
batch writes nodes with, ``labels`` those of them that the node did not have.
``k_<name>``, for the names in ``keys``, is what the entity was found by: another entity
may get the element id of one that was deleted. ``position`` counts the images of an
entity, the oldest first. That of a relationship has the element ids of its ``start``
and ``end``: a relationship whose type is renamed becomes another one.

The first image that a batch takes of an entity stays; it is extended by properties that
the batch writes later. What a batch has created has no image by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic_neo4j.cypher.catalogue import OWN_LABEL_PREFIX
from alembic_neo4j.cypher.data_changes import Rewrite, batched
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.steps import Batched
from alembic_neo4j.schema.definitions import EntityType

LABEL = f"{OWN_LABEL_PREFIX}BeforeImage"


INDEX = "__alembic_neo4j_before_image"


RESTORED_AT_ONCE = 5_000
"""How many images one transaction restores."""


CREATE_INDEX = f"CREATE RANGE INDEX {INDEX} FOR (b:{LABEL}) ON (b.element)"


def ensure_text() -> tuple[str, ...]:
    """Return the statements by which a script makes sure of the index."""
    created = CREATE_INDEX.replace(INDEX, f"{INDEX} IF NOT EXISTS", 1)
    return created, "CALL db.awaitIndexes()"


def taking(
    find: str, entity: EntityType, keys: Sequence[str], written: str
) -> tuple[str, str]:
    """Return the two statements that take images of what a load is going to change.

    `find` gives each entity as ``x``, with its ``row`` as often as it has one, where
    the batch has not created it. `written` gives the names of the properties, over all
    the rows of one entity. The first statement returns how many entities the batch has
    ``touched`` for the first time. Both need the parameters ``batch``, ``owner``,
    ``keys`` and ``labels``, and those of `find` and `written`.
    """
    kept = "".join(f", {quote(f'k_{key}')}: x.{quote(key)}" for key in keys)
    if entity is EntityType.RELATIONSHIP:
        kept += ", start: elementId(startNode(x)), end: elementId(endNode(x))"
    # In 2026 a hint is refused where elementId() gives the value in its own clause.
    first = f"""{find}
WITH DISTINCT x, elementId(x) AS element
OPTIONAL MATCH (b:{LABEL} {{element: element}}) USING INDEX b:{LABEL}(element)
WITH x, collect(b.batch) AS batches, coalesce(max(b.position), 0) AS last
WHERE NOT $batch IN batches
CREATE (:{LABEL} {{batch: $batch, element: elementId(x), entity: '{entity.value}',
  owner: $owner, position: last + 1, names: [], labels: [], given: [],
  keys: $keys{kept}}})
RETURN count(*) AS touched"""
    has = "labels(x)" if entity is EntityType.NODE else "$labels"
    second = f"""{find}
WITH x, elementId(x) AS element, {written} AS written
MATCH (b:{LABEL} {{element: element}}) USING INDEX b:{LABEL}(element)
WHERE b.batch = $batch
WITH x, b, [name IN written WHERE NOT name IN b.names] AS names,
  [label IN $labels WHERE NOT label IN {has}] AS added,
  [label IN $labels WHERE NOT label IN b.given] AS given
WHERE size(names) > 0 OR size(added) > 0 OR size(given) > 0
SET b.names = b.names + names, b.labels = b.labels + added, b.given = b.given + given
WITH x, b, names
UNWIND names AS name
SET b['p_' + name] = x[name]"""
    return first, second


_KEYS = f"""all(key IN b.keys WHERE key IN b.names OR x[key] = b['k_' + key]
  OR (x[key] IS NULL AND b['k_' + key] IS NULL)
  OR EXISTS {{ MATCH (o:{LABEL} {{element: b.element}}) USING INDEX o:{LABEL}(element)
    WHERE o.position > b.position AND key IN o.names AND o['p_' + key] = b['k_' + key]
  }})"""
"""Its keys have their values still, or the batch or a later one has changed them."""


_ENDS = "elementId(startNode(x)) = b.start AND elementId(endNode(x)) = b.end"


SAME = {
    EntityType.NODE: f"(x) WHERE elementId(x) = b.element AND {_KEYS}",
    EntityType.RELATIONSHIP: (
        f"()-[x]->() WHERE elementId(x) = b.element AND {_ENDS} AND {_KEYS}"
    ),
}
"""What stands after MATCH to find the entity of an image, and no other one."""


_WRITTEN = f"""OPTIONAL MATCH (o:{LABEL} {{element: b.element}})
USING INDEX o:{LABEL}(element)
WHERE o.position > b.position
WITH b, x, o ORDER BY o.position
WITH b, x, collect(o) AS later
CALL (b, x, later) {{
  UNWIND b.names AS name
  WITH b, x, name, later, head([o IN later WHERE name IN o.names]) AS heir
  FOREACH (i IN CASE WHEN heir IS NULL THEN [] ELSE [heir] END |
    SET i['p_' + name] = b['p_' + name])
  FOREACH (i IN CASE WHEN heir IS NULL AND x IS NOT NULL THEN [x] ELSE [] END |
    SET i[name] = b['p_' + name])
  FOREACH (i IN [o IN later WHERE name IN o.keys
    AND (heir IS NULL OR o.position <= heir.position)] |
    SET i['k_' + name] = b['p_' + name])
}}"""


_LABELLED = """CALL (b, x, later) {
  UNWIND b.labels AS label
  WITH x, label, head([o IN later WHERE label IN o.given]) AS heir
  FOREACH (i IN CASE WHEN heir IS NULL THEN [] ELSE [heir] END |
    SET i.labels = i.labels + label)
  WITH x, label WHERE heir IS NULL AND x IS NOT NULL
  REMOVE x:$(label)
}"""


def restoring(batch: str, entity: EntityType, owners: Sequence[str] | None) -> Batched:
    """Return the change that puts back what the images of one batch hold.

    A property or label that a later batch has written as well keeps what that batch
    gave it, and that batch's image gets this one's. What later images know an entity by
    changes with it. `owners` narrows it to some labels or types.
    """
    labelled = f"{_LABELLED}\n" if entity is EntityType.NODE else ""
    nodes = "nodes" if entity is EntityType.NODE else "relationships"
    return batched(
        f"restore the {nodes} that the batch {batch} changed",
        Rewrite(
            f"MATCH (b:{LABEL})",
            "b",
            of_batch(entity, owners),
            f"OPTIONAL MATCH {SAME[entity]}\n{_WRITTEN}\n{labelled}DELETE b",
            {"batch": batch, "owners": list(owners or ())},
        ),
        usual=RESTORED_AT_ONCE,
    )


def following() -> Batched:
    """Return the change that finds again the relationships that were replaced.

    That is what renaming a type does, and renaming it back. Where several of the type
    lead from the same node to the same one, there is no telling.
    """
    return batched(
        "find the relationships of before-images",
        Rewrite(
            f"MATCH (b:{LABEL})",
            "b",
            f"b.entity = '{EntityType.RELATIONSHIP.value}' AND NOT EXISTS {{ "
            f"MATCH {SAME[EntityType.RELATIONSHIP]} }} AND COUNT {{ {_REPLACED} }} = 1",
            f"{_REPLACED}\nSET b.element = elementId(x)",
        ),
    )


_REPLACED = (
    "MATCH (s)-[x]->(e) WHERE elementId(s) = b.start AND elementId(e) = b.end "
    f"AND type(x) = b.owner AND {_KEYS}"
)


def forgetting(
    entity: EntityType, left: str, tag: str, batches: Sequence[str]
) -> Batched:
    """Return the change that removes the images of what some batches have created.

    `left` narrows it, by what it says of the entity ``x``.
    """
    pattern = "(x)" if entity is EntityType.NODE else "()-[x]->()"
    return batched(
        "remove the before-images of what is deleted",
        Rewrite(
            f"MATCH (b:{LABEL})\nMATCH {pattern}",
            "b",
            f"b.entity = '{entity.value}' AND elementId(x) = b.element AND "
            f"x.{quote(tag)} IN $batches{left and f' AND {left}'}",
            "DELETE b",
            {"batches": list(batches)},
        ),
    )


def of_batch(entity: EntityType, owners: Sequence[str] | None) -> str:
    """Return the predicate of a batch's images ``b``, of some labels or types."""
    narrowed = "" if owners is None else " AND b.owner IN $owners"
    return f"b.batch = $batch AND b.entity = '{entity.value}'{narrowed}"
