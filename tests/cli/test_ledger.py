"""``alembic-neo4j ledger``: what is remembered is listed, shown, searched and noted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.engine import URL, make_url

from alembic_neo4j.entities import STATUSES, Entity, EntityRepository
from alembic_neo4j.ledger.lock import ledger_lock
from tests.cli.ledgers import (
    TABLE,
    apply,
    begin_ledger,
    give_up,
    load,
    opened,
    write_revisions,
)
from tests.migration.project import PROGRAM, Project
from tests.migration.test_ledger_permissions import PLAIN_USER


@pytest.fixture
def kept(project: Project) -> Project:
    """A project of three revisions at r2, with two batches, of which one is open."""
    write_revisions(project)
    begin_ledger(project.ledger)
    for revision in ("r1", "r2"):
        apply(project.ledger, revision)
    load(project.ledger, "first people")
    load(project.ledger, "second", end=False)
    return project


def said(project: Project, *arguments: str) -> Any:
    """Return what `ledger` reports as JSON."""
    outcome = project.verb("ledger", *arguments, "--format", "json")
    assert outcome.status == 0, outcome.text
    return json.loads(outcome.out)


def ids(project: Project, *arguments: str) -> list[str]:
    return [each["id"] for each in said(project, *arguments)["entities"]]


def statuses(project: Project, *arguments: str) -> dict[str, str]:
    return {e["id"]: e["status"] for e in said(project, *arguments)["entities"]}


def test_the_ledger_is_shown_as_entities(kept: Project) -> None:
    kept.verb("ledger", "backup", "create")

    found = said(kept, "list")["entities"]

    kinds = [each["type"] for each in found]
    assert kinds == ["revision"] * 3 + ["run"] * 4 + ["batch"] * 2 + ["backup"]
    assert all(each["id"].startswith(f"{each['type']}-") for each in found)
    assert {each["status"] for each in found} <= {*STATUSES}
    assert statuses(kept, "list", "--type", "revision") == {
        "revision-r1": "completed",
        "revision-r2": "completed",
        "revision-r3": "planned",
    }
    # Nobody is at the open run, and the load that it makes.
    assert statuses(kept, "list", "--type", "batch") == {
        "batch-first-people": "completed",
        "batch-second": "paused",
    }
    assert [*statuses(kept, "list", "--type", "run").values()] == [
        *["completed"] * 3,
        "paused",
    ]


def test_what_somebody_is_at_is_in_progress(kept: Project) -> None:
    url = make_url(f"sqlite:///{kept.ledger}")
    with ledger_lock(url, TABLE, timeout=0, holder=lambda: None):
        found = statuses(kept, "list", "--status", "in_progress")
    assert set(found) > {"batch-second"}
    assert len(found) == 2


def test_the_ledger_is_the_one_truth(kept: Project) -> None:
    before = kept.remembered()
    kept.verb("ledger", "list")
    kept.verb("ledger", "search", "r1")
    assert kept.remembered() == before

    give_up(kept.ledger)
    apply(kept.ledger, "r3")
    assert statuses(kept, "list", "--type", "revision")["revision-r3"] == "completed"
    assert statuses(kept, "list", "--type", "batch")["batch-second"] == "abandoned"
    runs = statuses(kept, "list", "--type", "run").values()
    assert [*runs] == [*["completed"] * 3, "abandoned", "completed"]


def test_pages_pass_nothing_over(kept: Project) -> None:
    said(kept, "note", "one")
    everything = ids(kept, "list")
    assert len(everything) == 10

    pages = [
        ids(kept, "list", "--limit", "3", "--offset", str(at)) for at in (0, 3, 6, 9)
    ]

    assert [each for page in pages for each in page] == everything
    assert said(kept, "list", "--limit", "3")["of"] == 10
    shown = kept.verb("ledger", "list", "--limit", "3").out
    assert shown.endswith("3 of 10\n")
    assert shown.startswith("completed   revision-r1  the message of r1\n")


def test_an_entity_is_shown_with_the_notes_about_it(kept: Project) -> None:
    about = said(kept, "note", "asked for by the archive", "--about", "revision-r2")
    said(kept, "note", "of another one", "--about", "revision-r1")

    found = said(kept, "show", "revision-r2")

    assert found["notes"] == [about["entity"]]
    assert found["entity"]["data"]["message"] == "the message of r2"
    assert found["entity"]["data"]["migration_type"] == "schema"
    assert found["entity"]["data"]["seconds"] == 0.5
    text = kept.verb("ledger", "show", "revision-r2").out
    assert text.startswith("revision-r2: completed, ")
    assert "  message: the message of r2\n" in text
    assert "asked for by the archive" in text
    batch = said(kept, "show", "batch-first-people")["entity"]["data"]
    assert batch["batch"] == "first people"
    assert batch["counts"]["created_nodes"] == 3


def test_what_is_not_there_is_told_with_what_may_be_meant(kept: Project) -> None:
    for arguments in (("show", "revision-r9"), ("note", "x", "--about", "revision-r9")):
        outcome = kept.verb("ledger", *arguments)
        assert outcome.status == 2
        assert "found no revision-r9; did you mean revision-r" in outcome.err


def test_everything_is_searched(kept: Project) -> None:
    said(kept, "note", "The PEOPLE came from the archive", "--slug", "archive")

    people = ids(kept, "search", "people")
    # The batch, the run that loaded it, and what is stored comes after the ledger's.
    assert [each.partition("-")[0] for each in people] == ["batch", "run", "note"] or [
        each.partition("-")[0] for each in people
    ] == ["run", "batch", "note"]
    assert ids(kept, "search", "people", "--type", "batch") == ["batch-first-people"]
    assert ids(kept, "search", '"message of" r3') == ["revision-r3"]
    assert ids(kept, "search", "archi*") == ["note-archive"]
    assert ids(kept, "search", '"of message"') == []
    assert ids(kept, "search", "message", "--status", "planned") == ["revision-r3"]
    # What is no word finds nothing, and no text is an error.
    assert ids(kept, "search", "'; DROP TABLE --") == []
    assert ids(kept, "search", "%&!") == []
    assert ids(kept, "search", "") != []
    assert "nothing of that" in kept.verb("ledger", "search", "nowhere").out


def test_what_was_found_is_counted_by_facets(kept: Project) -> None:
    said(kept, "note", "the message of it all")
    counted = ("--facet", "type", "--facet", "status", "--limit", "1")

    found = said(kept, "search", "message of", *counted)

    assert len(found["entities"]) == 1
    assert found["facets"] == {
        "type": {"revision": 3, "note": 1},
        "status": {"completed": 2, "planned": 1, "documented": 1},
    }
    assert said(kept, "search", "message of")["facets"] == {}
    text = kept.verb("ledger", "search", "message of", *counted).out
    assert "type: revision 3, note 1\n" in text
    assert "1 of 4\n" in text


def test_filters_are_about_the_data_of_both(kept: Project) -> None:
    with EntityRepository(kept.ledger, shared=True) as store:
        for name, size in (("a", 3), ("b", "3"), ("c", True)):
            data = {"size": size, "labels": ["Person", name]}
            store.create(Entity(f"task-{name}", "task", "open", data))

    def found(*filters: str, verb: str = "list") -> list[str]:
        given = [part for text in filters for part in ("--filter", text)]
        return ids(kept, verb, *([] if verb == "list" else ["person"]), *given)

    batches = ["batch-first-people", "batch-second"]
    tasks = ["task-a", "task-b", "task-c"]
    assert found("data.labels=Person") == batches + tasks
    assert found("data.labels=Person", "type=task") == tasks
    searched = found("data.labels=Person", verb="search")
    assert (searched[:2], sorted(searched[2:])) == (batches[::-1], tasks)
    assert found("data.labels=a", "data.labels=b") == ["task-a", "task-b"]
    # A number that is written so may be text, and text in quotes is no number.
    assert found("data.size=3") == ["task-a", "task-b"]
    assert found('data.size="3"') == ["task-b"]
    assert found("data.size=true") == ["task-c"]
    assert found("data.counts.created_nodes=3") == ["batch-first-people"]
    assert found("type=revision", "status=planned") == ["revision-r3"]
    facets = said(kept, "search", "person", "--facet", "data.labels")["facets"]
    assert facets == {"data.labels": {"Person": 5, "a": 1, "b": 1, "c": 1}}
    text = kept.verb("ledger", "search", "person", "--facet", "data.size").out
    assert text.endswith("data.size: 3 1, 3 1, true 1\n")

    for wrong, told in (
        (("--filter", "labels"), "expected NAME=VALUE"),
        (("--filter", "labels=x"), "expected type, status or data.<key>"),
        (("--filter", "status=plannned"), "plannned"),
        (("--filter", "type=run", "--type", "note"), "not both"),
        (("--facet", "labels"), "expected type, status or data.<key>"),
    ):
        refused = kept.verb("ledger", "search", "x", *wrong)
        assert refused.status == 2
        assert told in refused.err


def test_entities_of_ones_own_are_listed_with_the_rest(kept: Project) -> None:
    with EntityRepository(kept.ledger, shared=True) as store:
        task = store.create(Entity("task-a", "task", "blocked", {"name": "Ask Ann"}))
        store.update(task.copy(status="open"))

    assert ids(kept, "list", "--type", "task") == ["task-a"]
    assert ids(kept, "search", "ann") == ["task-a"]
    shown = said(kept, "show", "task-a")["entity"]
    assert (shown["status"], shown["version"]) == ("open", 2)
    # The ledger is a ledger as before.
    assert kept.verb("history").status == 0
    give_up(kept.ledger)
    assert apply(kept.ledger, "r3")


def test_a_note_has_a_name_or_the_time(kept: Project) -> None:
    first, second = (kept.verb("ledger", "note", "x").out.strip() for _ in range(2))
    assert first != second
    assert kept.verb("ledger", "note", "x", "--slug", "mine").out == "note-mine\n"

    taken = kept.verb("ledger", "note", "y", "--slug", "mine")
    assert taken.status == 2
    assert "found version 1 of it" in taken.err
    for wrong in (("  ",), ("x", "--status", "plannned"), ("x", "--slug", "a b")):
        assert kept.verb("ledger", "note", *wrong).status == 2
    assert len(ids(kept, "list", "--type", "note")) == 3
    note = said(kept, "list", "--type", "note")["entities"][2]
    assert note["status"] == "documented"
    assert note["data"]["text"] == "x"
    assert note["data"]["by"]


def test_looking_creates_nothing(project: Project) -> None:
    write_revisions(project)
    before = sorted(project.path.iterdir())

    assert statuses(project, "list") == {f"revision-r{n}": "planned" for n in (1, 2, 3)}
    assert ids(project, "search", "message r2") == ["revision-r2"]
    assert said(project, "show", "revision-r1")["entity"]["status"] == "planned"

    assert sorted(project.path.iterdir()) == before


def test_a_note_may_come_before_the_ledger(project: Project) -> None:
    write_revisions(project)

    said(project, "note", "why we do this", "--about", "revision-r1")

    assert len(ids(project, "list")) == 4
    assert project.verb("history").out == "There is nothing of that.\n"
    # What makes the ledger makes it beside the note.
    begin_ledger(project.ledger)
    apply(project.ledger, "r1")
    assert statuses(project, "list")["revision-r1"] == "completed"
    assert len(said(project, "show", "revision-r1")["notes"]) == 1


def test_a_directory_that_may_only_be_read_is_looked_at(
    kept: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    said(kept, "note", "people", "--slug", "mine")
    directory = str(tmp_path_factory.mktemp("backups"))
    mode = kept.path.stat().st_mode

    def as_plain_user(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = str(PROGRAM.with_name("alembic-neo4j"))
        command = [sys.executable, "-c", PLAIN_USER, program, "ledger", *arguments]
        return subprocess.run(
            command, cwd=kept.path, capture_output=True, text=True, check=False
        )

    kept.path.chmod(0o555)
    try:
        before = sorted(kept.path.iterdir())
        listed = as_plain_user("list", "--type", "note")
        found = as_plain_user("search", "people")
        made = as_plain_user("backup", "create", "--directory", directory)
        refused = as_plain_user("note", "x")
        assert sorted(kept.path.iterdir()) == before
    finally:
        kept.path.chmod(mode)
    assert listed.stdout == "documented  note-mine  people\n", listed.stderr
    assert "batch-first-people" in found.stdout
    assert made.returncode == 0, made.stderr
    assert refused.returncode == 2
    assert "attempt to write a readonly database" in refused.stderr
    assert said(kept, "backup", "verify", made.stdout.strip())


@pytest.mark.server
def test_a_ledger_in_postgresql_is_shown_as_well(
    project: Project, postgresql_url: URL
) -> None:
    write_revisions(project)
    url = postgresql_url.render_as_string(hide_password=False)
    project.set("sqlalchemy.url", url.replace("%", "%%"))
    assert len(ids(project, "list")) == 3
    begin_ledger(postgresql_url)
    apply(postgresql_url, "r1")
    load(postgresql_url, "people")
    with opened(postgresql_url) as connection:
        before = inspect(connection).get_table_names()
    assert ids(project, "search", "people")[0] == "batch-people"
    with opened(postgresql_url) as connection:
        assert inspect(connection).get_table_names() == before

    said(project, "note", "Ask for the people", "--about", "revision-r1")

    assert len(said(project, "show", "revision-r1")["notes"]) == 1
    found = ids(project, "search", "people")
    assert [each.partition("-")[0] for each in found] in (
        ["batch", "run", "note"],
        ["run", "batch", "note"],
    )
    assert not [*project.path.glob("*.db*")]


def test_what_is_stored_beside_the_ledger_is_not_in_its_way(chain: Project) -> None:
    said(chain, "note", "before the first upgrade", "--slug", "first")
    chain.done("upgrade", "r2")
    path = said(chain, "backup", "create")["path"]
    said(chain, "note", "after it", "--about", "revision-r2")
    chain.done("upgrade", "head")
    verified = chain.verb("verify", "--format", "json").out
    areas = {each["code"] for each in json.loads(verified)["findings"]}
    assert areas == {"models-differ"}
    assert ids(chain, "list", "--status", "planned") == []

    # A ledger of before the last upgrade no longer fits the graph, and that is told.
    said(chain, "backup", "restore", path, "--force")
    assert ids(chain, "list", "--type", "note") == ["note-first"]
    assert "stamp" in chain.verb("verify").out
    assert "the graph" in chain.failed("upgrade", "head")


def test_a_backup_has_the_notes(kept: Project) -> None:
    said(kept, "note", "kept", "--slug", "kept")
    path = said(kept, "backup", "create")["path"]
    kept.ledger.unlink()
    for beside in kept.path.glob("neo4j_ledger.db-*"):
        beside.unlink()

    said(kept, "backup", "restore", path)

    assert ids(kept, "list", "--type", "note") == ["note-kept"]
    assert Path(path).exists()
