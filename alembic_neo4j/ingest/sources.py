"""Having the data of a path or a URI as a file of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic_neo4j.ingest.addresses import address_of
from alembic_neo4j.ingest.cache import Cache, default_cache
from alembic_neo4j.ingest.download import Attempts, download
from alembic_neo4j.ingest.files import BytesReport, DataFile, local_file


def obtain(
    uri: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    directory: Path | None = None,
    cache: Cache | None = None,
    storage_options: Mapping[str, Any] | None = None,
    max_download: int | None = None,
    attempts: Attempts | None = None,
    report: BytesReport | None = None,
) -> DataFile:
    """Return the file of a path or a URI, its content hashed and checked.

    A local file is read where it lies, relative paths from `directory`. A remote one
    (http, https, s3, gs) is fetched into the cache first, the user's by default; with
    `sha256`, letters large or small, only where the cache does not have it.
    `storage_options` go to fsspec. No more than `max_download` bytes are fetched.

    Raises IngestError when the file can't be had or its SHA-256 is another one,
    MissingExtra when a library is missing. Nothing is left behind then.
    """
    address = address_of(uri, directory=directory)
    if address.is_local:
        return local_file(
            address.path,
            uri=address.shown,
            name=address.name,
            sha256=sha256,
            report=report,
        )
    return download(
        address,
        cache or default_cache(),
        sha256=sha256,
        storage_options=storage_options,
        max_download=max_download,
        attempts=attempts,
        report=report,
    )
