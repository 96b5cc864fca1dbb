"""An entity: a value with a semantic id, a status and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from difflib import get_close_matches
from typing import Any

from alembic_neo4j.entities.json_values import read_only
from alembic_neo4j.errors import ValidationError
from alembic_neo4j.sentences import shortened

STATUSES = (
    "planned",
    "proposed",
    "published",
    "complete",
    "completed",
    "paused",
    "in_progress",
    "draft",
    "abandoned",
    "propagated",
    "open",
    "mitigated",
    "blocked",
    "adopted",
    "active",
    "deprecated",
    "documented",
)
"""The statuses that an entity may have."""

_MOST = 2**31 - 1
"""How far versions, limits and offsets go: what both databases count to."""

_LONGEST = 255
"""How many characters an id may have."""


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Entity:
    """Something with an id, a type, a status and data, which can't be changed.

    The id starts with the type and a hyphen, `feature-voice-input`. The data are what
    JSON has; they are copied, so that nobody can change them from outside. `version` is
    0 until a repository stores the entity, and the times are those of the store from
    then on, in UTC. `deleted` is true of the version by which an entity was deleted.
    Two entities are equal whenever they were made, if they say the same.

    Raises ValidationError where a value is not what it has to be.
    """

    id: str
    type: str
    status: str
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)
    version: int = field(default=0, kw_only=True)
    created_at: datetime = field(default_factory=now, kw_only=True, compare=False)
    updated_at: datetime = field(default_factory=now, kw_only=True, compare=False)
    deleted: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        created_at = _utc(self.created_at, "created_at")
        found = {
            "type": (kind := _word(self.type, "type")),
            "id": _semantic(_word(self.id, "id"), kind),
            "status": checked_status(self.status),
            "data": _data(self.data),
            "version": checked_count(self.version, "version"),
            "created_at": created_at,
            "updated_at": max(created_at, _utc(self.updated_at, "updated_at")),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def copy(self, **changes: Any) -> Entity:
        """Return the entity with other values for the fields that are named.

        It keeps its version: a repository takes it as an update of that version.
        """
        return replace(self, **changes)


def checked_status(status: object) -> str:
    """Return a status; raises ValidationError where it is none."""
    if isinstance(status, str) and status in STATUSES:
        return str.__str__(status)
    near = get_close_matches(str(status), STATUSES, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise ValidationError(
        f"expected a status, found {shortened(status)}; {meant}The statuses are "
        + ", ".join(STATUSES)
    )


def checked_count(number: object, what: str) -> int:
    """Return a number that is 0 or more; raises ValidationError for another value."""
    if (
        isinstance(number, bool)
        or not isinstance(number, int)
        or not 0 <= number <= _MOST
    ):
        raise ValidationError(
            f"expected a whole number from 0 to {_MOST:,} for {what}, found "
            f"{shortened(number)}"
        )
    return int(number)


def _word(value: object, what: str) -> str:
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= _LONGEST
        or not value.isprintable()
        or " " in value
    ):
        raise ValidationError(
            f"expected the {what} of an entity to be text of 1 to {_LONGEST} "
            f"characters without spaces, found {shortened(value)}; write words with "
            "hyphens between them, such as feature-voice-input"
        )
    return str.__str__(value)


def _semantic(identity: str, kind: str) -> str:
    prefix = f"{kind}-"
    if not identity.startswith(prefix) or identity == prefix:
        raise ValidationError(
            f"expected an id that starts with the entity's type, {prefix}…, found "
            f"{shortened(identity)}; write {shortened(prefix + identity)}"
        )
    return identity


def _data(data: object) -> Any:
    if not isinstance(data, Mapping):
        raise ValidationError(
            f"expected a dict for the data of an entity, found {type(data).__name__} "
            f"{shortened(data)}; give it a name: data={{'value': …}}"
        )
    return read_only(data)


def _utc(moment: object, what: str) -> datetime:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValidationError(
            f"expected a datetime with a time zone for {what}, found "
            f"{shortened(moment)}; datetime.now(timezone.utc) is one"
        )
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValidationError(
            f"expected a time within the years 1 to 9999 for {what}, found "
            f"{shortened(moment)}"
        ) from None
