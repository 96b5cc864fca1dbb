"""What a revision does to files is done once, put back, given back, and never half."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from alembic_neo4j.files.project_files import LARGEST
from alembic_neo4j.graph.connection import Graph
from tests.crash.harness import Kill, client
from tests.migration.project import Project, data

pytestmark = pytest.mark.server

SETTINGS = '{\n  "theme": "dark",\n  "queue": {\n    "size": 5\n  }\n}\n'
TOML = "# what the app reads\n[app]\nname = 'x'   # never change it\n"
YAML = "# hooks\nhooks:\n    - learn   # first\n    - 'stop'\n"
FAILS = 'op.run_cypher("RETURN 1 / 0")\n'
EVERYTHING = """
settings = op.read_json("settings.json")
queue = settings.setdefault("queue", {})
queue["size"] = queue.get("size", 0) + 1
op.write_json("settings.json", settings)
data = op.read_toml("app.toml")
data.setdefault("app", {})["debug"] = True
op.write_toml("app.toml", data, backup=False)
op.run_cypher("CREATE (:City {name: 'Rome'})")
data = op.read_yaml("conf/hooks.yaml")
data.setdefault("hooks", []).append("session-start")
op.write_yaml("conf/hooks.yaml", data)
op.write_json("made/of/new.json", {"ü": 1})
op.copy_file("app.toml", "made/app.toml")
op.move_file("old.json", "made/old.json")
op.remove_file("gone.txt")
op.backup_file("conf/hooks.yaml")
op.ensure_directory("made/empty")
"""
GUARDED = f"if not op.is_replaying():\n{EVERYTHING}".replace("\n", "\n    ")


@pytest.fixture
def settings(live: Project) -> Project:
    """A project with settings files of its own."""
    (live.path / "conf").mkdir()
    write(live, "settings.json", SETTINGS, 0o640)
    write(live, "settings.json.bak", "an older one", 0o600)
    write(live, "app.toml", TOML)
    write(live, "conf/hooks.yaml", YAML, 0o755)
    write(live, "old.json", "[]", 0o604)
    write(live, "gone.txt", "\x00\x01 binary")
    return live


def write(project: Project, name: str, text: str, mode: int = 0o644) -> None:
    path = project.path / name
    path.write_bytes(text.encode())
    path.chmod(mode)


def tree(project: Project) -> dict[str, tuple[bytes | None, int]]:
    """Every file and directory of the project but the tool's own, with its mode."""
    found = {}
    for path in sorted(project.path.rglob("*")):
        name = path.relative_to(project.path).as_posix()
        if name.startswith(("neo4j", "migrations", ".neo4j", "__pycache__", "models")):
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        found[name] = (path.read_bytes() if path.is_file() else None, mode)
    return found


def text(project: Project, name: str) -> str:
    return (project.path / name).read_bytes().decode()


def file_rows(project: Project) -> list[tuple[object, ...]]:
    return (project.remembered() or {}).get("alembic_neo4j_file", [])


def run_state(project: Project) -> list[object]:
    return [row[2] for row in (project.remembered() or {})["alembic_neo4j_run"]]


@pytest.mark.parametrize("upgrade", [EVERYTHING, GUARDED], ids=["plain", "guarded"])
def test_an_upgrade_changes_files_and_the_downgrade_gives_all_back(
    settings: Project, upgrade: str
) -> None:
    before = tree(settings)
    settings.revision("r1", upgrade)

    settings.done("upgrade", "head")

    after = tree(settings)
    assert json.loads(text(settings, "settings.json"))["queue"]["size"] == 6
    assert after["settings.json"][1] == 0o640
    assert after["settings.json.bak"] == (SETTINGS.encode(), 0o640)
    assert text(settings, "app.toml") == TOML + "debug = true\n"
    assert "app.toml.bak" not in after
    assert text(settings, "conf/hooks.yaml") == YAML + "    - session-start\n"
    assert after["conf/hooks.yaml"][1] == 0o755
    assert text(settings, "conf/hooks.yaml.bak") == YAML + "    - session-start\n"
    assert text(settings, "made/of/new.json") == '{\n  "ü": 1\n}\n'
    assert text(settings, "made/app.toml") == TOML + "debug = true\n"
    assert after["made/old.json"] == (b"[]", 0o604)
    assert {"gone.txt", "old.json"} & set(after) == set()
    assert (settings.path / "made" / "empty").is_dir()

    settings.done("downgrade", "base")

    assert tree(settings) == before
    assert file_rows(settings) == []


def test_a_revision_that_fails_puts_every_file_back_and_is_gone_on_with(
    settings: Project, neo4j_graph: Graph
) -> None:
    before = tree(settings)
    stops = "MATCH (n:Stop) WITH count(n) AS c RETURN 1 / (1 - c)"
    settings.revision("r1", f'{EVERYTHING}op.run_cypher("{stops}")')
    neo4j_graph.transaction([("CREATE (:Stop)", {})])

    said = settings.failed("upgrade", "head")

    assert "/ by zero" in said
    assert tree(settings) == before
    assert file_rows(settings) == []
    assert run_state(settings) == ["open"]

    neo4j_graph.transaction([("MATCH (n:Stop) DELETE n", {})])
    settings.done("upgrade", "head")
    assert json.loads(text(settings, "settings.json"))["queue"]["size"] == 6
    assert len(data(neo4j_graph)) == 1
    settings.done("downgrade", "base")
    assert tree(settings) == before


def test_what_changed_nothing_is_judged_anew_after_a_failure(
    settings: Project,
) -> None:
    write(settings, "same.json", "{}\n")
    settings.revision("r1", 'op.write_json("same.json", {})\n' + FAILS)
    settings.failed("upgrade", "head")
    assert run_state(settings) == ["abandoned"]


def test_a_revision_of_files_alone_that_fails_may_be_written_anew(
    settings: Project,
) -> None:
    before = tree(settings)
    settings.revision(
        "r1",
        'op.write_json("settings.json", {})\n'
        'if not op.is_replaying():\n    raise ValueError("x")',
    )
    with pytest.raises(ValueError, match="x"):
        settings.run("upgrade", "head")
    assert tree(settings) == before
    assert run_state(settings) == ["abandoned"]

    settings.revision("r1", 'op.write_json("settings.json", {"a": 1}, backup=False)')
    settings.done("upgrade", "head")
    assert json.loads(text(settings, "settings.json")) == {"a": 1}
    settings.done("downgrade", "base")
    assert tree(settings) == before


def test_a_file_that_somebody_has_changed_since_is_told_of_and_nothing_runs(
    settings: Project,
) -> None:
    settings.revision(
        "r1",
        'op.write_json("settings.json", {"a": 1}, backup=False)\n'
        'op.run_cypher("CREATE (:City)")',
        'op.run_cypher("MATCH (n:City) DELETE n")',
    )
    settings.done("upgrade", "head")
    write(settings, "settings.json", '{"mine": 1}', 0o640)

    said = settings.failed("downgrade", "base")

    assert "settings.json: expected a file with SHA-256" in said
    assert "nothing has run" in said
    assert text(settings, "settings.json") == '{"mine": 1}'
    assert settings.heads() == ["r1"]
    plan = settings.verb("plan", "--down", "base")
    assert "refused (changed-files)" in plan.out

    os.rename(settings.path / "settings.json", settings.path / "mine.json")
    settings.done("downgrade", "base")
    assert text(settings, "settings.json") == SETTINGS


def test_only_the_latest_of_two_revisions_on_a_file_is_held_against_it(
    settings: Project,
) -> None:
    before = tree(settings)
    settings.revision("r1", 'op.write_json("settings.json", {"a": 1}, backup=False)')
    settings.revision(
        "r2", 'op.write_json("settings.json", {"a": 2}, backup=False)', down="r1"
    )
    settings.done("upgrade", "head")

    settings.done("downgrade", "base")

    assert tree(settings) == before


def test_a_downgrade_that_fails_leaves_the_files_as_the_upgrade_left_them(
    settings: Project,
) -> None:
    settings.revision(
        "r1", 'op.write_json("a.json", [])', 'op.write_json("a.json", [1])\n' + FAILS
    )
    settings.done("upgrade", "head")
    after = tree(settings)

    settings.failed("downgrade", "base")

    assert tree(settings) == after
    assert settings.heads() == ["r1"]


def test_a_downgrade_with_operations_of_its_own_does_just_these(
    settings: Project,
) -> None:
    settings.revision(
        "r1",
        'op.write_json("settings.json", {"a": 1}, backup=False)',
        'op.write_json("settings.json", {"b": 1}, backup=False)',
    )
    settings.done("upgrade", "head")
    settings.done("downgrade", "base")
    assert json.loads(text(settings, "settings.json")) == {"b": 1}


def test_a_made_directory_that_others_use_by_now_stays(settings: Project) -> None:
    settings.revision("r1", 'op.ensure_directory("made/here")')
    settings.done("upgrade", "head")
    write(settings, "made/mine.txt", "mine")
    settings.done("downgrade", "base")
    assert text(settings, "made/mine.txt") == "mine"
    assert not (settings.path / "made" / "here").exists()


def test_an_upgrade_that_stopped_is_taken_back_with_its_files(
    settings: Project,
) -> None:
    before = tree(settings)
    settings.revision(
        "r1",
        'op.add_index("A", "b", name="one")\n'
        'op.write_json("settings.json", {})\n'
        'op.add_index("A", "c", name="two")\n' + FAILS,
        'op.drop_index("A", "c")\nop.drop_index("A", "b")',
    )
    settings.failed("upgrade", "head")
    assert tree(settings) == before
    settings.done("downgrade", "base")
    assert run_state(settings) == ["done"]
    assert tree(settings) == before


@pytest.mark.parametrize(
    "path", ["../out.json", "/tmp/out.json", "link/out.json", "to_file.json"]
)
@pytest.mark.parametrize("call", ["write_json('{}', 1)", "read_json('{}')"])
def test_no_path_leads_out_of_the_root(
    settings: Project, tmp_path_factory: pytest.TempPathFactory, path: str, call: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "file").write_text("{}")
    (settings.path / "link").symlink_to(outside)
    (settings.path / "to_file.json").symlink_to(outside / "file")
    settings.revision("r1", f"op.{call.format(path)}")

    said = settings.failed("upgrade", "head")

    assert "expected a path below" in said
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "{}"
    assert settings.heads() == []


def test_the_root_is_what_the_configuration_says(settings: Project) -> None:
    settings.set("neo4j.files_root", "conf")
    settings.revision("r1", 'op.write_json("new.json", {})')
    settings.done("upgrade", "head")
    assert text(settings, "conf/new.json") == "{}\n"


def test_paths_may_be_made_of_the_root(settings: Project) -> None:
    settings.revision(
        "r1",
        'path = op.get_context().project_root / "conf" / "new.json"\n'
        'op.write_json(path, {"there": op.is_replaying() or path.is_absolute()})',
    )
    settings.done("upgrade", "head")
    assert json.loads(text(settings, "conf/new.json")) == {"there": True}
    settings.done("downgrade", "base")
    assert not (settings.path / "conf" / "new.json").exists()


def test_the_ledger_is_no_file_of_a_revision(settings: Project) -> None:
    settings.revision("r0", "op.ensure_directory('made')")
    settings.done("upgrade", "head")
    settings.revision("r1", 'op.remove_file("neo4j_ledger.db")', down="r0")
    assert "the tool" in settings.failed("upgrade", "head")
    assert settings.ledger.exists()


def test_a_file_that_the_ledger_would_not_hold_is_refused(settings: Project) -> None:
    with open(settings.path / "large.json", "wb") as stream:
        stream.truncate(LARGEST + 1)
    settings.revision("r1", 'op.move_file("large.json", "other.json")')
    assert f"{LARGEST + 1:,}" in settings.failed("upgrade", "head")
    assert (settings.path / "large.json").exists()


def test_a_plan_shows_what_becomes_of_files_as_they_are(settings: Project) -> None:
    before = tree(settings)
    settings.revision("r1", EVERYTHING)

    plan = settings.verb("plan")

    assert '+    "size": 6' in plan.out
    assert "+debug = true" in plan.out
    report = json.loads(settings.verb("plan", "--format", "json").out)
    units = report["revisions"][0]["units"]
    assert [unit["position"] for unit in units] == list(range(1, len(units) + 1))
    assert units[0]["diff"].startswith("--- a/settings.json\n+++ b/settings.json\n")
    assert tree(settings) == before

    settings.done("upgrade", "head")
    back = settings.verb("plan", "--down", "base")
    assert '-    "size": 6' in back.out
    assert '+    "size": 5' in back.out


def test_a_replay_reads_nothing(settings: Project) -> None:
    settings.revision("r1", 'op.write_json("n.json", op.read_json("settings.json"))')
    settings.revision("r2", 'op.read_json("settings.json")["theme"]', down="r1")
    said = settings.failed("upgrade", "head")
    assert "KeyError" in said
    assert "op.is_replaying()" in said
    assert not (settings.path / "n.json").exists()


def test_what_is_written_in_parts_of_a_path(settings: Project) -> None:
    write(settings, "file", "")
    settings.revision("r1", 'op.write_json("file/below.json", {})')
    assert "expected a directory, found a file" in settings.failed("upgrade", "head")
    settings.revision("r1", 'op.write_json("conf", {})')
    assert "expected a file, found a directory" in settings.failed("upgrade", "head")
    settings.revision("r1", 'op.backup_file("conf")')
    assert "expected a file, found a directory" in settings.failed("upgrade", "head")


def test_files_are_put_back_where_the_ledger_refuses_a_statement(
    settings: Project,
) -> None:
    before = tree(settings)
    settings.revision(
        "r1",
        'op.write_json("settings.json", {})\n'
        'op.execute(text("SELECT nothing FROM nowhere"))',
        header="from sqlalchemy import text",
    )
    assert settings.program("-c", "neo4j.ini", "upgrade", "head").status != 0
    assert tree(settings) == before


def test_backups_and_journal_show_no_secret_in_messages(settings: Project) -> None:
    write(settings, "settings.json", '{"password": "s3cret"}')
    settings.revision("r1", 'op.write_json("settings.json", {"a": 1}, backup=False)')
    settings.done("upgrade", "head")
    write(settings, "settings.json", '{"password": "0ther"}')
    outcome = settings.run("downgrade", "base")
    assert "s3cret" not in outcome.text
    assert "0ther" not in outcome.text


def test_the_root_has_to_be_a_directory(settings: Project, tmp_path: Path) -> None:
    settings.set("neo4j.files_root", "nowhere")
    settings.revision("r1", 'op.write_json("new.json", {})')
    assert "neo4j.files_root" in settings.failed("upgrade", "head")


def test_what_a_file_does_not_decide_is_judged_beforehand(
    settings: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("UNWIND [1, 1] AS x CREATE (:A {b: x})", {})])
    settings.revision("r1", EVERYTHING + 'op.add_unique_constraint("A", "b")')
    before = tree(settings)
    said = settings.failed("upgrade", "head")
    assert "nothing of that has run" in said
    assert tree(settings) == before
    assert settings.heads() == []


def test_what_a_file_decides_is_judged_in_its_place(
    settings: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("UNWIND [1, 1] AS x CREATE (:A {b: x})", {})])
    settings.revision(
        "r1",
        'if op.read_json("settings.json").get("theme"):\n'
        '    op.run_cypher("MATCH (n:A) SET n.b = elementId(n)")\n'
        'op.add_unique_constraint("A", "b")',
    )
    settings.done("upgrade", "head")
    assert settings.heads() == ["r1"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ('op.read_json("app.toml")', "expected JSON"),
        ('op.write_json("conf/hooks.yaml/below.json", {})', "found a file"),
        ('op.remove_file("nowhere.json")', "found nothing"),
        ('op.remove_directory("nowhere")', "expected a directory, found nothing"),
        ('op.remove_directory("app.toml")', "expected a directory, found a file"),
        ('op.write_json("new.json", {"a": {1, 2}})', "JSON can hold"),
    ],
)
def test_what_can_not_be_done_is_told_before_anything_runs(
    settings: Project, neo4j_graph: Graph, call: str, told: str
) -> None:
    before = tree(settings)
    settings.revision("r1", 'op.run_cypher("CREATE (:A)")\nop.write_json("a.json", [])')
    settings.revision("r2", call, down="r1")

    said = settings.failed("upgrade", "head")

    assert told in said
    assert "line 9" in said
    assert said.endswith("nothing has run")
    assert data(neo4j_graph) == []
    assert tree(settings) == before
    plan = settings.verb("plan", "--format", "json")
    (refusal,) = json.loads(plan.out)["refusals"]
    assert refusal["code"] == "unfit-files"


def test_a_directory_goes_with_all_that_is_in_it_and_comes_back(
    settings: Project, neo4j_graph: Graph
) -> None:
    (settings.path / "logs" / "deep" / "empty").mkdir(parents=True)
    write(settings, "logs/deep/one.log", "1", 0o600)
    write(settings, "logs/two.log", "2")
    (settings.path / "logs/deep").chmod(0o700)
    before = tree(settings)
    # What comes to be at the same place is not what was there.
    again = 'op.remove_directory("logs")\nop.write_json("logs/deep/new.json", {})\n'
    settings.revision("r1", f"{again}{FAILS}")
    assert "/ by zero" in settings.failed("upgrade", "head")
    assert tree(settings) == before

    settings.revision("r1", again)
    assert "remove_directory logs" in settings.verb("plan").out
    settings.done("upgrade", "head")
    names = [name for name in tree(settings) if name.startswith("logs")]
    assert names == ["logs", "logs/deep", "logs/deep/new.json"]
    settings.done("downgrade", "base")
    assert tree(settings) == before

    settings.revision("r1", 'op.remove_directory("logs")\n' * 2)
    assert "found nothing" in settings.failed("upgrade", "head")
    (settings.path / "logs/link").symlink_to("two.log")
    settings.revision("r1", 'op.remove_directory("logs")')
    said = settings.failed("upgrade", "head")
    assert "logs/link: expected files and directories, found a symbolic link" in said
    (settings.path / "logs/link").unlink()
    for name in ("large", "larger"):
        with open(settings.path / "logs" / name, "wb") as stream:
            stream.truncate(LARGEST // 2 + 1)
    said = settings.failed("upgrade", "head")
    assert f"logs: expected at most {LARGEST:,} bytes in all" in said
    assert len(list((settings.path / "logs").iterdir())) == 4


def test_what_an_unseen_operation_writes_may_be_read_later(settings: Project) -> None:
    settings.revision(
        "r1",
        'if not op.is_replaying():\n    op.write_json("made.json", {"a": 1})\n'
        'op.move_file("made.json", "moved.json")',
    )
    settings.done("upgrade", "head")
    assert json.loads(text(settings, "moved.json")) == {"a": 1}


def test_a_plan_of_an_open_run_shows_what_is_done(settings: Project) -> None:
    settings.revision("r1", EVERYTHING)
    assert client(settings, ("upgrade", "head"), Kill("file.replace.before#3")).status

    report = json.loads(settings.verb("plan", "--format", "json").out)

    units = report["revisions"][0]["units"]
    assert [unit["state"] for unit in units[:3]] == ["done", "running", None]
    assert report["refusals"] == []
    assert units[1]["diff"].endswith("+debug = true\n")
    settings.done("upgrade", "head")
    assert json.loads(text(settings, "settings.json"))["queue"]["size"] == 6
