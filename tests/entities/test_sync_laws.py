"""The laws of sync: in whatever order and how often, the same is there in the end."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_neo4j.entities.conflict import ConflictResolver
from tests.entities.sites import (
    RESOLVERS,
    Pull,
    Write,
    assert_same,
    do,
    exchange,
    opened,
    shown,
    steps,
    written,
)

each_resolver = pytest.mark.parametrize("resolver", RESOLVERS, ids=lambda r: r.name)
few = settings(max_examples=6, deadline=None)


@each_resolver
@few
@given(steps(4))
def test_sites_converge_whatever_they_write_and_receive(
    resolver: ConflictResolver, done: list[Write | Pull]
) -> None:
    with opened(4, resolver) as repos:
        for step in done:
            do(step, repos)
        exchange(repos)
        assert_same(repos)


@each_resolver
@few
@given(steps(3), st.permutations(range(3)))
def test_the_order_of_receiving_changes_nothing(
    resolver: ConflictResolver, done: list[Write | Pull], order: list[int]
) -> None:
    with opened(4, resolver) as one, opened(4, resolver) as another:
        for step in done:
            do(step, one)
            do(step, another)
        for site in range(3):
            one[3].pull_from(one[site])
        # (a + b) + c, and a + (b + c), in another order.
        first, second, third = order
        another[first].pull_from(another[second])
        another[third].pull_from(another[first])
        another[3].pull_from(another[third])
        assert written(one[3]) == written(another[3])
        assert shown(one[3]) == shown(another[3])


@each_resolver
@few
@given(steps(2))
def test_receiving_again_changes_nothing(
    resolver: ConflictResolver, done: list[Write | Pull]
) -> None:
    with opened(2, resolver) as repos:
        for step in done:
            do(step, repos)
        repos[0].sync_with(repos[1])
        assert_same(repos)
        before = written(repos[0]), shown(repos[0])
        again = repos[0].sync_with(repos[1])
        assert (again.received, again.sent) == (0, 0)
        assert (written(repos[0]), shown(repos[0])) == before


@each_resolver
@few
@given(steps(3), st.integers(0, 2))
def test_what_a_site_writes_covers_all_that_it_was_shown(
    resolver: ConflictResolver, done: list[Write | Pull], entity: int
) -> None:
    with opened(3, resolver) as repos:
        for step in [*done, Write(0, entity, "a", 0, 0)]:
            do(step, repos)
        exchange(repos)
        entity_id = f"task-{entity}"
        for conflict in repos[0].conflicts():
            if conflict.id == entity_id:
                repos[0].resolve(conflict, conflict.versions[0])
        do(Write(0, entity, "b", 7, 0), repos)
        before = repos[0].read(entity_id)
        assert before is not None
        assert before.data["b"] == 7
        exchange(repos)
        assert [repo.read(entity_id) for repo in repos] == [before] * 3
        assert before.version == len(repos[0].history(entity_id))


@each_resolver
@few
@given(steps(3))
def test_a_version_that_was_shown_is_never_shown_with_other_content(
    resolver: ConflictResolver, done: list[Write | Pull]
) -> None:
    """So an update of what a sync has replaced is refused."""
    with opened(3, resolver) as repos:
        seen: dict[tuple[int, str, int], object] = {}
        for step in done:
            do(step, repos)
            for entity in repos[step.site].list():
                content = (entity.status, dict(entity.data))
                key = (step.site, entity.id, entity.version)
                assert seen.setdefault(key, content) == content


@each_resolver
def test_random_merges_converge(
    resolver: ConflictResolver, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(12)
    merges = 1000 if request.config.getoption("--all") else 40
    with opened(6, resolver) as repos:
        for _ in range(merges):
            for _ in range(3):
                field = chance.choice(["a", "b", "c", "status", None])
                numbers = (chance.randrange(6), chance.randrange(20))
                value, clock = chance.randrange(3), chance.randrange(100)
                do(Write(*numbers, field, value, clock), repos)
            do(Pull(*chance.sample(range(6), 2)), repos)
        exchange(repos)
        assert_same(repos)
