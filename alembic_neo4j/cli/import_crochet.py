"""``alembic-neo4j import-crochet``: a project of crochet is taken over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alembic_neo4j.cli.project import format_option, print_json, project_options

if TYPE_CHECKING:
    from alembic.config import Config


@click.command("import-crochet")
@click.argument(
    "directory",
    default=".",
    type=click.Path(path_type=Path),
)
@project_options
@format_option
def import_crochet(config: Config, directory: Path, as_json: bool) -> None:
    """Make revisions of a project of crochet's, which is in DIRECTORY.

    Its migrations become revisions in their order, with crochet's ids in their
    docstrings; those that it has applied are stamped, and its batches are known. What
    is there is not overwritten, and nothing is written unless all can be. The project
    of crochet's stays as it is.
    """
    from alembic_neo4j.command.import_crochet import import_crochet as imports

    found = imports(config, directory)
    if as_json:
        print_json(
            {
                "migrations": [
                    {
                        "migration": one.migration,
                        "revision": one.revision,
                        "file": str(one.file),
                        "applied": one.applied,
                    }
                    for one in found.migrations
                ],
                "batches": list(found.batches),
                "head": found.head,
                "remarks": list(found.remarks),
            }
        )
        return
    for one in found.migrations:
        state = "applied" if one.applied else "pending"
        click.echo(f"  {one.migration} is {one.revision}, {state}")
    if found.batches:
        click.echo(f"  batches: {', '.join(found.batches)}")
    for remark in found.remarks:
        click.echo(f"Remark: {remark}", err=True)
    click.echo("Next: alembic-neo4j verify")
