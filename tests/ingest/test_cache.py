"""The cache: what it lists, verifies and clears."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.cache import Cache, CachedFile, default_cache
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.files import local_file

from .serving import WebServer

TEXTS = [b"id\n1\n", b"id\n2\n", b"id\n3\n"]


def keep(cache: Cache, data: bytes, name: str = "a.csv") -> CachedFile:
    with cache.unfinished() as content:
        content.write_bytes(data)
        file = local_file(content, uri=f"http://host/{name}", name=name)
        kept = cache.keep(file)
    assert kept.path.read_bytes() == data
    (entry,) = (e for e in cache.entries() if e.sha256 == kept.sha256)
    return entry


@pytest.fixture
def kept(cache: Cache) -> list[CachedFile]:
    return [keep(cache, text, f"{n}.csv") for n, text in enumerate(TEXTS)]


def test_what_is_kept_is_listed(cache: Cache, kept: list[CachedFile]) -> None:
    assert {entry.sha256 for entry in cache.entries()} == {
        hashlib.sha256(text).hexdigest() for text in TEXTS
    }
    assert [entry.uri for entry in kept] == [f"http://host/{n}.csv" for n in range(3)]
    assert all(entry.fetched is not None for entry in kept)
    assert [problem for _, problem in cache.verify()] == [None] * 3


def test_a_cache_that_is_not_there_is_empty(cache: Cache) -> None:
    assert cache.entries() == cache.verify() == cache.clear() == []
    assert cache.find("0" * 64) is None
    assert not cache.root.exists()


def test_the_same_content_is_kept_once(cache: Cache, kept: list[CachedFile]) -> None:
    again = keep(cache, TEXTS[0], "other.csv")

    assert again == kept[0]


def test_a_damaged_file_is_found_and_not_used(
    cache: Cache, kept: list[CachedFile], caplog: pytest.LogCaptureFixture
) -> None:
    kept[1].path.write_bytes(b"id\n9\n")

    problems = {entry.sha256: problem for entry, problem in cache.verify()}
    with caplog.at_level(logging.WARNING):
        found = [cache.find(entry.sha256) for entry in kept]

    assert "found " in (problems.pop(kept[1].sha256) or "")
    assert list(problems.values()) == [None, None]
    assert [file is not None for file in found] == [True, False, True]
    assert "is taken out of the cache" in caplog.text
    assert len(cache.entries()) == 2


def test_a_damaged_file_is_fetched_again(web: WebServer, cache: Cache) -> None:
    url = web.give("/a.csv", TEXTS[0])
    sha256 = obtain(url, cache=cache).sha256
    cache.entries()[0].path.write_bytes(b"")

    assert obtain(url, cache=cache, sha256=sha256).path.read_bytes() == TEXTS[0]
    assert len(web.asked) == 2


def test_a_content_that_is_gone_is_damaged(
    cache: Cache, kept: list[CachedFile]
) -> None:
    kept[0].path.unlink()

    assert sum(problem is not None for _, problem in cache.verify()) == 1


def test_a_note_of_the_source_that_is_damaged(
    cache: Cache, kept: list[CachedFile]
) -> None:
    for entry, text in zip(kept, ("", "[]", '{"uri": 1}'), strict=True):
        entry.path.with_name("source.json").write_text(text)

    assert {entry.uri for entry in cache.entries()} == {""}
    assert all(cache.find(entry.sha256) for entry in kept)


def test_foreign_files_are_left_alone(cache: Cache, kept: list[CachedFile]) -> None:
    (cache.root / "sha256" / "zz" / "notes").mkdir(parents=True)
    (cache.root / "readme").touch()

    assert len(cache.clear()) == 3
    assert (cache.root / "sha256" / "zz" / "notes").exists()
    assert (cache.root / "readme").exists()


def test_clearing_by_the_beginning_of_a_checksum(
    cache: Cache, kept: list[CachedFile]
) -> None:
    removed = cache.clear([kept[0].sha256[:12].upper()])

    assert [entry.sha256 for entry in removed] == [kept[0].sha256]
    assert {e.sha256 for e in cache.entries()} == {e.sha256 for e in kept[1:]}


@pytest.mark.parametrize("start", ["", "zz", "../.."])
def test_a_beginning_that_fits_no_file_removes_nothing(
    start: str, cache: Cache, kept: list[CachedFile]
) -> None:
    with pytest.raises(IngestError, match="ingest cache list"):
        cache.clear([kept[0].sha256, start])

    assert len(cache.entries()) == 3


FETCH = """
import sys, time
from pathlib import Path
from alembic_neo4j.ingest.cache import Cache
with Cache(Path(sys.argv[1])).unfinished() as content:
    content.write_bytes(b"half")
    print(content.parent, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_goes_and_a_live_one_stays(cache: Cache) -> None:
    command = [sys.executable, "-c", FETCH, str(cache.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as fetcher:
        assert fetcher.stdout is not None
        left = Path(fetcher.stdout.readline().rstrip())
        old = time.time() - 100
        os.utime(left, (old, old))
        cache.clear()
        assert (left / "content").read_bytes() == b"half"
        fetcher.kill()

    with cache.unfinished() as content:
        content.write_bytes(b"half")
        os.utime(content.parent, (old, old))
        assert not left.exists()
        cache.clear()
        assert content.exists()
    assert list((cache.root / "unfinished").iterdir()) == []


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALEMBIC_NEO4J_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_cache().root == Path.home() / ".cache" / "alembic-neo4j"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache().root == tmp_path / "alembic-neo4j"

    monkeypatch.setenv("ALEMBIC_NEO4J_CACHE", "~/mine")
    assert default_cache().root == Path.home() / "mine"
