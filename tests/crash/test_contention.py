"""Deployers that come at the same time: each revision runs once, and all end."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import read_owner
from tests.crash.harness import REFUSED, Client, Kill, client, copied, started, unlock
from tests.crash.project import open_runs, wrong_after_upgrade
from tests.crash.sweep import DOWNGRADE, UPGRADE, Case, Sweep
from tests.migration.project import Outcome, Project

DEPLOYERS = 8
WAITING = "Waiting for the lock"
RUNNING = "Running upgrade"

TAKEOVER_SECONDS = 1.0
RESUME_SECONDS = 5.0


@pytest.fixture
def project(sweep: Sweep) -> Project:
    return sweep.prepared(UPGRADE)


@pytest.fixture(scope="module")
def commits(sweep: Sweep) -> list[str]:
    """The points before each commit to the graph, where the lock exists already."""
    project = sweep.prepared(UPGRADE)
    client(project, UPGRADE, Kill("graph.commit.after#1"))
    return [p for p in sweep.points(UPGRADE) if p.startswith("graph.commit.before")]


def _together(projects: Sequence[Project]) -> list[Outcome]:
    """Upgrade all of them at the same time."""
    with ExitStack() as stack:
        running = [stack.enter_context(started(p, UPGRADE, Kill())) for p in projects]
        return [one.ended() for one in running]


@contextmanager
def _paused(project: Project, command: Sequence[str], point: str) -> Iterator[Client]:
    with started(project, command, Kill(point, sent=signal.SIGSTOP)) as holder:
        holder.pauses()
        yield holder


def _clean(outcome: Outcome) -> Outcome:
    assert "Traceback" not in outcome.text, outcome.text
    return outcome


def test_eight_at_once_run_each_revision_once(sweep: Sweep, project: Project) -> None:
    outcomes = _together([project] * DEPLOYERS)
    assert [_clean(one).status for one in outcomes] == [0] * DEPLOYERS
    ran = [one for one in outcomes if RUNNING in one.text]
    assert len(ran) == 1
    assert ran[0].text.count(RUNNING) == 3
    assert any(WAITING in one.text for one in outcomes)
    assert wrong_after_upgrade(project, sweep.graph) == []


def test_eight_on_two_ledgers_run_each_revision_once(
    sweep: Sweep, project: Project, tmp_path: Path
) -> None:
    other = copied(project.path, tmp_path / "other checkout")
    outcomes = [
        (deployed, _clean(outcome))
        for deployed, outcome in zip(
            [project, other] * (DEPLOYERS // 2),
            _together([project, other] * (DEPLOYERS // 2)),
            strict=True,
        )
    ]
    (winner,) = {id(one) for one, outcome in outcomes if RUNNING in outcome.text}
    first, second = (project, other) if winner == id(project) else (other, project)
    for deployed, outcome in outcomes:
        if deployed is first:
            assert outcome.status == 0, outcome.text
        else:
            assert outcome.status == REFUSED, outcome.text
            assert "another ledger manages this graph" in outcome.out
    assert sum(outcome.text.count(RUNNING) for _, outcome in outcomes) == 3
    assert wrong_after_upgrade(first, sweep.graph) == []
    assert second.heads() == []
    assert open_runs(second) == 0


def test_a_waiter_gives_up_and_says_who_has_the_lock(
    project: Project, sweep: Sweep, commits: list[str]
) -> None:
    command = ("-x", "neo4j.lock_timeout=2", *UPGRADE)
    with _paused(project, UPGRADE, commits[len(commits) // 2]) as holder:
        refused = _clean(client(project, command, Kill()))
        assert refused.status == REFUSED, refused.text
        for part in (
            socket.gethostname(),
            f"process {holder.process.pid}, since 2",
            "alembic-neo4j unlock",
            "neo4j.lock_timeout",
        ):
            assert part in refused.out
        holder.goes_on()
        assert holder.ended().status == 0
    assert wrong_after_upgrade(project, sweep.graph) == []


@pytest.mark.sample(2)
@pytest.mark.parametrize("place", [0.2, 0.4, 0.6, 0.8])
def test_a_paused_holder_that_lost_its_lock_writes_nothing_more(
    project: Project, sweep: Sweep, commits: list[str], place: float
) -> None:
    point = commits[int(place * len(commits))]
    with _paused(project, UPGRADE, point) as holder:
        taken = unlock(project)
        assert taken.status == 0, taken.text
        assert f"process {holder.process.pid}" in taken.out
        second = _clean(client(project, UPGRADE, Kill()))
        assert second.status == 0, second.text
        assert wrong_after_upgrade(project, sweep.graph) == []
        holder.goes_on()
        first = _clean(holder.ended())
    assert first.status == REFUSED, first.text
    assert wrong_after_upgrade(project, sweep.graph) == []


@pytest.fixture(scope="module")
def first_records(sweep: Sweep) -> list[str]:
    """The points before each statement to the ledger, from the lock to the first step.

    They read, make the ledger this command's, open a run and insert its first unit.
    """
    passed = sweep.points(DOWNGRADE)
    locked = passed.index("graph.commit.after#1")
    begun = passed.index("graph.commit.after#2")
    return [p for p in passed[locked:begun] if p.startswith("ledger.execute.before")]


@pytest.mark.sample(2)
@pytest.mark.parametrize("place", [0.6, 0.65, 0.8, 0.95])
def test_what_the_next_one_has_recorded_is_no_riddle(
    sweep: Sweep, first_records: list[str], place: float
) -> None:
    point = Kill(first_records[int(place * len(first_records))])
    assert sweep.wrong_when_overtaken(Case(DOWNGRADE, (point,))) == []


def test_a_holder_that_lost_its_lock_stops_while_the_next_one_is_at_it(
    project: Project, sweep: Sweep, commits: list[str]
) -> None:
    with _paused(project, UPGRADE, commits[len(commits) // 3]) as first:
        assert unlock(project).status == 0
        # Between two transactions: in one it would keep the first one waiting. It has
        # fewer left to pass.
        between = commits[len(commits) // 3].replace("before", "after")
        with _paused(project, UPGRADE, between) as second:
            first.goes_on()
            assert _clean(first.ended()).status == REFUSED
            assert open_runs(project) == 1
            second.goes_on()
            assert _clean(second.ended()).status == 0
    assert wrong_after_upgrade(project, sweep.graph) == []


def test_a_killed_holder_is_followed_at_once(
    project: Project, sweep: Sweep, commits: list[str]
) -> None:
    with (
        _paused(project, UPGRADE, commits[len(commits) // 2]) as holder,
        started(project, UPGRADE, Kill()) as waiter,
    ):
        waiter.says(f"held by {_owner_of(sweep.graph)}")
        began = time.monotonic()
        holder.process.kill()
        while not _has_lock(sweep.graph, waiter):
            time.sleep(0.01)
        takeover = time.monotonic() - began
        outcome = _clean(waiter.ended())
        resumed = time.monotonic() - began
    assert outcome.status == 0, outcome.text
    assert "Going on with the run" in outcome.text
    print(f"lock taken over after {takeover:.2f} s, run ended after {resumed:.2f} s")
    assert takeover < TAKEOVER_SECONDS
    assert resumed < RESUME_SECONDS
    assert wrong_after_upgrade(project, sweep.graph) == []


def _owner_of(graph: Graph) -> str:
    return str(read_owner(graph))


def _has_lock(graph: Graph, running: Client) -> bool:
    owner = read_owner(graph)
    return owner is not None and owner.pid == running.process.pid


def test_a_statement_whose_client_was_killed_ends_and_frees_the_lock(
    project: Project, sweep: Sweep
) -> None:
    slow = (
        "MATCH (s:Slow) CALL (s) { UNWIND range(1, s.times) AS i RETURN sum(i) AS x } "
        "SET s.ran = coalesce(s.ran, 0) + 1"
    )
    project.revision("r1", f"op.execute('{slow}')")
    for name in ("r2", "r3"):
        (project.versions / f"{name}_.py").unlink()
    sweep.graph.transaction([("CREATE (:Slow {times: 100000000000})", {})])
    running = (
        "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery = $slow RETURN 1 AS x"
    )
    with started(project, UPGRADE, Kill()) as holder:
        while not sweep.graph.read(running, {"slow": slow}):
            assert holder.runs_for(0.02), holder.text
        holder.process.kill()
    sweep.graph.transaction([("MATCH (s:Slow) SET s.times = 1", {})])
    began = time.monotonic()
    outcome = client(project, UPGRADE, Kill())
    assert outcome.status == 0, outcome.text
    assert time.monotonic() - began < RESUME_SECONDS
    assert sweep.graph.read("MATCH (s:Slow) RETURN s.ran AS ran") == [{"ran": 1}]
    assert sweep.graph.read(running, {"slow": slow}) == []
    assert project.heads() == ["r1"]


def test_with_nothing_to_do_nobody_waits(project: Project, sweep: Sweep) -> None:
    assert client(project, UPGRADE, Kill()).status == 0
    verbs = (UPGRADE, ("current",), ("history",), ("check",))
    before = [_answer(project, verb) for verb in verbs]
    # It has the lock, and has not yet begun.
    with _paused(project, DOWNGRADE, "graph.commit.after#1") as holder:
        assert _has_lock(sweep.graph, holder)
        assert [_answer(project, verb) for verb in verbs] == before
        holder.goes_on()
        assert holder.ended().status == 0
    assert project.heads() == []


def _answer(project: Project, verb: Sequence[str]) -> tuple[int, str]:
    outcome = _clean(project.run("-x", "neo4j.lock_timeout=1", *verb))
    assert WAITING not in outcome.text
    return outcome.status, outcome.out
