"""The words of a text, of an entity and of a query, the same in each database."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from alembic_neo4j.entities.entity import Entity
from alembic_neo4j.entities.json_values import leaves

_WORD = re.compile(r"[^\W_]+")

_BORDER = " \ue000 "
"""What stands between two values, so that no phrase is found across them.

FTS5 takes a character for private use for a word, and no text has this one as one.
"""

MOST_CHARACTERS = 200_000
"""How much of an entity's words is searched; PostgreSQL takes no more than 1 MB."""

_MOST_WORDS = 100
"""How many words of a query are looked for; nobody types more."""

_LONGEST_WORD = 200
"""How much of a word is looked at; PostgreSQL has none of more than 2 kB."""


@dataclass(frozen=True)
class Term:
    """A word to look for, or several in a row; with `prefix` the last one begins so."""

    words: tuple[str, ...]
    prefix: bool = False


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents and punctuation."""
    folded = text.lower()
    if not text.isascii():
        folded = unicodedata.normalize("NFKD", text).casefold()
        folded = "".join(each for each in folded if not unicodedata.combining(each))
    return [word[:_LONGEST_WORD] for word in _WORD.findall(folded)]


def searched_words(entity: Entity) -> str:
    """Return the words of an entity's id and of its data, for the index.

    Those of two values have a border between them. A deleted entity has none.
    """
    if entity.deleted:
        return ""
    parts = [" ".join(words_of(each)) for each in (entity.id, *leaves(entity.data))]
    text = _BORDER.join(part for part in parts if part)[:MOST_CHARACTERS]
    return f" {text} "


_TERM = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')


def terms(query: str) -> list[Term]:
    """Return what a query asks for: each of it has to be found.

    Words in quotes follow each other, and ``migr*`` is the beginning of a word. All
    else is text: whatever is typed is a query, and of punctuation there are no terms.
    """
    found: dict[Term, None] = {}
    left = _MOST_WORDS
    for quoted, starred, plain in _TERM.findall(query):
        parts = tuple(words_of(quoted or plain)[:left])
        if parts:
            term = Term(parts, prefix=bool(starred) or plain.endswith("*"))
            left -= 0 if term in found else len(parts)
            found[term] = None
    return [*found]


def is_found(entity: Entity, query: str) -> bool:
    """Tell whether a query finds an entity, which no store need have."""
    asked = terms(query)
    if not asked:
        # Punctuation is text that no entity has; no text at all is everybody's.
        return not query.strip()
    text = searched_words(entity)
    return all(
        f" {' '.join(term.words)}{'' if term.prefix else ' '}" in text for term in asked
    )
