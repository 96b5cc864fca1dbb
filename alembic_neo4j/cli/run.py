"""``alembic-neo4j run``: a file of Cypher that is no revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.project import (
    format_option,
    lock_timeout_option,
    print_json,
    project_options,
)

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.cypher.files import CypherFile

_WIDTH = 72


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@project_options
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    callback=lambda _context, _option, given: _parameters(given),
    help="A value for $NAME: a literal such as 42, true, 'text' or [1, 2], else text.",
)
@click.option(
    "--repeatable",
    is_flag=True,
    help="An auto-commit statement that was begun by a killed run may run again.",
)
@lock_timeout_option
@click.option(
    "--dry-run", is_flag=True, help="Show what would be sent, and send it not."
)
@format_option
def run(
    config: Config,
    file: Path,
    parameters: dict[str, Any],
    repeatable: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run the statements of a file of Cypher, such as schema.cypher.

    Statements of a kind share a transaction, and each has its effect exactly once: a
    command that was killed goes on where it stopped when it is called again. :use and
    :param are understood; rows are not shown.
    """
    from alembic_neo4j.command.run import named, run_file
    from alembic_neo4j.configuration.sources import project_directory
    from alembic_neo4j.cypher.files import read_cypher_file

    name = named(file, project_directory(config))
    read = read_cypher_file(file, parameters, name=name, repeatable=repeatable)
    if not dry_run:
        run_file(config, read, parameters)
    if as_json:
        print_json(_report(read, sent=not dry_run))
    else:
        _print(read, dry_run=dry_run)


def _parameters(given: tuple[str, ...]) -> dict[str, Any]:
    from alembic_neo4j.cypher.files import read_literal
    from alembic_neo4j.errors import StatementError

    values: dict[str, Any] = {}
    for text in given:
        name, equals, written = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"NAME=VALUE was expected, found {text!r}")
        try:
            values[name.removeprefix("$")] = read_literal(written)
        except StatementError:
            values[name.removeprefix("$")] = written
    return values


def _report(file: CypherFile, *, sent: bool) -> dict[str, Any]:
    return {
        "file": file.name,
        "sha256": file.digest,
        "statements": len(file.statements),
        "sent": sent,
        "transactions": _transactions(file),
    }


def _transactions(file: CypherFile) -> list[dict[str, Any]]:
    from alembic_neo4j.cypher.steps import kind_of, units

    lines = iter(file.lines)
    return [
        {
            "kind": kind_of(unit),
            "statements": [
                {"line": next(lines), "text": run.text}
                for run in unit
                if hasattr(run, "text")
            ],
        }
        for unit in units(file.statements)
    ]


def _print(file: CypherFile, *, dry_run: bool) -> None:
    if not file.statements:
        click.echo(f"{file.name} holds no statement: nothing was sent.")
        return
    transactions = _transactions(file)
    ended = "; nothing was sent:" if dry_run else "."
    click.echo(
        f"{file.name}: {_counted(len(file.statements), 'statement')} in "
        f"{_counted(len(transactions), 'transaction')}{ended}"
    )
    for transaction in transactions if dry_run else []:
        kind = transaction["kind"]
        for statement in transaction["statements"]:
            shown = _first_line(statement["text"])
            click.echo(f"  {kind:<10}  line {statement['line']:>4}  {shown}")
            kind = ""


def _first_line(text: str) -> str:
    from alembic_neo4j.cypher.lexer import significant_tokens

    line = text[significant_tokens(text)[0].start :].partition("\n")[0].strip()
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
