"""The texts that golden files hold, and how they are compared and written anew.

All goes through `op` and Alembic's commands, but for `steps_of`, which says what the
server is sent: it alone follows the package's modules as they move.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import alembic.op
import pytest
from alembic.autogenerate import render_python_code
from alembic.operations.ops import MigrateOperation, UpgradeOps
from neomodel import db

from alembic_neo4j import op
from alembic_neo4j.cypher.change_steps import steps
from alembic_neo4j.schema.changes import Change
from alembic_neo4j.schema.definitions import Schema
from tests.migration.golden_cases import FILES, HISTORY, PROJECT_FILES, Case
from tests.migration.golden_models import HEADER, STAGES
from tests.migration.project import Project

GOLDEN = Path(__file__).parents[1] / "golden"
REFRESH = "ALEMBIC_NEO4J_REFRESH_GOLDEN"
"""Set by tests/golden/refresh.py alone: what is compared is written instead."""
FRAME = """// ledger: UPDATE alembic_version SET version_num='{end}' \
WHERE alembic_version.version_num = '{start}';

MERGE (s:__AlembicNeo4jStamp {{id: 1}}) SET s.heads = ['{end}'];

// The ledger does not know of this script. When it has run, tell it:
// alembic -c neo4j.ini stamp {end}

"""
"""How each script ends."""


def sections(parts: Mapping[str, str]) -> str:
    """Return texts under their titles, each of them as lines that end nowhere blank."""
    return "\n".join(f"{_titled(title)}\n{text}" for title, text in parts.items())


def _titled(title: str) -> str:
    lines = title.strip().splitlines()
    return "\n".join([f"======== {lines[0]}", *(f"======   {x}" for x in lines[1:])])


def operations(code: str) -> list[MigrateOperation]:
    """Return what the calls of `op` build; nothing is run."""
    made: list[MigrateOperation] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alembic.op, "invoke", made.append)
        exec(textwrap.dedent(code), {"op": op})
    return made


def rendered(made: Sequence[MigrateOperation]) -> str:
    """Return the operations as a revision file has them, at the left margin."""
    code = textwrap.dedent(" " * 4 + render_python_code(UpgradeOps(list(made))))
    lines = code.strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith("# ### "))


def downgrade_of(case: Case) -> str:
    """Return the code of the case's downgrade."""
    return case.downgrade or rendered(reversed_(operations(case.upgrade)))


def reversed_(made: Sequence[MigrateOperation]) -> list[MigrateOperation]:
    """Return the operations that take these back, the last first."""
    return [operation.reverse() for operation in reversed(made)]


def rendering(case: Case) -> str:
    """Return the upgrade and the downgrade, written by autogenerate's renderer."""
    made = operations(case.upgrade)
    taken_back = operations(case.downgrade) if case.downgrade else reversed_(made)
    return f"{rendered(made)}\n---- downgrade\n{rendered(taken_back)}\n"


def scripts(project: Project, case: Case) -> str:
    """Return what ``--sql`` writes of the case's revision, there and back."""
    for name, text in FILES.items():
        (project.versions / name).write_text(text)
    for name, text in PROJECT_FILES.items():
        (project.path / name).write_text(text)
    project.revision("r0", f"{HISTORY}\n{case.before}")
    project.revision("r1", case.upgrade, downgrade_of(case), down="r0")
    up = _framed(project, "upgrade", "r0", "r1")
    down = _framed(project, "downgrade", "r1", "r0")
    return f"{up}---- downgrade\n{down}"


def _framed(project: Project, verb: str, start: str, end: str) -> str:
    """Return a script without what stands around each, where that is as ever."""
    text = project.run(verb, f"{start}:{end}", "--sql").out
    text = text.removeprefix(f"// Running {verb} {start} -> {end}\n\n")
    text = text.removesuffix(FRAME.format(start=start, end=end))
    return text.replace(str(project.path), "<project>")


def steps_of(case: Case) -> str:
    """Return each step of the case's changes, field by field."""
    schema = Schema()
    for change in _changes(f"{HISTORY}\n{case.before}"):
        schema = change.apply(schema)
    lines: list[str] = []
    done: list[Change] = []
    for title, code in (("", case.upgrade), ("downgrade", downgrade_of(case))):
        lines += [f"---- {title}"] if title else []
        if code.startswith("raise "):
            return "\n".join([*lines, code, ""])
        undone, done = done, []
        for written in _changes(code):
            change = written.undoing(undone)
            for step in steps(change, schema, revision="r1"):
                lines += [f"{type(step).__name__.lower()}:", *_fields(step)]
            schema = change.apply(schema)
            done.append(change)
    return "\n".join(lines) + "\n"


def generated(project: Project, *, enterprise: bool) -> str:
    """Return the revisions that autogenerate writes as the models change."""
    project.set("neo4j.enterprise", str(enterprise).lower())
    parts = {}
    for number, stage in enumerate(STAGES, 1):
        # neomodel keeps the model of a relationship type for the life of a process.
        db._NODE_CLASS_REGISTRY.clear()
        project.models(HEADER + stage.models)
        hints = [part for hint in stage.hints for part in ("-x", f"rename={hint}")]
        title = ("--rev-id", f"r{number}", "-m", stage.title)
        done = project.run(*hints, "revision", "--autogenerate", *title)
        assert done.status == 0, done.text
        (path,) = project.versions.glob(f"r{number}_*.py")
        logged = re.sub(r"\[alembic_neo4j[\w.]*\]", "[ours]", done.err)
        text = re.sub(r"(?m)^Create Date: .*$", "Create Date: <date>", path.read_text())
        parts[stage.title] = (
            f"{logged.replace(str(project.path), '<project>')}---- {path.name}\n{text}"
        )
    return sections(parts)


def kinds_of_change() -> set[type]:
    """Return each class of changes that has no further ones below it."""
    return set(_leaves(Change))


def kinds_made(code: str) -> set[type]:
    """Return the classes of the changes that calls of `op` make."""
    return {type(change) for change in _changes(code)}


def _leaves(kind: type) -> Iterator[type]:
    # A test may have made one for itself.
    below = [k for k in kind.__subclasses__() if k.__module__.startswith("alembic_")]
    if not below:
        yield kind
    for other in below:
        yield from _leaves(other)


def _changes(code: str) -> list[Change]:
    made = operations(code) if code.strip() not in ("", "pass") else []
    return [operation.change for operation in made if hasattr(operation, "change")]


def _fields(step: Any) -> Iterator[str]:
    for field in fields(step):
        value = getattr(step, field.name)
        default = field.default
        if field.default_factory is not MISSING:
            default = field.default_factory()
        if field.compare and value != default:
            yield textwrap.indent(f"{field.name}:{_shown(value)}", "  ")


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(_plain(value))
    return f"\n{textwrap.indent(text, '  ')}" if "\n" in text else f" {text}"


def _plain(value: Any) -> Any:
    """Return a value in terms of Python's own, whatever our classes are called."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return tuple(_plain(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map(_plain, value))
    return value


def compare(name: str, make: Callable[[], str], *, refresh: bool) -> None:
    """Compare a text with the golden file of that name, or write that."""
    path = GOLDEN / name
    text = make()
    if refresh:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
        return
    assert text == path.read_bytes().decode(), (
        f"tests/golden/{name} differs: {_first_difference(text, path)}; "
        "tests/golden/refresh.py writes it anew, if that is meant"
    )


def _first_difference(text: str, path: Path) -> str:
    pairs = zip(text.splitlines(), path.read_text().splitlines(), strict=False)
    for number, (found, expected) in enumerate(pairs, 1):
        if found != expected:
            return f"line {number}: expected {expected!r}, found {found!r}"
    return "one of them ends before the other"
