"""``alembic-neo4j ingest``: what it prints, and how it exits."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alembic_neo4j.cli import main, progress
from alembic_neo4j.ingest import progress as telling
from alembic_neo4j.ingest.cache import Cache
from alembic_neo4j.ingest.files import local_file
from alembic_neo4j.ingest.progress import Progress
from tests.migration.project import Project

PEOPLE = "name,born,since\nAnn,1990,2020-01-01\nBob,x,\n,1,\n"
RULES = """
[properties.name]
required = true
[properties.born]
type = "INTEGER"
"""
PERSON = """
class Person(StructuredNode):
    name = StringProperty(required=True, unique_index=True)
    born = IntegerProperty()
"""
KNOWS = """
class Acquaintance(StructuredRel):
    since = IntegerProperty(required=True)

class Acquainted(StructuredNode):
    others = RelationshipTo("Acquainted", "IS_ACQUAINTED", model=Acquaintance)
"""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return path


def run(*arguments: str | Path, answer: str | None = None) -> Result:
    words = ["ingest", *map(str, arguments)]
    return CliRunner().invoke(main, words, input=answer)


def told(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--format", "json")
    assert result.stderr == ""
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def test_a_file_that_can_be_read(people: Path) -> None:
    result = run("validate", people)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "people.csv: 3 rows, 0 refused\n"


def test_a_file_that_breaks_rules(people: Path, rules: Path) -> None:
    result = run("validate", people, "--rules", rules)

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "people.csv: 3 rows, 2 refused",
        "  people.csv, row 2 (line 3), column 'born': expected INTEGER, found 'x'",
        "  people.csv, row 3 (line 4), column 'name': expected a value, found none",
    ]


def test_the_rest_is_counted(people: Path, rules: Path) -> None:
    result = run("validate", people, "--rules", rules, "--show", "1")

    assert result.stdout.splitlines()[2:] == [
        "  … 2 in all:",
        "  1 x type of 'born'",
        "  1 x required of 'name'",
    ]


def test_json(people: Path, rules: Path) -> None:
    (row,) = told("validate", people, "--rules", rules, "--max-rows", "2")["files"]

    assert row == {
        "name": "people.csv",
        "uri": str(people),
        "sha256": hashlib.sha256(PEOPLE.encode()).hexdigest(),
        "bytes": len(PEOPLE),
        "rows": 3,
        "refused": 2,
        "ok": False,
        "counts": [
            {"column": None, "rule": "rows", "count": 1},
            {"column": "born", "rule": "type", "count": 1},
            {"column": "name", "rule": "required", "count": 1},
        ],
        "violations": [
            {
                "row": 2,
                "line": 3,
                "column": "born",
                "rule": "type",
                "value": "'x'",
                "message": "expected INTEGER, found 'x'",
            },
            {
                "row": 0,
                "line": None,
                "column": None,
                "rule": "rows",
                "value": None,
                "message": "expected at most 2 rows, found more",
            },
            {
                "row": 3,
                "line": 4,
                "column": "name",
                "rule": "required",
                "value": None,
                "message": "expected a value, found none",
            },
        ],
    }


def test_several_files_one_of_them_broken(people: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a\n1,2\n")

    result = run("validate", people, other)

    assert result.exit_code == 1
    assert "other.csv: 1 row, 1 refused" in result.stdout
    assert run("validate", other, people, "--min-rows", "1").exit_code == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--sha256", "0" * 64], "expected the SHA-256"),
        (["--encoding", "klingon"], "expected an encoding"),
        (["--on-error", "fail"], "row 2 (line 3), column 'born'"),
        (["--on-error", "skip", "--max-rejects", "1"], "at most 1 refused rows"),
        (["--compression", "gzip"], "damaged"),
        (["--time-zone", "Mars/Base"], "Expected a time zone"),
        (["--label", "Person"], "No 'script_location' key found"),
    ],
)
def test_what_can_not_be_done_is_status_2(
    options: list[str],
    expected: str,
    people: Path,
    rules: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(people.parent)
    if "--time-zone" in options:
        rules.write_text('[properties.born]\ntype = "ZONED DATETIME"\n')

    result = run("validate", people, "--rules", rules, *options)

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert expected in result.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Missing argument 'FILE...'"),
        (["a.csv", "b.csv", "--sha256", "x"], "for one FILE"),
        (["a.csv", "--max-rejects", "1"], "needs --on-error skip"),
        (["a.csv", "--label", "A", "--relationship-type", "B"], "not both"),
        (["a.csv", "--file-format", "xls"], "Invalid value"),
    ],
)
def test_arguments_that_can_not_be(arguments: list[str], expected: str) -> None:
    result = run("validate", *arguments)

    assert result.exit_code == 2
    assert expected in result.stderr


def test_how_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes("'Zo\xeb'\tNA\tja\t1,5|2\t2.1.2024\n".encode("cp1252"))
    rules = tmp_path / "rules.json"
    types = {"b": "INTEGER", "c": "BOOLEAN", "d": "LIST<STRING>", "e": "DATE"}
    asked = {name: {"type": type} for name, type in types.items()}
    asked["a"] = {"allowed": ["Zoë"], "required": True}
    rules.write_text(json.dumps({"properties": asked}))
    options = (
        "--file-format csv --encoding cp1252 --delimiter tab --quote ' --null-value NA "
        "--columns a,b,c,d,e --true-word ja --false-word nein --list-separator | "
        "--date-format %d.%m.%Y --max-row-size 99 --max-unpacked 99"
    )

    result = run("validate", path, "--rules", rules, *options.split())

    assert (result.exit_code, result.output) == (0, "data: 1 row, 0 refused\n")


def test_where_rows_are_in_a_document(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"data": {"rows": [{"x": 1}]}}')

    assert run("validate", path, "--records", "data.rows").exit_code == 0
    assert run("validate", path).exit_code == 2


def test_refused_rows_go_to_a_file(people: Path, rules: Path) -> None:
    target = people.with_name("refused.jsonl")

    result = run("validate", people, "--rules", rules, "--reject-file", target)

    assert result.exit_code == 1
    assert [json.loads(line)["row"] for line in target.read_text().splitlines()] == [
        2,
        3,
    ]


def test_against_the_model_of_a_label(project: Project) -> None:
    project.models(PERSON)
    (project.path / "people.csv").write_text("name,born,frst\nAnn,1990,1\n")
    unknown = project.verb("ingest", "validate", "people.csv", "--label", "Person")
    assert (unknown.status, "no column 'frst'" in unknown.err) == (2, True)

    (project.path / "people.csv").write_text("name,born\nAnn,1990\nAnn,x\n,5\nAnn,1\n")
    outcome = project.verb(
        "ingest", "validate", "people.csv", "--label", "Person", "--format", "json"
    )

    (row,) = json.loads(outcome.out)["files"]
    assert [(v["row"], v["column"], v["rule"]) for v in row["violations"]] == [
        (2, "born", "type"),
        (3, "name", "required"),
        (4, "name", "unique"),
    ]
    assert not project.ledger.exists()
    wrong = project.verb("ingest", "validate", "people.csv", "--label", "Persn")
    assert (wrong.status, "Did you mean 'Person'?" in wrong.err) == (2, True)


def test_against_the_model_of_a_relationship_type(project: Project) -> None:
    project.models(KNOWS)
    (project.path / "a.csv").write_text("from,to,since\nAnn,Bob,2020\nBob,Ann,\n")

    option = ("--relationship-type", "IS_ACQUAINTED")
    outcome = project.verb("ingest", "validate", "a.csv", *option)

    assert outcome.status == 1
    assert "row 2 (line 3), column 'since': expected a value" in outcome.out


# The cache.


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """The cache of this user, with three files."""
    monkeypatch.setenv("ALEMBIC_NEO4J_CACHE", str(tmp_path / "cache"))
    made = Cache(tmp_path / "cache")
    for n in range(3):
        with made.unfinished() as content:
            content.write_text(f"id\n{n}\n")
            uri = f"https://example.org/{n}.csv"
            made.keep(local_file(content, uri=uri, name=f"{n}.csv"))
    return made


def test_the_cache_is_listed(cache: Cache) -> None:
    text = run("cache", "list")
    assert text.exit_code == 0
    assert len(text.stdout.splitlines()) == 3

    rows = told("cache", "list")["files"]
    assert {row["uri"] for row in rows} == {
        f"https://example.org/{n}.csv" for n in range(3)
    }
    assert set(rows[0]) == {"sha256", "bytes", "uri", "fetched", "path"}
    assert all(row["sha256"][:16] in text.stdout for row in rows)
    assert "Nothing was fetched" in run("cache", "list", "--cache-dir", "x").stdout


def test_the_cache_is_verified(cache: Cache) -> None:
    good = run("cache", "verify")
    assert (good.exit_code, good.stdout) == (0, "3 files, 0 damaged\n")

    damaged = cache.entries()[1]
    damaged.path.write_text("id\n9\n")

    bad = run("cache", "verify")
    assert bad.exit_code == 1
    assert damaged.sha256 in bad.stdout
    assert "3 files, 1 damaged" in bad.stdout
    rows = told("cache", "verify")["files"]
    assert [row["problem"] is None for row in rows] == [True, False, True]


def test_the_cache_is_cleared(cache: Cache) -> None:
    first, *rest = cache.entries()

    assert run("cache", "clear", first.sha256[:10]).exit_code == 0
    assert cache.entries() == rest
    assert run("cache", "clear", "zz").exit_code == 2
    assert run("cache", "clear", answer="n\n").exit_code == 1
    assert cache.entries() == rest
    assert "Removed" in run("cache", "clear", answer="y\n").stdout
    assert cache.entries() == []
    assert "nothing to remove" in run("cache", "clear").stdout
    assert told("cache", "clear", "--yes") == {"removed": []}


# Progress.


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_each_ten_seconds() -> None:
    clock, found = Clock(), []
    report = telling.spaced(found.append, clock=clock)

    for second in range(0, 31):
        clock.now = float(second)
        report(Progress(second, second, 30))

    assert [progress.rows for progress in found] == [10, 20, 30]
    line = telling.described("people.csv", found[0])
    assert line == "people.csv: 10 rows, 33% of the file read"
    assert Progress(0, 0, 0).fraction == 1.0


def test_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(telling.spaced.__kwdefaults__, "seconds", 0.0)

    with progress.shown_progress("people.csv") as report:
        report(Progress(500, 5, 10))
    with progress.shown_transfer("people.csv") as transfer:
        transfer(1_500_000, 3_000_000)
        transfer(1_500_000, None)

    assert capsys.readouterr().err.splitlines() == [
        "people.csv: 500 rows, 50% of the file read",
        "people.csv: 1.5 MB of 3.0 MB",
        "people.csv: 1.5 MB",
    ]


TERMINAL = """
from alembic_neo4j.cli.progress import shown_progress, shown_transfer
from alembic_neo4j.ingest.progress import Progress
import time
with shown_progress("people[1].csv") as report:
    report(Progress(500, 5, 10))
    time.sleep(0.2)
with shown_transfer("people.csv") as report:
    report(5, None)
    time.sleep(0.2)
"""


def test_a_bar_on_a_terminal() -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL],
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    ) as process:
        os.close(follower)
        shown = io.BytesIO()
        while process.poll() is None or not shown.getvalue():
            try:
                shown.write(os.read(leader, 4096))
            except OSError:
                break
    os.close(leader)

    text = shown.getvalue().decode()
    assert process.returncode == 0
    assert "people[1].csv" in text
    assert "500 rows" in text
    assert "━" in text
