"""The lock on a ledger: one holder at a time, free as soon as its process is gone."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from alembic_neo4j.errors import LockError
from alembic_neo4j.ledger.lock import break_ledger_lock, is_locked, ledger_lock

TABLE = "alembic_version"
_HOLDER = f"""
import sys, time
from sqlalchemy.engine import make_url
from alembic_neo4j.ledger.lock import ledger_lock

with ledger_lock(make_url(sys.argv[1]), {TABLE!r}, timeout=1, holder=lambda: None):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The address of a ledger in each of the two databases."""
    if request.param == "sqlite":
        return make_url(f"sqlite:///{tmp_path}/neo4j_ledger.db")
    found: URL = request.getfixturevalue("postgresql_url")
    return found


def _unknown() -> None:
    """Know nobody who holds the lock."""


def test_a_second_one_waits_and_is_refused(
    url: URL, caplog: pytest.LogCaptureFixture
) -> None:
    assert not is_locked(url, TABLE)
    with ledger_lock(url, TABLE, timeout=1, holder=_unknown):
        assert is_locked(url, TABLE)
        with (
            pytest.raises(LockError, match="alembic-neo4j unlock"),
            caplog.at_level(logging.INFO),
            ledger_lock(url, TABLE, timeout=0.2, holder=lambda: "somebody"),
        ):
            raise AssertionError("two have the lock")
    assert caplog.messages == ["Waiting for the lock on the ledger, held by somebody"]
    assert not is_locked(url, TABLE)


def test_another_history_in_the_same_ledger_is_free(url: URL) -> None:
    with (
        ledger_lock(url, TABLE, timeout=1, holder=_unknown),
        ledger_lock(url, "other_version", timeout=0.2, holder=_unknown),
    ):
        assert is_locked(url, "other_version")


def test_it_is_free_when_its_holder_is_killed(url: URL) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, url.render_as_string(hide_password=False)],
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_locked(url, TABLE)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    began = time.monotonic()
    with ledger_lock(url, TABLE, timeout=1, holder=_unknown):
        assert time.monotonic() - began < 1


def test_a_broken_lock_is_free_for_those_who_wait(url: URL) -> None:
    with ledger_lock(url, TABLE, timeout=1, holder=_unknown):
        break_ledger_lock(url, TABLE)
        with ledger_lock(url, TABLE, timeout=0.2, holder=_unknown):
            assert is_locked(url, TABLE)


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path}/missing/neo4j_ledger.db")
    with (
        pytest.raises(LockError, match="missing"),
        ledger_lock(url, TABLE, timeout=1, holder=_unknown),
    ):
        raise AssertionError("there is nothing to lock")


def test_asking_creates_nothing(url: URL, tmp_path: Path) -> None:
    assert not is_locked(url, TABLE)
    assert list(tmp_path.iterdir()) == []
