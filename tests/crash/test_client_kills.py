"""A client that is killed anywhere, and run again, has done everything once."""

from __future__ import annotations

import random

import pytest

from tests.crash.harness import Kill
from tests.crash.sweep import DOWNGRADE, UPGRADE, Case, Sweep, random_cases

SAMPLES = {UPGRADE: 9, DOWNGRADE: 4}
"""How many migrations of a command are killed, three times each."""


@pytest.fixture(scope="module")
def points(sweep: Sweep) -> dict[tuple[str, str], list[str]]:
    """The named points of each command."""
    return {command: sweep.points(command) for command in SAMPLES}


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("command", "sample"),
    [
        pytest.param(command, sample, id=f"{command[0]}-{sample}")
        for command, samples in SAMPLES.items()
        for sample in range(samples)
    ],
)
def test_three_kills_at_named_points(
    sweep: Sweep,
    points: dict[tuple[str, str], list[str]],
    command: tuple[str, str],
    sample: int,
) -> None:
    named = points[command]
    first = len(named) * (2 * sample + 1) // (2 * SAMPLES[command])
    # A resumed run passes fewer points.
    left = len(named) - first
    kills = tuple(Kill(named[at]) for at in (first, left // 2, left // 4))
    assert sweep.wrong(Case(command, kills)) == []


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "point",
    [
        "ledger.execute.after#6",
        "ledger.execute.after#9",
        "ledger.commit.before#1",
        "ledger.commit.before#4",
        "ledger.commit.before#-1",
        "ledger.commit.after#-2",
        "graph.commit.after#-2",
        "graph.commit.before#-2",
    ],
)
def test_a_kill_while_the_ledger_is_made_or_the_run_ends(
    sweep: Sweep, points: dict[tuple[str, str], list[str]], point: str
) -> None:
    kind, _, number = point.partition("#")
    alike = [name for name in points[UPGRADE] if name.startswith(f"{kind}#")]
    place = int(number) if number.startswith("-") else int(number) - 1
    assert sweep.wrong(Case(UPGRADE, (Kill(alike[place]),))) == []


def test_kills_at_random_times(sweep: Sweep) -> None:
    for case in random_cases(sweep, 3, random.Random(7)):
        assert sweep.wrong(case) == [], str(case)
