"""A sample of alike cases is run, and every one where that is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
TEST = "test_three_kills_at_named_points"


def collected(*options: str) -> list[str]:
    arguments = ("--collect-only", "-q", "-p", "no:cacheprovider", *options)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *arguments,
            "tests/crash/test_client_kills.py",
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if f"::{TEST}[" in line]


def test_a_sample_is_spread_over_all_of_them() -> None:
    every, sample = collected("--all"), collected()

    assert len(sample) == 4 < len(every)
    assert set(sample) < set(every)
    assert (sample[0], sample[-1]) == (every[0], every[-1])
