"""One value, converted or refused."""

from __future__ import annotations

from typing import Any

import pytest

from alembic_neo4j.ingest.typed_values import ValueOptions, converter


def converted(type: str, value: Any, **options: Any) -> Any:
    own = {name: options.pop(name, None) for name in ("format", "crs")}
    return converter(type, ValueOptions(**options), **own)(value)


def refused(type: str, value: Any, **options: Any) -> str:
    """The message of the error, which is not too long."""
    with pytest.raises(ValueError, match=r"^expected ") as raised:
        converted(type, value, **options)
    message = str(raised.value)
    assert message.startswith(f"expected {type}, found ")
    assert len(message) < 400
    return message
