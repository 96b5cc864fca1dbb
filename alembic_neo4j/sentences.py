"""What messages quote: what others say, ended once, and values, not too long."""

from __future__ import annotations

from typing import Any


def ended(text: object) -> str:
    """Return the text as a sentence that ends once, whatever it ended with."""
    shown = unended(text)
    return shown if shown.endswith(("?", "!", "…")) else f"{shown}."


def unended(text: object) -> str:
    """Return the text without what ends a sentence, for one that goes on."""
    return str(text).rstrip().rstrip(".,;:").rstrip()


def shortened(value: Any, limit: int = 60) -> str:
    """Return a value for a message, on one line and not too long."""
    if isinstance(value, (str, bytes)) and len(value) > limit:
        return f"{value[: limit - 1]!r}… ({len(value):,} in all)"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
