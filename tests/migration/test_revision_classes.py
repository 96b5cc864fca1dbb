"""Revisions that are made of a class: the examples of the framework that had them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.crash.harness import KILLED, Kill, client, points
from tests.crash.project import open_runs
from tests.migration.project import Project

# As that framework's description has them, but for what is imported.

MY_MIGRATION = """
class MyMigration(ConfigMigration):
    name = "my_migration_v1.0.0"
    from_version = "1.0.0"
    to_version = "999.0.0"
    config_file = ".kuzu-memory/config.json"
    priority = 100  # Lower runs first

    def description(self) -> str:
        return "Add new config defaults"

    def migrate(self) -> MigrationResult:
        config = self.read_json(self.get_config_path())
        config["new_key"] = "new_value"
        self.write_json(self.get_config_path(), config)

        return MigrationResult(
            success=True,
            message="Config updated successfully",
            changes=["Added new_key to config"],
        )
"""
MY_CONFIG = '''
class MyConfigMigration(ConfigMigration):
    """Add new configuration defaults."""

    name = "my_config_vX.Y.Z"
    from_version = "X.Y.Z"
    to_version = "999.0.0"
    config_file = ".kuzu-memory/config.json"
    priority = 50

    def description(self) -> str:
        return "Add new config defaults for feature X"

    def migrate(self) -> MigrationResult:
        config = self.read_json(self.get_config_path())
        changes = []

        if "new_key" not in config:
            config["new_key"] = "default_value"
            changes.append("Added new_key")

        if changes:
            self.write_json(self.get_config_path(), config)

        return MigrationResult(
            success=True,
            message=f"Updated {len(changes)} config keys",
            changes=changes,
        )
'''
CONFIG_DEFAULTS = '''
class ConfigDefaultsMigration(ConfigMigration):
    """Add queue_dir and bash_hooks defaults."""

    name = "config_defaults_v1.7.0"
    from_version = "1.7.0"
    config_file = ".kuzu-memory/config.json"
    priority = 50

    def migrate(self) -> MigrationResult:
        config = self.read_json(self.get_config_path())

        if "queue_dir" not in config:
            config["queue_dir"] = "/tmp/kuzu-memory-queue"

        if "hooks" not in config:
            config["hooks"] = {"use_bash_hooks": True}

        self.write_json(self.get_config_path(), config)
        return MigrationResult(success=True, message="Config updated")
'''
BASH_HOOKS = '''
class BashHooksMigration(HooksMigration):
    """Migrate from Python to bash hooks."""

    name = "bash_hooks_v1.7.0"
    from_version = "1.7.0"
    priority = 100

    def check_applicable(self) -> bool:
        # Check if Python hooks exist
        for path in self.get_hooks_config_paths():
            if path.exists():
                settings = self.read_json(path)
                if "kuzu-memory hooks" in str(settings):
                    return True
        return False

    def migrate(self) -> MigrationResult:
        changes = []
        for path in self.get_hooks_config_paths():
            if path.exists():
                settings = self.read_json(path)
                # Replace Python hooks with bash scripts
                # ... migration logic ...
                self.write_json(path, settings)
                changes.append(f"Migrated {path.name}")

        return MigrationResult(
            success=True,
            message=f"Migrated {len(changes)} files",
            changes=changes,
        )
'''
CLEANUP_LOGS = '''
class CleanupOldLogsMigration(CleanupMigration):
    """Remove deprecated log files."""

    name = "cleanup_logs_v1.8.0"
    from_version = "1.8.0"
    priority = 900  # Cleanup runs last

    def check_applicable(self) -> bool:
        old_paths = [
            self.project_root / ".kuzu-memory" / "logs",
            Path("/tmp/kuzu-memory-hooks"),
        ]
        return any(p.exists() for p in old_paths)

    def migrate(self) -> MigrationResult:
        import shutil
        changes = []

        old_paths = [
            self.project_root / ".kuzu-memory" / "logs",
            Path("/tmp/kuzu-memory-hooks"),
        ]

        for path in old_paths:
            if path.exists():
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                changes.append(f"Removed {path}")

        return MigrationResult(
            success=True,
            message=f"Cleaned up {len(changes)} paths",
            changes=changes,
        )
'''
HEADER = """
from pathlib import Path
from alembic_neo4j.revisions import (
    CleanupMigration, ConfigMigration, HooksMigration, Migration, MigrationResult,
    MigrationType, SchemaMigration,
)
"""
CONFIG = ".kuzu-memory/config.json"
SETTINGS = ".claude/settings.json"


def bound(
    project: Project, name: str, source: str, *, down: str | None = None, **names: Any
) -> Path:
    """Write a revision that binds the one class in a source."""
    cls = source.partition("class ")[2].partition("(")[0]
    variables = {
        "revision": name,
        "down_revision": down,
        "branch_labels": None,
        "depends_on": None,
        **names,
    }
    lines = [f'"""the message of {name}"""', HEADER, source]
    lines += [f"{key} = {value!r}" for key, value in variables.items()]
    lines += [f"upgrade = {cls}.as_upgrade()", f"downgrade = {cls}.as_downgrade()"]
    path = project.versions / f"{name}_.py"
    path.write_text("\n".join(lines) + "\n")
    return path


def files(project: Project) -> dict[str, str]:
    """Return what the files of the project have that revisions are about."""
    found = {}
    for directory in (".kuzu-memory", ".claude"):
        for path in sorted((project.path / directory).rglob("*")):
            if path.is_file():
                found[path.relative_to(project.path).as_posix()] = path.read_text()
    return found


def given(project: Project, path: str, text: str) -> None:
    (project.path / path).parent.mkdir(parents=True, exist_ok=True)
    (project.path / path).write_text(text)


def states(project: Project) -> dict[str, tuple[str, str, str]]:
    shown = json.loads(project.verb("history", "--format", "json").out)["entries"]
    return {
        entry["subject"]: (
            entry["state"],
            entry["type"],
            ((entry["applied"] or {}).get("result") or {}).get("message", ""),
        )
        for entry in reversed(shown)
    }


# The four examples ------------------------------------------------------------------


def test_the_examples_of_configuration_change_it_and_give_it_back(
    live: Project, neo4j_graph: Graph
) -> None:
    given(live, CONFIG, '{"mine": 1}')
    before = files(live)
    bound(live, "r1", MY_MIGRATION)
    bound(live, "r2", MY_CONFIG.replace("X.Y.Z", "1.7.0"), down="r1")
    bound(live, "r3", CONFIG_DEFAULTS, down="r2")
    shown = live.verb("plan").out
    assert f"write_json {CONFIG}" in shown
    assert '+  "new_key": "new_value"' in shown
    assert '+  "queue_dir": "/tmp/kuzu-memory-queue",' in shown
    assert "write_json" in live.done("upgrade", "head", "--sql")
    assert files(live) == before

    live.done("upgrade", "head")

    assert json.loads(files(live)[CONFIG]) == {
        "mine": 1,
        "new_key": "new_value",
        "queue_dir": "/tmp/kuzu-memory-queue",
        "hooks": {"use_bash_hooks": True},
    }
    assert json.loads(files(live)[f"{CONFIG}.bak"]) == {
        "mine": 1,
        "new_key": "new_value",
    }
    assert states(live) == {
        "r1": ("done", "config", "Config updated successfully"),
        "r2": ("done", "config", "Updated 0 config keys"),
        "r3": ("done", "config", "Config updated"),
    }
    live.done("downgrade", "base")
    assert files(live) == before


def test_the_example_of_hooks_asks_and_changes_each_file(
    live: Project, neo4j_graph: Graph
) -> None:
    bound(live, "r1", BASH_HOOKS)
    said = live.failed("upgrade", "head")
    assert "BashHooksMigration asks for the files that hooks are configured in" in said
    live.set("neo4j.hooks_paths", f"{SETTINGS}, .claude/none.json")
    given(live, SETTINGS, '{"run": "kuzu-memory hooks"}')
    before = files(live)
    shown = live.verb("plan").out
    assert "check_applicable() is asked in its turn; if it applies:" in shown
    assert f"write_json {SETTINGS}" in shown
    said = live.failed("upgrade", "head", "--sql")
    assert "check_applicable(), which only a run can ask" in said

    live.done("upgrade", "head")

    assert states(live) == {"r1": ("done", "hooks", "Migrated 1 files")}
    assert files(live)[SETTINGS] == '{\n  "run": "kuzu-memory hooks"\n}\n'
    live.done("downgrade", "base")
    assert files(live) == before

    given(live, SETTINGS, '{"run": "hooks.sh"}')
    live.done("upgrade", "head")
    assert states(live)["r1"][0] == "skipped"
    assert files(live)[SETTINGS] == '{"run": "hooks.sh"}'
    # Its versions are those of the class.
    live.done("downgrade", "base")
    given(live, SETTINGS, '{"run": "kuzu-memory hooks"}')
    live.done("-x", "neo4j.app_version=1.6", "upgrade", "head")
    assert "before from_version 1.7.0" in states(live)["r1"][2]


def test_the_example_of_cleaning_up_removes_in_the_run_alone(
    live: Project, neo4j_graph: Graph
) -> None:
    # What it removes elsewhere is in this test's directory.
    elsewhere = live.path / "elsewhere"
    source = CLEANUP_LOGS.replace("/tmp/kuzu-memory-hooks", elsewhere.as_posix())
    bound(live, "r1", source)
    given(live, ".kuzu-memory/logs/old.log", "old")
    elsewhere.write_text("a file")
    for arguments in (["current"], ["check"], ["history"]):
        live.run(*arguments)
    shown = live.verb("plan").out
    assert "what it does from here on shows only when it runs" in shown
    assert (live.path / ".kuzu-memory/logs/old.log").exists()

    live.done("upgrade", "head")

    assert not (live.path / ".kuzu-memory/logs").exists()
    assert not elsewhere.exists()
    assert states(live) == {"r1": ("done", "cleanup", "Cleaned up 2 paths")}
    said = live.failed("downgrade", "base")
    assert "CleanupOldLogsMigration does more than operations" in said
    assert live.heads() == ["r1"]


def test_what_cleans_up_itself_is_written_to_no_script(live: Project) -> None:
    source = CLEANUP_LOGS.replace("def check_applicable", "def check")
    bound(live, "r1", source)
    given(live, ".kuzu-memory/logs/old.log", "old")
    said = live.failed("upgrade", "head", "--sql")
    assert "does more than operations, which can't be written to a script" in said
    assert (live.path / ".kuzu-memory/logs/old.log").exists()


# What a class may do ----------------------------------------------------------------

EVERY_HELPER = """
class Every(CleanupMigration):
    name = "every"
    uses_only_operations = True

    def description(self) -> str:
        return "every helper"

    def migrate(self) -> MigrationResult:
        root = self.project_root / ".kuzu-memory"
        self.backup_file(root / "a.json")
        self.move_file(root / "a.json", ".kuzu-memory/deep/b.json")
        self.ensure_directory(root / "empty")
        self.remove_file(root / "old.log")
        self.remove_file("nothing.log", missing_ok=True)
        self.remove_directory(root / "logs")
        self.remove_directory("nothing", missing_ok=True)
        self.write_json(".kuzu-memory/a.json", {"by": "hand"}, False)
        return MigrationResult(True, changes=[str(self.read_json("no.json"))])
"""


def test_every_method_is_an_operation_that_goes_back(
    live: Project, neo4j_graph: Graph
) -> None:
    given(live, ".kuzu-memory/a.json", '{"a": 1}')
    given(live, ".kuzu-memory/old.log", "old")
    given(live, ".kuzu-memory/logs/deep/old.log", "old")
    before = files(live)
    bound(live, "r1", EVERY_HELPER)
    shown = live.verb("plan").out
    assert "move_file .kuzu-memory/a.json to .kuzu-memory/deep/b.json" in shown
    assert str(live.path) not in shown
    live.done("upgrade", "head")
    assert files(live) == {
        ".kuzu-memory/a.json": '{\n  "by": "hand"\n}\n',
        ".kuzu-memory/a.json.bak": '{"a": 1}',
        ".kuzu-memory/deep/b.json": '{"a": 1}',
    }
    assert (live.path / ".kuzu-memory/empty").is_dir()
    # It says what it is where its result says nothing.
    assert states(live) == {"r1": ("done", "cleanup", "every helper")}
    live.done("downgrade", "base")
    assert files(live) == before
    assert not (live.path / ".kuzu-memory/empty").exists()


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("return MigrationResult(success=False, message='no')", "it failed: no"),
        (
            "self.rollback()\n        return MigrationResult(False, 'rolled back')",
            "it failed: rolled back",
        ),
        (
            "self.rollback()\n        return MigrationResult(True)",
            "called rollback() and returned a result with success",
        ),
        ("return None", "Failing.migrate() returned NoneType"),
        ("raise ValueError('stop')", "stop"),
    ],
)
def test_one_that_fails_leaves_every_file_as_it_was(
    live: Project, neo4j_graph: Graph, ending: str, said: str
) -> None:
    given(live, CONFIG, '{"mine": 1}')
    before = files(live)
    guarded = f"if self.is_there():\n            {ending}".replace(
        "\n        return", "\n            return"
    )
    bound(
        live,
        "r1",
        f"""
class Failing(ConfigMigration):
    config_file = "{CONFIG}"

    def is_there(self):
        return "mine" in self.read_json(self.get_config_path())

    def migrate(self) -> MigrationResult:
        failing = self.is_there()
        self.write_json(self.get_config_path(), {{"mine": 2}})
        {guarded}
        return MigrationResult(True)
""",
    )
    if ending.startswith("raise"):
        with pytest.raises(ValueError, match=said):
            live.run("upgrade", "head")
    else:
        assert said in live.failed("upgrade", "head")
    assert files(live) == before
    assert (live.heads(), open_runs(live)) == ([], 0)


SCHEMA = """
class Seen(SchemaMigration):
    priority = 10

    def migrate(self) -> MigrationResult:
        rows = self.execute_cypher("MATCH (n:P) SET n.seen = $seen RETURN n", SEEN)
        return MigrationResult(True, f"{len(rows)} seen")

SEEN = {"seen": True}
"""


def test_cypher_has_rows_and_no_way_back_of_itself(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:P), (:P)", {})])
    path = bound(live, "r1", SCHEMA)
    live.done("upgrade", "head")
    assert states(live) == {"r1": ("done", "schema", "2 seen")}
    said = live.failed("downgrade", "base")
    assert "Seen runs Cypher, which nothing takes back by itself" in said
    live.verb("history")
    text = path.read_text().replace("downgrade = Seen.as_downgrade()", "")
    path.write_text(
        text + "def downgrade():\n    from alembic_neo4j import op\n"
        "    op.run_cypher('MATCH (n:P) REMOVE n.seen')\n"
    )
    live.verb("repair", "--only", "file-edited", "--yes")
    live.done("downgrade", "base")
    assert neo4j_graph.read("MATCH (n:P) WHERE n.seen RETURN n") == []


def test_independent_classes_run_by_their_priority(
    live: Project, neo4j_graph: Graph
) -> None:
    bound(live, "a1", CLEANUP_LOGS)
    bound(live, "b1", MY_MIGRATION)
    bound(live, "c1", CONFIG_DEFAULTS)
    bound(live, "d1", SCHEMA)
    found = json.loads(live.verb("plan", "heads", "--format", "json").out)
    order = [one["revision"] for one in found["revisions"]]
    assert order == ["d1", "c1", "b1", "a1"]


# What is wrong with a class is told before anything runs -----------------------------

PLAIN = """
class Plain(ConfigMigration):
    {}

    def migrate(self) -> MigrationResult:
        return MigrationResult(True)
"""


@pytest.mark.parametrize(
    ("source", "names", "said"),
    [
        (MY_CONFIG, {}, "MyConfigMigration.from_version = 'X.Y.Z': expected None or"),
        (PLAIN.format("priority = 'first'"), {}, "Plain.priority = 'first': expected"),
        (PLAIN.format("name = 7"), {}, "Plain.name = 7: expected a text"),
        (PLAIN.format("config_file = None"), {}, "Plain.config_file = None: expected"),
        (PLAIN.format("migration_type = 'cfg'"), {}, "'cfg': expected None or one of"),
        (
            "class Empty(ConfigMigration):\n    name = 'empty'",
            {},
            "Empty has no migrate(): write",
        ),
        (
            PLAIN.format(""),
            {"migration_type": "schema"},
            "migration_type = 'schema', and Plain.migration_type = 'config'",
        ),
        (
            PLAIN.format(""),
            {"priority": 900},
            "priority = 900, and Plain.priority = 50",
        ),
        (
            PLAIN.format("async def check_applicable(self): return True"),
            {},
            "check_applicable is a coroutine function",
        ),
        (
            PLAIN.format("").replace("def migrate", "async def migrate"),
            {},
            "migrate is a coroutine function",
        ),
        (
            PLAIN.format("def check_applicable(self): return True")
            + "def check_applicable(): return True",
            {},
            "both the file and Plain have check_applicable()",
        ),
        (
            PLAIN.format("def description(self): return self.get_config_path()"),
            {},
            "Plain.config_file is empty: expected the path",
        ),
    ],
)
def test_what_is_wrong_with_a_class_is_told(
    live: Project, source: str, names: dict[str, Any], said: str
) -> None:
    bound(live, "r1", source, **names)
    assert said in live.failed("upgrade", "head")
    assert not live.ledger.exists()


def test_a_question_may_only_look(live: Project, neo4j_graph: Graph) -> None:
    given(live, CONFIG, '{"mine": 1}')
    before = files(live)
    question = """
    config_file = ".kuzu-memory/config.json"

    def check_applicable(self) -> bool:
        self.write_json(self.get_config_path(), {"mine": 2})
        return False
"""
    bound(live, "r1", PLAIN.format(question))
    assert "it may only look" in live.failed("upgrade", "head")
    assert files(live) == before
    assert (live.heads(), open_runs(live)) == ([], 0)


def test_revisions_of_classes_are_typed(live: Project, tmp_path: Path) -> None:
    sources = (MY_MIGRATION, CONFIG_DEFAULTS, BASH_HOOKS, SCHEMA)
    for number, source in enumerate(sources):
        path = bound(live, f"r{number}", textwrap.dedent(source))
        (tmp_path / f"typed_{number}.py").write_text(path.read_text())
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *sorted(tmp_path.glob("typed_*"))],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


ONCE = """
class Once(ConfigMigration):
    config_file = ".kuzu-memory/config.json"

    def check_applicable(self) -> bool:
        return "n" not in self.read_json(self.get_config_path())

    def migrate(self) -> MigrationResult:
        config = self.read_json(self.get_config_path())
        config["n"] = config.get("n", 0) + 1
        self.write_json(self.get_config_path(), config)
        self.remove_directory(".kuzu-memory/logs", missing_ok=True)
        return MigrationResult(True, "once")
"""


@pytest.mark.server
def test_one_that_is_killed_is_gone_on_with_and_not_asked_again(
    live: Project, neo4j_graph: Graph
) -> None:
    bound(live, "r1", EVERY_HELPER, from_version="2.0")
    bound(live, "r2", ONCE, down="r1")
    live.set("neo4j.app_version", "1.0")
    new = {CONFIG: '{\n  "n": 1\n}\n', f"{CONFIG}.bak": "{}"}
    old = {CONFIG: "{}", ".kuzu-memory/logs/one.log": "1"}
    for name, text in old.items():
        given(live, name, text)
    named = [
        point
        for point in points(live, ("upgrade", "head"))
        if point.startswith(("ledger.commit.", "file.replace.", "file.remove."))
    ]
    live.done("downgrade", "base")
    assert files(live) == old
    for point in named[:: max(1, len(named) // 8)]:
        killed = client(live, ("upgrade", "head"), Kill(point))
        assert killed.status == KILLED, killed.text
        done = client(live, ("upgrade", "head"), Kill())
        assert done.status == 0, done.text
        assert files(live) == new, point
        assert {name: found[0] for name, found in states(live).items()} == {
            "r1": "skipped",
            "r2": "done",
        }, point
        live.done("downgrade", "base")
        assert files(live) == old, point
