"""What a revision may be about: the values of its ``migration_type``."""

from __future__ import annotations

from enum import Enum


class MigrationType(str, Enum):
    """What a revision changes; one that does not say so changes the schema."""

    CONFIG = "config"
    SCHEMA = "schema"
    HOOKS = "hooks"
    SETTINGS = "settings"
    STRUCTURE = "structure"
    DATA = "data"
    CLEANUP = "cleanup"


MIGRATION_TYPES = tuple(kind.value for kind in MigrationType)
"""The values, as a revision's file has them."""
