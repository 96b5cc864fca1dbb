"""The audit trail: nothing of it is changed, removed or added unseen."""

from __future__ import annotations

import json
import math
import multiprocessing
import random
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, delete, insert, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from alembic_neo4j.ledger.audit import (
    BROKEN,
    FAILED,
    SUCCESS,
    AuditEvent,
    AuditTrail,
    Author,
    ChainEnd,
    Entry,
    event_from_json,
    judge_chain,
)
from alembic_neo4j.ledger.engine import open_engine
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.ledger.tables import audit_events

TABLE = "alembic_version"
AUTHOR = Author("alice", "bolt://graph:7687")
TRIGGERS = ("update", "delete", "replace")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The address of an empty database, of each kind."""
    if request.param == "sqlite":
        return make_url(f"sqlite:///{tmp_path / 'ledger.db'}")
    given: URL = request.getfixturevalue("postgresql_url")
    return given


@pytest.fixture
def connection(url: URL) -> Iterator[Connection]:
    """A connection to a ledger without events."""
    with Opened(url) as opened:
        Ledger(opened, TABLE).migrate()
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A SQLite ledger with some events."""
    path = tmp_path / "ledger.db"
    with Opened(make_url(f"sqlite:///{path}")) as opened:
        Ledger(opened, TABLE).migrate()
        filled(opened)
    return path


class Opened:
    """A connection whose engine goes with it."""

    def __init__(self, url: URL) -> None:
        self._engine = open_engine(url)

    def __enter__(self) -> Connection:
        self._connection = self._engine.connect()
        return self._connection

    def __exit__(self, *_error: object) -> None:
        self._connection.close()
        self._engine.dispose()


def trail_of(connection: Connection) -> AuditTrail:
    return AuditTrail(connection, TABLE, AUTHOR)


def filled(connection: Connection, pairs: int = 3) -> list[AuditEvent]:
    """Add beginnings and ends, and return them."""
    trail = trail_of(connection)
    for number in range(pairs):
        begun = trail.append(Entry("upgrade", run=f"run-{number}", about=["1f3a", "é"]))
        trail.append(
            Entry(
                "upgrade",
                SUCCESS if number % 2 else FAILED,
                run=f"run-{number}",
                about=["1f3a"],
                counts={"nodes_created": number},
                closes=begun.sequence,
                seconds=0.25 * (number + 1),
                error=None if number % 2 else "the server refused",
            )
        )
    connection.commit()
    return list(trail.events())


def without_triggers(path: Path) -> sqlite3.Connection:
    """Return a connection of somebody who may do whatever SQLite lets them."""
    opened = sqlite3.connect(path, isolation_level=None)
    for name in TRIGGERS:
        opened.execute(f"DROP TRIGGER alembic_neo4j_audit_{name}")
    return opened


def verdict_of(path: Path, anchor: ChainEnd | None = None) -> str:
    """Return what is found in a ledger's trail, empty where nothing is."""
    with Opened(make_url(f"sqlite:///{path}")) as opened:
        broken = AuditTrail(opened, TABLE).judge(anchor).broken
    return str(broken) if broken else ""


# What is added -----------------------------------------------------------------------


def test_each_event_has_the_hash_of_the_one_before(connection: Connection) -> None:
    events = filled(connection)
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
    assert events[0].previous == Ledger(connection, TABLE).identity
    assert [e.previous for e in events[1:]] == [e.hash for e in events[:-1]]
    verdict = trail_of(connection).judge()
    assert (verdict.events, verdict.broken) == (6, None)
    assert verdict.end == events[-1].end


def test_an_event_says_who_did_what_where_and_how_it_went(
    connection: Connection,
) -> None:
    event = filled(connection, 1)[-1]
    assert (event.actor, event.graph) == ("alice", "bolt://graph:7687")
    assert (event.action, event.result, event.closes) == ("upgrade", FAILED, 1)
    assert json.loads(event.counts) == {"nodes_created": 0}
    assert event.error == "the server refused"
    assert event.recorded_at.endswith("+00:00")


def test_an_event_that_is_rolled_back_was_never_there(connection: Connection) -> None:
    filled(connection, 1)
    trail_of(connection).append(Entry("upgrade"))
    connection.rollback()
    assert trail_of(connection).judge().events == 2


def test_two_histories_in_one_database_have_a_trail_each(
    connection: Connection,
) -> None:
    filled(connection, 1)
    AuditTrail(connection, "another", AUTHOR).append(Entry("stamp"))
    connection.commit()
    assert trail_of(connection).judge().events == 2
    assert AuditTrail(connection, "another").judge().events == 1


def test_a_text_that_no_database_takes_is_stored_as_what_it_looks_like(
    connection: Connection,
) -> None:
    trail_of(connection).append(Entry("run", about=["a\0b\udcff"], error="x" * 9999))
    connection.commit()
    (event,) = trail_of(connection).events()
    assert json.loads(event.about) == ["a\\0b\\udcff"]
    assert len(event.error or "") < 5000
    assert trail_of(connection).judge().broken is None


def test_a_trail_longer_than_what_is_read_at_once_is_read_whole(tmp_path: Path) -> None:
    with Opened(make_url(f"sqlite:///{tmp_path / 'l.db'}")) as opened:
        Ledger(opened, TABLE).migrate()
        filled(opened, 2100)
        assert trail_of(opened).judge().events == 4200


def test_the_latest_events_are_chosen_by_actor_action_and_result(
    connection: Connection,
) -> None:
    filled(connection)
    trail = trail_of(connection)
    assert [event.sequence for event in trail.latest(2)] == [6, 5]
    assert [event.sequence for event in trail.latest(9, result=SUCCESS)] == [4]
    assert trail.latest(9, actor="bob") == trail.latest(9, action="stamp") == []


def test_a_beginning_without_an_end_is_found(connection: Connection) -> None:
    filled(connection)
    trail = trail_of(connection)
    assert trail.unclosed() == []
    begun = trail.append(Entry("downgrade"))
    connection.commit()
    assert trail.unclosed() == [begun]


# Who writes at once ------------------------------------------------------------------


def add_events(url: str, number: int) -> None:
    """Add events, each in a transaction of its own, as a process does."""
    with Opened(make_url(url)) as opened:
        trail = AuditTrail(opened, TABLE, Author(f"process {number}", "bolt://graph"))
        for count in range(25):
            trail.append(Entry("run", about=[str(count)]))
            opened.commit()


def test_processes_that_write_at_once_do_not_fork_the_chain(
    connection: Connection, url: URL
) -> None:
    spawning = multiprocessing.get_context("spawn")
    address = url.render_as_string(hide_password=False)
    processes = [
        spawning.Process(target=add_events, args=(address, number))
        for number in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    verdict = trail_of(connection).judge()
    assert (verdict.events, verdict.broken) == (100, None)


# What the database refuses -----------------------------------------------------------


def test_the_database_refuses_to_change_or_remove_an_event(
    connection: Connection,
) -> None:
    before = filled(connection)
    values = {"sequence": 1, **_columns(before[0])}
    attempts: list[Any] = [
        update(audit_events).values(actor="mallory"),
        delete(audit_events),
        insert(audit_events).values(values),
    ]
    if connection.dialect.name == "sqlite":
        attempts.append(insert(audit_events).prefix_with("OR REPLACE").values(values))
    else:
        attempts.append(text("TRUNCATE alembic_neo4j_audit"))
    for attempt in attempts:
        with pytest.raises(DBAPIError):
            connection.execute(attempt)
        connection.rollback()
    assert list(trail_of(connection).events()) == before


def _columns(event: AuditEvent) -> dict[str, Any]:
    return {column.name: getattr(event, column.name) for column in audit_events.c}


# What is found -----------------------------------------------------------------------


def test_an_event_that_was_altered_is_named(file: Path) -> None:
    with closing(without_triggers(file)) as opened:
        opened.execute("UPDATE alembic_neo4j_audit SET actor='bob' WHERE sequence=3")
    found = verdict_of(file)
    assert found.startswith("event 3 of the audit trail (altered): expected the hash")


def test_an_event_with_a_hash_to_match_does_not_fit_the_next(file: Path) -> None:
    with Opened(make_url(f"sqlite:///{file}")) as opened:
        third = list(AuditTrail(opened, TABLE).events())[2]
    forged = replace(third, actor="bob")
    with closing(without_triggers(file)) as opened_:
        opened_.execute(
            "UPDATE alembic_neo4j_audit SET actor='bob', hash=? WHERE sequence=3",
            (forged.expected_hash,),
        )
    assert verdict_of(file).startswith("event 4 of the audit trail (parted)")


@pytest.mark.parametrize(
    ("gone", "code"), [(1, "missing"), (4, "missing"), (6, "tail")]
)
def test_an_event_that_was_removed_is_named(file: Path, gone: int, code: str) -> None:
    with closing(without_triggers(file)) as opened:
        opened.execute("DELETE FROM alembic_neo4j_audit WHERE sequence=?", (gone,))
    assert verdict_of(file).startswith(f"event {gone} of the audit trail ({code})")


def test_a_tail_that_was_cut_off_is_found_by_the_graph_alone(file: Path) -> None:
    with Opened(make_url(f"sqlite:///{file}")) as opened:
        events = list(AuditTrail(opened, TABLE).events())
        # Somebody who knows the ledger makes it say that there never was more.
        Ledger(opened, TABLE).remember_audit_end(events[3].end.pair)
        opened.commit()
    with closing(without_triggers(file)) as opened_:
        opened_.execute("DELETE FROM alembic_neo4j_audit WHERE sequence > 4")
    assert verdict_of(file) == ""
    found = verdict_of(file, anchor=events[5].end)
    assert found.startswith("event 5 of the audit trail (older-ledger)")


def test_a_ledger_that_has_gone_another_way_is_told_from_an_older_one(
    file: Path,
) -> None:
    anchor = ChainEnd(5, "2:somethingelse")
    found = verdict_of(file, anchor)
    assert found.startswith("event 5 of the audit trail (another-trail)")


def test_an_older_graph_is_found(file: Path) -> None:
    with Opened(make_url(f"sqlite:///{file}")) as opened:
        events = list(AuditTrail(opened, TABLE).events())
        Ledger(opened, TABLE).remember_audit_anchor(events[5].end.pair)
        opened.commit()
    assert verdict_of(file, events[5].end) == ""
    found = verdict_of(file, events[3].end)
    assert found.startswith("event 6 of the audit trail (older-graph)")
    with Opened(make_url(f"sqlite:///{file}")) as opened:
        # One from before there was a trail.
        broken = AuditTrail(opened, TABLE).judge(is_stamped=True).broken
    assert broken is not None
    assert broken.code == "older-graph"


def test_a_thousand_flipped_bits_are_all_found(file: Path) -> None:
    chosen = random.Random(12)
    names = [column.name for column in audit_events.c]
    flipped, unseen = 0, []
    with (
        closing(without_triggers(file)) as opened,
        Opened(make_url(f"sqlite:///{file}")) as reader,
    ):
        trail = AuditTrail(reader, TABLE)
        while flipped < 1000:
            sequence, name = chosen.randint(1, 6), chosen.choice(names)
            where = "WHERE sequence=? AND version_table=?"
            query = f"SELECT {name}, typeof({name}) FROM alembic_neo4j_audit {where}"
            value, kind = opened.execute(query, (sequence, TABLE)).fetchone()
            if kind == "null" or value == "":
                continue
            opened.execute("BEGIN IMMEDIATE")
            try:
                opened.execute(
                    f"UPDATE alembic_neo4j_audit SET {name}={_cast(kind)} {where}",
                    (_flipped(value, chosen), sequence, TABLE),
                )
            except sqlite3.IntegrityError:
                # Two events with one sequence can't be stored.
                opened.execute("ROLLBACK")
                continue
            opened.execute("COMMIT")
            flipped += 1
            if trail.judge().broken is None:
                unseen.append((sequence, name, value))
            reader.rollback()
            restored = f"UPDATE alembic_neo4j_audit SET {name}=? WHERE rowid=?"
            opened.execute(restored, (value, sequence))
            assert trail.judge().broken is None, (sequence, name, value)
            reader.rollback()
    assert unseen == []


def _cast(kind: str) -> str:
    # Texts with any bytes, which Python would refuse to hand over as a text.
    return "CAST(? AS TEXT)" if kind == "text" else "?"


def _flipped(value: Any, chosen: random.Random) -> Any:
    """Return a value with one bit of those with which it is stored flipped."""
    if isinstance(value, float):
        (bits,) = struct.unpack("<q", struct.pack("<d", value))
        (other,) = struct.unpack("<d", struct.pack("<q", _with_a_flip(bits, chosen)))
        # SQLite stores it as NULL.
        return None if math.isnan(other) else other
    if isinstance(value, int):
        return _with_a_flip(value, chosen)
    raw = bytearray(value.encode())
    raw[chosen.randrange(len(raw))] ^= 1 << chosen.randrange(8)
    return bytes(raw)


def _with_a_flip(value: int, chosen: random.Random) -> int:
    flipped = (value & (1 << 64) - 1) ^ 1 << chosen.randrange(64)
    return flipped - (1 << 64) if flipped >> 63 else flipped


# A trail that is broken or lost ------------------------------------------------------


def test_a_broken_end_is_noted_in_the_trail_which_goes_on(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(without_triggers(file)) as opened:
        opened.execute("DELETE FROM alembic_neo4j_audit WHERE sequence > 4")
    with Opened(make_url(f"sqlite:///{file}")) as ledger:
        trail = trail_of(ledger)
        trail.append(Entry("upgrade"))
        ledger.commit()
        noted, added = list(trail.events())[-2:]
        assert (noted.sequence, noted.result) == (7, BROKEN)
        assert "expected event 6" in (noted.error or "")
        assert (added.sequence, added.previous) == (8, noted.hash)
        trail.append(Entry("upgrade", SUCCESS, closes=8))
        ledger.commit()
    assert "alembic-neo4j audit verify" in caplog.text
    assert caplog.text.count("is broken") == 1
    assert verdict_of(file).startswith("event 5 of the audit trail (missing)")


def test_a_table_that_was_dropped_is_made_anew_and_its_events_are_missed(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("DROP TABLE alembic_neo4j_audit")
    assert verdict_of(file).startswith("event 1 of the audit trail (tail)")
    with Opened(make_url(f"sqlite:///{file}")) as ledger:
        trail_of(ledger).append(Entry("upgrade"))
        ledger.commit()
        with pytest.raises(DBAPIError):
            ledger.execute(delete(audit_events))
    assert "is broken" in caplog.text
    assert verdict_of(file).startswith("event 1 of the audit trail (missing)")


def test_an_anchor_that_the_trail_lacks_is_noted(file: Path) -> None:
    with Opened(make_url(f"sqlite:///{file}")) as ledger:
        trail = trail_of(ledger)
        trail.append(Entry("upgrade"), ChainEnd(9, "2:lost"))
        ledger.commit()
        assert list(trail.events())[-2].result == BROKEN


# An export ---------------------------------------------------------------------------


def test_an_export_is_judged_by_itself(file: Path) -> None:
    with Opened(make_url(f"sqlite:///{file}")) as opened:
        events = list(AuditTrail(opened, TABLE).events())
    lines = [json.dumps(event.as_json()) for event in events]
    assert judge_chain(event_from_json(json.loads(line)) for line in lines) == (
        judge_chain(events)
    )
    lines[1] = lines[1].replace("alice", "bob")
    broken = judge_chain(event_from_json(json.loads(line)) for line in lines).broken
    assert broken is not None
    assert (broken.code, broken.sequence) == ("altered", 2)


def test_a_line_that_is_no_event_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the fields of an event"):
        event_from_json({"sequence": 1})


@settings(deadline=None)
@given(
    st.text(),
    st.lists(st.text(), max_size=3),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_an_event_says_comes_back_from_a_line(
    error: str, about: list[str], seconds: float
) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        Ledger(connection, TABLE).migrate()
        trail_of(connection).append(
            Entry("run", FAILED, about=about, seconds=seconds, error=error)
        )
        (event,) = trail_of(connection).events()
        assert event_from_json(json.loads(json.dumps(event.as_json()))) == event
        assert trail_of(connection).judge().broken is None
    engine.dispose()
