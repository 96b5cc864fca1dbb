"""Fetching a remote file into the cache: whole, checked, or not at all."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic_neo4j.errors import IngestError, MissingExtra
from alembic_neo4j.ingest.addresses import REMOTE, Address
from alembic_neo4j.ingest.cache import Cache, unwritable
from alembic_neo4j.ingest.files import BytesReport, DataFile, checksum, local_file

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

log = logging.getLogger(__name__)

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_AGAIN_STATUS = {408, 425, 429, 500, 502, 503, 504}
_ENCODED = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")


@dataclass(frozen=True)
class Attempts:
    """How often a file is tried to be fetched, and how long nothing may arrive.

    `pause_seconds` is waited before the second attempt, and twice as long before each
    further one. The times of a connection are for http; the libraries of the other
    schemes have their own.
    """

    count: int = 4
    pause_seconds: float = 1.0
    connect_seconds: float = 30.0
    read_seconds: float = 60.0


def download(
    address: Address,
    cache: Cache,
    *,
    sha256: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    attempts: Attempts | None = None,
    report: BytesReport | None = None,
) -> DataFile:
    """Return the file of a remote address, in the cache.

    With `sha256` nothing is fetched that the cache has. Without it the file is fetched
    again: it may have changed. `storage_options` are fsspec's, for the file system of
    the address. Raises IngestError when the file can't be had whole or is not the
    expected one, MissingExtra when a library is missing; the cache is as it was then.
    """
    expected = checksum(sha256)
    if expected is not None and (found := cache.find(expected)) is not None:
        return found
    attempts = attempts or Attempts()
    system = _file_system(address, attempts, storage_options or {})
    with cache.unfinished() as content:
        _fetch(system, address, content, cache, attempts, report)
        fetched = local_file(
            content, uri=address.shown, name=address.name, sha256=expected
        )
        return cache.keep(fetched)


def _fetch(
    system: AbstractFileSystem,
    address: Address,
    content: Path,
    cache: Cache,
    attempts: Attempts,
    report: BytesReport | None,
) -> None:
    for attempt in range(1, attempts.count + 1):
        try:
            content.unlink(missing_ok=True)
            system.get_file(address.uri, str(content), callback=_callback(report))
            break
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _DISK:
                raise unwritable(cache.root, error) from None
            if attempt == attempts.count or not _may_pass(error):
                # Their messages hold the URI, and so its secrets.
                raise _not_fetched(address, error, attempt) from None
            pause = attempts.pause_seconds * 2 ** (attempt - 1)
            log.warning(
                "%s: %s; attempt %d of %d in %.0f s",
                *(
                    address.shown,
                    _reason(error, address),
                    attempt + 1,
                    attempts.count,
                    pause,
                ),
            )
            time.sleep(pause)
    if not content.is_file():
        raise IngestError(f"{address.shown}: expected a file, found a directory.")


def _file_system(
    address: Address, attempts: Attempts, storage_options: Mapping[str, Any]
) -> AbstractFileSystem:
    protocol, extra = REMOTE[address.scheme]
    options = dict(storage_options)
    try:
        import fsspec

        if protocol == "http":
            options = _http_options(address, attempts, options)
        # A shared instance would keep listings, and another caller's options.
        system: AbstractFileSystem = fsspec.filesystem(
            protocol, skip_instance_cache=True, **options
        )
    except ImportError as error:
        extra = extra or "data"
        raise MissingExtra(
            f"Expected what reads {address.scheme}:// addresses, found it not "
            f'installed. Run: pip install "alembic-neo4j[{extra}]"'
        ) from error
    except (TypeError, ValueError) as error:
        raise IngestError(
            f"{address.shown}: the storage options {', '.join(sorted(options))} are "
            f"refused: {error}"
        ) from error
    return system


def _http_options(
    address: Address, attempts: Attempts, options: dict[str, Any]
) -> dict[str, Any]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(
        total=None,
        sock_connect=attempts.connect_seconds,
        sock_read=attempts.read_seconds,
    )
    client = {"timeout": timeout, "trust_env": True, **options.pop("client_kwargs", {})}
    # The bytes of the file itself: a checksum is of them.
    headers = {"Accept-Encoding": "identity", **options.pop("headers", {})}
    # What is quoted already stays as it is: a signature may cover it.
    encoded = _ENCODED.fullmatch(address.uri) is not None
    return {"encoded": encoded, **options, "client_kwargs": client, "headers": headers}


def _callback(report: BytesReport | None) -> Any:
    from fsspec.callbacks import Callback, NoOpCallback

    if report is None:
        return NoOpCallback()

    def told(size: int | None, value: int, **_: Any) -> None:
        report(value, size)

    return Callback(hooks={"report": told})


def _may_pass(error: Exception) -> bool:
    """Tell whether the same request may succeed a moment later."""
    import aiohttp

    status = getattr(error, "status", None)
    if isinstance(status, int) and status:
        return status in _AGAIN_STATUS
    lasting = (FileNotFoundError, PermissionError, IsADirectoryError)
    if isinstance(error, (*lasting, aiohttp.InvalidURL, aiohttp.ClientSSLError)):
        return False
    return isinstance(error, (OSError, asyncio.TimeoutError, aiohttp.ClientError))


def _not_fetched(address: Address, error: Exception, attempts: int) -> IngestError:
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    reason = _reason(error, address)
    return IngestError(
        f"{address.shown}: can't be fetched{tried}: {reason}. Nothing of it was kept. "
        "Check the address, the credentials and the network."
    )


def _reason(error: Exception, address: Address) -> str:
    """Return what went wrong without the address that the message has in it."""
    import aiohttp

    status = getattr(error, "status", None)
    if isinstance(status, int) and status:
        return f"the server answered {status} {getattr(error, 'message', '')}".strip()
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "access is denied"
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "nothing arrived in time"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection ended in the middle of the file"
    if address.scheme in ("http", "https") and not isinstance(error, TypeError):
        return getattr(error, "strerror", None) or type(error).__name__
    return str(error)[:200].rstrip(".") or type(error).__name__
