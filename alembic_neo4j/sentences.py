"""The end of a sentence that quotes what a server, a library or the system says."""

from __future__ import annotations


def ended(text: object) -> str:
    """Return the text as a sentence that ends once, whatever it ended with."""
    shown = unended(text)
    return shown if shown.endswith(("?", "!", "…")) else f"{shown}."


def unended(text: object) -> str:
    """Return the text without what ends a sentence, for one that goes on."""
    return str(text).rstrip().rstrip(".,;:").rstrip()
