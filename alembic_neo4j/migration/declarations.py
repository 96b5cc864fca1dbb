"""What a revision's file says of itself: its type, its range of versions, its priority.

It says so by variables of the module, or by the class that its ``upgrade`` is made of
(`alembic_neo4j.revisions`). What both say has to be the same.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alembic.config import Config
from alembic.script import Script
from packaging.version import InvalidVersion, Version

from alembic_neo4j.errors import RevisionError
from alembic_neo4j.migration_types import (
    DEFAULT_PRIORITY,
    MIGRATION_TYPES,
    MigrationType,
)

log = logging.getLogger(__name__)

CHECK = "check_applicable"
"""The function by which a revision says whether there is anything to do for it."""

BOUND = "_alembic_neo4j_class"
"""The attribute of an ``upgrade`` or ``downgrade`` that is made of a class."""


@dataclass(frozen=True)
class BoundClass:
    """The class that a revision's function is made of; `question` where it asks."""

    cls: type[Any]
    question: Callable[[], bool] | None = None


def bound_class(script: Script, name: str = "upgrade") -> BoundClass | None:
    """Return the class that a function of a revision is made of, if it is one's."""
    return getattr(getattr(script.module, name, None), BOUND, None)


# What the names in a file may be -----------------------------------------------------


def _is_names(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return True
    return isinstance(value, (tuple, list, set, frozenset)) and all(
        isinstance(name, str) for name in value
    )


def _is_version(value: Any) -> bool:
    if value is None:
        return True
    try:
        Version(value)
    except (InvalidVersion, TypeError):
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_Rule = tuple[Callable[[Any], bool], str]
_VERSION: _Rule = (_is_version, "None or a version such as '1.7.0' (PEP 440)")
_TYPE: _Rule = (
    lambda v: v in MIGRATION_TYPES,
    f"one of {', '.join(MIGRATION_TYPES)}",
)
_OF_BOTH: Mapping[str, _Rule] = {
    "migration_type": _TYPE,
    "from_version": _VERSION,
    "to_version": _VERSION,
    "priority": (_is_number, "a whole number"),
}
_OF_A_FILE: Mapping[str, _Rule] = {
    "revision": (lambda v: isinstance(v, str) and bool(v), "a text"),
    "down_revision": (_is_names, "None, a revision or a tuple of them"),
    "branch_labels": (_is_names, "None, a label or a tuple of them"),
    "depends_on": (_is_names, "None, a revision or a tuple of them"),
    "schema_hash": (lambda v: v is None or isinstance(v, str), "None or a text"),
    "rollback_safe": (lambda v: isinstance(v, bool), "True or False"),
    **_OF_BOTH,
}
_OF_A_CLASS: Mapping[str, _Rule] = {
    **_OF_BOTH,
    "migration_type": (lambda v: v is None or _TYPE[0](v), f"None or {_TYPE[1]}"),
    "name": (lambda v: isinstance(v, str), "a text"),
    "config_file": (lambda v: isinstance(v, str), "a text"),
    "uses_only_operations": (lambda v: isinstance(v, bool), "True or False"),
}
_NOT_GIVEN = object()


def check_declarations(script: Script) -> None:
    """Raise RevisionError for a name in a file, or in its class, that is wrong.

    So is a class without ``migrate``, one whose variables are not those of the file,
    and a range of versions that has none in it.
    """
    for name, rule in _OF_A_FILE.items():
        value = getattr(script.module, name, _NOT_GIVEN)
        if value is not _NOT_GIVEN:
            _check_value(script, name, value, rule)
    bound = bound_class(script)
    if bound is not None:
        _check_class(script, bound)
    found = version_range(script)
    if found.first and found.end and found.first >= found.end:
        raise RevisionError(
            f"{named(script)}: from_version = {str(found.first)!r} is not before "
            f"to_version = {str(found.end)!r}: no version is in that range. Nothing "
            "has run; mend the file"
        )


def _check_value(script: Script, name: str, value: Any, rule: _Rule) -> None:
    is_right, expected = rule
    if not is_right(value):
        raise RevisionError(
            f"{named(script)}: {name} = {value!r}: expected {expected}. Nothing has "
            "run; mend the file"
        )


def _check_class(script: Script, bound: BoundClass) -> None:
    cls = bound.cls
    shown = cls.__name__
    for name, rule in _OF_A_CLASS.items():
        value = getattr(cls, name, _NOT_GIVEN)
        if value is not _NOT_GIVEN:
            _check_value(script, f"{shown}.{name}", value, rule)
    if inspect.isabstract(cls):
        raise RevisionError(
            f"{named(script)}: {shown} has no migrate(): write `def migrate(self) -> "
            "MigrationResult:`. Nothing has run"
        )
    for name in _OF_BOTH:
        ours, theirs = getattr(script.module, name, None), _of_class(bound, name)
        if ours is not None and theirs is not None and ours != theirs:
            raise RevisionError(
                f"{named(script)}: {name} = {ours!r}, and {shown}.{name} = "
                f"{theirs!r}: expected the same, or only one of them. Nothing has "
                "run; mend the file"
            )
    if bound.question and getattr(script.module, CHECK, None) is not None:
        raise RevisionError(
            f"{named(script)}: both the file and {shown} have {CHECK}(): expected one "
            "of them. Nothing has run; take one out"
        )
    back = bound_class(script, "downgrade")
    if back is not None and back.cls is not cls:
        raise RevisionError(
            f"{named(script)}: upgrade is made of {shown} and downgrade of "
            f"{back.cls.__name__}: expected one class. Nothing has run; mend the file"
        )


def named(script: Script) -> str:
    """Return a revision as messages name it, with its file."""
    return f"revision {script.revision} ({script.path})"


def _of_class(bound: BoundClass, name: str) -> Any:
    found = getattr(bound.cls, name, None)
    return found.value if isinstance(found, MigrationType) else found


def _declared(script: Script, name: str) -> Any:
    """Return what file or class say of a name, None where neither does."""
    found = getattr(script.module, name, None)
    bound = bound_class(script)
    if found is None and bound is not None:
        found = _of_class(bound, name)
    return found


# What they say -----------------------------------------------------------------------


def migration_type(script: Script) -> str:
    """Return what a revision is about; one that does not say so is about the schema."""
    found: str = _declared(script, "migration_type") or MigrationType.SCHEMA.value
    return found


def priority(script: Script) -> int:
    """Return the priority of a revision among independent ones: lower runs first."""
    found: int | None = _declared(script, "priority")
    return DEFAULT_PRIORITY if found is None else found


def question_of(script: Script) -> Callable[..., Any] | None:
    """Return by what a revision is asked whether it is applicable, None without."""
    bound = bound_class(script)
    found: Callable[..., Any] | None = getattr(script.module, CHECK, None)
    return bound.question if found is None and bound is not None else found


@dataclass(frozen=True)
class VersionRange:
    """The versions of the application that a revision is for: `end` is none of them."""

    first: Version | None = None
    end: Version | None = None

    def __bool__(self) -> bool:
        """Whether it leaves any version out."""
        return self.first is not None or self.end is not None

    def __str__(self) -> str:
        """Return it as a plan shows it."""
        first = f"from {self.first}" if self.first else ""
        return " ".join(filter(None, (first, f"before {self.end}" if self.end else "")))

    def excludes(self, version: Version | None) -> str:
        """Return why a version is not in it; empty where it is, or is not known."""
        if version is None:
            return ""
        if self.first is not None and version < self.first:
            return f"neo4j.app_version {version} is before from_version {self.first}"
        if self.end is not None and version >= self.end:
            return f"neo4j.app_version {version} is not before to_version {self.end}"
        return ""


_OPEN = Version("999.0.0")
"""What stands for a range without an end."""


def version_range(script: Script) -> VersionRange:
    """Return the versions of the application that a revision is for."""
    first, end = (_declared(script, f"{name}_version") for name in ("from", "to"))
    last = Version(end) if end else None
    return VersionRange(
        Version(first) if first else None,
        None if last is None or last >= _OPEN else last,
    )


# What a new file says ----------------------------------------------------------------


def asked_type(config: Config) -> str:
    """Return the type of a new revision: that of ``-x type=``, else ``schema``.

    ``script.py.mako`` calls it. Raises RevisionError for another type, and logs that:
    Alembic only tells that the template could not be rendered.
    """
    kind = _asked(config).get("type", MigrationType.SCHEMA.value)
    if kind not in MIGRATION_TYPES:
        raise _refused("type", kind, _TYPE[1])
    return kind


def asked_declarations(config: Config) -> tuple[str, ...]:
    """Return the lines of a new revision for ``-x from_version=`` and its like.

    ``script.py.mako`` calls it. Raises RevisionError, and logs that, for a version or
    a priority that is none.
    """
    asked = _asked(config)
    lines = []
    for name in ("from_version", "to_version"):
        if name in asked:
            if not _is_version(asked[name]):
                raise _refused(name, asked[name], "a version such as 1.7.0 (PEP 440)")
            lines.append(f'{name}: str | None = "{asked[name]}"')
    if "priority" in asked:
        try:
            lines.append(f"priority: int = {int(asked['priority'])}")
        except ValueError:
            raise _refused(
                "priority", asked["priority"], _OF_BOTH["priority"][1]
            ) from None
    return tuple(lines)


def _asked(config: Config) -> dict[str, str]:
    given = [x.partition("=") for x in getattr(config.cmd_opts, "x", None) or ()]
    return {name: value for name, _, value in given}


def _refused(name: str, value: str, expected: str) -> RevisionError:
    error = RevisionError(
        f"-x {name}={value}: expected {expected}. No file was written"
    )
    log.error("%s", error)
    return error
