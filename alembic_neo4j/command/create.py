"""Writing a class of a new model into the project's models, over nothing."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic_neo4j.configuration.project import read_configuration
from alembic_neo4j.configuration.sources import project_directory
from alembic_neo4j.errors import ConfigurationError, ModelError
from alembic_neo4j.schema.model_classes import (
    ModelDeclarations,
    module_file,
    read_declared,
)
from alembic_neo4j.schema.model_source import (
    Attribute,
    NewClass,
    check_class_name,
    check_kgid,
    check_type,
    new_kgid,
    new_module,
    node_class,
    relationship_class,
    snake_case,
    with_class,
    with_relationship,
)
from alembic_neo4j.sentences import ended


@dataclass(frozen=True)
class WrittenClass:
    """A class that was written: into which file, and its identity.

    `usage` is what a person still has to write for a relationship, if anything.
    """

    name: str
    kgid: str
    file: Path
    module: str
    usage: str = ""


@dataclass(frozen=True)
class _Module:
    """A module or package of ``neo4j.models``, and where it is or will be."""

    name: str
    path: Path
    is_package: bool


def create_node(
    config: Config, name: str, *, kgid: str | None = None, module: str | None = None
) -> WrittenClass:
    """Write the class of a node and return what was written.

    `module` is one of ``neo4j.models``, the first of them where it is not given: a
    package gets a module of its own for the class, a module the class at its end.
    Raises ModelError where a name or a ``__kgid__`` can't be, or is there already.
    """
    check_class_name(name)
    target, declared = _opened(config, module)
    kgid = _free_kgid(declared, name, kgid)
    _check_free(declared, name)
    added = node_class(name, kgid, asynchronous=declared.is_async)
    return _written(target, added, kgid)


def create_relationship(
    config: Config,
    name: str,
    *,
    type: str | None = None,
    kgid: str | None = None,
    module: str | None = None,
    source_label: str | None = None,
    target_label: str | None = None,
) -> WrittenClass:
    """Write the class of a relationship's properties and return what was written.

    With both labels, it is written above the class of the source, which gets an
    attribute for it; else `usage` says the line that declares it. `type` is the name
    in capitals where it is not given. The rest is that of `create_node`.
    """
    check_class_name(name)
    type = snake_case(name).strip("_").upper() if type is None else type
    check_type(type)
    target, declared = _opened(config, module)
    kgid = _free_kgid(declared, name, kgid)
    _check_free(declared, name)
    added = relationship_class(name, kgid, asynchronous=declared.is_async)
    if source_label is None or target_label is None:
        line = _attribute("", name, type, "City", is_async=declared.is_async).line
        written = _written(target, added, kgid)
        return WrittenClass(name, kgid, written.file, written.module, line)
    source = _model(declared, source_label)
    other = _model(declared, target_label)
    end = other.__qualname__
    if other.__module__ != source.__module__:
        end = f"{other.__module__}.{end}"
    attribute = _attribute(
        source.__qualname__, name, type, end, is_async=declared.is_async
    )
    if hasattr(source, attribute.name):
        raise ModelError(
            f"{source_label} has an attribute {attribute.name} already. Nothing was "
            "written; take another name."
        )
    file = Path(module_file(source)).resolve()
    _check_inside(config, file, source.__module__)
    text = _read(file)
    _replace(file, text, with_relationship(text, added, attribute, str(file)))
    return WrittenClass(name, kgid, file, source.__module__)


def _attribute(
    owner: str, name: str, type: str, target: str, *, is_async: bool
) -> Attribute:
    call = "AsyncRelationshipTo" if is_async else "RelationshipTo"
    said = ", ".join(json.dumps(text, ensure_ascii=False) for text in (target, type))
    value = f"{call}({said}, model={name})"
    return Attribute(owner, snake_case(name), value, (call,))


def _model(declared: ModelDeclarations, label: str) -> type:
    found: type | None = declared.nodes.get(label)
    if found is None:
        known = ", ".join(sorted(declared.nodes)) or "none"
        raise ModelError(
            f"expected the label of a model, found {label!r}; there are {known}. "
            "Nothing was written."
        )
    return found


def _free_kgid(declared: ModelDeclarations, name: str, kgid: str | None) -> str:
    if kgid is None:
        return new_kgid(name)
    check_kgid(kgid)
    if kgid in declared.kgids:
        raise ModelError(
            f"__kgid__ {kgid!r} is that of {declared.kgids[kgid]}; each class needs "
            "one of its own. Nothing was written."
        )
    return kgid


def _check_free(declared: ModelDeclarations, name: str) -> None:
    there = declared.names.get(name)
    if there is None and name in declared.nodes:
        there = f"the label of {declared.nodes[name].__qualname__}"
    if there:
        raise ModelError(
            f"{name} is there already: {there}. Nothing was written; take another "
            "name, or edit what is there."
        )


# Where it is written -----------------------------------------------------------------


def _opened(config: Config, wanted: str | None) -> tuple[_Module, ModelDeclarations]:
    """Return where to write, and what the models declare so far."""
    arguments = list(getattr(config.cmd_opts, "x", None) or ())
    packages = read_configuration(config, arguments).models
    if not packages:
        raise ConfigurationError(
            "neo4j.models is not set: name the packages or modules of your neomodel "
            "models, comma separated"
        )
    if wanted is not None and wanted not in packages:
        raise ConfigurationError(
            f"expected one of neo4j.models ({', '.join(packages)}), found {wanted!r}"
        )
    # It prepends what the configuration says to where Python looks for modules.
    ScriptDirectory.from_config(config)
    name = wanted or packages[0]
    project = project_directory(config)
    target = _located(name, project)
    existing = [p for p in packages if p != name or target.path.exists()]
    declared = read_declared(existing) if existing else ModelDeclarations()
    _check_inside(config, target.path, name)
    return target, declared


def _located(name: str, project: Path) -> _Module:
    parts = name.split(".")
    for root in map(Path, sys.path):
        directory = (root / Path(*parts)).resolve()
        if (directory / "__init__.py").exists():
            return _Module(name, directory, is_package=True)
        if (file := directory.with_name(f"{parts[-1]}.py")).exists():
            return _Module(name, file, is_package=False)
        if directory.is_dir() and directory.is_relative_to(project):
            return _Module(name, directory, is_package=True)
    path = project.joinpath(*parts).with_suffix(".py")
    if not path.parent.is_dir():
        raise ModelError(
            f"neo4j.models: there is no module or package {name!r}, and no directory "
            f"{path.parent} to write it into. Nothing was written."
        )
    return _Module(name, path, is_package=False)


def _check_inside(config: Config, path: Path, name: str) -> None:
    project = project_directory(config)
    if not path.resolve().is_relative_to(project):
        raise ModelError(
            f"{name} is in {path}, outside of the project's directory {project}. "
            "Nothing was written; say with --module which of neo4j.models is to have "
            "the class."
        )


def _written(target: _Module, added: NewClass, kgid: str) -> WrittenClass:
    if target.is_package:
        module = snake_case(added.name)
        file = target.path / f"{module}.py"
        if file.exists() or file.with_suffix("").exists():
            raise ModelError(f"{file} is there already. Nothing was written.")
        _create(file, new_module(added))
        return WrittenClass(added.name, kgid, file, f"{target.name}.{module}")
    if target.path.exists():
        text = _read(target.path)
        _replace(target.path, text, with_class(text, added, str(target.path)))
    else:
        _create(target.path, new_module(added))
    return WrittenClass(added.name, kgid, target.path, target.name)


def _read(path: Path) -> str:
    try:
        # With its own line endings.
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} can't be read: {ended(error)} Nothing was written."
        ) from (error)


def _create(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ModelError(f"{path} can't be written: {ended(error.strerror)}") from error


def _replace(path: Path, before: str, text: str) -> None:
    """Put a text in a file's place, whole or not at all."""
    if "\r\n" in before:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(text.encode("utf-8"))
        os.chmod(file.name, path.stat().st_mode)
        os.replace(file.name, path)
    except OSError as error:
        raise ModelError(f"{path} can't be written: {ended(error.strerror)}") from error
