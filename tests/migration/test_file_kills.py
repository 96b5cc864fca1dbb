"""A client that is killed at any step of a file operation leaves old bytes or new."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.crash.harness import KILLED, RERUNS, Kill, client, overtaken, points
from tests.migration.project import Project, data

pytestmark = pytest.mark.server

OLD = {
    "counted.json": b'{\n  "n": 1\n}\n',
    "old.json": b"[]",
    "gone.txt": b"\0\1",
    "logs/one.log": b"1",
    "logs/deep/two.log": b"2",
}
NEW = {
    "counted.json": b'{\n  "n": 2\n}\n',
    "counted.json.bak": OLD["counted.json"],
    "made/here/old.json": b"[]",
    "when.json": None,
}
UPGRADE = """
import time
data = op.read_json("counted.json")
data["n"] = data.get("n", 0) + 1
op.write_json("counted.json", data)
op.run_cypher("CREATE (:City)")
op.move_file("old.json", "made/here/old.json")
op.remove_file("gone.txt")
op.remove_directory("logs")
op.write_json("when.json", {"at": time.time()})
"""
DOWNGRADE = 'op.run_cypher("MATCH (n:City) DELETE n")'
PARTS, KILLS = 144, 12
"""How many points of a command there may be, and how many a sample tries."""


def found(project: Project) -> dict[str, bytes]:
    names = {*OLD, *NEW, "made/here/old.json.bak"}
    paths = {name: project.path / name for name in names}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def restored(project: Project) -> None:
    for name in NEW:
        (project.path / name).unlink(missing_ok=True)
    for name in ("made/here", "made"):
        if (project.path / name).exists():
            (project.path / name).rmdir()
    for name, content in OLD.items():
        (project.path / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / name).write_bytes(content)
    (project.path / "logs/deep").chmod(0o700)
    for path in project.path.glob("neo4j_ledger.db*"):
        path.unlink()


def is_new(files: dict[str, bytes]) -> bool:
    when = files.pop("when.json", b"")
    expected = {name: content for name, content in NEW.items() if content}
    return files == expected and when.startswith(b'{\n  "at": ')


def rests(project: Project) -> list[Path]:
    return list(project.path.rglob(".alembic-neo4j-*"))


@pytest.fixture
def filed(live: Project) -> Project:
    live.revision("r1", UPGRADE, DOWNGRADE)
    restored(live)
    return live


def each_is_whole(project: Project) -> None:
    """Whatever is at a path is what was there before, or what comes there."""
    for name, content in found(project).items():
        new = NEW.get(name)
        started = name == "when.json" and content.startswith(b'{\n  "at": ')
        assert started or content in (OLD.get(name), new), name


def finishes(project: Project, *command: str) -> None:
    for _ in range(RERUNS):
        outcome = client(project, command, Kill())
        if outcome.status == 0:
            return
    raise AssertionError(outcome.text)


@pytest.mark.sample(KILLS)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_killed_upgrade_is_gone_on_with_and_a_killed_downgrade_too(
    filed: Project, part: int
) -> None:
    there = points(filed, ("upgrade", "head"))
    back = points(filed, ("downgrade", "base"))
    assert found(filed) == OLD
    for command, passed in (("upgrade", there), ("downgrade", back)):
        kinds = ("file.", "directory.", "ledger.commit.")
        named = [name for name in passed if name.startswith(kinds)]
        first = next(i for i, name in enumerate(named) if name.startswith("ledger."))
        # Those before are the program's own start.
        left = named[first:]
        assert len(left) <= PARTS, "some of them would be left out"
        at = left[part * len(left) // PARTS]
        target = "head" if command == "upgrade" else "base"

        killed = client(filed, (command, target), Kill(at))

        assert killed.status == KILLED, killed.text
        each_is_whole(filed)
        finishes(filed, command, target)
        assert rests(filed) == []
        if command == "upgrade":
            assert is_new(found(filed)), at
            assert not (filed.path / "logs").exists()
        else:
            assert found(filed) == OLD, at
            assert stat.S_IMODE((filed.path / "logs/deep").stat().st_mode) == 0o700
    assert not (filed.path / "made").exists()


@pytest.mark.parametrize("point", ["file.replace.before#2", "file.remove.after#9"])
def test_a_killed_upgrade_is_taken_back_with_its_files(
    filed: Project, point: str
) -> None:
    without = UPGRADE.replace('op.run_cypher("CREATE (:City)")', "")
    filed.revision("r1", without, "pass")

    killed = client(filed, ("upgrade", "head"), Kill(point))

    assert killed.status == KILLED, killed.text
    assert found(filed) != OLD
    finishes(filed, "downgrade", "base")
    assert found(filed) == OLD
    assert rests(filed) == []
    assert not (filed.path / "made").exists()


FAILS = 'op.run_cypher("MATCH (n:Stop) WITH count(n) AS c RETURN 1 / (1 - c)")'


@pytest.mark.sample(6)
@pytest.mark.parametrize("part", range(24))
def test_a_client_that_is_killed_while_it_puts_files_back_is_gone_on_with(
    filed: Project, neo4j_graph: Graph, part: int
) -> None:
    filed.revision("r1", f"{UPGRADE}\n{FAILS}", DOWNGRADE)
    neo4j_graph.transaction([("CREATE (:Stop)", {})])
    counted = filed.path / "points"
    failed = client(filed, ("upgrade", "head"), Kill(f"count={counted}"))
    assert "/ by zero" in failed.text
    assert found(filed) == OLD
    # The last file that is written is put back first.
    passed = counted.read_text().splitlines()
    names = [n for n in passed if n.startswith(("file.", "directory.", "ledger.comm"))]
    written = max(i for i, n in enumerate(names) if n.startswith("file.replace.after"))
    back = names[len(names) // 2 : written + 8]
    restored(filed)
    neo4j_graph.transaction([("MATCH (n:City) DELETE n", {})])
    neo4j_graph.transaction([("MATCH (n:__AlembicNeo4jStamp) DELETE n", {})])

    at = back[part * len(back) // 24]
    killed = client(filed, ("upgrade", "head"), Kill(at))

    assert killed.status == KILLED, killed.text
    each_is_whole(filed)
    neo4j_graph.transaction([("MATCH (n:Stop) DELETE n", {})])
    finishes(filed, "upgrade", "head")
    assert is_new(found(filed)), at
    assert rests(filed) == []
    assert len(data(neo4j_graph)) == 1


@pytest.mark.parametrize("point", ["file.replace.before#2", "file.sync.before#1"])
def test_one_that_was_paused_and_overtaken_writes_no_more(
    filed: Project, point: str
) -> None:
    assert overtaken(filed, ("upgrade", "head"), point) == []
    assert is_new(found(filed))
    assert rests(filed) == []
