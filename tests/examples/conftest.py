"""What the tests of the examples share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def path_of_imports() -> Iterator[None]:
    """Leave the path of imports as it was; an example's modules have their own names.

    They stay: neomodel refuses to have the same relationship model imported again.
    """
    before = list(sys.path)
    yield
    sys.path[:] = before
