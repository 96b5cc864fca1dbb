"""Documents whose code blocks are run: what a block means, and what it must give.

- ``console``: each ``$ `` line is run by bash, what follows is its output. A command
  that fails says so in its output; one that is killed prints ``Killed``, as in a shell.
- a block whose first line is a comment with a path, ``# models.py``, is written to
  that file. With ``(generated)`` behind the path it is an excerpt of the file.
- a path may hold a ``*``: a revision's file, whose functions the block replaces.
- ``cypher`` without a path: the first line is the command that prints it, the rest an
  excerpt.

A line ``...`` stands for any lines. Revision ids, dates, durations, paths, users, local
addresses and Neo4j's release may differ; an id of the document is the same revision
everywhere in it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "/home/me/films"
"""What the documents call the directory that their commands run in."""

NOT_RUN: Mapping[str, str] = {
    'pip install "alembic-neo4j[local]"': "it would take what is on the index, not "
    "what is tested here",
}
"""The commands that are not run, and why."""

ANY = "..."
LANGUAGES = ("console", "python", "ini", "toml", "cypher")
_FENCE = re.compile(r"```(\w*)")
_ID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{12}(?![0-9A-Za-z])")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?\b")
_MOMENT = re.compile(r"\b\d{8}T\d{6}\.\d{6}Z")
_SECONDS = re.compile(
    r"\b\d+\.\d\ds\b|(?<=  )[\d,]+(?= ms$)|(?<=_ms\": )\d+|[\d,]+(?= bytes\b)"
)
_RELEASE = re.compile(r"\bNeo4j \d+\.\d+\.\d+\b")
_ADDRESS = re.compile(r"\bbolt://127\.0\.0\.1:\d+")
_WHO = re.compile(r"\b[\w.-]+@[\w.-]+\b|(?<=UTC by )[\w.-]+")
_FILE = re.compile(r"(?:#|//) (?P<path>[\w./*-]+\.\w+)(?P<generated> \(generated\))?")
_FAILED = ("FAILED", "ERROR", "Error", "Killed")
_SIMILAR = 0.6


@dataclass(frozen=True)
class Block:
    """A fenced block of a document; `line` is that of its first line, from 0."""

    language: str
    lines: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Outcome:
    """What a document says that something gives, and what it gave.

    `line` is where it says so. With `excerpt`, any lines may surround it.
    """

    title: str
    line: int
    expected: tuple[str, ...]
    actual: tuple[str, ...]
    status: int = 0
    excerpt: bool = False

    @property
    def should_fail(self) -> bool:
        """Whether the document says that the command fails."""
        return any(line.startswith(_FAILED) for line in self.expected)

    @property
    def failed(self) -> bool:
        """Whether the command failed; a report of ours with findings did not."""
        reported = self.title.startswith("alembic-neo4j ") and self.status == 1
        return self.status != 0 and not reported


@dataclass
class Session:
    """The commands and files of one document, in the order in which it has them."""

    directory: Path
    ids: dict[str, str] = field(default_factory=dict)
    """The revision ids of the document, and the real ones."""

    def outcomes(self, document: Path) -> Iterator[Outcome]:
        """Do what the blocks say and yield what there is to compare."""
        for block in blocks(document.read_text().splitlines()):
            if block.language == "console":
                yield from self._console(block)
            elif match := _FILE.fullmatch(block.lines[0]):
                file = self._file(match["path"])
                if match["generated"]:
                    yield self._excerpt(file, block)
                else:
                    _write(file, block.lines)
            elif block.language == "cypher":
                command = block.lines[0].removeprefix("// ")
                yield self._ran(command, block.line + 1, block.lines[1:], excerpt=True)

    def learn(self, outcome: Outcome) -> None:
        """Remember which real revision each id of the document means.

        Raises AssertionError when it is not what the document says.
        """
        found = _aligned(outcome)
        assert found is not None, _difference(outcome)
        for expected, actual in found:
            for ours, shown in _id_pairs(expected, actual):
                assert self._may_mean(ours, shown), _difference(outcome)
                self.ids.setdefault(ours, shown)
        assert outcome.failed == outcome.should_fail, (
            f"{outcome.title}: exit status {outcome.status}; {_difference(outcome)}"
        )

    def refreshed(self, outcome: Outcome) -> list[str]:
        """Return the lines as they should be in the document.

        What the document leaves out with ``...`` stays out.
        """
        same = _aligned(outcome)
        if same is None or not outcome.expected:
            return _rewritten(outcome)
        lines = iter(self._consistent(expected, actual) for expected, actual in same)
        return [line if line == ANY else next(lines) for line in outcome.expected]

    def _consistent(self, expected: str, actual: str) -> str:
        pairs = _id_pairs(expected, actual)
        return expected if all(self._may_mean(*pair) for pair in pairs) else actual

    def _may_mean(self, ours: str, shown: str) -> bool:
        """Whether an id of the document may be the revision that was shown."""
        names = {real: name for name, real in self.ids.items()}
        known = {*names, *self.ids}
        return ours == names.get(shown, shown) or not {ours, shown} & known

    def _console(self, block: Block) -> Iterator[Outcome]:
        position = 0
        while position < len(block.lines):
            command = block.lines[position].removeprefix("$ ")
            position += 1
            while command.endswith("\\"):
                command += "\n" + block.lines[position]
                position += 1
            output = []
            start = position
            while position < len(block.lines) and block.lines[position][:2] != "$ ":
                output.append(block.lines[position])
                position += 1
            if command not in NOT_RUN:
                yield self._ran(command, block.line + start, output)

    def _ran(
        self, command: str, line: int, output: Sequence[str], *, excerpt: bool = False
    ) -> Outcome:
        real = _ID.sub(lambda match: self.ids.get(match[0], match[0]), command)
        done = subprocess.run(
            ["bash", "-c", real.replace(PROJECT, str(self.directory))],
            cwd=self.directory,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "ALEMBIC_NEO4J_DISPOSABLE": "1",
                "NO_COLOR": "1",
                "COLUMNS": "80",
                # Lines of stdout and stderr in the order in which a terminal has them.
                "PYTHONUNBUFFERED": "1",
                # Two versions of models.py in one second would share their bytecode.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = "Killed\n" if done.returncode == -signal.SIGKILL else ""
        actual = self._shown(done.stdout + said)
        return Outcome(
            command, line, tuple(output), actual, done.returncode, excerpt=excerpt
        )

    def _excerpt(self, file: Path, block: Block) -> Outcome:
        actual = self._shown(file.read_text())
        title, line = block.lines[0], block.line + 1
        return Outcome(title, line, block.lines[1:], actual, excerpt=True)

    def _file(self, path: str) -> Path:
        if "*" not in path:
            return self.directory / path
        found = list(self.directory.glob(path))
        assert len(found) == 1, f"{path} is {len(found)} files"
        return found[0]

    def _shown(self, text: str) -> tuple[str, ...]:
        names = {real: ours for ours, real in self.ids.items()}
        text = text.replace(str(self.directory), PROJECT)
        text = _ID.sub(lambda match: names.get(match[0], match[0]), text)
        return tuple(line.rstrip() for line in text.rstrip().splitlines())


def blocks(lines: Sequence[str]) -> Iterator[Block]:
    """Yield the fenced blocks of a document."""
    start: int | None = None
    language = ""
    for number, line in enumerate(lines):
        if start is None and (match := _FENCE.fullmatch(line)):
            start, language = number + 1, match[1]
        elif start is not None and line == "```":
            yield Block(language, tuple(lines[start:number]), start)
            start = None


def is_run(block: Block) -> bool:
    """Tell whether a block is run, written or compared."""
    return block.language in {"console", "cypher"} or (
        block.language in LANGUAGES and bool(_FILE.fullmatch(block.lines[0]))
    )


def _rewritten(outcome: Outcome) -> list[str]:
    expected, actual = outcome.expected, outcome.actual
    lines: list[str] = []
    done = gap_start = 0
    for number, line in enumerate([*expected, None]):
        if line == ANY:
            continue
        rest = actual[done:]
        found = len(rest) if line is None else _most_similar(line, rest)
        if found is None:
            continue
        outside = outcome.excerpt and expected and (line is None or not lines)
        if ANY in expected[gap_start:number]:
            lines += [ANY] if found else []
        elif not outside:
            lines += rest[:found]
        if line is not None:
            lines.append(rest[found])
        done, gap_start = done + found + 1, number + 1
    return lines


def _most_similar(line: str, candidates: Sequence[str]) -> int | None:
    scores = [
        SequenceMatcher(None, _normal(line), _normal(candidate)).ratio()
        for candidate in candidates
    ]
    best = max(scores, default=0.0)
    return scores.index(best) if best > _SIMILAR else None


def _write(file: Path, lines: Sequence[str]) -> None:
    text = "\n".join(lines) + "\n"
    if file.exists() and file.parent.name == "versions":
        head = file.read_text().partition("\ndef upgrade")[0]
        text = head + "\n" + text.partition("\n")[2].lstrip("\n")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _aligned(outcome: Outcome) -> list[tuple[str, str]] | None:
    """The pairs of lines that are the same; None where there is none for a line."""
    expected, actual = list(outcome.expected), list(outcome.actual)
    if outcome.excerpt:
        expected = [ANY, *expected, ANY]
    return _matched(expected, actual)


def _matched(
    expected: Sequence[str], actual: Sequence[str]
) -> list[tuple[str, str]] | None:
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(expected):
        if line == ANY:
            rest = expected[number + 1 :]
            for skipped in range(len(pairs), len(actual) + 1):
                found = _matched(rest, actual[skipped:])
                if found is not None:
                    return pairs + found
            return None
        if number >= len(actual) or _normal(line) != _normal(actual[number]):
            return None
        pairs.append((line, actual[number]))
    return pairs if len(pairs) == len(actual) else None


def _id_pairs(expected: str, actual: str) -> list[tuple[str, str]]:
    return list(zip(_ID.findall(expected), _ID.findall(actual), strict=True))


def _normal(line: str) -> str:
    line = _DATE.sub("<date>", _ID.sub("<id>", line.rstrip()))
    line = _MOMENT.sub("<moment>", line)
    line = _SECONDS.sub("<seconds>", _WHO.sub("<who>", line))
    line = _ADDRESS.sub("<address>", line)
    return _RELEASE.sub("Neo4j <release>", line)


def _difference(outcome: Outcome) -> str:
    expected, actual = "\n".join(outcome.expected), "\n".join(outcome.actual)
    return (
        f"line {outcome.line + 1}: {outcome.title}\n--- the document says\n{expected}\n"
        f"--- it gave\n{actual}\n--- python tests/docs/refresh.py rewrites it"
    )
