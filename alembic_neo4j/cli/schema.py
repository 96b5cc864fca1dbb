"""``alembic-neo4j schema``: what a revision or the models say, told and compared."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config


@click.group()
def schema() -> None:
    """What a revision or the models say of the graph; needs no Neo4j."""


@schema.command()
@click.argument("of", default="heads")
@project_options
def dump(config: Config, of: str) -> None:
    """Print a schema as JSON that is the same on every machine.

    OF is a revision (heads where it is not given) or the word models.
    """
    from alembic_neo4j.command.schema import read_schema
    from alembic_neo4j.schema.digest import schema_to_json

    click.echo(json.dumps(schema_to_json(read_schema(config, of)), indent=2))


@schema.command("hash")
@click.argument("of", default="heads")
@project_options
@format_option
def hash_(config: Config, of: str, as_json: bool) -> None:
    """Print the hash of a schema, as schema_hash of a revision has it.

    OF is a revision (heads where it is not given) or the word models.
    """
    from alembic_neo4j.command.schema import read_schema
    from alembic_neo4j.schema.digest import schema_digest

    digest = schema_digest(read_schema(config, of))
    if as_json:
        print_json({"of": of, "hash": digest})
    else:
        click.echo(digest)


@schema.command("diff")
@click.argument("between", default="heads:models", metavar="[FROM:TO]")
@project_options
@format_option
def diff(config: Config, between: str, as_json: bool) -> None:
    """Tell what leads from one schema to another; exit status 1 where anything does.

    FROM and TO are revisions or the word models; heads:models where they are not given.
    """
    from alembic_neo4j.command.schema import (
        change_to_json,
        change_to_text,
        compare_schemas,
    )

    before, colon, after = between.partition(":")
    if not (before and colon and after):
        raise click.UsageError(
            f"Expected two schemas, such as head:models, found {between!r}."
        )
    found = compare_schemas(config, before, after)
    if as_json:
        print_json(
            {
                "from": {"of": before, "hash": found.before},
                "to": {"of": after, "hash": found.after},
                "equal": found.is_equal,
                "changes": [change_to_json(change) for change in found.changes],
            }
        )
    else:
        for change in found.changes:
            click.echo(change_to_text(change))
        if found.is_equal:
            click.echo(f"{before} and {after} say the same.")
        elif not found.changes:
            click.echo("The hashes differ in what no operation changes.")
    sys.exit(0 if found.is_equal else 1)
