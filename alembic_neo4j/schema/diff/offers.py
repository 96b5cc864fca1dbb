"""Which of the possible renames are offered, and what they become where they are so."""

from __future__ import annotations

from dataclasses import replace

from alembic_neo4j.schema.definitions import EntityType, Schema
from alembic_neo4j.schema.diff.candidates import Candidate, candidates
from alembic_neo4j.schema.diff.compare import refused_renames
from alembic_neo4j.schema.diff.intermediate import Refusal
from alembic_neo4j.schema.diff.merges import why_not_one
from alembic_neo4j.schema.diff.renames import Renames, certain_renames


def likely_candidates(
    before: Schema, after: Schema, renames: Renames
) -> tuple[Candidate, ...]:
    """Return the likely candidates that can all be followed together.

    A name is offered once, old or new, unless several types can become one.
    """
    offered: list[Candidate] = []
    for candidate in candidates(before, after, renames):
        if candidate.likely and not any(
            _exclude(before, after, candidate, other) for other in offered
        ):
            offered.append(candidate)
    if not offered:
        return ()
    told = renames
    for candidate in offered:
        told = accepted(told, candidate)
    refused = refused_renames(before, after, told)
    return tuple(
        candidate
        for candidate in offered
        if not any(refuses(refusal, candidate) for refusal in refused)
    )


def can_be_made(
    candidate: Candidate, before: Schema, after: Schema, renames: Renames
) -> bool:
    """Tell whether a candidate would be made if it were accepted."""
    told = certain_renames(before, after, given=accepted(renames, candidate))
    refused = refused_renames(before, after, told)
    return not any(refuses(refusal, candidate) for refusal in refused)


def accepted(renames: Renames, candidate: Candidate) -> Renames:
    """Return the renames with a candidate among them."""
    pair = {candidate.old: candidate.new}
    if candidate.kind == "label":
        return replace(renames, labels={**renames.labels, **pair})
    if candidate.kind == "type":
        return replace(renames, types={**renames.types, **pair})
    owners = {
        (candidate.entity, owner): {
            **renames.properties.get((candidate.entity, owner), {}),
            **pair,
        }
        for owner in candidate.owners
    }
    return replace(renames, properties={**renames.properties, **owners})


def refuses(refusal: Refusal, candidate: Candidate) -> bool:
    """Tell whether a refusal is of this candidate."""
    if (refusal.old, refusal.new) != (candidate.old, candidate.new):
        return False
    if candidate.kind == "property":
        owners = [(candidate.entity, owner) for owner in candidate.owners]
        return (refusal.entity, refusal.owner) in owners
    entity = EntityType.NODE if candidate.kind == "label" else EntityType.RELATIONSHIP
    return (refusal.entity, refusal.owner) == (entity, None)


def _exclude(
    before: Schema, after: Schema, first: Candidate, second: Candidate
) -> bool:
    """Tell whether two candidates can't both be followed."""
    if (first.kind, first.entity) != (second.kind, second.entity):
        return False
    if first.kind == "property" and set(first.owners).isdisjoint(second.owners):
        return False
    if first.old == second.old:
        return True
    if first.new != second.new:
        return False
    together = [first.old, second.old]
    return first.kind != "type" or bool(why_not_one(before, after, together))
