"""Ctrl-C and SIGTERM: the batch in hand is finished, and the run can be resumed."""

from __future__ import annotations

import signal

import pytest

from tests.crash.harness import Kill, client, points, started
from tests.crash.project import ITEMS, open_runs, wrong_after_upgrade
from tests.crash.sweep import UPGRADE, Sweep
from tests.migration.project import Project

REVISION = ("upgrade", "r2")
"""An index and a constraint first, then a property is renamed in eight batches."""

BATCH = 50
SIGNALS = (signal.SIGINT, signal.SIGTERM)
LAST = "MATCH (n:Item) WITH n ORDER BY n DESC LIMIT 1 SET n.gone = n.gone"
"""Batches go by internal id, and a server uses ids again."""

BLOCKED = (
    "SHOW TRANSACTIONS YIELD transactionId, status "
    "WHERE status STARTS WITH 'Blocked' RETURN transactionId"
)


def _at_the_first(sweep: Sweep) -> Project:
    project = sweep.prepared(UPGRADE)
    outcome = client(project, ("upgrade", "r1"), Kill())
    assert outcome.status == 0, outcome.text
    return project


@pytest.fixture(scope="module")
def passed(sweep: Sweep) -> list[str]:
    """The points that the revision passes before anything is asked or written."""
    return [p for p in points(_at_the_first(sweep), REVISION) if ".before" in p]


@pytest.fixture
def in_batches(passed: list[str]) -> str:
    """The commit of a batch, neither the first nor the last one."""
    commits = [point for point in passed if point.startswith("graph.commit")]
    return commits[len(commits) // 4]


@pytest.fixture
def project(sweep: Sweep, passed: list[str]) -> Project:
    """The project after its first revision."""
    return _at_the_first(sweep)


def _renamed(sweep: Sweep) -> int:
    rows = sweep.graph.read("MATCH (n:Item) RETURN count(n.heading) AS n")
    return int(rows[0]["n"])


def _ends_as_if_never_stopped(sweep: Sweep, project: Project) -> None:
    assert client(project, UPGRADE, Kill()).status == 0
    assert wrong_after_upgrade(project, sweep.graph) == []


@pytest.mark.parametrize("number", SIGNALS)
def test_the_batch_in_hand_is_finished(
    sweep: Sweep, project: Project, in_batches: str, number: signal.Signals
) -> None:
    pause = Kill(in_batches, sent=signal.SIGSTOP)
    with started(project, REVISION, pause) as running:
        running.pauses()
        before = _renamed(sweep)
        assert 0 < before < ITEMS - BATCH
        running.gets(number)
        running.goes_on()
        stopped = running.ended()
    assert stopped.status == 128 + number, stopped.text
    assert "Traceback" not in stopped.text
    assert "Run the same command again and it goes on from here" in stopped.text
    # A batch is a range of internal ids, which may have gaps.
    assert 0 < _renamed(sweep) - before <= BATCH
    assert open_runs(project) == 1
    _ends_as_if_never_stopped(sweep, project)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_does_not_wait(
    sweep: Sweep, project: Project, in_batches: str, number: signal.Signals
) -> None:
    pause = Kill(in_batches, sent=signal.SIGSTOP)
    with started(project, REVISION, pause) as running, sweep.graph.begin() as run:
        running.pauses()
        # In the way of the last batch, for as long as this transaction is open.
        run(LAST, {})
        running.goes_on()
        while not sweep.graph.read(BLOCKED):
            assert running.runs_for(0.05), running.text
        running.gets(number)
        running.says("what is in hand is finished first")
        assert running.runs_for(0.5)
        running.gets(number)
        stopped = running.ended(within=10)
        # Asked in here: free to go on, the server may still commit what it was sent.
        assert 0 < _renamed(sweep) < ITEMS
    assert stopped.status == -number, stopped.text
    assert open_runs(project) == 1
    _ends_as_if_never_stopped(sweep, project)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_before_the_first_write_leaves_no_open_run(
    sweep: Sweep, project: Project, passed: list[str], number: signal.Signals
) -> None:
    # The first commit is the lock's, the second one drops an index: before that the
    # catalogue is read, and before that the data are checked.
    dropped = passed.index("graph.commit.before#2")
    reads = [point for point in passed[:dropped] if point.startswith("graph.read")]
    stopped = client(project, REVISION, Kill(reads[-3], sent=number))
    assert stopped.status == 128 + number, stopped.text
    assert "It had written nothing yet" in stopped.text
    assert open_runs(project) == 0
    _ends_as_if_never_stopped(sweep, project)


@pytest.mark.parametrize("number", SIGNALS)
def test_who_waits_for_the_lock_stops_at_once(
    sweep: Sweep, project: Project, in_batches: str, number: signal.Signals
) -> None:
    pause = Kill(in_batches, sent=signal.SIGSTOP)
    with started(project, REVISION, pause) as holder:
        holder.pauses()
        with started(project, REVISION, Kill()) as waiter:
            waiter.says("Waiting for the lock")
            waiter.gets(number)
            assert waiter.ended(within=10).status in {128 + number, -number}
        holder.goes_on()
        assert holder.ended().status == 0
    _ends_as_if_never_stopped(sweep, project)
