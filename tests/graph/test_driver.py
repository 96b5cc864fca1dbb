"""Importing the driver: what it does to the garbage collector, and what it leaves."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from alembic_neo4j.graph.driver import not_collecting


@pytest.fixture(autouse=True)
def collecting() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_the_collector_rests_and_goes_on() -> None:
    with not_collecting():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_the_collector_goes_on_after_an_error() -> None:
    with pytest.raises(ImportError), not_collecting():
        raise ImportError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with not_collecting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_a_program_has_frozen_stays_frozen() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with not_collecting():
            pass
        # One that nothing refers to any more goes all the same.
        assert gc.get_freeze_count() > frozen // 2
    finally:
        gc.unfreeze()


def test_the_driver_is_not_imported_before_it_is_needed() -> None:
    script = (
        "import sys, alembic_neo4j.migration.environment, alembic_neo4j.op\n"
        "assert 'neo4j' not in sys.modules\n"
        "from alembic_neo4j.graph.driver import load_driver\n"
        "load_driver()\n"
        "assert 'neo4j' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
