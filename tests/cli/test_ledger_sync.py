"""``alembic-neo4j ledger sync``, ``export``, ``import``, ``conflicts``, ``resolve``."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyrage
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from alembic_neo4j.entities import Entity, EntityRepository
from alembic_neo4j.ledger.audit import BEGUN, AuditTrail, Author, Entry
from tests.cli.ledgers import TABLE, apply, begin_ledger, opened, write_revisions
from tests.entities.bundle_server import BundleServer
from tests.entities.sites import assert_same
from tests.migration.project import Project
from tests.migration.test_audit import events

VERBS = Path(sys.executable).parent / "alembic-neo4j"


@pytest.fixture
def kept(project: Project) -> Project:
    """A project of three revisions whose ledger is at r1, with a note beside it."""
    write_revisions(project)
    begin_ledger(project.ledger)
    apply(project.ledger, "r1")
    begin_trail(project.ledger, "bolt://db.example:7687")
    note(project, "why", "because")
    return project


def begin_trail(ledger: Path | URL, graph: str) -> None:
    """Let a ledger have been used on a graph."""
    with opened(ledger) as connection:
        trail = AuditTrail(connection, TABLE, Author("me", graph))
        trail.append(Entry("upgrade", BEGUN))


def note(project: Project, slug: str, words: str) -> None:
    assert project.verb("ledger", "note", words, "--slug", slug).status == 0


def said(project: Project, *arguments: Any, status: int = 0) -> Any:
    words = [str(each) for each in arguments]
    outcome = project.verb("ledger", *words, "--format", "json")
    assert outcome.status == status, outcome.text
    return json.loads(outcome.out)


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The file of an identity of age."""
    path = tmp_path / "key.txt"
    path.write_text(f"# made for this\n{pyrage.x25519.Identity.generate()}\n")
    return str(path)


def test_two_ledgers_get_the_notes_of_each_other_and_keep_their_revisions(
    kept: Project, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    begin_ledger(other)
    apply(other, "r2")
    begin_trail(other, "bolt://test.example:7687")
    before = revisions(other), revisions(kept.ledger)

    assert said(kept, "sync", other) == {
        **{"received": 0, "sent": 1, "conflicts": 0},
        "findings": [],
    }

    with EntityRepository(other, shared=True) as store:
        store.create(Entity("task-a", "task", "open"))
    assert said(kept, "sync", other)["received"] == 1
    assert said(kept, "sync", f"sqlite:///{other}")["received"] == 0
    ids = [each["id"] for each in said(kept, "list", "--status", "open")["entities"]]
    assert ids == ["task-a"]
    assert (revisions(other), revisions(kept.ledger)) == before
    told = [
        (each.action, each.result, json.loads(each.about)) for each in events(kept)
    ][-2:]
    assert told == [
        ("ledger sync", result, [str(other)]) for result in ("BEGUN", "SUCCESS")
    ]


def revisions(ledger: Path) -> list[Any]:
    tables = (TABLE, "alembic_neo4j_revision", "alembic_neo4j_run")
    with opened(ledger) as connection:
        return [
            [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]
            for table in tables
        ]


def test_what_is_known_of_revisions_is_never_merged_and_contradictions_are_told(
    kept: Project, tmp_path: Path
) -> None:
    # A copy of the ledger that went on by itself, as one that was rolled back here.
    copy = tmp_path / "copy.db"
    with opened(kept.ledger) as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    shutil.copy(kept.ledger, copy)
    apply(copy, "r2")
    with EntityRepository(copy, shared=True) as store:
        store.create(Entity("task-a", "task", "open"))
    before = revisions(copy), revisions(kept.ledger)

    done = said(kept, "sync", copy, status=1)

    # What can be merged is.
    assert done["received"] == 1
    found = [(each["code"], each["subject"]) for each in done["findings"]]
    assert found == [("ledgers-applied", "r2"), ("ledgers-heads", str(kept.ledger))]
    assert (revisions(copy), revisions(kept.ledger)) == before
    outcome = kept.verb("ledger", "sync", str(copy))
    assert outcome.status == 1
    assert "error ledgers-heads" in outcome.out
    assert "Nothing was changed." in outcome.out
    # Another ledger that was used on the same graph, with another file of a revision.
    another = tmp_path / "another.db"
    begin_ledger(another)
    apply(another, "r1")
    begin_trail(another, "bolt://db.example:7687")
    with opened(another) as connection:
        table = "alembic_neo4j_revision"
        connection.execute(text(f"UPDATE {table} SET file_hash = '{'1' * 64}'"))
    done = said(kept, "sync", another, status=1)
    assert [each["code"] for each in done["findings"]] == [
        *("ledgers-file", "ledgers-graph")
    ]


def test_a_bundle_is_exported_imported_and_synced(
    kept: Project, tmp_path: Path, key: str
) -> None:
    bundle = tmp_path / "notes.age"
    keys = ("--identity", key)
    with EntityRepository(tmp_path / "other.db") as other:
        assert said(kept, "export", bundle, *keys)["sent"] == 1
        assert b"because" not in bundle.read_bytes()
        again = kept.verb("ledger", "export", str(bundle), *keys)
        assert again.status == 2
        assert "is left as it is" in again.err
        assert said(kept, "export", bundle, *keys, "--force")["sent"] == 1
        assert said(kept, "import", bundle, *keys)["received"] == 0

        # Without a project's ledger, by the library.
        from alembic_neo4j.entities import SyncConfig, create_sync_client

        config = SyncConfig(str(bundle), identities=[Path(key).read_text()])
        client = create_sync_client(config)
        assert client.sync(other).received == 1
        other.create(Entity("task-a", "task", "open"))
        client.sync(other)
        assert said(kept, "import", bundle, *keys)["received"] == 1
        note(kept, "later", "then")
        assert said(kept, "sync", bundle, *keys)["sent"] == 1
        client.sync(other)
        with EntityRepository(kept.ledger, shared=True) as store:
            assert_same([store, other])
    actions = [each.action for each in events(kept) if each.result == "SUCCESS"]
    assert actions[-2:] == ["ledger note", "ledger sync"]
    assert "ledger import" in actions
    assert "ledger export" not in actions
    # A bundle that was damaged is refused; nothing is changed, and the trail says so.
    bundle.write_bytes(bundle.read_bytes()[:-1])
    for verb in ("import", "sync"):
        refused = kept.verb("ledger", verb, str(bundle), *keys)
        assert refused.status == 2
        assert "can't be opened" in refused.err
        assert events(kept)[-1].result == "FAILED"


def test_the_passphrase_comes_from_the_environment_or_a_file_and_is_never_shown(
    kept: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, secret = tmp_path / "notes.age", "correct horse battery"
    file = tmp_path / "secret"
    file.write_text(f"{secret}\nnot this\n")
    nothing = kept.verb("ledger", "export", str(bundle))
    assert nothing.status == 2
    assert "set ALEMBIC_NEO4J_BUNDLE_PASSPHRASE or" in nothing.err
    assert not bundle.exists()

    name = "ALEMBIC_NEO4J_BUNDLE_PASSPHRASE"
    monkeypatch.setenv(name, secret)
    assert said(kept, "export", bundle)["sent"] == 1
    monkeypatch.setenv(f"{name}_FILE", str(file))
    both = kept.verb("ledger", "import", str(bundle))
    assert both.status == 2
    assert "are both given" in both.err
    monkeypatch.delenv(name)
    assert said(kept, "import", bundle)["received"] == 0
    monkeypatch.delenv(f"{name}_FILE")
    # What is said on the command line goes before.
    monkeypatch.setenv(name, secret)
    file.write_text("wrong words\n")
    given = ("--passphrase-file", str(file))
    wrong = kept.verb("ledger", "import", str(bundle), *given)
    assert wrong.status == 2
    assert "can't be opened" in wrong.err
    for outcome in (both, wrong, kept.verb("audit", "list", "--format", "json")):
        assert secret not in outcome.text
        assert "wrong words" not in outcome.text


def test_a_server_is_synced_with_by_an_account_of_the_environment(
    kept: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEMBIC_NEO4J_SYNC_EMAIL", "you@example.com")
    monkeypatch.setenv("ALEMBIC_NEO4J_SYNC_PASSWORD", "a long password")
    with BundleServer() as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert said(kept, "sync", url)["sent"] == 1
        assert said(kept, "sync", url)["sent"] == 0
        assert [*server.files] == ["/entities.age"]
        assert b"a long password" not in b"".join(server.received)
        for place in ("http://you:pass@127.0.0.1/", "postgresql://me:pass@host/x"):
            refused = kept.verb("ledger", "sync", place)
            assert refused.status == 2
            assert "expected no" in refused.err
            assert "pass@" not in refused.text
    assert json.loads(events(kept)[-1].about) == [url]


def test_a_conflict_waits_is_shown_and_decided(kept: Project, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert kept.verb("ledger", "conflicts").status == 0
    with EntityRepository(other) as store:
        for slug, words in (("why", "for them"), ("how", "so"), ("gone", "x")):
            store.create(Entity(f"note-{slug}", "note", "draft", {"text": words}))
    note(kept, "how", "otherwise")
    note(kept, "gone", "y")

    done = said(kept, "sync", other, "--resolver", "defer", "--site-id", "here")
    assert done["conflicts"] == 3

    found = said(kept, "conflicts", status=1)["conflicts"]
    assert [each["id"] for each in found] == ["note-gone", "note-how", "note-why"]
    texts = [each["data"]["text"] for each in found[2]["versions"]]
    assert sorted(texts) == ["because", "for them"]
    listed = kept.verb("ledger", "conflicts")
    assert listed.status == 1
    assert "  1: " in listed.out
    shown = kept.verb("ledger", "resolve", "note-why")
    assert shown.status == 1
    assert "for them" in shown.out
    assert "Decide by `--take NUMBER`" in shown.out
    # Until then nobody changes it in another way.
    number = 1 + texts.index("for them")
    decided = said(kept, "resolve", "note-why", "--take", number)["entity"]
    assert decided["data"]["text"] == "for them"
    both = '{"text": "both"}'
    made = said(kept, "resolve", "note-how", "--data", both, "--status", "adopted")
    assert made["entity"]["data"] == {"text": "both"}
    assert made["entity"]["status"] == "adopted"
    for wrong, says in (
        (("--take", "3"), "versions 1 to 2"),
        (("--data", "["), "it is no JSON"),
        (("--data", "[]"), "no JSON object"),
        (("--status", "unknown"), "expected a status"),
    ):
        refused = kept.verb("ledger", "resolve", "note-gone", *wrong)
        assert refused.status == 2, refused.text
        assert says in " ".join(refused.err.replace("│", " ").split())
    gone = kept.verb("ledger", "resolve", "note-why", "--take", "1")
    assert gone.status == 2
    assert "expected a conflict that waits, found none of note-why" in gone.err
    said(kept, "resolve", "note-gone", "--take", 2)
    assert said(kept, "conflicts") == {"conflicts": []}
    assert said(kept, "sync", other)["sent"] == 3
    with EntityRepository(other) as store:
        assert store.read("note-how").data == {"text": "both"}
    assert [each.action for each in events(kept)].count("ledger resolve") == 6


def test_what_is_no_ledger_store_or_bundle_is_refused_and_left_as_it_is(
    kept: Project, tmp_path: Path, key: str
) -> None:
    nowhere, text_file = tmp_path / "nowhere.db", tmp_path / "words.txt"
    text_file.write_text("words")
    foreign = tmp_path / "foreign.db"
    with opened(foreign) as connection:
        connection.execute(text("CREATE TABLE film (name TEXT)"))
    content = foreign.read_bytes()
    backup = kept.verb("ledger", "backup", "create").out.strip()
    for place, says in (
        (nowhere, "found nothing at"),
        (text_file, "found another file"),
        (foreign, "there is no entity store in"),
        (kept.ledger, "found this one"),
        (f"sqlite:///{nowhere}", "there is no entity store in"),
        (tmp_path, "Is a directory"),
        (backup, "found a backup"),
    ):
        refused = kept.verb("ledger", "sync", str(place), "--identity", key)
        assert refused.status == 2, place
        assert says in refused.err
    assert not nowhere.exists()
    assert kept.verb("ledger", "backup", "verify").status == 0
    assert foreign.read_bytes() == content


def test_where_nothing_is_kept_nothing_is_made_but_by_who_receives(
    project: Project, tmp_path: Path, key: str
) -> None:
    bundle = tmp_path / "notes.age"
    assert said(project, "conflicts") == {"conflicts": []}
    empty = project.verb("ledger", "export", str(bundle), "--identity", key)
    assert empty.status == 2
    assert "there is nothing to export" in empty.err
    missing = project.verb("ledger", "resolve", "note-a")
    assert missing.status == 2
    assert "none waits" in missing.err
    refused = project.verb("ledger", "import", str(bundle), "--identity", key)
    assert refused.status == 2
    assert "found nothing at" in refused.err
    assert not bundle.exists()
    bundle.write_bytes(b"age-encryption.org/v1\nand nothing else")
    for verb in ("import", "sync"):
        refused = project.verb("ledger", verb, str(bundle), "--identity", key)
        assert refused.status == 2
        assert "can't be opened" in refused.err
    assert not project.ledger.exists()
    with EntityRepository(tmp_path / "other.db") as other:
        other.create(Entity("task-a", "task", "open"))
        assert said(project, "sync", tmp_path / "other.db")["received"] == 1
    with EntityRepository(project.ledger, shared=True) as store:
        assert [each.id for each in store.list()] == ["task-a"]


def on_a_terminal(directory: Path, *command: str, answers: list[str]) -> str:
    """Run a verb on a terminal of its own, answer its questions, and return it all."""
    terminal, there = pty.openpty()
    process = subprocess.Popen(
        [VERBS, *command],
        **dict.fromkeys(("stdin", "stdout", "stderr"), there),
        cwd=directory,
        start_new_session=True,
    )
    os.close(there)
    output = b""
    try:
        while part := os.read(terminal, 1024):
            output += part
            if answers and output.rstrip().endswith(b":"):
                os.write(terminal, answers.pop(0).encode() + b"\n")
                output += b"|"
    except OSError:
        # Linux says so at the end of the other side.
        pass
    process.wait()
    os.close(terminal)
    return output.decode()


def test_a_passphrase_is_asked_for_on_a_terminal_twice_where_it_is_new(
    kept: Project,
) -> None:
    words = ["ledger", "export", "notes.age"]
    said_there = on_a_terminal(kept.path, *words, answers=["secret words"] * 2)
    assert "1 sent" in said_there
    assert said_there.count("|") == 2
    words = ["ledger", "import", "notes.age"]
    said_there = on_a_terminal(kept.path, *words, answers=["secret words"])
    assert "0 versions received" in said_there
    assert "secret words" not in said_there


@pytest.mark.server
def test_a_ledger_and_a_store_in_postgresql(
    kept: Project, postgresql_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EntityRepository(postgresql_url) as store:
        store.create(Entity("task-a", "task", "open"))
        monkeypatch.setenv("PGPASSWORD", postgresql_url.password or "")
        url = str(postgresql_url).replace(":***@", "@")
        done = said(kept, "sync", url)
        assert (done["received"], done["sent"]) == (1, 1)
        assert store.read("note-why") is not None
    # The same, from there: the store is beside a ledger in that database.
    address = postgresql_url.render_as_string(hide_password=False)
    kept.set("sqlalchemy.url", address.replace("%", "%%"))
    begin_ledger(postgresql_url)
    apply(postgresql_url, "r2")
    begin_trail(postgresql_url, "bolt://db.example:7687")
    note(kept, "there", "beside PostgreSQL")
    done = said(kept, "sync", kept.ledger, status=1)
    assert (done["received"], done["sent"]) == (0, 1)
    codes = [each["code"] for each in done["findings"]]
    apart = ["ledgers-applied", "ledgers-applied", "ledgers-heads"]
    assert codes == ["ledgers-graph", *apart]
