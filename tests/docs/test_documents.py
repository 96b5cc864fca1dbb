"""What the tests of the documents notice, and what they let pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .documents import NOT_RUN, ROOT, Outcome, Session, blocks


def documented(directory: Path, text: str) -> list[Outcome]:
    document = directory / "document.md"
    document.write_text(text)
    session = Session(directory)
    outcomes = []
    for outcome in session.outcomes(document):
        session.learn(outcome)
        outcomes.append(outcome)
    return outcomes


def console(*lines: str) -> str:
    return "\n".join(["```console", *lines, "```", ""])


@pytest.mark.parametrize(
    "lines",
    [
        ("$ echo one; echo two", "one", "two"),
        ("$ echo one; echo two", "...", "two"),
        ("$ echo one; echo two", "one", "..."),
        ("$ echo one; echo two; echo three", "one", "...", "three"),
        ("$ echo a1b2c3d4e5f6_x", "0123456789ab_x"),
        ("$ echo 2026-01-02 03:04:05.678", "2025-11-12 13:14:15.1"),
        ("$ echo FAILED: so; exit 1", "FAILED: so"),
        ("$ echo \\", "    continued", "continued"),
    ],
)
def test_what_is_the_same(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert len(documented(tmp_path, console(*lines))) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ("$ echo one", "two"),
        ("$ echo one; echo two", "one"),
        ("$ echo one", "one", "two"),
        ("$ echo one; echo two", "...", "one"),
        ("$ echo one; exit 1", "one"),
        ("$ echo FAILED: so", "FAILED: so"),
        ("$ echo aaaaaaaaaaaa bbbbbbbbbbbb", "cccccccccccc cccccccccccc"),
        ("$ echo a", ""),
    ],
)
def test_what_is_not_the_same(tmp_path: Path, lines: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        documented(tmp_path, console(*lines))


def test_an_id_means_one_revision(tmp_path: Path) -> None:
    first = console("$ echo aaaaaaaaaaaa > id; cat id", "111111111111")
    same = console("$ grep -c 111111111111 id", "1")
    other = console("$ echo bbbbbbbbbbbb", "111111111111")
    assert len(documented(tmp_path, first + same)) == 2
    with pytest.raises(AssertionError):
        documented(tmp_path, first + other)


def test_files_are_written_and_compared(tmp_path: Path) -> None:
    written = "```python\n# a.py\nfirst = 1\n\nsecond = 2\n```\n"
    excerpt = "```python\n# a.py (generated)\nsecond = 2\n```\n"
    documented(tmp_path, written + excerpt)
    with pytest.raises(AssertionError):
        documented(tmp_path, written + excerpt.replace("second = 2", "second = 3"))


def test_a_revision_keeps_its_head(tmp_path: Path) -> None:
    file = tmp_path / "versions" / "1_a.py"
    file.parent.mkdir()
    file.write_text("revision = '1'\n\n\ndef upgrade():\n    pass\n")
    block = "```python\n# versions/*_a.py\ndef upgrade():\n    return\n```\n"
    documented(tmp_path, block)
    assert file.read_text() == "revision = '1'\n\n\ndef upgrade():\n    return\n"


def test_outputs_can_be_refreshed(tmp_path: Path) -> None:
    session = Session(tmp_path)
    actual = ("same", "new", "altered, a little", "end")
    expected = ("...", "altered a little", "gone entirely: 1234567890", "end")
    outcome = Outcome("$ command", 1, expected, actual)
    assert session.refreshed(outcome) == ["...", "altered, a little", "end"]


def test_what_is_not_run_is_in_the_documents() -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    lines = {
        line
        for document in documents
        for block in blocks(document.read_text().splitlines())
        for line in block.lines
    }
    assert {f"$ {command}" for command in NOT_RUN} <= lines


def test_the_script_that_refreshes_refuses_a_graph_that_is_not_disposable() -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("refresh.py"))],
        env={"ALEMBIC_NEO4J_URI": "bolt://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ALEMBIC_NEO4J_DISPOSABLE=1" in done.stderr
