"""Writes what load.py loads of packages to files: python write_files.py

packages.jsonl has the installed packages and those that they need, needs.csv what needs
what. `alembic-neo4j ingest load` makes nodes and relationships of their rows.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packages_graph.embedding import embedding
from packages_graph.installed import (
    InstalledPackage,
    Requirement,
    installed_packages,
    normalized,
)

PACKAGES, NEEDS = Path("packages.jsonl"), Path("needs.csv")
COLUMNS = ("package", "needed", "text", "specifier", "extra", "marker")


def write(packages: Sequence[InstalledPackage]) -> tuple[int, int]:
    """Write both files, and return how many rows each of them has."""
    rows: dict[str, dict[str, Any]] = {}
    needs = []
    for package in packages:
        for requirement in package.requirements:
            name = normalized(requirement.name)
            rows[name] = {"normalized_name": name, "name": requirement.name}
            needs.append(_need(package, name, requirement))
    rows.update((package.normalized_name, _row(package)) for package in packages)
    with PACKAGES.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows.values())
    with NEEDS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(needs)
    return len(rows), len(needs)


def _row(package: InstalledPackage) -> dict[str, Any]:
    return {
        "normalized_name": package.normalized_name,
        "name": package.name,
        "summary": package.summary,
        "embedding": embedding(f"{package.name} {package.summary}"),
        "homepage": package.homepage,
        "typed": package.typed,
    }


def _need(
    package: InstalledPackage, needed: str, requirement: Requirement
) -> dict[str, Any]:
    return {
        "package": package.normalized_name,
        "needed": needed,
        "text": requirement.text,
        "specifier": requirement.specifier,
        "extra": requirement.extra,
        "marker": requirement.marker,
    }


def main() -> None:
    """Write the packages that are installed beside this Python."""
    packages, needs = write(installed_packages())
    print(f"{PACKAGES}: {packages:,} rows, {NEEDS}: {needs:,} rows")


if __name__ == "__main__":
    main()
