"""Local files: where they are, what they are, and their checksums."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.files import address_of

DATA = b"id\n1\n"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "people #1?.csv"
    path.write_bytes(DATA)
    return path


def refused(uri: str | Path, **options: Any) -> str:
    with pytest.raises(IngestError) as raised:
        obtain(uri, **options)
    return str(raised.value)


def test_a_local_file_is_read_where_it_lies(path: Path) -> None:
    file = obtain(path)

    assert (file.path, file.name) == (path, "people #1?.csv")
    assert (file.sha256, file.size) == (SHA256, 5)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_file_uri(host: str, path: Path) -> None:
    assert obtain(f"file://{host}{path.as_uri()[7:]}").path == path
    assert obtain(f"FILE://{host}{path}").path == path


def test_a_file_of_another_machine_is_refused() -> None:
    assert "found the host 'example.org'" in refused("file://example.org/a.csv")


def test_a_relative_path_is_taken_from_a_directory(path: Path) -> None:
    assert obtain(path.name, directory=path.parent).path == path
    assert obtain(str(path), directory=Path("/elsewhere")).path == path
    assert address_of("~/a.csv", directory=path.parent).path == Path.home() / "a.csv"


@pytest.mark.parametrize(
    "expected", [SHA256, SHA256.upper(), f"sha256:{SHA256}", f" {SHA256}\n"]
)
def test_a_checksum_in_every_form(expected: str, path: Path) -> None:
    assert obtain(path, sha256=expected).sha256 == SHA256


def test_another_checksum_is_refused_with_both(path: Path) -> None:
    message = refused(path, sha256="AB" * 32)

    assert "ab" * 32 in message
    assert SHA256 in message


@pytest.mark.parametrize(
    "sha256", ["", "abc", "g" * 64, SHA256 + "0", "md5:" + "0" * 32]
)
def test_what_is_no_checksum(sha256: str, path: Path) -> None:
    assert "64 hexadecimal digits" in refused(path, sha256=sha256)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("nowhere.csv", "nowhere.csv: can't be read: No such file"),
        ("../../../../../../../../nowhere/evil.csv", "No such file"),
        ("a\0b.csv", "NUL character"),
        ("file:///a%00b.csv", "NUL character"),
        ("x" * 5_000 + ".csv", "File name too long"),
        ("ftp://example.org/a.csv", "found ftp://"),
        ("zip://a.csv::http://example.org/a.zip", "found zip://"),
        ("http://", "after http://, found none"),
        ("s3:///key.csv", "after s3://, found none"),
        ("http://me:pa55/word@example.org/a.csv", "perhaps a port, found neither"),
        ("http://[::1/a.csv", "perhaps a port, found neither"),
        ("~nobody-here/a.csv", "No such file"),
    ],
)
def test_what_can_not_be_read(uri: str, expected: str, tmp_path: Path) -> None:
    message = refused(uri, directory=tmp_path)

    assert expected in message
    assert "pa55" not in message
    assert len(message) < 700


def test_a_directory_a_pipe_and_a_device_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert "found a directory" in refused(tmp_path)
    assert "a pipe" in refused(tmp_path / "pipe")
    assert "a device" in refused("/dev/zero")


def test_the_bytes_that_are_hashed_are_told(path: Path) -> None:
    told: list[tuple[int, int | None]] = []

    obtain(path, report=lambda done, total: told.append((done, total)))

    assert told == [(5, 5)]


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://me:secret@example.org/a.csv", "https://example.org/a.csv"),
        ("https://example.org/a.csv?token=s&id=7", "…?token=***&id=7"),
        ("https://b/a.csv?X-Amz-Signature=s&X-Amz-Credential=c", "…?X-Amz-Signature="),
        ("https://b/a.csv?AWSAccessKeyId=s&sig=s", "…?AWSAccessKeyId=***&sig=***"),
        ("https://b/a.csv?author=me&monkey=7", "…?author=me&monkey=7"),
        ("https://example.org/a\n\x1b[31m.csv", "example.org/a%1B[31m.csv"),
        ("s3://Bucket/a b.csv", "s3://Bucket/a%20b.csv"),
    ],
)
def test_what_is_shown_of_an_address(uri: str, shown: str) -> None:
    address = address_of(uri)

    assert shown.removeprefix("…") in address.shown
    assert "secret" not in address.shown
    assert "=s" not in address.shown
    assert address.shown.isprintable()


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://example.org/x/a.csv.gz?b=/c.json", "a.csv.gz"),
        ("https://example.org/..%2F..%2Fevil.csv", "evil.csv"),
        ("https://example.org/a%20b.csv", "a b.csv"),
        ("https://example.org", ""),
        ("https://example.org/" + "x" * 900 + ".csv", "…" + "x" * 75 + ".csv"),
    ],
)
def test_the_name_of_an_address(uri: str, name: str) -> None:
    assert address_of(uri).name == name
