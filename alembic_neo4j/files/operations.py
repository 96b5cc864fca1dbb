"""What a revision does to files: each operation is planned as changes of paths."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path, PurePosixPath
from typing import Any

from alembic_neo4j.errors import FileError
from alembic_neo4j.files.formats import FileFormat, encode
from alembic_neo4j.files.project_files import LARGEST, Overlay, View
from alembic_neo4j.identity import identity
from alembic_neo4j.ledger.files import DIRECTORY, PathChange, PathState

BACKUP = ".bak"
"""What the name of a kept copy ends in."""


class FileOperation(ABC):
    """Something that a revision does to files; its value tells what, not how.

    `name` is what it is called in `op`.
    """

    name: str

    @property
    @abstractmethod
    def paths(self) -> tuple[str, ...]:
        """The paths that it is about, as the revision gives them."""

    @property
    def title(self) -> str:
        """What it does, in a few words."""
        return f"{self.name} {' to '.join(self.paths)}"

    @property
    def digest(self) -> str:
        """By what the ledger knows it again.

        What is written does not count: it may be another time of day in the next
        attempt.
        """
        return identity("file", self.name, *self.paths)

    @abstractmethod
    def changes(self, view: View) -> list[PathChange]:
        """Return what it changes, in the order in which that is done.

        Raises FileError where it can't be done.
        """

    def diff(self, _changes: Iterable[PathChange]) -> str:
        """Return what becomes other lines in text files, empty where that is no news.

        The changes are those that it has planned.
        """
        return ""


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as messages and the ledger name it, with slashes."""
    return Path(path).as_posix() if os.fspath(path) else ""


@dataclass(frozen=True)
class WriteFile(FileOperation):
    """Write data to a file, in its format; `backup` keeps what it had beside it."""

    path: str
    format: FileFormat
    data: Any = field(repr=False)
    backup: bool = True

    @property
    def name(self) -> str:  # type: ignore[override]
        """What it is called in `op`."""
        return f"write_{self.format.value}"

    @property
    def paths(self) -> tuple[str, ...]:
        """The file."""
        return (self.path,)

    def changes(self, view: View) -> list[PathChange]:
        """Nothing where the file has these bytes; its parents, its copy and itself."""
        path = view.locate(self.path)
        before = _file_or_nothing(view, path)
        content = encode(self.format, self.data, self.path, before.content)
        if before.is_file and before.content == content:
            return []
        return [
            *_parents(view, path),
            *(_backup(view, path) if self.backup else ()),
            PathChange(path, before, PathState.of_file(content, before.mode)),
        ]

    def diff(self, changes: Iterable[PathChange]) -> str:
        """Return the lines of the file itself."""
        *_, last = [None, *changes]
        return "" if last is None else diff_of(last)


@dataclass(frozen=True)
class BackUpFile(FileOperation):
    """Copy a file to one beside it whose name ends in ``.bak``."""

    path: str
    name = "backup_file"

    @property
    def paths(self) -> tuple[str, ...]:
        """The file."""
        return (self.path,)

    def changes(self, view: View) -> list[PathChange]:
        """The copy: one that is there already is replaced."""
        path = view.locate(self.path)
        _file(view, path)
        return _backup(view, path)


@dataclass(frozen=True)
class CopyFile(FileOperation):
    """Copy a file; `backup` keeps what the other path had beside it."""

    source: str
    destination: str
    backup: bool = True
    name = "copy_file"

    @property
    def paths(self) -> tuple[str, ...]:
        """From where to where."""
        return (self.source, self.destination)

    def changes(self, view: View) -> list[PathChange]:
        """The parents of the new file, the copy of what is replaced, and itself."""
        source, path = view.locate(self.source), view.locate(self.destination)
        after, before = _file(view, source), _file_or_nothing(view, path)
        if after.is_like(before):
            return []
        return [
            *_parents(view, path),
            *(_backup(view, path) if self.backup else ()),
            PathChange(path, before, after),
        ]


@dataclass(frozen=True)
class MoveFile(CopyFile):
    """Give a file another path; `backup` keeps what that had beside it."""

    name = "move_file"

    def changes(self, view: View) -> list[PathChange]:
        """Those of a copy, and the file that is gone where it was.

        Where the copy that is kept of the other file takes its place, it stays there.
        """
        path = view.locate(self.source)
        if path == view.locate(self.destination):
            return []
        gone = PathChange(path, _file(view, path), PathState())
        steps = super().changes(view)
        return steps if any(step.path == path for step in steps) else [*steps, gone]


@dataclass(frozen=True)
class RemoveFile(FileOperation):
    """Remove a file; with `missing_ok` it need not be there."""

    path: str
    missing_ok: bool = False
    name = "remove_file"

    @property
    def paths(self) -> tuple[str, ...]:
        """The file."""
        return (self.path,)

    def changes(self, view: View) -> list[PathChange]:
        """The file that is gone."""
        path = view.locate(self.path)
        if self.missing_ok and _file_or_nothing(view, path).is_nothing:
            return []
        return [PathChange(path, _file(view, path), PathState())]


@dataclass(frozen=True)
class RemoveDirectory(FileOperation):
    """Remove a directory with all that is in it; see RemoveFile for `missing_ok`."""

    path: str
    missing_ok: bool = False
    name = "remove_directory"

    @property
    def paths(self) -> tuple[str, ...]:
        """The directory."""
        return (self.path,)

    def changes(self, view: View) -> list[PathChange]:
        """What is in it, the innermost first, and then itself.

        Raises FileError where that is more than the ledger keeps of a file.
        """
        path = view.locate(self.path)
        found = view.state(path)
        if found.is_nothing and self.missing_ok:
            return []
        if found.kind != DIRECTORY:
            raise FileError(
                f"{self.path}: expected a directory, found "
                f"{'nothing' if found.is_nothing else 'a file'}. Correct the path, or "
                "say missing_ok=True where it need not be there"
            )
        removed, size = [], 0
        for name, state in [*_below(view, path), (path, found)]:
            size += len(state.content or b"")
            if size > LARGEST:
                raise FileError(
                    f"{self.path}: expected at most {LARGEST:,} bytes in all, since "
                    "the ledger keeps what is removed; found more. Remove what nobody "
                    "needs back by other means than an operation of a revision, such "
                    "as in a CleanupMigration"
                )
            removed.append(PathChange(name, state, PathState()))
        return removed


@dataclass(frozen=True)
class EnsureDirectory(FileOperation):
    """Have a directory, with those that it is in."""

    path: str
    name = "ensure_directory"

    @property
    def paths(self) -> tuple[str, ...]:
        """The directory."""
        return (self.path,)

    def changes(self, view: View) -> list[PathChange]:
        """Each directory that is not there yet, the outermost first."""
        return list(_directories(view, view.locate(self.path)))


@dataclass(frozen=True)
class GiveBack(FileOperation):
    """Give files what they had before the upgrade of a revision changed them.

    `made` are the changes of the upgrade, in their order.
    """

    revision: str
    made: tuple[PathChange, ...] = field(repr=False)
    name = "give back"

    @property
    def paths(self) -> tuple[str, ...]:
        """The files and directories that are not what they were."""
        return tuple(change.path for change in net(self.made))

    @property
    def title(self) -> str:
        """What it does, in a few words."""
        return f"give back what {', '.join(self.paths)} had before"

    @property
    def digest(self) -> str:
        """By what the ledger knows it again."""
        return identity("file", self.name, self.revision)

    def changes(self, view: View) -> list[PathChange]:
        """The files first, then the directories, the innermost in front.

        Raises FileError, which names each file that is not as the upgrade left it; one
        that is gone is given back.
        """
        wanted = net(self.made)
        refuse_changed(self.revision, wanted, view)
        found: list[PathChange] = []
        files = [c for c in reversed(wanted) if c.after.kind != DIRECTORY]
        made = [c for c in reversed(wanted) if c.after.kind == DIRECTORY]
        overlay = Overlay(view, {})
        for change in [*files, *made]:
            now = overlay.state(change.path)
            if now.is_like(change.before):
                continue
            steps = [PathChange(change.path, now, change.before)]
            if change.before.is_file:
                steps = [*_parents(overlay, change.path), *steps]
            found += steps
            overlay.known.update((step.path, step.after) for step in steps)
        return found

    def diff(self, changes: Iterable[PathChange]) -> str:
        """Return the lines of every file."""
        return "".join(map(diff_of, changes))


def diff_after(operation: FileOperation, overlay: Overlay) -> str:
    """Return what an operation makes of text files; the overlay then shows that.

    Raises FileError where it can't be done.
    """
    changes = operation.changes(overlay)
    overlay.known.update((change.path, change.after) for change in changes)
    return operation.diff(changes)


def net(changes: Iterable[PathChange]) -> list[PathChange]:
    """Return what changes come to: one for each path that is not what it was."""
    found: dict[str, PathChange] = {}
    for change in changes:
        first = found.get(change.path, change)
        found[change.path] = PathChange(change.path, first.before, change.after)
    return [c for c in found.values() if not _is_none(c)]


def _is_none(change: PathChange) -> bool:
    """Tell whether a change leaves what was there."""
    before, after = change.before, change.after
    if before.kind == DIRECTORY and before.mode != after.mode:
        # It was removed and made again, with the mode that the system gives it.
        return False
    return before.is_like(after)


def refuse_changed(revision: str, made: Iterable[PathChange], view: View) -> None:
    """Raise FileError where a file is not what the upgrade of a revision left.

    `made` are its changes; a path may also have what it had between two of them. What
    is gone is in nobody's way.
    """
    expected: dict[str, list[PathState]] = {}
    for change in made:
        states = expected.setdefault(change.path, [PathState()])
        states += (change.before, change.after)
    lines = []
    for path, states in expected.items():
        now = _now(view, path)
        if not any(now.is_like(state) for state in states):
            lines.append(f"  {path}: expected {states[-1]}, found {now}")
    if lines:
        told = "\n".join(lines)
        raise FileError(
            f"somebody has changed files since revision {revision} wrote them, and a "
            f"downgrade would overwrite that:\n{told}\n"
            "Move each of them to another place, run the downgrade again, which gives "
            "back what was there before, and take from the other place what is to stay"
        )


def _now(view: View, path: str) -> PathState:
    try:
        return view.state(path)
    except FileError:
        return PathState("link, or something else that is no file of the project")


def diff_of(change: PathChange) -> str:
    """Return a unified diff of a file as a change makes it, with its last newline.

    Of what is no text it says how many bytes there are.
    """
    before, after = change.before, change.after
    if not (before.is_file or after.is_file):
        return ""
    old, new = _lines(before), _lines(after)
    names = (
        "/dev/null" if before.is_nothing else f"a/{change.path}",
        "/dev/null" if after.is_nothing else f"b/{change.path}",
    )
    if old is None or new is None:
        sizes = [len(state.content or b"") for state in (before, after)]
        return f"{names[0]} {names[1]}: no text, {sizes[0]:,} to {sizes[1]:,} bytes\n"
    lines = unified_diff(old, new, *names)
    ended = (
        x if x.endswith("\n") else f"{x}\n\\ No newline at end of file\n" for x in lines
    )
    return "".join(ended)


def _lines(state: PathState) -> list[str] | None:
    try:
        return (state.content or b"").decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return None


def _file_or_nothing(view: View, path: str) -> PathState:
    found = view.state(path)
    if found.kind == DIRECTORY:
        raise FileError(f"{path}: expected a file, found a directory")
    return found


def _file(view: View, path: str) -> PathState:
    found = _file_or_nothing(view, path)
    if found.is_nothing:
        raise FileError(
            f"{path}: expected a file, found nothing. Correct the path, or make the "
            "file first"
        )
    return found


def _backup(view: View, path: str) -> list[PathChange]:
    found = view.state(path)
    copy = f"{path}{BACKUP}"
    if not found.is_file:
        return []
    if view.locate(copy) != copy:
        raise FileError(f"{copy}: expected a file of its own, found a symbolic link")
    before = _file_or_nothing(view, copy)
    return [] if before.is_like(found) else [PathChange(copy, before, found)]


def _parents(view: View, path: str) -> Iterator[PathChange]:
    parent = PurePosixPath(path).parent
    if parent.parts:
        yield from _directories(view, parent.as_posix())


def _below(view: View, path: str) -> Iterator[tuple[str, PathState]]:
    """Yield what is in a directory, each behind what is in it."""
    for child in view.children(path):
        if view.locate(child) != child:
            raise FileError(
                f"{child}: expected files and directories, found a symbolic link: "
                "remove it first, by other means"
            )
        state = view.state(child)
        if state.kind == DIRECTORY:
            yield from _below(view, child)
        yield child, state


def _directories(view: View, path: str) -> Iterator[PathChange]:
    place = PurePosixPath(path)
    for directory in (*reversed(place.parents[:-1]), place):
        name = directory.as_posix()
        found = view.state(name)
        if found.is_file:
            raise FileError(f"{name}: expected a directory, found a file")
        if found.is_nothing:
            yield PathChange(name, found, PathState(DIRECTORY))
