"""Where data are: a path or a URI, and how much of it may be shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from alembic_neo4j.errors import IngestError

REMOTE: dict[str, tuple[str, str | None]] = {
    "http": ("http", None),
    "https": ("https", None),
    "s3": ("s3", "s3"),
    "gs": ("gcs", "gcs"),
    "gcs": ("gcs", "gcs"),
    "memory": ("memory", None),
}
"""The schemes that are fetched: fsspec's protocol, and the extra that has it."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SECRET = re.compile(
    r"(?i)signature|token|secret|passw|pwd|credential|(api|access|account).?key"
    r"|accessid|auth(?!or)|^(sig|key|code|pass)$"
)
_HIDDEN = "***"
_NAME_LIMIT = 80


@dataclass(frozen=True)
class Address:
    """A place that data come from.

    `shown` is what messages, the ledger and the cache may say of it: without user,
    password, signature or token. `name` is for messages and for the format that its
    ending tells, and never a part of a path that is written.
    """

    scheme: str
    uri: str
    shown: str
    name: str

    @property
    def is_local(self) -> bool:
        """Whether the data lie on this machine."""
        return self.scheme == "file"

    @property
    def path(self) -> Path:
        """The file of a local address."""
        return Path(self.uri)


def address_of(
    uri: str | os.PathLike[str], *, directory: Path | None = None
) -> Address:
    """Return the address that a path or a URI means.

    A relative path is taken from `directory`, the current one by default. Raises
    IngestError for a scheme that can't be read and for what can be no path.
    """
    text = os.fspath(uri)
    if "\0" in text:
        raise IngestError(
            f"Expected a path or a URI, found {_cut(text)!r} with a NUL character in "
            "it. Nothing was read."
        )
    match = _SCHEME.match(text)
    if match is None:
        path = Path.home() / text[2:] if text.startswith("~/") else Path(text)
        return _local((directory or Path()) / path)
    scheme = match[1].lower()
    if scheme == "file":
        return _local(_file_path(text))
    if scheme not in REMOTE:
        raise IngestError(
            f"Expected a path or a URI that starts with file://, "
            f"{', '.join(f'{known}://' for known in REMOTE if known != 'memory')}; "
            f"found {_cut(scheme)}://. Fetch the file by other means and give its path."
        )
    return _remote(scheme, text)


def _local(path: Path) -> Address:
    return Address("file", str(path), _cut(str(path.absolute()), 400), _cut(path.name))


def _file_path(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise IngestError(
            f"Expected a file on this machine, found the host {_cut(parts.netloc)!r} "
            "in it. A path has three slashes: file:///data/people.csv"
        )
    # A # is a part of a file's name here, a ? too.
    path = unquote(uri.split("://", 1)[1].removeprefix(parts.netloc))
    if "\0" in path:
        raise IngestError("Expected a path, found a NUL character in it.")
    return Path(path)


def _remote(scheme: str, uri: str) -> Address:
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        # What is wrong may be a part of a password.
        raise IngestError(
            f"Expected {scheme}:// with a host and perhaps a port, found neither. A "
            "password with / or @ in it has them as %2F and %40."
        ) from None
    if not host:
        raise IngestError(f"Expected a host or a bucket after {scheme}://, found none.")
    # A bucket keeps its case, which hostname loses.
    kept = parts.netloc.rpartition("@")[2]
    query = urlencode(
        [
            (name, _HIDDEN if _SECRET.search(name) else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="*/:",
    )
    shown = urlunsplit((scheme, kept, parts.path, query, ""))
    # What is shown and logged stays in one line.
    shown = _cut(quote(shown, safe="/:?&=%*+@,;~!$'()[]#"), 400)
    return Address(scheme, uri, shown, _cut(unquote(parts.path).rpartition("/")[2]))


def _cut(text: str, limit: int = _NAME_LIMIT) -> str:
    """Return the text for a message; a long one keeps its end, which tells most."""
    printable = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return printable if len(printable) <= limit else "…" + printable[-limit + 1 :]
