"""Search: which entities are found, in which order, and what is counted of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from alembic_neo4j.entities import Entity, EntityRepository, EntitySearch
from alembic_neo4j.entities.filters import ordered, takes, values_of
from alembic_neo4j.entities.words import is_found, searched_words, terms
from alembic_neo4j.errors import ValidationError
from tests.entities.test_opening import without_fts5
from tests.entities.values import Make


def ids(found: Any) -> list[str]:
    return sorted(each.id for each in found)


@pytest.fixture
def filled(repo: EntityRepository) -> EntityRepository:
    """A store with some entities in it."""
    for made in (
        Entity("feature-user-auth", "feature", "in_progress", {"name": "User Auth"}),
        Entity("task-login", "task", "open", {"text": "Users log in by auth tokens"}),
        Entity("task-docs", "task", "open", {"text": ["Über Migrationen", 3.5, True]}),
        Entity("note-migrate", "note", "draft", {"by": {"name": "Ann O'Hara, PhD"}}),
    ):
        repo.create(made)
    return repo


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("auth", ["feature-user-auth", "task-login"]),
        ("AUTH", ["feature-user-auth", "task-login"]),
        ("auth tokens", ["task-login"]),
        ("tokens auth", ["task-login"]),
        ("auth missing", []),
        ("user", ["feature-user-auth"]),
        ("user*", ["feature-user-auth", "task-login"]),
        ("migr*", ["note-migrate", "task-docs"]),
        ("migr", []),
        ("igrate", []),
        ('"auth tokens"', ["task-login"]),
        ('"tokens auth"', []),
        ('"log in" users', ["task-login"]),
        ('"by auth tok"*', ["task-login"]),
        ('"by auth tok"', []),
        ("uber", ["task-docs"]),
        ("ÜBER", ["task-docs"]),
        ("über", ["task-docs"]),
        ("3.5", ["task-docs"]),
        ("true", []),
        ("o'hara", ["note-migrate"]),
        ("o\N{RIGHT SINGLE QUOTATION MARK}hara", ["note-migrate"]),
        ("user-auth", ["feature-user-auth"]),
        ("task-login", ["task-login"]),
        ("task-*", ["task-docs", "task-login"]),
        # The end of one value and the beginning of the next are no phrase.
        ('"auth user"', []),
        ('"migrationen 3"', []),
        ("", ["feature-user-auth", "note-migrate", "task-docs", "task-login"]),
        ("  \n", ["feature-user-auth", "note-migrate", "task-docs", "task-login"]),
    ],
)
def test_what_a_query_finds(
    filled: EntityRepository, query: str, found: list[str]
) -> None:
    result = filled.search(query)

    assert ids(result) == found
    assert result.total == len(result) == len(found)


HOSTILE = (
    '"',
    '""',
    "'",
    '"unbalanced',
    'un"balanced',
    "AND",
    "OR NOT",
    "NEAR(",
    "NEAR(a b, 5)",
    "*",
    "**",
    '"*"*',
    "(",
    ")))",
    "id:x",
    "words:auth",
    "rowid:1",
    "{words}:x",
    "^x",
    "a + b",
    "-auth",
    "!auth",
    "a & b | c",
    "<->",
    ":*",
    "\\",
    "\0",
    "a\0b",
    "\ud800",
    "\ue000",
    "%",
    "_",
    "'; DROP TABLE alembic_neo4j_entity; --",
    "x" * 100_000,
    " ".join(map(str, range(5000))),
    '"' + " ".join(map(str, range(5000))) + '"',
    "-".join(map(str, range(5000))),
    "auth " * 5000,
    '"' * 5001,
    "🦊",
    "日本*",
    "\N{COMBINING DIAERESIS}",
    "½ ﬁ ™ ß",
)


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_is_a_query(filled: EntityRepository, query: str) -> None:
    assert filled.search(query, facets=["type"]).total in (0, 1, 2)
    assert filled.search("auth").total == 2


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_is_a_query_without_fts5(task: Make, query: str) -> None:
    with without_fts5():
        repo = EntityRepository(":memory:")
    with repo:
        repo.create(task("a", text="auth"))
        assert repo.search(query, facets=["type"]).total in (0, 1)


def test_a_word_that_is_too_long_is_known_by_how_it_begins(
    repo: EntityRepository, task: Make
) -> None:
    repo.create(task("a", text="x" * 9999))
    repo.create(task("b", text="y" * 9999))

    assert ids(repo.search("x" * 9999)) == ["task-a"]
    assert ids(repo.search("x" * 9999 + " task")) == ["task-a"]
    assert ids(repo.search("yyy*")) == ["task-b"]


@pytest.mark.parametrize("query", ["AND", "NEAR", "OR", "not", "ﬁ", "½", "日本語"])
def test_what_looks_like_an_operator_is_a_word(
    repo: EntityRepository, task: Make, query: str
) -> None:
    repo.create(task("a", text=f"here {query} there"))
    repo.create(task("b", text="here there"))

    assert ids(repo.search(query)) == ["task-a"]
    assert ids(repo.search(f'"here {query} there"')) == ["task-a"]


def test_what_has_it_more_often_comes_first(repo: EntityRepository, task: Make) -> None:
    repo.create(task("a", text="a graph beside many other words that are about trees"))
    repo.create(task("b", text="graph after graph after graph"))
    repo.create(task("c", text="nothing of the kind"))

    assert [each.id for each in repo.search("graph")] == ["task-b", "task-a"]


def test_the_index_follows_every_change(repo: EntityRepository, task: Make) -> None:
    first = repo.create(task("a", text="apple"))
    assert ids(repo.search("apple")) == ["task-a"]
    second = repo.update(first.copy(data={"text": "pear"}))
    assert ids(repo.search("apple")) == []
    assert ids(repo.search("pear")) == ["task-a"]
    repo.update(second.copy(status="paused"))
    assert repo.search("pear").entities[0].status == "paused"
    repo.delete("task-a")
    assert ids(repo.search("pear")) == ids(repo.search("")) == []


def test_a_page_and_what_is_counted_of_all(repo: EntityRepository, task: Make) -> None:
    for number in range(250):
        status = "open" if number % 5 else "blocked"
        tags = ["even" if number % 2 == 0 else "odd", "all", "all"]
        repo.create(task(f"{number:03}", status, text="word", tags=tags, n=number % 2))
    search = EntitySearch(repo)
    facets = ["type", "status", "data.tags", "data.n", "data.missing"]

    result = search.search("word", facets=facets, limit=10)
    assert (len(result), result.total) == (10, 250)
    assert result.facets == {
        "type": {"task": 250},
        "status": {"open": 200, "blocked": 50},
        "data.tags": {"all": 250, "even": 125, "odd": 125},
        "data.n": {0: 125, 1: 125},
        "data.missing": {},
    }
    assert [*result.facets["data.tags"]] == ["all", "even", "odd"]
    assert len(search.search("word")) == 100
    assert len(search.search("word", limit=None)) == 250
    assert len(search.search("word", limit=None, offset=240)) == 10
    assert len(search.search("word", limit=0)) == 0
    # Pages are parts of one order.
    pages = [search.search("word", limit=100, offset=n).entities for n in (0, 100, 200)]
    assert len({each.id for page in pages for each in page}) == 250
    every = search.search("", limit=None, facets=facets)
    assert every.facets == result.facets
    assert every.entities == repo.list()


def test_filters_and_facets_are_about_what_was_found(filled: EntityRepository) -> None:
    search = EntitySearch(filled)

    result = search.search(
        query="auth",
        filters={"type": "feature", "status": "in_progress"},
        facets=["type", "status", "data.name"],
    )
    assert ids(result.entities) == ["feature-user-auth"]
    assert result.facets == {
        "type": {"feature": 1},
        "status": {"in_progress": 1},
        "data.name": {"User Auth": 1},
    }
    assert search.search("auth", {"type": ["task", "note"]}).total == 1
    assert search.search("auth", {"data.name": "User Auth"}).total == 1
    assert search.search("", {"data.by.name": "Ann O'Hara, PhD"}).total == 1
    nothing = search.search("***", facets=["type"])
    assert (nothing.total, nothing.facets) == (0, {"type": {}})


def test_true_and_1_are_values_of_their_own(repo: EntityRepository, task: Make) -> None:
    for number, value in enumerate((True, True, False, "1", "true", None, {}, [])):
        repo.create(task(str(number), key=value))

    found = repo.search("", facets=["data.key"]).facets["data.key"]
    assert found == {True: 2, False: 1, "1": 1, "true": 1}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"query": None}, "expected text for a query, found NoneType"),
        ({"query": b"a"}, "expected text for a query, found bytes"),
        ({"facets": "type"}, r"write \['type'\]"),
        ({"facets": ["colour"]}, r"expected type, status or data\.<key>"),
        ({"filters": {"colour": 1}}, r"expected type, status or data\.<key>"),
        ({"filters": {"status": "gone"}}, "expected a status"),
        ({"limit": -1}, "from 0 to 2,147,483,647 for limit"),
        ({"offset": None}, "from 0 to 2,147,483,647 for offset"),
    ],
)
def test_what_a_search_can_not_be_asked(
    repo: EntityRepository, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        EntitySearch(repo).search(**options)


def test_very_long_texts_are_stored_and_found_by_how_they_begin(
    repo: EntityRepository, task: Make
) -> None:
    words = " ".join(f"wörd{number}" for number in range(200_000))
    made = repo.create(task("a", text=f"first {words} last"))

    assert repo.read("task-a") == made
    assert ids(repo.search("first")) == ids(repo.search("word17")) == ["task-a"]
    assert ids(repo.search("last")) == []


WORDS = st.sampled_from(["a", "b", "ab", "Ä", "abc", "a-b", "x:y", "1.5"])
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)
QUERIES = st.lists(
    WORDS
    | WORDS.map("{}*".format)
    | TEXTS.map('"{}"'.format)
    | TEXTS.map('"{}"*'.format)
    | st.sampled_from(['"', "*", "AND"]),
    min_size=1,
    max_size=3,
).map(" ".join)


def expected(made: list[Entity], query: str) -> list[str]:
    """What a query finds, by its definition."""
    texts = {each.id: searched_words(each) for each in made}
    phrases = [
        f" {' '.join(term.words)}{'' if term.prefix else ' '}" for term in terms(query)
    ]
    found = (
        name
        for name, text in texts.items()
        if phrases and all(each in text for each in phrases)
    )
    return sorted(found)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(TEXTS, max_size=3), max_size=5), st.lists(QUERIES, max_size=8))
def test_with_fts5_and_without_it_finds_the_same(
    texts: list[list[str]], queries: list[str]
) -> None:
    made = [
        Entity(f"task-{number}", "task", "open", {"texts": each})
        for number, each in enumerate(texts)
    ]
    with EntityRepository(":memory:") as by_index:
        with without_fts5():
            by_words = EntityRepository(":memory:")
        with by_words:
            for each in made:
                by_index.create(each)
                by_words.create(each)
            for query in queries:
                assert ids(by_index.search(query)) == expected(made, query), query
                assert ids(by_words.search(query)) == expected(made, query), query
                found = [each.id for each in made if is_found(each, query)]
                assert sorted(found) == sorted(ids(by_index.search(query))), query


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(TEXTS, max_size=3), max_size=5), st.lists(QUERIES, max_size=8))
@example([["a", "c"]], ["b*", "betweenvalues", "/b*"])
def test_postgresql_finds_the_same(
    postgresql_repo: EntityRepository, texts: list[list[str]], queries: list[str]
) -> None:
    for old in postgresql_repo.list():
        postgresql_repo.delete(old.id)
    made = [
        postgresql_repo.create(
            Entity(f"task-{number}", "task", "open", {"texts": each})
        )
        for number, each in enumerate(texts)
    ]
    for query in queries:
        found = postgresql_repo.search(query)
        assert ids(found) == expected(made, query), query


@pytest.fixture
def postgresql_repo(postgresql_url: URL) -> Iterator[EntityRepository]:
    """An empty store in PostgreSQL."""
    with EntityRepository(postgresql_url) as repository:
        yield repository


@pytest.fixture(scope="module")
def empty() -> Iterator[EntityRepository]:
    """A store in memory, for many examples."""
    with EntityRepository(":memory:") as repository:
        yield repository


@settings(max_examples=200, deadline=None)
@given(query=st.text())
def test_any_text_is_found_by_itself(empty: EntityRepository, query: str) -> None:
    text = query.replace("\0", " ")
    empty.create(Entity("task-a", "task", "open", {"text": text}))

    found = empty.search(query)
    assert found.total == (1 if terms(query) or not query.strip() else 0)
    empty.delete("task-a")


THERE: list[Any] = [
    *(None, True, False, 0, 1, 1.0, 2.5, "1", "true", "", "a", {}, {"a": 1}, []),
    *([1, "a", "a"], [None, {"a": 1}, [2.5]], [[1]]),
]
"""What may be at a key of the data; beside these it may be missing."""

ASKED = [value for value in THERE if not isinstance(value, (dict, list))]


def test_filters_and_facets_of_values_are_those_of_a_store(
    repo: EntityRepository,
) -> None:
    """What is no row of a store, as the ledger's entities, is judged alike."""
    for number, value in enumerate(THERE):
        data = {"v": value, "in": {"v": value}}
        repo.create(Entity(f"thing-{number}", "thing", "open", data))
    repo.create(Entity("other-x", "other", "draft", {"v.in": 1, "in": "text"}))
    everything = list(repo.list())
    for name in ("data.v", "data.in.v", "data.in", "data.nowhere.v"):
        for asked in (*ASKED, ASKED[:3], []):
            found = ids(repo.search("", {name: asked}, limit=None).entities)
            assert found == ids(e for e in everything if takes({name: asked}, e)), asked
    both = {"type": ["thing", "none"], "status": "open", "data.v": [1, "a"]}
    assert ids(repo.search("", both).entities) == ids(
        entity for entity in everything if takes(both, entity)
    )
    for name in ("type", "status", "data.v", "data.in.v", "data.in"):
        counted = repo.search("", facets=[name]).facets[name]
        values = (value for each in everything for value in values_of(name, each))
        assert counted == ordered((value, 1) for value in values)
