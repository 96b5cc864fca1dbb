"""Which release a local server is, and that its jars are the pinned ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from alembic_neo4j.errors import LocalServerError
from alembic_neo4j.local import artifacts
from alembic_neo4j.local.artifacts import Jar

PLAIN = Jar("org.example", "plain", "1.0")
NATIVE = Jar("org.example", "native", "2.0", "linux-x86_64")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for jar in (PLAIN, NATIVE):
        path = tmp_path / jar.path
        path.parent.mkdir(parents=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("name", jar.coordinates)
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "known", "expected"),
    [
        (None, [], artifacts.DEFAULT_VERSION),
        ("5.26", [], artifacts.DEFAULT_VERSION),
        ("5", [], artifacts.DEFAULT_VERSION),
        ("5.26.4", ["5.26.9"], "5.26.4"),
        (None, ["5.26.9", "5.26.10", "2026.08.1"], "5.26.10"),
        ("5.26", ["5.26.9", "5.25.1"], "5.26.9"),
        ("2026", ["2026.04.0", "2026.08.1"], "2026.08.1"),
        ("2026.08.1", [], "2026.08.1"),
    ],
)
def test_a_version_or_a_part_of_one_names_a_release(
    wanted: str | None, known: list[str], expected: str
) -> None:
    assert artifacts.exact_version(wanted, known=known) == expected


@pytest.mark.parametrize(
    "wanted", ["", "latest", "5.26.x", "5.2.6.1", "../5.26", "4.4"]
)
def test_what_is_no_release_is_refused(wanted: str) -> None:
    with pytest.raises(LocalServerError, match="found"):
        artifacts.exact_version(wanted)


def test_a_series_that_nobody_published_is_refused() -> None:
    with pytest.raises(LocalServerError, match="Expected a release of Neo4j 2026"):
        artifacts.exact_version("2026", published=False)


def test_the_default_release_is_pinned_without_a_word_about_where_it_comes_from() -> (
    None
):
    path = artifacts.shipped(artifacts.DEFAULT_VERSION)
    lock = artifacts.read(path)

    assert lock.version == artifacts.DEFAULT_VERSION
    assert {len(digest) for digest in lock.sha256.values()} == {64}
    named = {(jar.group, jar.artifact): jar.version for jar in lock.sha256}
    for artifact in (
        ("org.neo4j", "neo4j"),
        ("org.neo4j.app", "neo4j-server"),
        ("org.neo4j", "neo4j-slf4j-provider"),
    ):
        assert named[artifact] == artifacts.DEFAULT_VERSION
    assert "//" not in path.read_text()


def test_a_lock_is_written_and_read_back(repository: Path, tmp_path: Path) -> None:
    lock = artifacts.lock_of("5.26.0", [PLAIN, NATIVE], repository=repository)
    artifacts.write(lock, tmp_path / "cache" / "lock.json")

    assert artifacts.read(tmp_path / "cache" / "lock.json") == lock
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock.json"]


def test_jars_that_fit_their_pins_are_the_class_path(repository: Path) -> None:
    lock = artifacts.lock_of("5.26.0", [PLAIN, NATIVE], repository=repository)

    assert [path.name for path in artifacts.verify(lock, repository=repository)] == [
        "native-2.0-linux-x86_64.jar",
        "plain-1.0.jar",
    ]


def test_a_jar_that_is_not_the_pinned_one_is_refused(repository: Path) -> None:
    lock = artifacts.lock_of("5.26.0", [PLAIN, NATIVE], repository=repository)
    changed = repository / PLAIN.path
    changed.write_bytes(changed.read_bytes() + b"x")

    with pytest.raises(LocalServerError) as caught:
        artifacts.verify(lock, repository=repository)

    message = str(caught.value)
    assert "org.example:plain:1.0" in message
    assert lock.sha256[PLAIN] in message
    assert str(changed) in message
    assert "Delete that file" in message


def test_a_server_with_a_changed_jar_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = artifacts.read(artifacts.shipped(artifacts.DEFAULT_VERSION))
    for jar in real.sha256:
        path = tmp_path / jar.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not what was pinned")

    with pytest.raises(LocalServerError, match="is not the one that is pinned"):
        artifacts.class_path(artifacts.DEFAULT_VERSION, repository_hint=tmp_path)


def test_a_download_that_was_cut_short_is_never_pinned(repository: Path) -> None:
    path = repository / NATIVE.path
    path.write_bytes(path.read_bytes()[:-30])

    with pytest.raises(LocalServerError, match="damaged archive"):
        artifacts.lock_of("5.26.0", [NATIVE], repository=repository)


def test_a_file_that_is_no_lock_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    path.write_text('{"neo4j": "5.26.0"}')

    with pytest.raises(LocalServerError, match=r"lock\.json"):
        artifacts.read(path)


def test_a_mirror_of_central_in_the_users_maven_settings_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert artifacts.mirror_of_central() is None
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(
        '<settings xmlns="urn:settings"><mirrors>'
        "<mirror><mirrorOf>other</mirrorOf><url>http://other.invalid</url></mirror>"
        "<mirror><mirrorOf>*</mirrorOf><url>http://mirror.invalid/m/</url></mirror>"
        "</mirrors></settings>"
    )

    assert artifacts.mirror_of_central() == "http://mirror.invalid/m"
