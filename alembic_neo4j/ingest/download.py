"""Having the data of a path or a URI as a file of this machine: whole, or not."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic_neo4j.errors import IngestError, MissingExtra
from alembic_neo4j.ingest.cache import Cache, default_cache, unwritable
from alembic_neo4j.ingest.files import (
    REMOTE,
    Address,
    BytesReport,
    DataFile,
    address_of,
    checksum,
    local_file,
)
from alembic_neo4j.sentences import ended
from alembic_neo4j.waiting import Wait

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

log = logging.getLogger(__name__)

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_AGAIN_STATUS = {408, 425, 429, 500, 502, 503, 504}
_WEB = ("http", "https")
_ANYBODYS_HEADERS = {"accept", "accept-encoding", "user-agent"}
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
    max_download: int | None = None,
    attempts: Attempts | None = None,
    report: BytesReport | None = None,
) -> DataFile:
    """Return the file of a remote address, in the cache.

    With `sha256` nothing is fetched that the cache has. Without it the file is fetched
    again: it may have changed. `storage_options` are fsspec's, for the file system of
    the address; headers among them are sent to its host alone. Raises IngestError when
    the file can't be had whole, is not the expected one or has more than `max_download`
    bytes, MissingExtra when a library is missing; the cache is as it was then.
    """
    expected = checksum(sha256)
    if expected is not None and (found := cache.find(expected)) is not None:
        return found
    attempts = attempts or Attempts()
    system = _file_system(address, attempts, storage_options or {})
    with cache.unfinished() as content:
        arrived = _Arrivals(address, attempts, max_download, report)
        _fetch(system, address, content, cache, attempts, arrived)
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
    arrived: _Arrivals,
) -> None:
    for attempt in range(1, attempts.count + 1):
        try:
            content.unlink(missing_ok=True)
            with arrived.awaited():
                system.get_file(
                    address.uri, str(content), callback=_callback(arrived.told)
                )
            break
        except IngestError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _DISK:
                raise unwritable(cache.root, error) from None
            if attempt == attempts.count or not _may_pass(error):
                # Their messages hold the URI, and so its secrets.
                raise _not_fetched(address, error, attempt) from None
            pause = attempts.pause_seconds * 2 ** (attempt - 1)
            log.warning(
                "%s: %s; attempt %d of %d in %.0f s",
                address.shown,
                _reason(error, address),
                attempt + 1,
                attempts.count,
                pause,
            )
            time.sleep(pause)
    if not content.is_file():
        raise IngestError(f"{address.shown}: expected a file, found a directory.")


class _Arrivals:
    """What has arrived of a file: reported, waited for, and bounded."""

    def __init__(
        self,
        address: Address,
        attempts: Attempts,
        most: int | None,
        report: BytesReport | None,
    ) -> None:
        self._address = address
        self._most = most
        self._report = report
        patience = attempts.read_seconds if address.scheme in _WEB else None
        self._wait = Wait(lambda: address.shown, limit=patience)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Let the log tell where nothing arrives in the block."""
        self._wait.begin()
        try:
            yield
        finally:
            self._wait.end()

    def told(self, done: int, total: int | None) -> None:
        """Take notice of what has arrived; raises IngestError where it is too much."""
        self._wait.renew()
        if self._most is not None and max(done, total or 0) > self._most:
            found = f"{total:,} bytes" if total else "more, and no end of it"
            raise IngestError(
                f"{self._address.shown}: expected at most {self._most:,} bytes, found "
                f"{found}. Nothing of it was kept. Raise max_download (--max-download) "
                "if that is right; 0 is no bound"
            )
        if self._report is not None:
            self._report(done, total)


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
    client["trace_configs"] = [*client.get("trace_configs", []), _headers_stay()]
    # The bytes of the file itself: a checksum is of them.
    headers = {"Accept-Encoding": "identity", **options.pop("headers", {})}
    # What is quoted already stays as it is: a signature may cover it.
    encoded = _ENCODED.fullmatch(address.uri) is not None
    return {"encoded": encoded, **options, "client_kwargs": client, "headers": headers}


def _headers_stay() -> Any:
    """Return what keeps a request's headers with the host that they are meant for.

    A redirect may lead elsewhere, and aiohttp takes Authorization and Cookie alone out
    of it.
    """
    import aiohttp
    from yarl import URL

    async def redirected(
        _session: aiohttp.ClientSession,
        _context: Any,
        hop: aiohttp.TraceRequestRedirectParams,
    ) -> None:
        try:
            target = hop.url.join(URL(hop.response.headers.get("Location", "")))
            leaves = target.origin() != hop.url.origin()
        except ValueError:
            leaves = True
        for name in list(hop.headers) if leaves else ():
            if name.lower() not in _ANYBODYS_HEADERS:
                hop.headers.popall(name, None)

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(redirected)
    return trace


def _callback(report: BytesReport) -> Any:
    from fsspec.callbacks import Callback

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
    led_astray = (
        aiohttp.InvalidURL,
        aiohttp.NonHttpUrlClientError,
        aiohttp.TooManyRedirects,
        aiohttp.ClientSSLError,
    )
    if isinstance(error, (*lasting, *led_astray)):
        return False
    return isinstance(error, (OSError, asyncio.TimeoutError, aiohttp.ClientError))


def _not_fetched(address: Address, error: Exception, attempts: int) -> IngestError:
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    reason = _reason(error, address)
    return IngestError(
        f"{address.shown}: can't be fetched{tried}: {ended(reason)} Nothing of it "
        "was kept. "
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
    if isinstance(error, aiohttp.ClientError):
        for kind, words in _web_reasons().items():
            if isinstance(error, kind):
                return words
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    if address.scheme in _WEB and not isinstance(error, TypeError):
        return "the connection failed"
    return str(error)[:200].rstrip(".") or type(error).__name__


def _web_reasons() -> dict[type[Exception], str]:
    """Return what goes wrong on the web, in words, the more exact ones first."""
    import aiohttp

    return {
        aiohttp.TooManyRedirects: "it leads on from redirect to redirect",
        aiohttp.NonHttpUrlRedirectClientError: "it redirects to what is no web address",
        aiohttp.InvalidUrlRedirectClientError: "it redirects to what is no address",
        aiohttp.InvalidURL: "that is no web address",
        aiohttp.ClientConnectorDNSError: "the name of its host is not known",
        aiohttp.ClientConnectorCertificateError: "its certificate is not trusted",
        aiohttp.ClientSSLError: "no secure connection can be made",
        aiohttp.ServerDisconnectedError: "the server hung up",
    }


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
