"""``alembic-neo4j backup``: a project's graph, backed up, checked and restored."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import neo4j
import pytest

from alembic_neo4j.backups.create import list_backups
from alembic_neo4j.backups.format import MANIFEST, read_manifest, verify
from alembic_neo4j.backups.restore import restore_backup
from alembic_neo4j.command import backup_schedule
from alembic_neo4j.durability import BackupManager
from alembic_neo4j.errors import ConfigurationError
from alembic_neo4j.graph.connection import Graph, GraphSettings
from alembic_neo4j.graph.wipe import wipe
from tests.backups.contents import content
from tests.cli.test_audited_verbs import tells
from tests.crash.harness import KILLED, Kill, client, points
from tests.migration.project import Project, undone
from tests.migration.test_two_servers import second_server

__all__ = ["second_server"]

PROGRAM = Path(sys.executable).parent / "alembic-neo4j"
CREATE = ("alembic-neo4j", "backup", "create")


@pytest.fixture
def people(applied: Project, neo4j_graph: Graph) -> Project:
    """The applied history, and data."""
    neo4j_graph.transaction(
        [
            (
                "CREATE (:Person {name: 'Ada', born: 1815})-[:LIVES_IN {x: 1}]->"
                "(:City {name: 'London'}), (:Foreign {at: datetime(), p: [1.5]})",
                {},
            )
        ]
    )
    return applied


@pytest.fixture
def second(second_server: str, tmp_path: Path) -> Iterator[Graph]:
    """The empty graph of another server."""
    graph = Graph(GraphSettings(second_server, tmp_path))
    wipe(graph)
    yield graph
    graph.close()


def made(project: Project) -> Path:
    outcome = project.verb("backup", "create", "--format", "json")
    assert outcome.status == 0, outcome.text
    return Path(json.loads(outcome.out)["backup"]["path"])


def backups(project: Project) -> list[Path]:
    directory = project.path / "neo4j_backups"
    return sorted(p for p in directory.glob("*") if (p / MANIFEST).exists())


def test_made_shown_verified_and_restored(
    people: Project, neo4j_graph: Graph, second: Graph
) -> None:
    before = content(neo4j_graph)
    told = people.verb("backup", "create")
    assert told.status == 0, told.text
    (path,) = backups(people)
    assert told.out.strip() == str(path)
    assert "4 nodes, 1 relationship, " in told.err
    assert (
        f"{path.name}: 4 nodes, 1 relationship, " in people.verb("backup", "list").out
    )
    shown = people.verb("backup", "show", path.name[:8]).out
    assert "  (:City): 1\n" in shown
    assert "  [:LIVES_IN]: 1\n" in shown
    assert "  heads: r2\n" in shown
    assert people.verb("backup", "verify").out == f"{path.name}: as it was made\n"
    (ledger,) = path.glob("*.db")
    assert people.verb("ledger", "backup", "verify", str(ledger)).status == 0

    told_text = tells(people, "backup restore", path.name, "--to", second.url)
    assert f"{path.name} restored: 4 nodes and 1 relationship, the same" in told_text
    (listed,) = json.loads(people.verb("backup", "list", "--format", "json").out)[
        "backups"
    ]
    assert listed["restored_at"] is not None
    assert listed["consistent"] is True
    assert listed["heads"] == ["r2"]
    assert people.verb("backup", "verify").status == 0

    def without_ours(graph: Graph) -> object:
        nodes, relationships, schema = content(graph)
        kept = {n: c for n, c in nodes.items() if "__AlembicNeo4jLock" not in n}
        return kept, relationships, [r for r in schema if "__alembic" not in r["name"]]

    restored = without_ours(second)
    assert restored == without_ours(neo4j_graph)
    # What a restore takes down in the ledger is noted in the stamp, and nothing else.
    assert before[1:] == content(neo4j_graph)[1:]

    again = people.verb("backup", "restore", path.name, "--to", second.url)
    assert again.status == 2
    assert "expected an empty graph to restore to" in again.err
    assert without_ours(second) == restored


def test_what_is_refused(people: Project, second: Graph) -> None:
    first, other = made(people), made(people)
    own = people.verb("status", "--format", "json").out
    url = json.loads(own)["graph"]["url"]
    for arguments, told in {
        ("restore", first.name, "--to", url): "expected another graph than the",
        ("restore", "2", "--to", second.url): "expected one backup 2 in",
        ("restore", "19", "--to", second.url): "found 0; there is",
        ("restore", first.name, "--to", second.url, "--password-file", "no"): (
            "(--password-file) can't be read: No such file"
        ),
        ("show", "19"): "expected one backup 19 in",
        ("verify", "19"): "expected one backup 19 in",
        ("restore", first.name, "--to", second.url, "--replace"): "--replace is for",
    }.items():
        outcome = people.verb("backup", *arguments)
        assert outcome.status == 2, outcome.text
        assert told in outcome.err, arguments
    (first / "schema.cypher").write_text("")
    outcome = people.verb("backup", "verify", "--format", "json")
    assert outcome.status == 1
    rows = json.loads(outcome.out)["backups"]
    assert [row["backup"] for row in rows] == [first.name, other.name]
    assert "schema.cypher: expected" in rows[0]["problems"][0]
    assert rows[1]["problems"] == []
    outcome = people.verb("backup", "restore", first.name, "--to", second.url)
    assert outcome.status == 2
    assert "schema.cypher: expected" in outcome.err
    assert second.read("MATCH (n) RETURN n") == []
    (other / MANIFEST).write_text("{}")
    assert f"{other.name}: the manifest" in people.verb("backup", "list").out
    assert people.verb("backup", "verify", other.name).status == 1


def test_old_ones_are_removed_but_not_the_last_that_was_restored(
    people: Project, second: Graph
) -> None:
    paths = [made(people) for _ in range(4)]
    names = [path.name for path in paths]
    foreign = people.path / "neo4j_backups" / "somebody's"
    foreign.mkdir()
    assert people.verb("backup", "prune").out == "There is no backup to remove.\n"
    restored = people.verb("backup", "restore", names[1], "--to", second.url)
    assert restored.status == 0, restored.text
    (paths[2] / MANIFEST).write_text("")
    done = people.verb("backup", "prune", "--retention-days", "0", "--format", "json")
    assert json.loads(done.out) == {"removed": [names[0]]}
    assert [path.name for path in backups(people)] == names[1:]
    assert foreign.exists()


def test_there_has_to_be_room(people: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(9, 9, 1 << 20))
    outcome = people.verb("backup", "create")
    assert outcome.status == 2
    assert "found 1. Nothing was made; make room" in outcome.err
    assert backups(people) == []


def test_a_killed_one_leaves_no_backup(people: Project) -> None:
    passed = points(people, CREATE)
    (whole,) = backups(people)
    sampled = [p for p in passed if p.startswith(("file.", "directory."))]
    assert len(sampled) > 10
    for point in sampled[:: max(len(sampled) // 8, 1)]:
        known = len(backups(people))
        outcome = client(people, CREATE, Kill(point))
        assert outcome.status == KILLED, (point, outcome.text)
        now = backups(people)
        assert len(now) <= known + 1
        assert all(verify(path) == () for path in now), point
    assert client(people, CREATE, Kill()).status == 0
    left = [p.name for p in (people.path / "neo4j_backups").iterdir()]
    assert [name for name in left if name.endswith(".partial")] == []
    assert whole.name in left


def test_a_killed_restore_is_done_again(
    people: Project, neo4j_graph: Graph, second: Graph
) -> None:
    path = made(people)
    restore = ("alembic-neo4j", "backup", "restore", path.name, "--to", second.url)
    passed = [p for p in points(people, restore) if p.startswith("graph.commit")]
    wanted = content(second)
    assert len(passed) > 12
    for point in passed[:: max(len(passed) // 6, 1)]:
        wipe(second)
        outcome = client(people, restore, Kill(point))
        assert outcome.status == KILLED, (point, outcome.text)
        outcome = client(people, restore, Kill())
        done = "expected an empty graph" in outcome.text
        assert outcome.status == (2 if done else 0), (point, outcome.text)
        assert content(second) == wanted, point


def test_the_python_of_the_seed(
    people: Project, driver: neo4j.Driver, tmp_path: Path
) -> None:
    manager = BackupManager(driver, tmp_path / "of-the-seed")
    assert manager.list_backups() == []
    success, message, metadata = manager.create_backup()
    assert success
    assert metadata["id"] in message
    (listed,) = manager.list_backups()
    assert listed == metadata
    assert listed["status"] == "consistent"
    assert listed["size_bytes"] > 0
    (tmp_path / "of-the-seed" / metadata["id"] / MANIFEST).write_text("")
    assert manager.list_backups()[0]["status"] == "unreadable"
    (tmp_path / "file").write_text("")
    failed, why, nothing = BackupManager(driver, tmp_path / "file").create_backup()
    assert (failed, nothing) == (False, {})
    assert "can't be written" in why


def test_once_and_what_is_old_goes(people: Project) -> None:
    first = made(people)
    done = people.verb("backup", "schedule", "--once", "--retention-days", "0")
    assert done.status == 0, done.text
    (latest,) = backups(people)
    made_line, removed = done.out.splitlines()
    assert made_line.startswith(f"made {latest}, ")
    assert removed == f"removed {first.name}"


def test_it_stays_until_a_signal_ends_it(people: Project) -> None:
    command = [str(PROGRAM), "backup", "schedule", "--cron", "0 2 30 6 *"]
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(
            command, cwd=people.path, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            assert "-06-30 02:00:00" in running.stdout.readline()
            running.send_signal(number)
            assert running.wait(60) == 128 + number
    assert backups(people) == []


def test_one_that_fails_is_told_and_the_next_is_made(
    people: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    due = datetime.now().astimezone()
    times = iter([due])
    monkeypatch.setattr(
        backup_schedule, "next_times", lambda _cron: lambda _now: next(times)
    )
    (people.path / "file").write_text("")
    routines = [
        backup_schedule.Routine(people.path / "file"),
        backup_schedule.Routine(people.path / "there"),
    ]
    for routine in routines:
        times = iter([due])
        with undone(people.path), pytest.raises(StopIteration):
            backup_schedule.keep_to("", people.config(), routine, told.append)
    assert told[0].startswith("next at ")
    assert "failed: the backups in" in told[1]
    assert "tried again at its next time" in told[1]
    assert told[3].startswith(f"made {people.path / 'there'}")


def test_times_of_a_cron_expression() -> None:
    after = backup_schedule.next_times("30 2 * * mon")
    monday = datetime(2026, 11, 30, 2, 30).astimezone()
    assert after(monday - timedelta(days=6)) == monday
    assert after(monday - timedelta(seconds=1)) == monday
    assert after(monday + timedelta(seconds=1)) == monday + timedelta(days=7)
    for wrong in ("", "0 2 * *", "0 99 * * *", "at night"):
        with pytest.raises(ConfigurationError, match="five fields"):
            backup_schedule.next_times(wrong)
    with pytest.raises(ConfigurationError, match="that comes"):
        backup_schedule.next_times("0 0 30 2 *")(monday)


UNSAFE = "op.run_cypher('MATCH (p:Person) REMOVE p.born')"


def test_before_a_run_that_can_not_be_undone(
    people: Project, neo4j_graph: Graph
) -> None:
    people.set("neo4j.backup_before_upgrade", "unsafe")
    people.set("neo4j.backup_directory", "elsewhere")
    directory = people.path / "elsewhere"
    people.revision("r3", "op.add_index('City', 'size')", down="r2")
    people.done("upgrade", "r3")
    assert not directory.exists()
    people.revision("r4", UNSAFE, down="r3", rollback_safe=False)
    # What can't be backed up is not touched.
    directory.write_text("")
    message = people.failed("upgrade", "head")
    assert f"the backups in {directory} can't be written" in message
    assert people.heads() == ["r3"]
    assert neo4j_graph.read("MATCH (p:Person) RETURN p.born AS b") == [{"b": 1815}]
    directory.unlink()
    outcome = people.run("upgrade", "head")
    assert outcome.status == 0, outcome.text
    (path,) = list_backups(directory)
    assert f"Backed up before the run: {path}" in outcome.err
    assert neo4j_graph.read("MATCH (p:Person) RETURN p.born AS b") == [{"b": None}]
    manifest = read_manifest(path)
    assert (manifest.heads, manifest.consistent) == (("r3",), True)
    assert restored_values(neo4j_graph, path) == [{"b": 1815}]


def restored_values(graph: Graph, path: Path) -> list[dict[str, object]]:
    wipe(graph)
    assert restore_backup(path, graph).differences == ()
    return graph.read("MATCH (p:Person) RETURN p.born AS b")


def test_before_each_run_but_of_an_empty_graph(
    chain: Project, neo4j_graph: Graph
) -> None:
    option = ("-x", "neo4j.backup_before_upgrade=always")
    directory = chain.path / "neo4j_backups"
    chain.done(*option, "upgrade", "r1")
    assert list_backups(directory) == []
    for number, verb in enumerate((("upgrade", "head"), ("downgrade", "r1")), 1):
        chain.done(*option, *verb)
        assert len(list_backups(directory)) == number
    chain.done(*option, "upgrade", "r1")
    assert len(list_backups(directory)) == 2
