"""Loads the installed packages into the graph: python load.py, as often as you like.

With --counts it counts what is there and writes nothing. The graph has to be at the
newest revision: alembic -c neo4j.ini upgrade head
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import neo4j
from packages_graph.connection import connect
from packages_graph.embedding import embedding
from packages_graph.installed import InstalledPackage, installed_packages, normalized

Row: TypeAlias = "dict[str, Any]"

BATCH_SIZE = 500

PACKAGES = """
UNWIND $rows AS row
MERGE (p:Package {normalized_name: row.normalized_name})
SET p += row.properties
MERGE (p)-[:RELEASED_AS]->(r:Release {version: row.version})
SET r.requires_python = row.requires_python
"""
NEEDED_PACKAGES = """
UNWIND $rows AS row
MERGE (p:Package {normalized_name: row.normalized_name})
ON CREATE SET p.name = row.name, p.typed = false
"""
DEPENDENCIES = """
UNWIND $rows AS row
MATCH (p:Package {normalized_name: row.package})
MATCH (needed:Package {normalized_name: row.needed})
MERGE (p)-[d:DEPENDS_ON {text: row.properties.text}]->(needed)
SET d += row.properties
"""
PEOPLE = """
UNWIND $rows AS row
MATCH (p:Package {normalized_name: row.package})
MERGE (person:Person {name: row.name})
SET person.email = coalesce(row.email, person.email)
MERGE (p)-[:MAINTAINED_BY {role: row.role}]->(person)
"""
LICENSES = """
UNWIND $rows AS row
MATCH (p:Package {normalized_name: row.package})
MERGE (license:License {name: row.name})
MERGE (p)-[:LICENSED_UNDER]->(license)
"""
TOPICS = """
UNWIND $rows AS row
MATCH (p:Package {normalized_name: row.package})
MERGE (topic:Topic {name: row.name})
MERGE (p)-[:CLASSIFIED_AS]->(topic)
"""
WIDER_TOPICS = """
UNWIND $rows AS row
MERGE (topic:Topic {name: row.name})
MERGE (wider:Topic {name: row.wider})
MERGE (topic)-[:WITHIN]->(wider)
"""
NODE_COUNTS = """
MATCH (n) UNWIND labels(n) AS name WITH name WHERE NOT name STARTS WITH '__'
RETURN name, count(*) AS count ORDER BY name
"""
RELATIONSHIP_COUNTS = """
MATCH ()-[r]->() RETURN type(r) AS name, count(*) AS count ORDER BY name
"""


def load(driver: neo4j.Driver, packages: Sequence[InstalledPackage]) -> None:
    """Write the packages and what their metadata say; what is there is found again."""
    for cypher, rows in _steps(packages):
        for start in range(0, len(rows), BATCH_SIZE):
            driver.execute_query(cypher, rows=rows[start : start + BATCH_SIZE])


def counts(driver: neo4j.Driver) -> dict[str, int]:
    """Return how many nodes each label and relationships each type has."""
    records = [
        *driver.execute_query(NODE_COUNTS).records,
        *driver.execute_query(RELATIONSHIP_COUNTS).records,
    ]
    return {record["name"]: record["count"] for record in records}


def _steps(packages: Sequence[InstalledPackage]) -> Iterator[tuple[str, list[Row]]]:
    yield PACKAGES, [_package(package) for package in packages]
    yield NEEDED_PACKAGES, _needed(packages)
    yield DEPENDENCIES, _dependencies(packages)
    yield (
        PEOPLE,
        [
            {"package": package.normalized_name, **asdict(contact)}
            for package in packages
            for contact in package.contacts
        ],
    )
    yield LICENSES, _names(packages, "licenses")
    yield TOPICS, _names(packages, "topics")
    yield WIDER_TOPICS, _wider_topics(packages)


def _package(package: InstalledPackage) -> Row:
    return {
        "normalized_name": package.normalized_name,
        "version": package.version,
        "requires_python": package.requires_python,
        "properties": {
            "name": package.name,
            "summary": package.summary,
            "embedding": embedding(f"{package.name} {package.summary}"),
            "homepage": package.homepage,
            "typed": package.typed,
        },
    }


def _needed(packages: Sequence[InstalledPackage]) -> list[Row]:
    names = {
        normalized(requirement.name): requirement.name
        for package in packages
        for requirement in package.requirements
    }
    return [{"normalized_name": n, "name": name} for n, name in sorted(names.items())]


def _dependencies(packages: Sequence[InstalledPackage]) -> list[Row]:
    return [
        {
            "package": package.normalized_name,
            "needed": normalized(requirement.name),
            "properties": {
                "text": requirement.text,
                "specifier": requirement.specifier,
                "extra": requirement.extra,
                "marker": requirement.marker,
            },
        }
        for package in packages
        for requirement in package.requirements
    ]


def _names(packages: Sequence[InstalledPackage], field: str) -> list[Row]:
    return [
        {"package": package.normalized_name, "name": name}
        for package in packages
        for name in getattr(package, field)
    ]


def _wider_topics(packages: Sequence[InstalledPackage]) -> list[Row]:
    pairs: set[tuple[str, str]] = set()
    for topic in {topic for package in packages for topic in package.topics}:
        while topic.count(" :: ") > 1:
            wider = topic.rpartition(" :: ")[0]
            pairs.add((topic, wider))
            topic = wider
    return [{"name": name, "wider": wider} for name, wider in sorted(pairs)]


def main() -> None:
    """Load the packages that are installed beside this Python, and count."""
    with connect() as driver:
        if "--counts" not in sys.argv:
            packages = installed_packages()
            load(driver, packages)
            print(f"{len(packages)} installed packages are in the graph:")
        found = counts(driver)
    if not found:
        print("  nothing")
    for name, count in found.items():
        print(f"  {name:<15} {count:>5}")


if __name__ == "__main__":
    main()
