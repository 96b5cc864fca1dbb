"""``alembic-neo4j ledger backup``: the ledger is backed up and put back."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from alembic_neo4j.entities import Entity, EntityRepository, backup
from alembic_neo4j.ledger.lock import ledger_lock
from tests.cli.ledgers import TABLE, apply, begin_ledger, opened, write_revisions
from tests.migration.project import Project

VERBS = Path(sys.executable).parent / "alembic-neo4j"


@pytest.fixture
def kept(project: Project) -> Project:
    """A project of three revisions whose ledger is at r1."""
    write_revisions(project)
    begin_ledger(project.ledger)
    apply(project.ledger, "r1")
    return project


def said(project: Project, *arguments: str, status: int = 0) -> Any:
    """Return what `ledger backup` reports as JSON."""
    outcome = project.verb("ledger", "backup", *arguments, "--format", "json")
    assert outcome.status == status, outcome.text
    return json.loads(outcome.out)


def heads(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(f"SELECT * FROM {TABLE}")]


def test_a_backup_is_made_listed_verified_and_put_back(kept: Project) -> None:
    directory = kept.path / "neo4j_ledger.db.backups"

    made = said(kept, "create")
    assert Path(made["path"]).parent == directory
    (listed,) = said(kept, "list")["backups"]
    assert {name: listed[name] for name in ("path", "bytes")} == made
    assert listed["timestamp"].endswith("+00:00")
    assert said(kept, "verify")["backups"] == [{"path": made["path"], "problem": None}]

    apply(kept.ledger, "r2")
    restored = said(kept, "restore", made["path"], "--force")

    assert restored["path"] == str(kept.ledger)
    assert restored["heads"] == heads(kept.ledger) == ["r1"]
    assert heads(Path(restored["kept"])) == ["r2"]
    events = json.loads(kept.verb("audit", "list", "--format", "json").out)["events"]
    told = [(each["action"], each["result"], each["about"]) for each in events]
    assert sorted(told) == [
        ("ledger backup restore", result, [Path(made["path"]).name])
        for result in ("BEGUN", "SUCCESS")
    ]
    # It is a ledger like any other: read, locked and written to.
    assert kept.verb("history").out.count("\n") == 1
    apply(kept.ledger, "r2")
    assert kept.heads() == ["r2"]


def test_for_people_it_says_what_a_restore_means(kept: Project) -> None:
    assert "no backup yet" in kept.verb("ledger", "backup", "list").out
    path = kept.verb("ledger", "backup", "create", "--directory", "mine").out.strip()
    assert Path(path).parent == Path("mine")
    assert path in kept.verb("ledger", "backup", "list", "--directory", "mine").out
    verified = kept.verb("ledger", "backup", "verify", path)
    assert verified.out == "1 backups, 0 damaged\n"

    done = kept.verb("ledger", "backup", "restore", path, "--force")

    assert "which is at r1." in done.out
    assert "is kept as" in done.out
    assert "the next command compares its stamp" in done.out


def test_a_ledger_that_is_there_is_replaced_by_force_only(kept: Project) -> None:
    path = said(kept, "create")["path"]
    before = kept.ledger.read_bytes()

    refused = kept.verb("ledger", "backup", "restore", path)

    assert refused.status == 2
    assert "say --force" in refused.err
    assert kept.ledger.read_bytes() == before

    kept.ledger.unlink()
    restored = said(kept, "restore", path)
    assert restored["kept"] is None
    assert heads(kept.ledger) == ["r1"]


def test_damage_is_a_finding_and_is_never_put_back(kept: Project) -> None:
    whole, broken = (Path(said(kept, "create")["path"]) for _ in range(2))
    damaged = bytearray(broken.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    broken.write_bytes(damaged)

    found = said(kept, "verify", status=1)["backups"]

    assert [each["path"] for each in found if each["problem"]] == [str(broken)]
    assert said(kept, "verify", str(whole))["backups"][0]["problem"] is None
    text = kept.verb("ledger", "backup", "verify")
    assert text.status == 1
    assert "2 backups, 1 damaged" in text.out
    before = kept.ledger.read_bytes()
    refused = kept.verb("ledger", "backup", "restore", str(broken), "--force")
    assert refused.status == 2
    assert "damaged one" in refused.err
    assert kept.ledger.read_bytes() == before
    missing = kept.verb("ledger", "backup", "verify", "missing.db")
    assert missing.status == 2
    assert "no file missing.db" in missing.err


def test_what_is_no_ledger_is_not_put_back(kept: Project, tmp_path: Path) -> None:
    with EntityRepository(tmp_path / "entities.db") as repo:
        repo.create(Entity("task-a", "task", "open"))
        path = backup.create_backup(repo.db_path, tmp_path / "other")

    refused = kept.verb("ledger", "backup", "restore", str(path), "--force")

    assert refused.status == 2
    assert "that of another database" in refused.err
    assert heads(kept.ledger) == ["r1"]


def test_a_newer_ledger_is_not_put_back(kept: Project) -> None:
    with opened(kept.ledger) as connection:
        connection.exec_driver_sql(
            "UPDATE alembic_neo4j_version SET version_num = 9999"
        )
    path = backup.create_backup(kept.ledger, "newer")
    kept.ledger.unlink()

    refused = kept.verb("ledger", "backup", "restore", str(path))

    assert refused.status == 2
    assert "newer release" in refused.err
    assert not kept.ledger.exists()


def test_a_damaged_ledger_is_replaced_and_kept(kept: Project) -> None:
    path = said(kept, "create")["path"]
    kept.ledger.write_bytes(b"not a ledger any more" * 500)

    restored = said(kept, "restore", path, "--force")

    assert heads(kept.ledger) == ["r1"]
    assert Path(restored["kept"]).read_bytes() == b"not a ledger any more" * 500


def test_a_restore_waits_for_the_lock_of_the_ledger(kept: Project) -> None:
    path = said(kept, "create")["path"]
    url = make_url(f"sqlite:///{kept.ledger}")

    with ledger_lock(url, TABLE, timeout=0, holder=lambda: None):
        refused = kept.verb(
            *("ledger", "backup", "restore", path, "--force", "--lock-timeout", "0.2")
        )

    assert refused.status == 2
    assert "lock on the ledger" in refused.err
    assert [*kept.path.glob("*.replaced-*")] == []


def test_looking_creates_nothing(project: Project) -> None:
    write_revisions(project)
    before = sorted(project.path.iterdir())

    assert said(project, "list") == {"backups": []}
    assert said(project, "verify") == {"backups": []}
    refused = project.verb("ledger", "backup", "create")

    assert refused.status == 2
    assert "made by the first upgrade" in refused.err
    assert sorted(project.path.iterdir()) == before


def test_for_postgresql_it_says_which_tool_to_use(project: Project) -> None:
    project.set("sqlalchemy.url", "postgresql+psycopg://u:secret@127.0.0.1:1/ledger")
    for verb in ("create", "list", "verify"):
        refused = project.verb("ledger", "backup", verb)
        assert refused.status == 2
        assert "use pg_dump" in refused.err
        assert "secret" not in refused.text


def test_a_killed_restore_leaves_the_old_ledger_or_the_new_one(kept: Project) -> None:
    path = said(kept, "create")["path"]
    apply(kept.ledger, "r2")
    killed = 0
    for _ in range(8):
        command = [VERBS, "ledger", "backup", "restore", path, "--force"]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, cwd=kept.path
        ) as process:
            # It is the first file that a restore makes.
            while (
                process.poll() is None
                and not kept.ledger.with_name(
                    f"{kept.ledger.name}.{TABLE}.lock"
                ).exists()
            ):
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
        killed += process.returncode == -signal.SIGKILL
        assert heads(kept.ledger) in (["r1"], ["r2"])
        with opened(kept.ledger) as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
        assert found == "ok"
        kept.ledger.with_name(f"{kept.ledger.name}.{TABLE}.lock").unlink(
            missing_ok=True
        )
        if heads(kept.ledger) == ["r1"]:
            apply(kept.ledger, "r2")

    assert killed
