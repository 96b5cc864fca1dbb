"""A small embedding of a text that is the same on every machine."""

from __future__ import annotations

import math
import re
import zlib

DIMENSIONS = 16
_COMMON = {"a", "an", "and", "as", "by", "for", "from", "in", "is", "of", "on", "or"}
_COMMON |= {"that", "the", "to", "with", "your"}


def embedding(text: str) -> list[float] | None:
    """Return the text's bag of words, hashed to a vector of length 1.

    None where there is no word to go by: a vector without a direction has no place
    in an index that compares directions.
    """
    vector = [0.0] * DIMENSIONS
    for word in sorted(set(re.findall(r"[a-z0-9]+", text.lower())) - _COMMON):
        digest = zlib.crc32(word.encode())
        vector[digest % DIMENSIONS] += 1.0 if digest & 0x80000000 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else None
