"""A small project of a test, and the stock ``alembic`` program upon it."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import CommandLine, Config
from click.testing import CliRunner
from sqlalchemy import create_engine, inspect, text

from alembic_neo4j.cli import main as verbs
from alembic_neo4j.cypher.stamp import LABEL as STAMP
from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.graph.lock import LABEL as LOCK

PROGRAM = Path(sys.executable).parent / "alembic"
NOWHERE = "bolt://127.0.0.1:1"
"""An address where nothing answers."""

_LOGGERS = ("", "alembic", "alembic_neo4j", "alembic.runtime.migration")


@dataclass(frozen=True)
class Outcome:
    """What a verb left behind: its exit status and its two streams."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that was written."""
        return self.out + self.err


class Project:
    """A directory with neo4j.ini, migrations from the template, and models."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ini = path / "neo4j.ini"
        self.versions = path / "migrations" / "versions"
        self.ledger = path / "neo4j_ledger.db"

    def run(self, *arguments: str, config: Sequence[str] = ("neo4j.ini",)) -> Outcome:
        """Run a verb of the stock program in this process."""
        files = [part for name in config for part in ("-c", name)]
        out, err = io.StringIO(), io.StringIO()
        status = 0
        with (
            undone(self.path),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                _main([*files, *arguments], out)
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
        return Outcome(status & 0xFF, out.getvalue(), err.getvalue())

    def done(self, *arguments: str, config: Sequence[str] = ("neo4j.ini",)) -> str:
        """Run a verb that has to succeed; return what it wrote to standard output."""
        outcome = self.run(*arguments, config=config)
        assert outcome.status == 0, outcome.text
        return outcome.out

    def failed(self, *arguments: str, config: Sequence[str] = ("neo4j.ini",)) -> str:
        """Run a verb that has to be refused; return its message."""
        outcome = self.run(*arguments, config=config)
        assert outcome.status == 255, outcome.text
        assert "FAILED: " in outcome.out
        assert "Traceback" not in outcome.text
        return outcome.out.partition("FAILED: ")[2].strip()

    def verb(self, *arguments: str, answers: str | None = None) -> Outcome:
        """Run a verb of ``alembic-neo4j`` in this process."""
        with undone(self.path):
            done = CliRunner().invoke(verbs, arguments, input=answers)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Outcome(done.exit_code, done.stdout, done.stderr)

    def program(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> Outcome:
        """Run the installed ``alembic`` in a process of its own."""
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            cwd=self.path,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def config(self, **options: Any) -> Config:
        """Return the configuration, for the functions of alembic.command."""
        return Config(str(self.ini), stdout=io.StringIO(), **options)

    def command(self, verb: str, *arguments: Any, **options: Any) -> None:
        """Call a function of alembic.command on `config`, in this process."""
        with undone(self.path), contextlib.redirect_stderr(io.StringIO()):
            getattr(command, verb)(*arguments, **options)

    def revision(
        self,
        revision: str,
        upgrade: str = "",
        downgrade: str = "",
        *,
        down: str | tuple[str, ...] | None = None,
        header: str = "",
        **names: Any,
    ) -> Path:
        """Write a revision by hand; `names` are its other module variables."""
        variables = {
            "revision": revision,
            "down_revision": down,
            "branch_labels": None,
            "depends_on": None,
            **names,
        }
        lines = [f'"""the message of {revision}"""', "from alembic_neo4j import op"]
        lines.append(textwrap.dedent(header))
        lines += [f"{name} = {value!r}" for name, value in variables.items()]
        for name, body in (("upgrade", upgrade), ("downgrade", downgrade)):
            lines += [f"def {name}():", _indented(body)]
        path = self.versions / f"{revision}_.py"
        path.write_text("\n".join(lines) + "\n")
        return path

    def models(self, source: str, *, name: str = "models") -> None:
        """Write the module of the models."""
        header = "from neomodel import *\n"
        (self.path / f"{name}.py").write_text(header + textwrap.dedent(source))

    def set(self, key: str, value: str | None) -> None:
        """Set a key of the ini file, or take it out."""
        lines = [
            line
            for line in self.ini.read_text().splitlines()
            if not line.startswith(f"{key} =")
        ]
        if value is not None:
            lines.insert(lines.index("[alembic]") + 1, f"{key} = {value}")
        self.ini.write_text("\n".join(lines) + "\n")

    def remembered(self) -> dict[str, list[tuple[Any, ...]]] | None:
        """Return the ledger's tables with their rows, None where there is no ledger."""
        if not self.ledger.exists():
            return None
        engine = create_engine(f"sqlite:///{self.ledger}")
        with engine.connect() as connection:
            names = inspect(connection).get_table_names()
            tables = {
                name: sorted(
                    map(tuple, connection.execute(text(f"SELECT * FROM {name}")))
                )
                for name in names
            }
        engine.dispose()
        return tables

    def heads(self) -> list[str]:
        """Return the heads in the ledger's version table."""
        tables = self.remembered() or {}
        return sorted(row[0] for row in tables.get("alembic_version", []))


def graph_state(graph: Graph) -> list[Any]:
    """Return all that is in a graph: nodes, relationships, indexes, constraints.

    The nodes of the lock and their constraint are left out: they hold no data. So is
    which run has changed the data last, and which event of the audit trail is the last.
    """
    found = [
        graph.read(query)
        for query in (
            f"MATCH (n) WHERE NOT n:{LOCK} RETURN labels(n) AS labels, "
            "properties(n) AS properties ORDER BY elementId(n)",
            "MATCH ()-[r]->() RETURN type(r) AS type, properties(r) AS properties "
            "ORDER BY elementId(r)",
            "SHOW INDEXES YIELD name, type, labelsOrTypes, properties "
            f"WHERE labelsOrTypes IS NULL OR labelsOrTypes <> ['{LOCK}'] "
            "RETURN * ORDER BY name",
            "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes AS labels "
            f"WHERE labels <> ['{LOCK}'] RETURN name, type ORDER BY name",
        )
    ]
    for row in found[0]:
        if STAMP in row["labels"]:
            for name in ("run", "auditSequence", "auditHash"):
                row["properties"].pop(name, None)
    return found


def data(graph: Graph) -> list[Any]:
    """Return the labels of the nodes that are not our own."""
    return graph.read(
        "MATCH (n) WHERE none(label IN labels(n) WHERE label STARTS WITH "
        "'__AlembicNeo4j') RETURN labels(n) AS labels"
    )


def indexes(graph: Graph) -> set[str]:
    """Return the names of the indexes that are no constraint's and no LOOKUP."""
    rows = graph.read(
        "SHOW INDEXES YIELD name, type, owningConstraint "
        "WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN name"
    )
    return {row["name"] for row in rows}


def stamped(graph: Graph) -> list[str] | None:
    """Return the heads in the graph's stamp."""
    rows = graph.read("MATCH (s:__AlembicNeo4jStamp) RETURN s.heads AS heads")
    return rows[0]["heads"] if rows else None


def _main(arguments: Sequence[str], out: io.StringIO) -> None:
    # As alembic.config.main() does, whose Config keeps the stdout of its import.
    line = CommandLine()
    options = line.parser.parse_args(arguments)
    toml, ini = line._inis_from_config(options)
    config = Config(
        ini,
        toml_file=toml,
        ini_section=options.name,
        cmd_opts=options,
        stdout=out,
        output_buffer=out,
    )
    line.run_cmd(config, options)


@contextlib.contextmanager
def undone(project: Path) -> Iterator[None]:
    """Leave no module, no path and no logging of the project behind."""
    path = list(sys.path)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(log.handlers[:], log.level, log.propagate) for log in loggers]
    try:
        yield
    finally:
        sys.path[:] = path
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and Path(file).is_relative_to(project):
                del sys.modules[name]
        for log, (handlers, level, propagate) in zip(loggers, before, strict=True):
            log.handlers[:] = handlers
            log.setLevel(level)
            log.propagate = propagate


def _indented(body: str) -> str:
    return textwrap.indent(textwrap.dedent(body).strip() or "pass", "    ")
