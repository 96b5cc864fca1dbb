"""Where a graph is and how to get in, and where that was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Credentials:
    """How to authenticate: ``none``, ``basic``, ``bearer`` or ``kerberos``.

    `secret` is the password, the token or the ticket; it is never shown.
    """

    scheme: str = "none"
    principal: str = "neo4j"
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class GraphSettings:
    """Where the graph is and how to get in.

    `url` may be ``local`` or ``local:<version>``: a server of our own, whose files are
    under `project` and whose credentials are its own. `origins` are the variables and
    keys that the values were read from.
    """

    url: str
    project: Path
    credentials: Credentials = Credentials()
    database: str | None = None
    trusted_certificates: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    def origin(self, key: str) -> str:
        """Return where a key was read, as messages name it."""
        return self.origins.get(key, f"neo4j.{key}")

    @property
    def is_local(self) -> bool:
        """Whether the server is one that we start ourselves."""
        return self.url == "local" or self.url.startswith("local:")

    @property
    def credentials_origin(self) -> str:
        """Where user and password are read, or are to be given."""
        place, found = self.origin("url"), self.origins
        secret = found.get("password") or found.get("password_file")
        if secret:
            return (
                f"{found['username']} and {secret}" if "username" in found else secret
            )
        if place.startswith("-x"):
            return "-x neo4j.username and -x neo4j.password_file"
        prefix = "NEO4J_" if place.startswith("NEO4J_") else "ALEMBIC_NEO4J_"
        return f"{prefix}USERNAME and {prefix}PASSWORD (or {prefix}PASSWORD_FILE)"
