"""What a statement is and which transaction it may run in."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """The kind of transaction that a statement asks for; kinds never share one."""

    SCHEMA = "schema"
    DATA = "data"
    READ = "read"
    AUTOCOMMIT = "autocommit"
