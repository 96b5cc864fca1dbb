"""Importing the driver, which is done late and takes longer than all else of a verb."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@contextmanager
def not_collecting() -> Iterator[None]:
    """Look for no garbage among what is made here, because it is going to stay.

    An import makes modules and tables, the driver's a hundred thousand tuples. To go
    through all of them again and again would take longer than making them.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            # Together these two move what there is to the oldest generation.
            gc.freeze()
            gc.unfreeze()
        if collecting:
            gc.enable()


@cache
def load_driver() -> None:
    """Import the driver, once."""
    with not_collecting():
        import neo4j  # noqa: F401
