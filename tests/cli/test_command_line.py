"""What every verb has: its help, an example, the project's options, its errors."""

from __future__ import annotations

import inspect
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import alembic.command
import click
import pytest
from click.testing import CliRunner, Result

from alembic_neo4j import op
from alembic_neo4j.cli import main
from alembic_neo4j.cli.examples import EXAMPLES
from alembic_neo4j.cli.reports import REPORTS
from alembic_neo4j.cli.shapes import misfits, number, row, rows, text
from alembic_neo4j.ingest.formats import ReadOptions
from alembic_neo4j.ingest.typed_values import ValueOptions
from tests.cli.effects import AUDITED, READ, TOLD_AS_UPGRADE, WRITE_FILES
from tests.docs.documents import ROOT
from tests.migration.project import NOWHERE, Project


def _verbs(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    yield path
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _verbs(command, (*path, name))
        else:
            yield (*path, name)


PROGRAM = (sys.executable, "-m", "alembic_neo4j.cli")
VERBS = list(_verbs(main))
LEAVES = [path for path in VERBS if path not in {p[:-1] for p in VERBS if p}]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def command_of(path: tuple[str, ...]) -> click.Command:
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


def test_of_each_verb_it_is_said_what_it_writes() -> None:
    """A new one gets a line in tests/cli/effects.py, and is audited where it writes."""
    said = [*AUDITED, *TOLD_AS_UPGRADE, *WRITE_FILES, *READ]
    assert sorted(said) == sorted(" ".join(path) for path in LEAVES)


def words(path: tuple[str, ...]) -> str:
    return " ".join(path) or "(none)"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is no project."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Help --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", VERBS, ids=words)
def test_help_is_whole_and_ends_in_an_example(path: tuple[str, ...]) -> None:
    short, long = run(*path, "-h"), run(*path, "--help")

    assert short.exit_code == 0
    assert short.stdout == long.stdout
    assert "…" not in short.stdout
    assert "..." not in short.stdout.partition("\n\n")[2]
    command = command_of(path)
    shown = " ".join(short.stdout.split())
    assert " ".join(inspect.cleandoc(command.help or "").split()) in shown
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert all(name in shown for name in parameter.opts if name[0] == "-")
    if path in LEAVES:
        assert "Example" in shown
        assert f"alembic-neo4j {' '.join(path)}" in re.sub(r" -[cn] \S+", "", shown)


@pytest.mark.parametrize("example", [e for some in EXAMPLES.values() for e in some])
def test_an_example_can_be_said(example: str) -> None:
    program, *rest = shlex.split(example)
    if program == "alembic":
        return
    context = main.make_context("alembic-neo4j", rest)
    words = [*context._protected_args, *context.args]
    group: click.Command = main
    while isinstance(group, click.Group):
        name, command, words = group.resolve_command(context, words)
        assert command is not None
        if not isinstance(command, click.Group):
            command.make_context(name, words, parent=context)
        group = command


def test_a_terminal_shows_all_of_it_in_boxes() -> None:
    text = _on_a_terminal("local", "-h")

    assert "╭" in text
    assert "nothing to install" in text
    assert "…" not in text


def _on_a_terminal(
    *arguments: str, program: Sequence[str] = PROGRAM, **environment: str
) -> str:
    ours, theirs = pty.openpty()
    program = [*program, *arguments]
    done = subprocess.Popen(
        program,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm", **environment},
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:
            break
        if not block:
            break
        text += block
    os.close(ours)
    assert done.wait() == 0
    return text.decode()


def test_no_color_where_that_is_asked_for() -> None:
    assert "\x1b[3" in _on_a_terminal("-h")
    assert "\x1b[3" not in _on_a_terminal("-h", NO_COLOR="1")


# The project -------------------------------------------------------------------------


@pytest.mark.parametrize("path", VERBS, ids=words)
def test_the_options_of_the_project_go_before_and_after(path: tuple[str, ...]) -> None:
    given = ["-c", "neo4j.ini", "-n", "alembic", "-x", "neo4j.url=local"]
    for position in range(len(path) + 1):
        arguments = [*path[:position], *given, *path[position:], "-h"]
        assert run(*arguments).exit_code == 0, arguments


def test_they_mean_the_same_before_and_after(project: Project) -> None:
    (project.path / "graph.ini").write_text(
        project.ini.read_text().replace("[alembic]", "[other]")
    )
    project.ini.unlink()
    where = ["-c", "graph.ini", "-n", "other", "-x", f"neo4j.url={NOWHERE}"]

    before = project.verb(*where, "status", "--format", "json")
    after = project.verb("status", "--format", "json", *where)
    both = project.verb(*where, "status", "--format", "json", *where)

    assert json.loads(before.out)["graph"]["url"] == NOWHERE
    assert before.out == after.out == both.out


def test_the_arguments_of_both_places_are_one_list(project: Project) -> None:
    report = project.verb(
        *("-x", "neo4j.database=first", "-x", f"neo4j.url={NOWHERE}"),
        *("status", "-x", "neo4j.url=bolt://127.0.0.1:2", "--format", "json"),
    )
    # As with Alembic, the last of two values wins.
    assert json.loads(report.out)["graph"]["url"] == "bolt://127.0.0.1:2"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-c", "a.ini", "status", "-c", "b.ini"], "a.ini and b.ini"),
        (["status", "-c", "a.ini", "-c", "b.ini"], "a.ini and b.ini"),
        (["-n", "a", "status", "-n", "b"], "sections a and b"),
        (["-n", "a", "ingest", "-n", "b", "list"], "sections a and b"),
    ],
)
def test_two_files_or_sections_are_refused(
    nowhere: Path, arguments: list[str], expected: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert expected in result.stderr


# What is misspelt --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["stamp"], "`stamp` is Alembic's: alembic -c neo4j.ini stamp head"),
        (["downgrade", "-2"], "alembic -c neo4j.ini downgrade -2"),
        (["-c", "g.ini", "-n", "b", "downgrade"], "alembic -c g.ini -n b downgrade -1"),
        (["revison"], "Did you mean Alembic's `revision`: alembic -c neo4j.ini rev"),
        (["statu"], "Did you mean `status`?"),
        (["ingest", "lod"], "Did you mean 'load'?"),
        (["status", "--formt", "json"], "Did you mean '--format'?"),
    ],
)
def test_a_misspelt_word_is_told_what_may_be_meant(
    nowhere: Path, arguments: list[str], expected: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_every_verb_of_alembic_is_known() -> None:
    theirs = [
        name
        for name, function in inspect.getmembers(alembic.command, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == "alembic.command"
    ]
    assert {"upgrade", "check", "ensure_version"} <= set(theirs)
    for verb in set(theirs) - {path[0] for path in VERBS if path}:
        result = run(verb)
        assert f"`{verb}` is Alembic's: alembic -c neo4j.ini {verb}" in result.stderr


# One word for one thing --------------------------------------------------------------


@pytest.mark.parametrize("function", [op.load_nodes, op.load_relationships])
def test_a_load_has_the_same_words_in_a_revision(function: Callable[..., Any]) -> None:
    options = {name for o in command_of(("ingest", "load")).params for name in o.opts}
    keywords = inspect.signature(function).parameters.keys()
    # The file, and what the command line has an option of its own for each.
    keywords -= {"source", "read_options", "value_options", "storage_options"}
    wanted = {f"--{word.replace('_', '-')}" for word in keywords}
    assert {
        word for word in wanted if {word, word.removesuffix("s")} & options
    } == wanted


@pytest.mark.parametrize("values", [ReadOptions, ValueOptions])
def test_an_option_of_files_is_called_as_in_a_revision(values: Any) -> None:
    options = {name for o in command_of(("ingest", "load")).params for name in o.opts}
    for field in fields(values):
        # --format is that of what a verb prints.
        name = "file_format" if field.name == "format" else field.name
        word = f"--{name.replace('_', '-')}"
        assert {word, word.removesuffix("s")} & options, name


def test_a_relationship_type_is_called_so_by_every_operation() -> None:
    # `type` is that of a property.
    for name, function in vars(op).items():
        if inspect.isfunction(function) and not name.startswith("_"):
            words = inspect.signature(function).parameters.keys()
            assert not {"rel_type", "batch_id"} & words, name
            assert "type" not in words or name.endswith("_property"), name


def test_an_option_is_called_the_same_by_every_verb() -> None:
    names = {o for path in LEAVES for p in command_of(path).params for o in p.opts}
    assert not {"--key", "--rel-type", "--batch-id", "--version"} & names
    # The type of a revision, or of what is remembered; one of relationships is said so.
    typed = {
        path[0]
        for path in LEAVES
        if any("--type" in p.opts for p in command_of(path).params)
    }
    assert typed == {"history", "ledger", "plan", "upgrade"}


# Errors as JSON ----------------------------------------------------------------------


def error_of(result: Result) -> dict[str, object]:
    report = json.loads(result.stdout)
    assert list(report) == ["error"]
    assert list(report["error"]) == ["type", "message", "exit_status"]
    assert report["error"]["exit_status"] == result.exit_code
    return dict(report["error"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["status", "--frobnicate"],
        ["frobnicate"],
        ["upgrade"],
        ["plan", "head", "--down", "base"],
        ["run"],
        ["ingest", "load", "people.csv"],
        ["ingest", "cache", "clear", "--cache-dir", "neo4j.ini"],
        ["local", "logs", "--follow"],
    ],
    ids=words,
)
@pytest.mark.parametrize("option", [["--format", "json"], ["--format=json"]])
def test_what_is_misused_is_one_object(
    nowhere: Path, arguments: list[str], option: list[str]
) -> None:
    (nowhere / "other.txt").touch()
    result = run(
        *[word.replace("neo4j.ini", "other.txt") for word in arguments], *option
    )
    assert result.exit_code == 2
    assert str(error_of(result)["type"]).endswith(("UsageError", "Parameter", "Option"))
    assert result.stderr


def test_an_error_of_ours_is_one_object(project: Project) -> None:
    project.set("neo4j.frobnicate", "1")
    outcome = project.verb("verify", "--format", "json")
    assert outcome.status == 2
    error = json.loads(outcome.out)["error"]
    assert (error["type"], error["exit_status"]) == ("ConfigurationError", 2)
    assert "frobnicate" in error["message"]
    assert error["message"] in outcome.err


def test_a_mistake_in_the_project_is_one_object(project: Project) -> None:
    (project.path / "migrations" / "env.py").write_text("1 / 0\n")
    outcome = project.verb("plan", "--format", "json")
    assert outcome.status == 2
    assert "ZeroDivisionError" in json.loads(outcome.out)["error"]["message"]


def test_an_interruption_is_one_object(project: Project) -> None:
    env = project.path / "migrations" / "env.py"
    env.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    outcome = project.verb("status", "--format", "json")
    assert outcome.status == 130
    assert json.loads(outcome.out)["error"]["type"] == "Interrupted"


def test_without_json_nothing_is_on_stdout(nowhere: Path) -> None:
    assert run("status").stdout == ""


# Reports as JSON ---------------------------------------------------------------------


def test_every_report_is_described() -> None:
    reporting = [
        path
        for path in LEAVES
        if any("--format" in option.opts for option in command_of(path).params)
    ]
    assert {" ".join(path) for path in reporting} == set(REPORTS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": "x", "b": [{"c": 1}], "d": None}, []),
        ({"a": 1, "b": [], "d": "x"}, [".a is 1, not text"]),
        ({"a": "x", "b": [{"c": True}], "d": None}, [".b[0].c is True, not number"]),
        ({"a": "x", "b": [{}], "d": None}, [".b[0].c is missing"]),
        ({"a": None, "b": [], "d": None}, [".a is None, not text"]),
        ({"a": "x", "b": [], "d": None, "e": 1}, [".e is not described"]),
        ([], ["the report is [], not object"]),
    ],
)
def test_what_does_not_fit_is_found(value: object, expected: list[str]) -> None:
    shape = row(
        a=text(), b=rows("", c=number()), d=text().or_null(), f=text().at_times()
    )
    assert list(misfits(shape, value)) == expected


# The environment and the terminal ----------------------------------------------------


def test_variables_of_crochet_are_told_of_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROCHET_NEO4J_URI", "bolt://s3cret")
    monkeypatch.setenv("CROCHET_NEO4J_PASSWORD", "s3cret")
    monkeypatch.setenv("CROCHET_TOKEN", "s3cret")
    monkeypatch.delenv("ALEMBIC_NEO4J_URI", raising=False)
    monkeypatch.delenv("ALEMBIC_NEO4J_PASSWORD", raising=False)
    where = ("-x", f"neo4j.url={NOWHERE}")

    outcome = project.verb(*where, "status", "--format", "json")
    assert json.loads(outcome.out)["graph"]["url"] == NOWHERE
    assert outcome.err.splitlines().count(outcome.err.splitlines()[0]) == 1
    assert outcome.err.startswith(
        "Not read: CROCHET_NEO4J_PASSWORD, CROCHET_NEO4J_URI, CROCHET_TOKEN, of "
        "crochet. ALEMBIC_NEO4J_PASSWORD takes the place of CROCHET_NEO4J_PASSWORD; "
        "ALEMBIC_NEO4J_URI takes the place of CROCHET_NEO4J_URI."
    )
    assert "s3cret" not in outcome.text

    monkeypatch.setenv("ALEMBIC_NEO4J_URI", NOWHERE)
    assert "the place of CROCHET_NEO4J_URI" not in project.verb("status").err


BASH = """
eval "$(_ALEMBIC_NEO4J_COMPLETE=bash_source alembic-neo4j)"
complete -p alembic-neo4j
COMP_WORDS=({words}); COMP_CWORD={last}
_alembic_neo4j_completion alembic-neo4j
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("alembic-neo4j stat", "status"),
        ("alembic-neo4j -c neo4j.ini ingest lo", "load"),
        ("alembic-neo4j status --form", "--format"),
        ("alembic-neo4j status --format j", "json"),
    ],
)
def test_bash_completes(words: str, expected: str) -> None:
    done = subprocess.run(
        ["bash", "-c", BASH.format(words=words, last=len(words.split()) - 1)],
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    registered, completed = done.stdout.splitlines()
    assert registered.endswith("_alembic_neo4j_completion alembic-neo4j")
    assert completed == expected
    how_to = (ROOT / "docs" / "how-to" / "completion.md").read_text()
    assert BASH.splitlines()[1] in how_to


LOGGING = """
import logging, sys, time
from alembic_neo4j.cli.progress import shown_progress
from alembic_neo4j.ingest.progress import Progress
logging.basicConfig(stream=sys.stderr, format="%(message)s", level="INFO")
before = sys.stderr
with shown_progress("people.csv") as report:
    for number in range(5):
        report(Progress(number, number, 10))
        time.sleep(0.15)
        logging.getLogger("alembic").info("line %s of the log", number)
logging.getLogger("alembic").info("afterwards")
assert logging.root.handlers[0].stream is before is sys.stderr
"""


def test_a_bar_and_the_log_share_no_line() -> None:
    text = _on_a_terminal(program=[sys.executable, "-c", LOGGING])

    assert "people.csv" in text
    for said in [*(f"line {n} of the log" for n in range(5)), "afterwards"]:
        (line,) = [part for part in text.split("\n") if said in part]
        # What the terminal shows of the line, once the bar has been erased.
        assert line.rpartition("\x1b[2K")[2].strip("\r") == said
