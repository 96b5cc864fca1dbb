"""A data change in batches: how large each is, and what may happen meanwhile."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from alembic_neo4j import local
from alembic_neo4j.cypher import data_changes
from alembic_neo4j.cypher.data_changes import Rewrite, batched
from alembic_neo4j.cypher.load_targets import NodeTarget
from alembic_neo4j.cypher.patterns import Scope, nodes, relationships
from alembic_neo4j.cypher.steps import Batched
from alembic_neo4j.errors import StatementError
from alembic_neo4j.graph import batches
from alembic_neo4j.graph.batches import run_batches
from alembic_neo4j.graph.connection import (
    Credentials,
    Graph,
    GraphSettings,
    ServerRefused,
)
from alembic_neo4j.graph.execute import Attempt
from alembic_neo4j.graph.limits import Interrupted, Interrupts, Limits
from alembic_neo4j.graph.loading import LoadCounts
from alembic_neo4j.graph.marker import Mark
from alembic_neo4j.local.guard import guarded
from tests.graph.loads import load

PERSON = nodes("Person")
RENAME = data_changes.move_property(
    PERSON, "name", "title", among="n.`name` IS NOT NULL"
)


def rewritten(
    scope: Scope, name: str, using: str, *, pending: str, mark: str
) -> Batched:
    """Set a property by an expression over its `value`, and a mark, where `pending`."""
    value = scope.value(name)
    return batched(
        f"rewrite {name} of {scope}",
        Rewrite.within(
            scope,
            f"{value} IS NOT NULL AND {pending}",
            f"WITH *, {value} AS value "
            f"SET {value} = {using}, {scope.value(mark)} = true",
        ),
    )


COUNT = rewritten(
    PERSON, "number", "value + 1", pending="n.`done` IS NULL", mark="done"
)
"""Twice on the same node would be seen."""
DELETE = Batched(
    "delete people",
    select="MATCH (n:Person) WHERE id(n) > $after WITH n ORDER BY n LIMIT $limit "
    "RETURN collect(id(n)) AS ids",
    write="MATCH (n:Person) WHERE id(n) IN $ids "
    "DETACH DELETE n RETURN count(*) AS changed",
    offline="",
)
TITLES = "MATCH (n:Person) WHERE n.title IS NOT NULL RETURN count(n) AS n"


@pytest.fixture
def graph(neo4j_graph: Graph) -> Graph:
    return neo4j_graph


# Sizes ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 25, 30, 101])
def test_every_entity_is_changed_in_batches_of_the_size(
    graph: Graph, number: int
) -> None:
    fill(graph, number)
    sizes = Sizes(graph, TITLES)
    assert run_batches(graph, RENAME, 10, between=sizes) == number
    sizes.check(number, 10)
    assert names(graph) == [(f"name {i}", None) for i in range(number)]


def test_the_configured_size_wins(graph: Graph) -> None:
    fill(graph, 25)
    sizes = Sizes(graph, TITLES)
    Attempt(graph, [RENAME], Limits(batch_size=7, interrupts=Stopping(sizes))).run()
    sizes.check(25, 7)


def test_there_is_a_pause_before_each_batch(graph: Graph) -> None:
    fill(graph, 25)
    starts: list[float] = []
    sizes = Sizes(graph, TITLES)

    def note() -> None:
        sizes()
        starts.append(time.monotonic())

    limits = Limits(batch_size=10, throttle=0.1, interrupts=Stopping(note))
    Attempt(graph, [RENAME], limits).run()

    assert sum(sizes.seen()) == 25
    assert starts[-1] - starts[0] >= 0.1 * len(sizes.seen())


def test_a_signal_ends_a_pause(graph: Graph) -> None:
    fill(graph, 25)
    interrupts = Interrupts()
    limits = Limits(batch_size=10, throttle=3600.0, interrupts=interrupts)
    with interrupts.deferred():
        signal_later = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
        signal_later.start()
        with pytest.raises(Interrupted):
            Attempt(graph, [RENAME], limits).run()
    assert names(graph) == [(None, f"name {i}") for i in range(25)]


def test_the_size_of_the_change_counts_otherwise(graph: Graph) -> None:
    fill(graph, 25)
    sizes = Sizes(graph, TITLES)
    step = replace(RENAME, batch_size=12)
    Attempt(graph, [step], Limits(interrupts=Stopping(sizes))).run()
    sizes.check(25, 12)


@pytest.mark.parametrize(
    "nth", [1, 2, 7, 40], ids=["all", "every other", "one in 7", "one in 40"]
)
def test_entities_among_others_are_changed_in_full_batches(
    graph: Graph, nth: int
) -> None:
    # One in 7 is found by walking through the ids, one in 40 by its own id.
    fill(graph, 60, among=nth)
    sizes = Sizes(graph, TITLES)
    assert run_batches(graph, RENAME, 10, between=sizes) == 60
    sizes.check(60, 10)
    assert count(graph, "MATCH (n:Other) WHERE n.name IS NOT NULL") == 60 * (nth - 1)


def test_a_few_entities_in_a_large_store_are_not_walked_to(graph: Graph) -> None:
    fill(graph, 30, among=100)
    sizes = Sizes(graph, TITLES)
    run_batches(graph, RENAME, 10, between=sizes)
    assert sizes.seen() == [10, 10, 10]
    # A walk would try many a range in vain.
    assert sizes.calls == 3


def test_a_gap_in_the_ids_is_passed_in_few_steps(graph: Graph) -> None:
    fill(graph, 2000)
    graph.transaction([("MATCH (n:Person) WHERE n.number % 2 = 0 REMOVE n:Person", {})])
    between = "MATCH (n:Person) WHERE 20 < n.number < 1900 REMOVE n.name"
    graph.transaction([(between, {})])
    sizes = Sizes(graph, TITLES)
    assert run_batches(graph, RENAME, 10, between=sizes) == 10 + 50
    sizes.check(60, 10)
    assert sizes.calls <= 30


def test_a_filter_narrows_what_is_changed(graph: Graph) -> None:
    fill(graph, 200)
    step = data_changes.move_property(
        PERSON, "name", "title", among="n.`name` IS NOT NULL AND (n.number % 3 = 0)"
    )
    sizes = Sizes(graph, TITLES)
    assert run_batches(graph, step, 10, between=sizes) == 67
    sizes.check(67, 10)
    assert [title is not None for _, title in reversed_names(graph)] == [
        i % 3 == 0 for i in range(200)
    ]


def test_a_change_of_labels_is_cut_as_well(graph: Graph) -> None:
    fill(graph, 60)
    sizes = Sizes(graph, "MATCH (n:Human) RETURN count(n) AS n")
    step = data_changes.rename_label("Person", ["Human"])
    assert run_batches(graph, step, 25, between=sizes) == 60
    sizes.check(60, 25)
    assert count(graph, "MATCH (n:Person)") == 0


def test_nodes_of_several_labels_are_changed_once(graph: Graph) -> None:
    fill(graph, 50)
    further = "MATCH (n:Person) WHERE n.number % 2 = 0 SET n:Employee:Manager"
    graph.transaction([(further, {})])
    for label in ("Employee", "Person", "Manager"):
        step = rewritten(
            nodes(label), "number", "value + 1", pending="n.done IS NULL", mark="done"
        )
        run_batches(graph, step, 10)
    assert numbers(graph) == [i + 1 for i in range(50)]


# Relationships -------------------------------------------------------------------


def test_a_type_is_renamed_in_batches_with_loops_and_parallels(graph: Graph) -> None:
    fill(graph, 20)
    graph.transaction(
        [
            (
                "MATCH (a:Person), (b:Person) WHERE b.number IN [a.number, a.number+1] "
                "UNWIND range(1, 3) AS i CREATE (a)-[:KNOWS {i: i}]->(b)",
                {},
            )
        ]
    )
    ends = (
        "MATCH (a)-[r]->(b) "
        "RETURN a.number AS a, b.number AS b, r.i AS i ORDER BY a, b, i"
    )
    before = graph.read(ends)
    sizes = Sizes(graph, "MATCH ()-[r:MET]->() RETURN count(r) AS n")
    step = data_changes.rename_type("KNOWS", "MET")
    assert run_batches(graph, step, 25, between=sizes) == len(before) == 117
    sizes.check(117, 25)
    assert graph.read(ends) == before
    assert count(graph, "MATCH ()-[n:KNOWS]->()") == 0


def test_the_relationships_of_a_hub_are_renamed_and_changed(graph: Graph) -> None:
    graph.transaction(
        [
            ("CREATE (:Hub)", {}),
            (
                "MATCH (h:Hub) UNWIND range(1, 3000) AS i "
                "CREATE (h)-[:SENT {i: i}]->(:Person)-[:KNOWS {i: i}]->(h)",
                {},
            ),
        ]
    )
    among = relationships("KNOWS")
    sizes = Sizes(graph, "MATCH ()-[r]->() WHERE r.j IS NOT NULL RETURN count(r) AS n")
    move = data_changes.move_property(among, "i", "j", among="r.i IS NOT NULL")
    assert run_batches(graph, move, 500, between=sizes) == 3000
    sizes.check(3000, 500)
    rename = data_changes.rename_type("KNOWS", "MET")
    assert run_batches(graph, rename, 500) == 3000
    assert count(graph, "MATCH (:Person)-[n:MET]->(:Hub) WHERE n.j > 0") == 3000
    assert count(graph, "MATCH (:Hub)-[n:SENT]->(:Person) WHERE n.i > 0") == 3000


def test_what_is_turned_round_is_not_seen_again(graph: Graph) -> None:
    # The new relationships take ids that are still to come.
    fill(graph, 300)
    pairs = (
        "MATCH (a:Person), (b:Person) WHERE b.number = a.number + 1 "
        "CREATE (a)-[:KNOWS {i: a.number}]->(b)"
    )
    graph.transaction([(pairs, {})])
    step = data_changes.reverse("Person", "KNOWS", "Person", mark="turned")
    assert run_batches(graph, step, 20) == 299
    turned = "MATCH (a)-[n:KNOWS {turned: true}]->(b) WHERE a.number = b.number + 1"
    assert count(graph, turned) == 299
    assert count(graph, "MATCH ()-[n:KNOWS]->()") == 299


def test_deletes_go_by_batch(graph: Graph) -> None:
    fill(graph, 45)
    sizes = Sizes(graph, "MATCH (n:Person) RETURN 45 - count(n) AS n")
    assert run_batches(graph, DELETE, 20, between=sizes) == 45
    assert sizes.seen() == [20, 20, 5]


# What happens meanwhile ----------------------------------------------------------


class Broken(Exception):
    """A change was broken off."""


@pytest.mark.parametrize("among", [1, 20], ids=["close together", "far apart"])
def test_a_change_that_is_broken_off_anywhere_goes_on(graph: Graph, among: int) -> None:
    fill(graph, 40, among=among)
    started = 0
    for attempt in range(1, 30):
        left = [attempt]

        def between(left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                raise Broken

        started += 1
        try:
            run_batches(graph, COUNT, 5, between=between)
        except Broken:
            continue
        break
    assert 3 < started < 29
    assert numbers(graph) == [i * among + 1 for i in range(40)]


def test_entities_that_are_gone_or_done_meanwhile_are_passed(graph: Graph) -> None:
    fill(graph, 60)

    def between() -> None:
        graph.transaction(
            [
                ("MATCH (n:Person {number: 45}) DETACH DELETE n", {}),
                ("MATCH (n:Person {number: 46}) SET n.title='own' REMOVE n.name", {}),
                ("MATCH (n:Person {number: 47}) REMOVE n:Person", {}),
            ]
        )

    ids = len(graph.read("MATCH (n:Person) RETURN n"))
    assert ids == 60
    assert run_batches(graph, RENAME, 10, between=between) == 57
    titles = dict(enumerate(title for _, title in reversed_names(graph)))
    assert len(titles) == 58
    assert titles[45] == "own"
    kept = "MATCH (n {number: 47}) RETURN n.name AS name, n.title AS title"
    assert graph.read(kept) == [{"name": "name 47", "title": None}]


def test_what_comes_into_being_meanwhile_is_changed_too(graph: Graph) -> None:
    fill(graph, 30)
    added = iter(["CREATE (:Person {number: 1000, name: 'late'})"])

    def between() -> None:
        graph.transaction([(text, {}) for text in added])

    assert run_batches(graph, RENAME, 10, between=between) == 31
    assert count(graph, "MATCH (n:Person {title: 'late'})") == 1


def test_a_batch_waits_for_another_transaction_and_passes_what_it_deleted(
    graph: Graph,
) -> None:
    fill(graph, 30)
    with graph.begin() as run:
        run("MATCH (n:Person {number: 15}) DETACH DELETE n", {})
        thread = threading.Thread(target=lambda: run_batches(graph, RENAME, 10))
        thread.start()
        await_blocked(graph, 1)
    thread.join(30)
    assert names(graph) == [(f"name {i}", None) for i in range(30) if i != 15]


def test_a_batch_that_meets_another_transaction_head_on_is_run_again(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(graph, 10)
    graph.transaction([("UNWIND range(1, 100) AS i CREATE (:Lot)", {})])
    refused = refusals(monkeypatch)
    step = data_changes.set_default(PERSON, "size", 1, mark="filled")
    order = lock_order(graph)
    see = "MATCH (n:Person {number: $i}) SET n.seen = true"
    batch = threading.Thread(target=lambda: run_batches(graph, step, 10))
    with graph.begin() as run:
        run(see, {"i": order[-1]})
        # The server ends the one that holds fewer locks.
        run("MATCH (n:Lot) SET n.seen = true", {})
        batch.start()
        await_blocked(graph, 1)
        # Each waits for the other now.
        run(see, {"i": order[0]})
    batch.join(30)
    # More than once, where the other one takes its time.
    assert set(refused) == {"Neo.TransientError.Transaction.DeadlockDetected"}
    assert count(graph, "MATCH (n:Person {size: 1})") == 10


def test_a_refusal_ends_the_change_and_what_was_done_stays(graph: Graph) -> None:
    fill(graph, 30)
    graph.transaction([("MATCH (n:Person {number: 25}) SET n.number = 'x'", {})])
    step = rewritten(
        PERSON, "number", "value * 2", pending="n.done IS NULL", mark="done"
    )
    with pytest.raises(ServerRefused, match="TypeError"):
        run_batches(graph, step, 10)
    assert count(graph, "MATCH (n:Person {done: true})") == 20


def test_it_says_how_far_it_is(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(graph, 1050)
    monkeypatch.setattr(batches, "REPORT_SECONDS", -1.0)
    with caplog.at_level(logging.INFO, "alembic_neo4j.graph"):
        run_batches(graph, RENAME, 500)
    title = "rename name to title on (:Person)"
    *parts, last, end = caplog.messages
    assert parts[0] == f"{title}: 500 so far"
    assert all(part.endswith(" so far") for part in parts)
    assert last == f"{title}: 1,050 so far"
    assert end == f"{title}: 1,050 changed"


# Out of memory -------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """The graph of a server that has 10 MB for all its transactions."""
    project = tmp_path_factory.mktemp("narrow")
    with guarded(project):
        server = local.ensure_started(
            project,
            disposable=True,
            heap="256m",
            settings={"dbms.memory.transaction.total.max": "10m"},
        )
        credentials = Credentials("basic", server.username, server.password)
        graph = Graph(GraphSettings(server.url, project, credentials))
        try:
            yield graph
        finally:
            graph.close()
            local.wipe(project)


@pytest.fixture
def narrow_graph(narrow: Graph) -> Graph:
    run_batches(narrow, replace(DELETE, title="empty the graph"), 1000)
    return narrow


def test_a_batch_that_is_too_much_for_the_server_is_halved(
    narrow_graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    fill(narrow_graph, 20_000)
    sizes = Sizes(narrow_graph, TITLES)
    with caplog.at_level(logging.INFO, "alembic_neo4j.graph"):
        assert run_batches(narrow_graph, RENAME, 20_000, between=sizes) == 20_000
    refused = refused_sizes(caplog)
    assert refused[0] == 20_000
    assert all(after == before // 2 for before, after in pairwise(refused))
    assert max(sizes.seen()) == refused[-1] // 2
    assert sum(sizes.seen()) == 20_000
    assert caplog.messages[-1] == "rename name to title on (:Person): 20,000 changed"


def test_a_walk_that_is_too_much_for_the_server_is_halved(
    narrow_graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    # The values grow, so that only a later batch is too much.
    fill(narrow_graph, 6000)
    step = data_changes.fill(
        PERSON,
        "word",
        "CASE WHEN n.number < 2500 THEN '' "
        "ELSE reduce(s = '', i IN range(1, 2000) | s + 'x') END",
    )
    sizes = Sizes(
        narrow_graph, "MATCH (n:Person) WHERE n.word IS NOT NULL RETURN count(n) AS n"
    )
    with caplog.at_level(logging.INFO, "alembic_neo4j.graph"):
        assert run_batches(narrow_graph, step, 2000, between=sizes) == 6000
    assert refused_sizes(caplog)[0] == 2000
    assert sizes.seen()[0] == 2000
    assert sum(sizes.seen()) == 6000


def test_nodes_of_high_degree_are_deleted_in_smaller_batches(
    narrow_graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    fill(narrow_graph, 600)
    for start in range(0, 600, 50):
        relate = (
            "MATCH (a:Person) WHERE $start <= a.number < $start + 50 "
            "UNWIND range(1, 30) AS i CREATE (a)-[:KNOWS]->(a)"
        )
        narrow_graph.transaction([(relate, {"start": start})])
    with caplog.at_level(logging.INFO, "alembic_neo4j.graph"):
        assert run_batches(narrow_graph, DELETE, 600) == 600
    assert refused_sizes(caplog)[0] == 600
    assert count(narrow_graph, "MATCH (n)") == 0


def test_a_batch_that_can_t_be_smaller_is_a_clear_error(
    narrow_graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    fill(narrow_graph, 1000)
    step = data_changes.fill(PERSON, "big", "[i IN range(0, 5000) | toString(i)]")
    began = time.monotonic()
    with (
        caplog.at_level(logging.INFO, "alembic_neo4j.graph"),
        pytest.raises(StatementError, match="out of memory with 100 at once") as error,
    ):
        run_batches(narrow_graph, step, 1000)
    assert refused_sizes(caplog) == [1000, 500, 250, 125]
    assert "dbms.memory.transaction.total.max" in str(error.value)
    # The driver would try the same again for half a minute.
    assert time.monotonic() - began < 30
    assert count(narrow_graph, "MATCH (n:Person) WHERE n.big IS NOT NULL") == 0


def test_a_batch_grows_again_when_others_have_given_the_memory_back(
    narrow_graph: Graph,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(narrow_graph, 15_000)
    monkeypatch.setattr(batches, "PATIENCE", 3)
    sizes = Sizes(narrow_graph, TITLES)
    with ExitStack() as hoard:
        run = hoard.enter_context(narrow_graph.begin())
        run("UNWIND range(1, 4000) AS i CREATE (:Hoard {text: 'much ' + i})", {})

        def between() -> None:
            sizes()
            if len(sizes.seen()) == 2:
                hoard.close()

        with caplog.at_level(logging.INFO, "alembic_neo4j.graph"):
            changed = run_batches(narrow_graph, RENAME, 3000, between=between)
    assert changed == 15_000
    refused = refused_sizes(caplog)
    assert refused[0] == 3000
    smaller = refused[-1] // 2
    assert sizes.seen()[:3] == [smaller] * 3
    assert max(sizes.seen()[3:]) > smaller


def test_rows_that_are_too_much_at_once_are_loaded_in_smaller_portions(
    narrow_graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    people = NodeTarget(("Person",))
    rows = ({"name": str(number), "text": "x" * 5000} for number in range(2000))

    with caplog.at_level(logging.WARNING, "alembic_neo4j.graph"):
        loaded = load(narrow_graph, people, rows, size=2000, mark=Mark("run", "r", 1))

    assert loaded == LoadCounts(created=2000)
    assert "2,000 at once are too much" in caplog.text
    found = narrow_graph.read("MATCH (n:Person) RETURN count(DISTINCT n.name) AS n")
    assert found == [{"n": 2000}]


def fill(graph: Graph, number: int, *, among: int = 1) -> None:
    """Create people, each of them followed by others that are none."""
    # In pieces, for a server that has little memory.
    for start in range(0, number * among, 2000):
        end = min(start + 2000, number * among)
        text = (
            "UNWIND range($start, $end - 1) AS i CREATE (n {number: i, "
            "name: 'name ' + i}) FOREACH (_ IN CASE WHEN i % $among = 0 THEN [1] ELSE "
            "[] END | SET n:Person) FOREACH (_ IN CASE WHEN i % $among > 0 THEN [1] "
            "ELSE [] END | SET n:Other)"
        )
        graph.transaction([(text, {"start": start, "end": end, "among": among})])


def count(graph: Graph, match: str) -> int:
    ((number,),) = (row.values() for row in graph.read(f"{match} RETURN count(n) AS n"))
    assert isinstance(number, int)
    return number


def numbers(graph: Graph) -> list[Any]:
    rows = graph.read("MATCH (n:Person) RETURN n.number AS number ORDER BY number")
    return [row["number"] for row in rows]


def names(graph: Graph) -> list[tuple[Any, Any]]:
    """The title and the name of each person."""
    return [(title, name) for name, title in reversed_names(graph)]


def reversed_names(graph: Graph) -> list[tuple[Any, Any]]:
    rows = graph.read(
        "MATCH (n:Person) RETURN n.name AS name, n.title AS title ORDER BY n.number"
    )
    return [(row["name"], row["title"]) for row in rows]


class Sizes:
    """Called between two transactions, it notes how much the last one has done."""

    def __init__(self, graph: Graph, done: str) -> None:
        self.calls = 0
        self._graph = graph
        self._done = done
        self._steps: list[int] = []

    def __call__(self) -> None:
        self.calls += 1
        self._steps.append(self._graph.read(self._done)[0]["n"])

    def check(self, number: int, size: int) -> None:
        """Check that so many were done, each time `size` of them at most."""
        seen = self.seen()
        assert sum(seen) == number
        assert max(seen, default=0) == min(number, size)
        # Ids are used again, so that a range may hold less than a batch.
        assert len(seen) <= 2 * (number // size) + 2

    def seen(self) -> list[int]:
        """The sizes of the batches."""
        steps = [*self._steps, self._graph.read(self._done)[0]["n"]]
        return [after - before for before, after in pairwise(steps) if after > before]


class Stopping(Interrupts):
    """Interrupts that call something instead."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def check(self) -> None:
        self._call()


def refused_sizes(caplog: pytest.LogCaptureFixture) -> list[int]:
    """The sizes that were too much for the server's memory."""
    return [
        int(message.split(": ")[1].split(" ")[0].replace(",", ""))
        for message in caplog.messages
        if "too much" in message
    ]


def await_blocked(graph: Graph, number: int) -> None:
    """Wait until so many transactions wait for others."""
    waiting = (
        "SHOW TRANSACTIONS YIELD status WHERE status STARTS WITH 'Blocked' "
        "RETURN status"
    )
    until = time.monotonic() + 20
    while len(graph.read(waiting)) < number:
        assert time.monotonic() < until
        time.sleep(0.05)


def lock_order(graph: Graph) -> list[int]:
    """The numbers of the people in the order in which one batch comes to them."""
    (row,) = graph.read(DELETE.select, {"after": -1, "limit": 1000})
    found = "MATCH (n:Person) WHERE id(n) IN $ids RETURN n.number AS number"
    return [row["number"] for row in graph.read(found, {"ids": row["ids"]})]


def refusals(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the code of each refusal that a batch gets."""
    refused: list[str] = []
    inner = Graph.transaction

    def transaction(self: Graph, statements: Any) -> Any:
        try:
            return inner(self, statements)
        except ServerRefused as error:
            refused.append(error.code)
            raise

    monkeypatch.setattr(Graph, "transaction", transaction)
    return refused
