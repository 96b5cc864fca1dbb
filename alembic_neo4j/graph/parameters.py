"""Parameters as the driver can send them without harm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo


def sendable(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters with every time zone in a form that the driver packs well.

    The driver asks a ZoneInfo about a datetime type of its own, which reads foreign
    memory (python/cpython#125318): a crash, or an instant that is hours off.
    """
    return {name: _sendable(value) for name, value in (parameters or {}).items()}


def _sendable(value: Any) -> Any:
    if isinstance(value, datetime) and isinstance(value.tzinfo, ZoneInfo):
        return _with_pytz(value, value.tzinfo)
    if isinstance(value, Mapping):
        return {key: _sendable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sendable(item) for item in value]
    return value


def _with_pytz(value: datetime, zone: ZoneInfo) -> datetime:
    # pytz is the driver's own dependency, and what it expects.
    import pytz

    instant = value.astimezone(timezone.utc)
    return instant.astimezone(pytz.timezone(zone.key) if zone.key else timezone.utc)
