"""S3 (a moto server), Google Cloud Storage (its three requests) and fsspec's memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fsspec
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from alembic_neo4j.errors import IngestError, MissingExtra
from alembic_neo4j.ingest.cache import Cache
from alembic_neo4j.ingest.download import Attempts, obtain
from alembic_neo4j.ingest.files import DataFile
from alembic_neo4j.ingest.reading import open_rows

from .serving import WebServer, content, status
from .writing import COMPRESSIONS

DATA = COMPRESSIONS[".zst"](b"id\n1\n2\n")
KEY = "data/a b/people.csv.zst"
QUICK = Attempts(count=2, pause_seconds=0.01)


def rows(file: DataFile) -> list[dict[str, Any]]:
    with open_rows(file) as found:
        return [row.values for row in found]


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_options(s3_endpoint: str) -> dict[str, Any]:
    return {
        "endpoint_url": s3_endpoint,
        "key": "testing",
        "secret": "testing",
        "client_kwargs": {"region_name": "eu-west-1"},
    }


@pytest.fixture
def bucket(s3_options: dict[str, Any]) -> str:
    system = fsspec.filesystem("s3", skip_instance_cache=True, **s3_options)
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    system.mkdir(name)
    system.pipe_file(f"{name}/{KEY}", DATA)
    return name


def test_a_file_of_s3(bucket: str, s3_options: dict[str, Any], cache: Cache) -> None:
    file = obtain(f"s3://{bucket}/{KEY}", cache=cache, storage_options=s3_options)

    assert rows(file) == [{"id": "1"}, {"id": "2"}]
    assert file.uri == f"s3://{bucket}/{quote(KEY)}"
    assert [entry.name for entry in cache.entries()] == ["people.csv.zst"]


@pytest.mark.parametrize("key", ["nowhere.csv", "data"])
def test_what_s3_does_not_have(
    key: str, bucket: str, s3_options: dict[str, Any], cache: Cache
) -> None:
    with pytest.raises(IngestError, match="there is no such file"):
        obtain(
            f"s3://{bucket}/{key}",
            cache=cache,
            storage_options=s3_options,
            attempts=QUICK,
        )
    assert cache.entries() == []


def test_options_that_a_file_system_does_not_have(cache: Cache) -> None:
    for uri in ("s3://b/a.csv", "http://example.org/a.csv"):
        with pytest.raises(IngestError, match="no_such"):
            obtain(uri, cache=cache, storage_options={"no_such": 1}, attempts=QUICK)


def google(test: Callable[..., None]) -> Callable[..., None]:
    """A test of Google's library, which tells of each Python that it will leave."""
    old = "ignore:You are using a (non-supported )?Python:FutureWarning"
    return pytest.mark.filterwarnings(old)(test)


@google
@pytest.mark.parametrize("scheme", ["gs", "gcs"])
def test_a_file_of_google_cloud_storage(
    scheme: str, web: WebServer, cache: Cache
) -> None:
    name = quote(KEY, safe="")
    about = {"name": KEY, "bucket": "b", "size": str(len(DATA)), "kind": "object"}
    web.give(f"/storage/v1/b/b/o/{name}", content(json.dumps(about).encode()))
    web.give(f"/download/storage/v1/b/b/o/{name}?alt=media", DATA)

    file = obtain(
        f"{scheme}://b/{KEY}",
        cache=cache,
        storage_options=_gcs(web),
        attempts=QUICK,
    )

    assert rows(file) == [{"id": "1"}, {"id": "2"}]


@google
def test_what_google_cloud_storage_does_not_have(web: WebServer, cache: Cache) -> None:
    with pytest.raises(IngestError, match="can't be fetched"):
        obtain(
            "gs://b/nowhere.csv",
            cache=cache,
            storage_options=_gcs(web),
            attempts=QUICK,
        )
    assert cache.entries() == []


def _gcs(web: WebServer) -> dict[str, Any]:
    for path in ("/storage/v1/b/b", "/storage/v1/b/b/storageLayout"):
        web.give(path, status(404))
    return {"endpoint_url": f"http://127.0.0.1:{web.port}", "token": "anon"}


def test_a_file_of_memory(cache: Cache) -> None:
    name = f"{uuid.uuid4().hex}/people.csv.zst"
    fsspec.filesystem("memory").pipe_file(f"/{name}", DATA)

    file = obtain(f"memory://{name}", cache=cache)

    assert rows(file) == [{"id": "1"}, {"id": "2"}]


WITHOUT = """
import sys
from pathlib import Path
from alembic_neo4j.errors import MissingExtra
from alembic_neo4j.ingest.cache import Cache
from alembic_neo4j.ingest.download import obtain
for library, uri in zip(sys.argv[2::2], sys.argv[3::2]):
    sys.modules[library] = None
    try:
        obtain(uri, cache=Cache(Path(sys.argv[1])))
    except MissingExtra as error:
        print(error)
"""


def test_a_library_that_is_missing(cache: Cache) -> None:
    asked = [
        *("s3fs", "s3://b/a.csv"),
        *("gcsfs", "gs://b/a.csv"),
        *("aiohttp", "https://example.org/a.csv"),
        *("fsspec", "memory://b/a.csv"),
    ]

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(cache.root), *asked],
        capture_output=True,
        text=True,
        check=True,
    )

    extras = re.findall(r'pip install "alembic-neo4j\[(\w+)\]"', done.stdout)
    assert extras == ["s3", "gcs", "data", "data"]


@pytest.mark.parametrize("name", ["people.parquet", "people.csv.zst", "people.csv.lz4"])
def test_pyarrow_that_is_missing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    compressed = COMPRESSIONS.get(path.suffix, bytes)
    path.write_bytes(compressed(b"PAR1"))
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with (
        pytest.raises(MissingExtra, match=r"alembic-neo4j\[data\]"),
        open_rows(obtain(path)),
    ):
        pass
