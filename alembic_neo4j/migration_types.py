"""What a revision may be about, and what it may say of itself when it has run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

DEFAULT_PRIORITY = 500
"""The priority of a revision that says nothing: the last of the normal ones."""


@dataclass(frozen=True)
class MigrationResult:
    """What an ``upgrade()`` or ``downgrade()`` that declares it returns.

    Without `success` the revision has failed, and is not recorded as applied. The
    history shows the message, the changes and the warnings.
    """

    success: bool
    message: str = ""
    changes: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Raise TypeError for a value that is not of its type."""
        texts = [self.message, *self._lines("changes"), *self._lines("warnings")]
        if not isinstance(self.success, bool):
            raise TypeError(f"success: expected True or False, found {self.success!r}")
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"expected a text, found {text!r}")

    def _lines(self, name: str) -> Sequence[str]:
        found = getattr(self, name)
        if isinstance(found, str) or not isinstance(found, (list, tuple)):
            raise TypeError(f"{name}: expected a list of texts, found {found!r}")
        return found
