"""Writes the lock file of a release, which ships with this package.

Run ``python -m alembic_neo4j.local.lock 5.26.30``. A release that has a lock file
starts with the jars that it pins and no others.
"""

from __future__ import annotations

import sys
from pathlib import Path

from alembic_neo4j.local import artifacts


def write_lock(version: str) -> Path:
    """Resolve a release, fetch its jars, and write its lock into this package.

    Returns the file. Raises LocalServerError or MissingExtra as `artifacts` does.
    """
    repository = artifacts.repository()
    jars = artifacts.resolve(version, repository=repository)
    artifacts.fetch(version, jars, repository=repository)
    path = artifacts.shipped(version)
    artifacts.write(artifacts.lock_of(version, jars, repository=repository), path)
    return path


if __name__ == "__main__":
    for release in sys.argv[1:]:
        sys.stdout.write(f"{write_lock(release)}\n")
