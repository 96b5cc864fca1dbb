"""Search: the entities that have the words of a query, the best first, and facets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    FromClause,
    Select,
    and_,
    column,
    false,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from alembic_neo4j.entities.entity import Entity, checked_count
from alembic_neo4j.entities.filters import Filters, conditions, facet_counts
from alembic_neo4j.entities.opening import has_fts5
from alembic_neo4j.entities.tables import WORD_INDEX, entities, has_word_index
from alembic_neo4j.entities.versioning import entity_of
from alembic_neo4j.entities.words import Term, terms
from alembic_neo4j.errors import ValidationError
from alembic_neo4j.sentences import shortened

USUAL_LIMIT = 100
"""How many entities a search gives where nobody says how many."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found: a page of entities, the best first, and how many in all.

    `facets` has the values of each facet that was asked for, and how many of all that
    was found have it.
    """

    entities: list[Entity]
    total: int
    facets: Mapping[str, Mapping[Any, int]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Entity]:
        return iter(self.entities)

    def __len__(self) -> int:
        return len(self.entities)


class Searchable(Protocol):
    """A repository that can be searched."""

    def search(
        self,
        query: str = "",
        filters: Filters = ...,
        facets: Sequence[str] = ...,
        *,
        limit: int | None = ...,
        offset: int = ...,
    ) -> SearchResult:
        """Search; see `EntitySearch.search`."""


class EntitySearch:
    """Searches the entities of a repository."""

    def __init__(self, repo: Searchable) -> None:
        self._repo = repo

    def search(
        self,
        query: str = "",
        filters: Filters = {},  # noqa: B006 (nothing changes it)
        facets: Sequence[str] = (),
        *,
        limit: int | None = USUAL_LIMIT,
        offset: int = 0,
    ) -> SearchResult:
        """Return the entities that have all words of the query, the best first.

        Words are looked for in the id and in the texts and numbers of the data, without
        regard to case and accents. ``"two words"`` in quotes follow each other,
        ``migr*`` is how a word begins, and all else is text: no query is an error. An
        empty one finds everything, the oldest first.

        `filters` and `facets` are about ``type``, ``status`` and ``data.<key>``; a list
        in a filter is one of its values, a list in the data has each of its values.
        Facets count all that was found; `limit` and `offset` cut out the page.

        Raises ValidationError where a filter, a facet, the limit or the offset is none.
        """
        return self._repo.search(query, filters, facets, limit=limit, offset=offset)


def search(
    connection: Connection,
    query: str,
    filters: Filters,
    facets: Sequence[str],
    *,
    limit: int | None,
    offset: int,
) -> SearchResult:
    """Search on a connection whose transaction sees one state; see `EntitySearch`."""
    if not isinstance(query, str):
        raise ValidationError(
            f"expected text for a query, found {type(query).__name__} "
            f"{shortened(query)}; write what is looked for"
        )
    if isinstance(facets, str):
        raise ValidationError(
            f"expected a list of facets, found {facets!r}; write [{facets!r}]"
        )
    if limit is not None:
        checked_count(limit, "limit")
    checked_count(offset, "offset")
    matching = _matching(connection, query)
    where = (*matching.where, *conditions(filters, connection.dialect.name))
    # Without filters the index alone is asked, and the rows of the page are fetched.
    alone = matching.source if filters else matching.index
    page = _page(matching, alone, where, limit, offset)
    found = [entity_of(row, connection) for row in connection.execute(page)]
    counts = {
        name: facet_counts(connection, name, matching.source, where) for name in facets
    }
    is_last = (limit is None or len(found) < limit) and (found or not offset)
    total = offset + len(found) if is_last else _count(connection, alone, where)
    return SearchResult(found, total, counts)


def _count(
    connection: Connection, alone: FromClause, where: Sequence[ColumnElement[bool]]
) -> int:
    query = select(func.count()).select_from(alone).where(*where)
    return int(connection.execute(query).scalar_one())


@dataclass(frozen=True)
class _Matching:
    """Which rows match: where they come from, what they are asked, and their order.

    `index` is what can be asked for their numbers without the entities themselves. The
    lowest `rank` comes first, and of the same the lowest number.
    """

    source: FromClause
    index: FromClause
    where: Sequence[ColumnElement[bool]]
    number: ColumnElement[Any]
    rank: ColumnElement[Any]


def _matching(connection: Connection, query: str) -> _Matching:
    asked = terms(query)
    if not asked:
        # Punctuation is text that no entity has; no text at all is everybody's.
        is_blank = not query.strip()
        where = ~entities.c.deleted if is_blank else false()
        return _of_entities(where, entities.c.number)
    if connection.dialect.name == "postgresql":
        return _in_lexemes(asked)
    if has_fts5(connection) and has_word_index(connection):
        return _in_index(asked)
    return _in_words(asked)


def _of_entities(where: ColumnElement[bool], rank: ColumnElement[Any]) -> _Matching:
    return _Matching(entities, entities, (where,), entities.c.number, rank)


_index = table(WORD_INDEX, column("rowid"), column("rank"))


def _in_index(asked: Sequence[Term]) -> _Matching:
    """Match by FTS5, which ranks by bm25."""
    text = " AND ".join(
        f'"{" ".join(term.words)}"{" *" if term.prefix else ""}' for term in asked
    )
    return _Matching(
        _index.join(entities, entities.c.number == _index.c.rowid),
        _index,
        (literal_column(WORD_INDEX).op("MATCH")(text),),
        _index.c.rowid,
        _index.c.rank,
    )


def _in_lexemes(asked: Sequence[Term]) -> _Matching:
    """Match by PostgreSQL's own search."""
    text = " & ".join(
        f"({' <-> '.join(term.words)}{':*' if term.prefix else ''})" for term in asked
    )
    query = func.to_tsquery("simple", text, type_=TSQUERY)
    lexemes = literal_column("lexemes", TSVECTOR)
    rank = func.ts_rank(lexemes, query, 1, type_=Float)
    return _of_entities(lexemes.op("@@")(query), -rank)


def _in_words(asked: Sequence[Term]) -> _Matching:
    """Match by reading all words, for a SQLite without FTS5; the newest come first."""
    each = (
        # LIKE would take patterns of 50,000 bytes at most.
        func.instr(
            entities.c.words, f" {' '.join(term.words)}{'' if term.prefix else ' '}"
        )
        > 0
        for term in asked
    )
    return _of_entities(and_(*each), -entities.c.number)


def _page(
    matching: _Matching,
    alone: FromClause,
    where: Sequence[ColumnElement[bool]],
    limit: int | None,
    offset: int,
) -> Select[Any]:
    """Return the query for the rows of a page; the others are ranked by number only."""
    number, rank = matching.number.label("number"), matching.rank.label("rank")
    ranked = select(number, rank).select_from(alone).where(*where)
    ranked = ranked.order_by(rank, number).limit(limit).offset(offset or None)
    best = ranked.subquery()
    query = select(entities).join(best, entities.c.number == best.c.number)
    return query.order_by(best.c.rank, best.c.number)
