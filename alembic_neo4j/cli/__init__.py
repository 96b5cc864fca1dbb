"""The command ``alembic-neo4j``; a verb's module is loaded when the verb is used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from alembic_neo4j import __version__

VERBS = {
    "archive": "alembic_neo4j.cli.archive:archive",
    "ingest": "alembic_neo4j.cli.ingest:ingest",
    "init": "alembic_neo4j.cli.init:init",
    "local": "alembic_neo4j.cli.local:local",
    "plan": "alembic_neo4j.cli.plan:plan",
    "repair": "alembic_neo4j.cli.repair:repair",
    "run": "alembic_neo4j.cli.run:run",
    "status": "alembic_neo4j.cli.status:status",
    "transfer": "alembic_neo4j.cli.transfer:transfer",
    "unlock": "alembic_neo4j.cli.unlock:unlock",
    "verify": "alembic_neo4j.cli.verify:verify",
}


class VerbGroup(click.Group):
    """A group whose commands are named by module and function in a registry.

    An error of ours or of Alembic's ends the command with status 2, an interrupt
    with 130.
    """

    def __init__(self, *arguments: Any, verbs: dict[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, sorted."""
        return sorted({*super().list_commands(ctx), *self.verbs})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, imported at this moment."""
        if cmd_name not in self.verbs:
            return super().get_command(ctx, cmd_name)
        module, _, function = self.verbs[cmd_name].partition(":")
        command = getattr(import_module(module), function)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; what went wrong goes to stderr as one message."""
        try:
            # Importing takes most of a verb's time: it may be interrupted, too.
            from alembic.util.exc import CommandError

            try:
                return super().invoke(ctx)
            except CommandError as error:
                click.echo(f"Error: {error}", err=True)
                sys.exit(2)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            sys.exit(130)


@click.group(cls=VerbGroup, verbs=VERBS)
@click.version_option(__version__, prog_name="alembic-neo4j")
def main() -> None:
    """Versioned, reversible, crash-safe migrations of a Neo4j graph.

    The migrations themselves are run by Alembic: alembic -c neo4j.ini upgrade head
    """
