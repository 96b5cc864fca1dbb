"""The options of the verbs that read data files, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.ingest.rules import Rules

Option: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""What gives a command one or several options."""

_FORMATS = ["csv", "tsv", "json", "jsonl", "parquet"]
_COMPRESSIONS = ["none", "gzip", "bz2", "xz", "zstd", "lz4"]

_READ = (
    click.option(
        "--file-format",
        "format",
        type=click.Choice(_FORMATS),
        help="The format of the files.  [default: as their names end]",
    ),
    click.option(
        "--compression",
        type=click.Choice(_COMPRESSIONS),
        help="How the files are compressed.  [default: as their first bytes show]",
    ),
    click.option("--encoding", help="The encoding.  [default: utf-8, or a mark's]"),
    click.option("--delimiter", help="What separates cells; `tab` for a tab."),
    click.option(
        "--quote", default='"', show_default=True, help="What quotes; `none` for none."
    ),
    click.option("--escape", help="What makes the next character an ordinary one."),
    click.option(
        "--columns", help="The names of the columns, where the first line has none."
    ),
    click.option(
        "--null-value",
        "null_values",
        multiple=True,
        help="A cell that means no value; may repeat.  [default: the empty cell]",
    ),
    click.option(
        "--records", default="", help="Where a JSON document has the array of rows."
    ),
    click.option("--max-row-size", type=click.IntRange(min=1), help="In characters."),
    click.option(
        "--max-unpacked",
        type=click.IntRange(min=1),
        help="Of a compressed Parquet file, in bytes.",
    ),
    click.option(
        "--max-download",
        type=click.IntRange(min=0),
        help="Of a remote file, in bytes; 0 for no bound.  [default: 16 GiB]",
    ),
)
_VALUES = (
    click.option("--date-format", help="Of dates, as strptime has it.  [default: ISO]"),
    click.option("--datetime-format", help="Of dates with a time."),
    click.option("--time-format", help="Of times."),
    click.option("--time-zone", help="Of zoned times that name none."),
    click.option(
        "--list-separator",
        default=";",
        show_default=True,
        help="Between the items of a list; `json` where it is a JSON array.",
    ),
    click.option("--true-word", "true_words", multiple=True, help="A word for true."),
    click.option(
        "--false-word", "false_words", multiple=True, help="A word for false."
    ),
    click.option("--allow-nan", is_flag=True, help="Take NaN and infinite numbers."),
)

sha256_option = click.option("--sha256", help="The SHA-256 that the file has to have.")


def rules_file_option(whose: str) -> Option:
    """Return ``--rules``; `whose` rules give way to those of the file."""
    return click.option(
        "--rules",
        "rules_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Check against the rules of this TOML or JSON file; they go before those "
        f"of {whose}.",
    )


def on_error_options(default: str, choices: Sequence[str], meaning: str) -> Option:
    """Return the options on rows that break a rule, `default` being done with them."""
    return all_of(
        click.option(
            "--on-error",
            type=click.Choice(choices),
            default=default,
            show_default=True,
            is_eager=True,
            help=meaning,
        ),
        click.option(
            "--max-rejects",
            type=click.IntRange(min=0),
            callback=_needs_skip,
            help="For --on-error skip.",
        ),
        click.option(
            "--reject-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write the rows that break a rule to this .csv or .jsonl file.",
        ),
    )


def _needs_skip(
    context: click.Context, _option: click.Parameter, given: int | None
) -> int | None:
    if given is not None and context.params.get("on_error") != "skip":
        raise click.UsageError("--max-rejects needs --on-error skip.")
    return given


def all_of(*options: Option) -> Option:
    """Return what gives a command all of the options, in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_RULES = (
    click.option("--label", help="Check against the model of this label."),
    click.option(
        "--relationship-type",
        "relationship_type",
        help="Check against the model of this type.",
    ),
    rules_file_option("the model"),
)

allow_unknown_option = click.option(
    "--allow-unknown",
    is_flag=True,
    help="Take labels and types that no model of the history has.",
)


def read_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options on how files are read; it gets `read`."""

    @wraps(command)
    def with_options(columns: str | None, delimiter: str | None, **options: Any) -> Any:
        from alembic_neo4j.ingest.formats import ReadOptions

        options["columns"] = columns.split(",") if columns else None
        options["delimiter"] = "\t" if delimiter == "tab" else delimiter
        return command(read=_taken(ReadOptions, options), **options)

    return all_of(*_READ)(with_options)


def value_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options on how values are written; it gets `values`."""

    @wraps(command)
    def with_options(**options: Any) -> Any:
        from alembic_neo4j.ingest.typed_values import ValueOptions

        return command(values=_taken(ValueOptions, options), **options)

    return all_of(*_VALUES)(with_options)


def _taken(kind: type[Any], options: dict[str, Any]) -> Any:
    """Take the fields of a kind of options out of those of a command."""
    given = {field.name: options.pop(field.name) for field in fields(kind)}
    return kind(
        **{
            name: None if value == _NOTHING.get(name) else value
            for name, value in given.items()
            if value not in (None, ())
        }
    )


_NOTHING = {"quote": "none", "list_separator": "json"}
"""How it is said that there is no such character."""


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options on what rows have to be; it gets `rules`.

    To be put below `optional_project_options`: a model needs the project.
    """

    @wraps(command)
    def with_rules(
        config: Config,
        label: str | None,
        relationship_type: str | None,
        rules_file: Path | None,
        **options: Any,
    ) -> Any:
        rules = _rules(config, label, relationship_type, rules_file)
        return command(rules=rules, **options)

    return all_of(*_RULES)(with_rules)


def _rules(
    config: Config,
    label: str | None,
    relationship_type: str | None,
    rules_file: Path | None,
) -> Rules:
    from alembic_neo4j.command.schema import declared_schema
    from alembic_neo4j.ingest.rules import (
        Rules,
        rules_from_file,
        rules_of_label,
        rules_of_type,
    )

    if label is not None and relationship_type is not None:
        raise click.UsageError("Give --label or --relationship-type, not both.")
    own = rules_from_file(rules_file) if rules_file is not None else Rules()
    if label is not None:
        return own.over(rules_of_label(declared_schema(config), label))
    if relationship_type is not None:
        return own.over(rules_of_type(declared_schema(config), relationship_type))
    return own
