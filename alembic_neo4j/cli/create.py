"""``alembic-neo4j create-node`` and ``create-relationship``: classes of new models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config

    from alembic_neo4j.command.create import WrittenClass


def _class_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--module", help="Which of neo4j.models gets the class.  [default: first]"
        ),
        click.option(
            "--kgid",
            help="The class's identity, which is never changed.  [default: the name "
            "and eight digits at random]",
        ),
    ):
        command = option(command)
    return command


@click.command("create-node")
@click.argument("class_name", metavar="NAME")
@project_options
@_class_options
@format_option
def create_node(
    config: Config, class_name: str, kgid: str | None, module: str | None, as_json: bool
) -> None:
    """Write the class of a node, called NAME, into the project's models.

    A package of models gets a module of its own for it, a module the class at its end.
    Nothing is overwritten. Complete the class, and let autogenerate write the revision.
    """
    from alembic_neo4j.command.create import create_node as create

    _report(create(config, class_name, kgid=kgid, module=module), as_json)


@click.command("create-relationship")
@click.argument("class_name", metavar="NAME")
@project_options
@click.option(
    "--relationship-type", "type_", help="The relationship type.  [default: from NAME]"
)
@click.option("--source-label", help="The label of the nodes that they lead from.")
@click.option("--target-label", help="The label of the nodes that they lead to.")
@_class_options
@format_option
def create_relationship(
    config: Config,
    class_name: str,
    type_: str | None,
    source_label: str | None,
    target_label: str | None,
    kgid: str | None,
    module: str | None,
    as_json: bool,
) -> None:
    """Write the class of a relationship, called NAME, into the project's models.

    With both labels the class of the source declares it, so that autogenerate finds
    it. Without them, the line to be written into that class is printed.
    """
    from alembic_neo4j.command.create import create_relationship as create

    if (source_label is None) != (target_label is None):
        raise click.UsageError("Say both of --source-label and --target-label.")
    if source_label is not None and module is not None:
        raise click.UsageError(
            "The class is written where that of --source-label is: leave out --module."
        )
    written = create(
        config,
        class_name,
        type=type_,
        kgid=kgid,
        module=module,
        source_label=source_label,
        target_label=target_label,
    )
    _report(written, as_json)


def _report(written: WrittenClass, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "name": written.name,
                "kgid": written.kgid,
                "file": str(written.file),
                "module": written.module,
                "usage": written.usage or None,
            }
        )
        return
    click.echo(f"  {written.name} ({written.kgid}) is in {written.file}")
    if written.usage:
        click.echo(
            "Next: declare it in the class that it leads from, with the class that it "
            f"leads to:\n  from {written.module} import {written.name}\n"
            f"  {written.usage}"
        )
    else:
        click.echo(
            "Next: complete the class, then `alembic revision --autogenerate` writes "
            "the revision."
        )
