"""Files from a web server, which fails in every way that it can."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j import waiting
from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.cache import Cache
from alembic_neo4j.ingest.download import Attempts, obtain
from alembic_neo4j.ingest.files import DataFile
from alembic_neo4j.ingest.reading import open_rows

from .serving import (
    WebServer,
    content,
    cut_off,
    cut_off_chunks,
    endless,
    redirect,
    silent,
    status,
)
from .writing import COMPRESSIONS

DATA = b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n) for n in range(20_000))
SHA256 = hashlib.sha256(DATA).hexdigest()
QUICK = Attempts(pause_seconds=0.01)


def fetch(url: str, cache: Cache, **options: Any) -> DataFile:
    return obtain(url, cache=cache, **{"attempts": QUICK, **options})


def refused(url: str, cache: Cache, **options: Any) -> str:
    with pytest.raises(IngestError) as raised:
        fetch(url, cache, **options)
    assert kept(cache) == []
    return str(raised.value)


def kept(cache: Cache) -> list[Path]:
    """Every file below the cache."""
    return [path for path in cache.root.rglob("*") if path.is_file()]


def test_a_file_is_fetched_into_its_place(web: WebServer, cache: Cache) -> None:
    url = web.give("/data/people.csv", DATA)

    file = fetch(url, cache)

    assert file.path.read_bytes() == DATA
    assert file.path == cache.root / "sha256" / SHA256[:2] / SHA256 / "content"
    assert (file.sha256, file.size, file.name) == (SHA256, len(DATA), "people.csv")
    assert list((cache.root / "unfinished").iterdir()) == []
    (entry,) = cache.entries()
    assert (entry.uri, entry.sha256, entry.size) == (url, SHA256, len(DATA))


def test_with_a_checksum_nothing_is_fetched_twice(web: WebServer, cache: Cache) -> None:
    url = web.give("/people.csv", DATA)

    for _ in range(2):
        assert fetch(url, cache, sha256=SHA256.upper()).sha256 == SHA256
    assert len(web.asked) == 1

    web.give("/people.csv", b"id\n1\n")
    assert fetch(url, cache).size == 5
    assert len(web.asked) == 2
    assert len(cache.entries()) == 2


def test_a_compressed_file_is_kept_as_it_came(web: WebServer, cache: Cache) -> None:
    packed = COMPRESSIONS[".gz"](b"id\n1\n")
    url = web.give("/people.csv.gz", content(packed))

    file = fetch(url, cache)

    assert file.path.read_bytes() == packed
    assert web.headers[0]["Accept-Encoding"] == "identity"


def test_another_checksum_leaves_nothing(web: WebServer, cache: Cache) -> None:
    url = web.give("/people.csv", DATA)

    message = refused(url, cache, sha256="0" * 64)

    assert SHA256 in message
    assert "0" * 64 in message
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    "broken",
    [
        cut_off(DATA, 0),
        cut_off(DATA, 100_000),
        cut_off(DATA, len(DATA) - 1),
        cut_off_chunks(DATA[:100_000]),
        status(503),
        status(429),
    ],
    ids=["at once", "in the middle", "at the end", "in chunks", "503", "429"],
)
def test_a_failure_is_tried_again(
    broken: Any, web: WebServer, cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    url = web.give("/people.csv", broken, broken, DATA)

    with caplog.at_level(logging.WARNING):
        assert fetch(url, cache).path.read_bytes() == DATA

    assert len(web.asked) == 3
    assert "attempt 2 of 4" in caplog.text


@pytest.mark.parametrize("broken", [cut_off(DATA, 100_000), status(500)])
def test_a_failure_that_stays_leaves_nothing(
    broken: Any, web: WebServer, cache: Cache
) -> None:
    url = web.give("/people.csv", broken)

    message = refused(url, cache)

    assert "can't be fetched after 4 attempts" in message
    assert len(web.asked) == 4


@pytest.mark.parametrize(
    ("number", "expected"),
    [(404, "no such file"), (403, "answered 403"), (401, "answered 401")],
)
def test_what_will_not_change_is_asked_once(
    number: int, expected: str, web: WebServer, cache: Cache
) -> None:
    url = web.give("/people.csv", status(number))

    assert expected in refused(url, cache)
    assert len(web.asked) == 1


def test_a_server_that_falls_silent_is_left(web: WebServer, cache: Cache) -> None:
    until = threading.Event()
    url = web.give("/people.csv", silent(until))
    begun = time.monotonic()

    message = refused(url, cache, attempts=Attempts(count=1, read_seconds=0.2))
    until.set()

    assert "nothing arrived in time" in message
    assert time.monotonic() - begun < 10


def test_a_server_that_is_not_there(cache: Cache) -> None:
    assert "can't be fetched" in refused("http://127.0.0.1:9/people.csv", cache)


def test_redirects_are_followed_on_the_web_alone(web: WebServer, cache: Cache) -> None:
    there = web.give("/there.csv", DATA)
    url = web.give("/here.csv", redirect(there))
    assert fetch(url, cache).sha256 == SHA256

    cache.clear()
    url = web.give("/here.csv", redirect("file:///etc/passwd"))
    assert "can't be fetched" in refused(url, cache)


@pytest.mark.parametrize(
    "path",
    [
        "/../../evil.csv",
        "/..%2F..%2Fevil.csv",
        "/%2Fetc%2Fevil.csv",
        "/evil.csv%00.csv",
        "/evil.csv?name=../../evil.csv&a=b",
        "/" + "x" * 3_000 + ".csv",
        "/evil\\..\\..\\evil.csv",
        "/~root/evil.csv",
    ],
    ids=lambda path: path[:20],
)
def test_a_hostile_name_is_no_path(path: str, web: WebServer, cache: Cache) -> None:
    before = set(cache.root.parent.rglob("*"))
    # What a client makes of the path before it asks for it.
    for asked in (path, "/evil.csv", "/evil%5C..%5C..%5Cevil.csv"):
        web.give(asked, DATA)

    file = fetch(f"http://127.0.0.1:{web.port}{path}", cache)

    assert file.path.read_bytes() == DATA
    made = set(cache.root.parent.rglob("*")) - before
    assert {p for p in made if p.is_file()} == {
        file.path,
        file.path.with_name("source.json"),
        file.path.with_name("lock"),
    }


def test_secrets_are_sent_and_never_told(
    web: WebServer, cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    path = "/people.csv?token=s3cr3t%2Fx&id=7"
    web.give(path, status(503), DATA)
    url = f"http://me:pa55word@127.0.0.1:{web.port}{path}"

    with caplog.at_level(logging.WARNING):
        file = fetch(url, cache)

    assert web.asked == [path, path]
    assert web.headers[0]["Authorization"].startswith("Basic ")
    (entry,) = cache.entries()
    told = caplog.text + file.uri + entry.uri
    told += file.path.with_name("source.json").read_text()
    web.give(path, status(403))
    told += refused_text(url, cache)
    assert "token=***&id=7" in told
    assert "s3cr3t" not in told
    assert "pa55word" not in told


def refused_text(url: str, cache: Cache) -> str:
    """The message and all that its traceback would show."""
    with pytest.raises(IngestError) as raised:
        fetch(url, cache)
    assert raised.value.__suppress_context__
    return str(raised.value)


def test_eight_at_once_get_the_same_file(web: WebServer, cache: Cache) -> None:
    url = web.give("/people.csv", DATA)
    found: list[DataFile] = []

    def work() -> None:
        found.append(fetch(url, cache))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {file.path for file in found} == {found[0].path}
    assert len(found) == 8
    assert found[0].path.read_bytes() == DATA
    assert list((cache.root / "unfinished").iterdir()) == []


def test_rows_are_read_from_the_cache(web: WebServer, cache: Cache) -> None:
    url = web.give("/people.jsonl.xz", COMPRESSIONS[".xz"](b'{"id": 1}\n'))

    with open_rows(fetch(url, cache)) as rows:
        assert [row.values for row in rows] == [{"id": 1}]


PROGRAM = """
import signal, sys
from pathlib import Path
from alembic_neo4j.ingest.cache import Cache
from alembic_neo4j.ingest.download import obtain
if len(sys.argv) > 3:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
obtain(sys.argv[1], cache=Cache(Path(sys.argv[2])))
"""


def test_a_kill_in_the_middle_leaves_nothing_that_counts(
    web: WebServer, cache: Cache
) -> None:
    until = threading.Event()
    url = web.give("/people.csv", silent(until), DATA)
    command = [sys.executable, "-c", PROGRAM, url, str(cache.root)]
    with subprocess.Popen(command) as process:
        while not [p for p in kept(cache) if p.name == "content"]:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    until.set()

    assert cache.entries() == []
    assert fetch(url, cache).path.read_bytes() == DATA
    # What the dead one left is young; it goes with the next that comes later.
    assert len(list((cache.root / "unfinished").iterdir())) == 1
    time.sleep(1.1)
    cache.clear()
    assert kept(cache) == []


def test_a_disk_that_is_full_leaves_nothing(web: WebServer, cache: Cache) -> None:
    url = web.give("/people.csv", DATA)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, str(cache.root), "100000"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "can't be written: File too large. Nothing of the file" in done.stderr
    assert kept(cache) == []


def test_a_cache_that_can_not_be_made(web: WebServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = web.give("/people.csv", DATA)

    with pytest.raises(IngestError, match="can't be written"):
        fetch(url, Cache(tmp_path / "file" / "cache"))


def test_the_bytes_that_arrive_are_told(web: WebServer, cache: Cache) -> None:
    url = web.give("/people.csv", DATA)
    told: list[tuple[int, int | None]] = []

    fetch(url, cache, report=lambda done, total: told.append((done, total)))

    assert told[-1] == (len(DATA), len(DATA))


def test_a_server_that_sends_for_ever_is_left(web: WebServer, cache: Cache) -> None:
    url = web.give("/people.csv", endless())

    message = refused(url, cache, max_download=50_000)

    assert "expected at most 50,000 bytes, found more, and no end of it" in message
    assert "--max-download" in message
    assert len(web.asked) == 1


def test_a_file_that_is_too_large_is_not_begun(web: WebServer, cache: Cache) -> None:
    url = web.give("/people.csv", DATA)

    message = refused(url, cache, max_download=len(DATA) - 1)

    assert f"found {len(DATA):,} bytes" in message
    assert fetch(url, cache, max_download=len(DATA)).size == len(DATA)


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("file:///etc/passwd", "redirects to what is no web address"),
        ("http://[::1", "redirects to what is no address"),
        ("/people.csv", "leads on from redirect to redirect"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_followed_once(
    to: str, reason: str, web: WebServer, cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    url = web.give("/people.csv", redirect(to))

    message = refused(url, cache)

    assert f"can't be fetched: it {reason}" in message
    assert "attempt" not in caplog.text


def test_headers_stay_with_their_host(cache: Cache) -> None:
    with WebServer() as web, WebServer() as other:
        there = other.give("/there.csv", DATA)
        near = web.give("/near.csv", redirect(there))
        url = web.give("/here.csv", redirect(near))
        secret = {"X-Api-Key": "s3cr3t", "Authorization": "Bearer s3cr3t"}

        fetch(url, cache, storage_options={"headers": secret})

        assert [headers["X-Api-Key"] for headers in web.headers] == ["s3cr3t"] * 2
        (there_sent,) = other.headers
        assert "s3cr3t" not in str(there_sent)
        assert there_sent["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9/people.csv", "refused"),
        ("http://no.such.host.invalid/people.csv", "the name of its host is not known"),
    ],
)
def test_a_reason_is_in_words(url: str, reason: str, cache: Cache) -> None:
    message = refused(url, cache, attempts=Attempts(count=1))

    assert reason in message
    assert "Error" not in message


def test_silence_is_told_of(
    web: WebServer,
    cache: Cache,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(waiting, "SAID_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.05)
    until = threading.Event()
    url = web.give("/people.csv?token=s3cr3t", silent(until))

    refused(url, cache, attempts=Attempts(count=1, read_seconds=1))
    until.set()

    (told,) = caplog.messages
    assert told.startswith(f"Waiting for {url.replace('s3cr3t', '***')}, since ")
    assert told.endswith("UTC at most")
