"""For any two schemas the changes lead from the one to the other and back."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Schema
from alembic_neo4j.schema.diff import Renames, candidates, certain_renames, diff

from .strategies import evolutions, renames, schemas

pairs = st.booleans().flatmap(
    lambda inherit: evolutions(enterprise=True, inherit=inherit)
)


def applied(changes: Iterable[Change], schema: Schema) -> Schema:
    return functools.reduce(lambda s, change: change.apply(s), changes, schema)


def assert_leads_there_and_back(
    before: Schema, after: Schema, found: tuple[Change, ...]
) -> None:
    reached = applied(found, before)
    assert reached == after
    undone = applied([change.reverse() for change in reversed(found)], reached)
    assert undone == before


@given(st.booleans().flatmap(lambda i: schemas(enterprise=True, inherit=i)))
@settings(deadline=None)
def test_a_schema_does_not_differ_from_itself(schema: Schema) -> None:
    assert diff(schema, schema).changes == ()
    assert certain_renames(schema, schema) == Renames()
    assert candidates(schema, schema, Renames()) == ()


@given(pairs)
@settings(deadline=None)
def test_the_changes_lead_there_and_back(pair: tuple[Schema, Schema]) -> None:
    before, after = pair
    found = diff(before, after).changes
    assert_leads_there_and_back(before, after, found)


@given(pairs, st.data(), st.booleans())
@settings(deadline=None)
def test_with_renames_they_do_too(
    pair: tuple[Schema, Schema], data: st.DataObject, compare_names: bool
) -> None:
    before, after = pair
    known = data.draw(renames(before, after))
    found = diff(before, after, renames=known, compare_names=compare_names)
    assert_leads_there_and_back(before, after, found.changes)


@given(pairs, st.data(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_in_which_models_are_read_does_not_matter(
    pair: tuple[Schema, Schema], data: st.DataObject, order: random.Random
) -> None:
    before, after = pair
    known = data.draw(renames(before, after))
    again = diff(shuffled(before, order), shuffled(after, order), renames=known)
    assert again == diff(before, after, renames=known)
    asked = candidates(shuffled(before, order), shuffled(after, order), known)
    assert asked == candidates(before, after, known)


def shuffled(schema: Schema, order: random.Random) -> Schema:
    return Schema.of(
        nodes=mixed(schema.nodes.values(), order),
        relationship_types=mixed(schema.relationship_types.values(), order),
        indexes=mixed(schema.indexes.values(), order),
        constraints=mixed(schema.constraints.values(), order),
    )


def mixed(items: Iterable, order: random.Random) -> list:
    found = list(items)
    order.shuffle(found)
    return found
