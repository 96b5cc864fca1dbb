"""``alembic-neo4j init``: the files of a new project, none of them overwritten."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

import click

from alembic_neo4j.cli.invocation import current_invocation, shown_options

_MODELS = '''"""The models of this graph: neo4j.models in neo4j.ini is their name."""

from neomodel import IntegerProperty, StringProperty, StructuredNode


class Person(StructuredNode):
    """Somebody."""

    name = StringProperty(unique_index=True, required=True)
    born = IntegerProperty(index=True)
'''
_IGNORED = (".neo4j/", "neo4j_ledger.db*")


@click.command()
@click.argument("directory", default="migrations", type=click.Path(path_type=Path))
@shown_options
@click.option("--package", is_flag=True, help="Write __init__.py files as well.")
@click.option(
    "--template-path",
    is_flag=True,
    help="Print the path for `alembic init -t` and do nothing.",
)
def init(directory: Path, *, package: bool, template_path: bool) -> None:
    """Create neo4j.ini, the migrations directory, and models.py where there is none."""
    if template_path:
        click.echo(template_directory())
        return
    from alembic import command
    from alembic.config import Config

    given = current_invocation().config_files
    config_file = given[0] if given else Path("neo4j.ini")
    existing = config_file.exists()
    # Alembic reports each file it writes; ours says the same in fewer words.
    with redirect_stdout(io.StringIO()):
        command.init(
            Config(str(config_file)),
            str(directory),
            template=str(template_directory()),
            package=package,
        )
    project = config_file.resolve().parent
    _report(config_file, existed=existing)
    click.echo(f"  created  {directory}/")
    if not existing:
        _write_models(project / "models.py")
    _ignore(project / ".gitignore")
    click.echo(
        "Next: describe your graph in models.py, or name your models in neo4j.models, "
        f'then\n  alembic -c {config_file} revision --autogenerate -m "first"'
    )


def template_directory() -> Path:
    """Return the directory of the template, in a checkout or an installed package."""
    package = Path(__file__).resolve().parent.parent
    for root in (package, package.parent):
        if (found := root / "templates" / "neo4j").is_dir():
            return found
    raise FileNotFoundError(f"the templates are missing beside {package}")


def _write_models(path: Path) -> None:
    packaged = path.with_suffix("") / "__init__.py"
    existed = path.exists() or packaged.exists()
    if not existed:
        path.write_text(_MODELS)
    _report(path, existed=existed)


def _ignore(path: Path) -> None:
    lines = path.read_text().splitlines() if path.exists() else []
    missing = [entry for entry in _IGNORED if entry not in lines]
    if missing:
        path.write_text("\n".join([*lines, *missing]) + "\n")
        click.echo(f"  ignored  {', '.join(missing)} in {path.name}")


def _report(path: Path, *, existed: bool) -> None:
    click.echo(f"  {'kept   ' if existed else 'created'}  {path.name}")
