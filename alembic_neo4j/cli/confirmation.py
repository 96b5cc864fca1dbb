"""Asking a person whether something that can't be undone is meant."""

from __future__ import annotations

import sys

import click


def confirm(question: str, to: str) -> None:
    """Ask whether to go on; `to` is what ``--yes`` does without being asked.

    Raises click.UsageError where there is nobody to ask, and click.Abort for a no.
    """
    if not has_person():
        raise click.UsageError(f"There is no terminal to ask on: say --yes to {to}.")
    click.confirm(question, abort=True, err=True)


def has_person() -> bool:
    """Tell whether there is somebody to answer."""
    return sys.stdin.isatty()
