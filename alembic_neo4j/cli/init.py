"""``alembic-neo4j init``: the files of a new project, none of them overwritten."""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from alembic_neo4j.cli.invocation import current_invocation, shown_options
from alembic_neo4j.cli.project import format_option, print_json

# Finding the modules of a directory that have models, without importing any -----------


_IMPORTS_NEOMODEL = re.compile(r"^\s*(from|import)\s+neomodel\b", re.MULTILINE)
_NOT_THEIRS = {"migrations", "tests", "test", "docs", "build", "dist", "node_modules"}
_MOST_FILES = 2_000
"""How many files are looked at, at most."""


def found_models(project: Path, *, leave_out: Path) -> list[str]:
    """Return the names of the modules that import neomodel, sorted.

    Where there is none, those that are called ``models`` in a package are returned. A
    package whose modules have models is named in their place when all are in its
    ``models``.
    """
    importing: list[str] = []
    called: list[str] = []
    for number, (name, path) in enumerate(_modules(project, leave_out)):
        if number == _MOST_FILES:
            break
        if _IMPORTS_NEOMODEL.search(path.read_text("utf-8", "replace")):
            importing.append(name)
        elif "." in name and "models" in name.split("."):
            called.append(name)
    return sorted({_package(name) for name in importing or called})


def _package(name: str) -> str:
    """Return ``shop.models`` for ``shop.models.people``."""
    parts = name.split(".")
    return ".".join(parts[: parts.index("models") + 1]) if "models" in parts else name


def _modules(project: Path, leave_out: Path) -> Iterator[tuple[str, Path]]:
    roots = [project, project / "src"] if (project / "src").is_dir() else [project]
    for root in roots:
        for directory, names, files in os.walk(root):
            here = Path(directory)
            names[:] = [
                name
                for name in names
                if name not in _NOT_THEIRS
                and (here / name).resolve() != leave_out.resolve()
                and (here / name / "__init__.py").exists()
            ]
            for file in files:
                if file.endswith(".py") and file not in ("setup.py", "conftest.py"):
                    parts = (here / file).relative_to(root).with_suffix("").parts
                    parts = parts[:-1] if parts[-1] == "__init__" else parts
                    if parts:
                        yield ".".join(parts), here / file


# ``alembic-neo4j init``: the files of a new project, none of them overwritten ---------


_MODELS = '''"""The models of this graph: neo4j.models in {config} is their name."""

from neomodel import IntegerProperty, StringProperty, StructuredNode


class Person(StructuredNode):
    """Somebody."""

    name = StringProperty(unique_index=True, required=True)
    born = IntegerProperty(index=True)
'''
_TABLES = """
[tool.alembic]
script_location = "%(here)s/{directory}"
prepend_sys_path = ["%(here)s"]
"sqlalchemy.url" = "sqlite:///%(here)s/neo4j_ledger.db"

[tool.alembic.neo4j]
url = "local"
models = [{models}]
"""
_IGNORED = (".neo4j/", "neo4j_ledger.db*", "neo4j_backups/")
_PYPROJECT = "pyproject.toml"


@dataclass
class _Written:
    """The files that were created or kept, and the lines that git ignores from now."""

    created: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@shown_options
@click.option("--package", is_flag=True, help="Write __init__.py files as well.")
@click.option(
    "--template-path",
    is_flag=True,
    help="Print the path for `alembic init -t` and do nothing.",
)
@format_option
def init(
    directory: Path | None, *, package: bool, template_path: bool, as_json: bool
) -> None:
    """Create neo4j.ini, the migrations directory, and models.py where there is none.

    DIRECTORY is `migrations` by default. With -c pyproject.toml, or where that has a
    table [tool.alembic.neo4j], the configuration is in pyproject.toml.
    """
    if template_path:
        click.echo(template_directory())
        return
    config = _config_file()
    tables = _tables(config if config.name == _PYPROJECT else None)
    directory = directory or _configured_directory(tables) or Path("migrations")
    _refuse_what_is_there(directory)
    written = _Written()
    _write(config, directory, tables, package, written)
    if as_json:
        print_json(vars(written))
    else:
        _print(written, config)


def template_directory() -> Path:
    """Return the directory of the template, in a checkout or an installed package."""
    package = Path(__file__).resolve().parent.parent
    for root in (package, package.parent):
        if (found := root / "templates" / "neo4j").is_dir():
            return found
    raise FileNotFoundError(f"the templates are missing beside {package}")


# Where it goes -----------------------------------------------------------------------


def _config_file() -> Path:
    given = current_invocation().config_files
    if given:
        return given[0]
    ini, toml = Path("neo4j.ini"), Path(_PYPROJECT)
    return toml if not ini.exists() and "neo4j" in _tables(toml) else ini


def _tables(toml: Path | None) -> dict[str, Any]:
    """Return what a pyproject.toml has for Alembic."""
    if toml is None or not toml.exists():
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        read = tomllib.loads(toml.read_text("utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{toml}: this is no TOML file: {error}") from None
    tables: dict[str, Any] = read.get("tool", {}).get("alembic", {})
    return tables


def _configured_directory(tables: dict[str, Any]) -> Path | None:
    location = tables.get("script_location")
    if "neo4j" not in tables or not isinstance(location, str):
        return None
    return Path(location.replace("%(here)s/", ""))


def _refuse_what_is_there(directory: Path) -> None:
    if not directory.is_dir() or not any(directory.iterdir()):
        return
    env = directory / "env.py"
    whose = "and holds other files"
    if env.exists():
        text = env.read_text("utf-8", "replace")
        if "alembic_neo4j" in text:
            raise click.UsageError(
                f"{directory}/ already exists: this project was begun before. To begin "
                "another one, name a directory and a configuration file: "
                "`alembic-neo4j -c other.ini init other`."
            )
        whose = "and holds the migrations of another project"
        if "flask" in text.lower():
            whose = "and is Flask-Migrate's"
    raise click.UsageError(
        f"{directory}/ already exists {whose}. Give the graph a directory of its own: "
        "`alembic-neo4j init graph`."
    )


# What is written ---------------------------------------------------------------------


def _write(
    config: Path,
    directory: Path,
    tables: dict[str, Any],
    package: bool,
    written: _Written,
) -> None:
    project = config.resolve().parent
    models = found_models(project, leave_out=directory)
    existed = config.exists()
    if config.name == _PYPROJECT:
        if tables and "neo4j" not in tables:
            raise click.UsageError(
                f"[tool.alembic] of {config} is the configuration of another project. "
                "Leave out -c: the graph's is written to neo4j.ini."
            )
        _write_scripts(None, directory, package)
        if not tables:
            _append_tables(config, directory, models)
    else:
        _write_scripts(config, directory, package)
        if not existed:
            _settle_ini(config, models)
    begun = existed and (config.name != _PYPROJECT or bool(tables))
    (written.kept if begun else written.created).append(config.name)
    written.created.append(f"{directory}/")
    if not begun and (not models or (project / "models.py").exists()):
        _write_models(project / "models.py", config, written)
    _ignore(project / ".gitignore", written)


def _write_scripts(config: Path | None, directory: Path, package: bool) -> None:
    from alembic import command
    from alembic.config import Config

    with tempfile.TemporaryDirectory() as unwanted:
        ini = config or Path(unwanted) / "neo4j.ini"
        # Alembic reports each file it writes; ours says the same in fewer words.
        with redirect_stdout(io.StringIO()):
            command.init(
                Config(str(ini)),
                str(directory),
                template=str(template_directory()),
                package=package,
            )


def _settle_ini(config: Path, models: Sequence[str]) -> None:
    text = config.read_text("utf-8")
    if models:
        text = text.replace(
            "neo4j.models = models\n", f"neo4j.models = {', '.join(models)}\n"
        )
    if _is_in_src(config.resolve().parent, models):
        text = text.replace(
            "prepend_sys_path = %(here)s\n",
            f"prepend_sys_path = %(here)s{os.pathsep}%(here)s/src\n",
        )
    if name := current_invocation().name:
        text = text.replace("[alembic]\n", f"[{name}]\n", 1)
    config.write_text(text, "utf-8")


def _is_in_src(project: Path, models: Sequence[str]) -> bool:
    tops = [name.partition(".")[0] for name in models]
    return any((project / "src" / top).exists() for top in tops)


def _append_tables(config: Path, directory: Path, models: Sequence[str]) -> None:
    named = ", ".join(f'"{name}"' for name in models or ["models"])
    text = config.read_text("utf-8").rstrip("\n") + "\n" if config.exists() else ""
    added = _TABLES.format(directory=directory.as_posix(), models=named)
    if _is_in_src(config.resolve().parent, models):
        added = added.replace('["%(here)s"]', '["%(here)s", "%(here)s/src"]')
    config.write_text((text + added).lstrip("\n"), "utf-8")


def _write_models(path: Path, config: Path, written: _Written) -> None:
    packaged = path.with_suffix("") / "__init__.py"
    if path.exists() or packaged.exists():
        written.kept.append(path.name)
        return
    path.write_text(_MODELS.format(config=config.name))
    written.created.append(path.name)


def _ignore(path: Path, written: _Written) -> None:
    lines = path.read_text().splitlines() if path.exists() else []
    missing = [entry for entry in _IGNORED if entry not in lines]
    if missing:
        path.write_text("\n".join([*lines, *missing]) + "\n")
        written.ignored += missing


def _print(written: _Written, config: Path) -> None:
    for word, names in (("created", written.created), ("kept   ", written.kept)):
        for name in names:
            click.echo(f"  {word}  {name}")
    if written.ignored:
        click.echo(f"  ignored  {', '.join(written.ignored)} in .gitignore")
    option = "" if config.name == _PYPROJECT else f" -c {config}"
    if section := current_invocation().name:
        option += f" -n {section}"
    click.echo(
        "Next: describe your graph in models.py, or name your models in neo4j.models, "
        f'then\n  alembic{option} revision --autogenerate -m "first"'
    )
