"""Any operations on files, one after the other, are given back to the last byte."""

from __future__ import annotations

import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_neo4j.errors import FileError
from alembic_neo4j.files.formats import FileFormat
from alembic_neo4j.files.operations import (
    BackUpFile,
    CopyFile,
    EnsureDirectory,
    FileOperation,
    GiveBack,
    MoveFile,
    RemoveDirectory,
    RemoveFile,
    WriteFile,
    diff_after,
    net,
)
from alembic_neo4j.files.project_files import Overlay, ProjectFiles
from alembic_neo4j.ledger.files import PathChange, PathState

PATHS = ("a", "b", "a.bak", "d/a", "d/e/b", "f/a", "made/x/y")
START = {"a": b"[1]", "b": b"", "d/a": b"\0\xff", "d/e/b": b"{}\n"}

_paths = st.sampled_from(PATHS)
_written = st.integers(0, 3).map(lambda n: {"n": n})
_operations = st.lists(
    st.one_of(
        st.builds(WriteFile, _paths, st.just(FileFormat.JSON), _written, st.booleans()),
        st.builds(BackUpFile, _paths),
        st.builds(CopyFile, _paths, _paths, st.booleans()),
        st.builds(MoveFile, _paths, _paths, st.booleans()),
        st.builds(RemoveFile, _paths, st.booleans()),
        st.builds(EnsureDirectory, _paths),
        st.builds(RemoveDirectory, st.sampled_from(("d", "d/e", "made", "a"))),
    ),
    max_size=8,
)


def tree(root: Path) -> dict[str, tuple[bytes | None, int]]:
    return {
        path.relative_to(root).as_posix(): (
            path.read_bytes() if path.is_file() else None,
            stat.S_IMODE(path.stat().st_mode),
        )
        for path in root.rglob("*")
    }


def made(root: Path) -> ProjectFiles:
    for name, content in START.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o640 if name == "a" else 0o604)
    (root / "d/e").chmod(0o700)
    return ProjectFiles(root)


def carried_out(
    operation: FileOperation, files: ProjectFiles
) -> tuple[PathChange, ...]:
    """Do an operation, as far as it can be done; a refused one changes nothing."""
    try:
        changes = operation.changes(files)
    except FileError:
        return ()
    for change in changes:
        assert files.state(change.path).is_like(change.before)
        files.put(change.path, change.after)
        assert files.state(change.path).is_like(change.after)
    return tuple(changes)


@settings(deadline=None, max_examples=150)
@given(_operations)
def test_whatever_was_done_is_given_back(operations: list[FileOperation]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        files = made(root)
        before = tree(root)
        done = tuple(c for one in operations for c in carried_out(one, files))

        carried_out(GiveBack("r1", done), files)

        assert tree(root) == before
        assert GiveBack("r1", done).changes(files) == []


@settings(deadline=None, max_examples=150)
@given(_operations)
def test_an_overlay_foresees_what_is_done(operations: list[FileOperation]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        files = made(root)
        overlay = Overlay(ProjectFiles(root), {})
        for operation in operations:
            try:
                diff_after(operation, overlay)
            except FileError:
                continue
        before = tree(root)
        for operation in operations:
            carried_out(operation, files)
        assert before == tree(made_again(root))
        for path, state in overlay.known.items():
            found = files_of(root, operations).state(path)
            # Which mode a new file gets, the system knows.
            assert (found.kind, found.sha256) == (state.kind, state.sha256), path


def made_again(root: Path) -> Path:
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    made(root)
    return root


def files_of(root: Path, operations: list[FileOperation]) -> ProjectFiles:
    files = ProjectFiles(made_again(root))
    for operation in operations:
        carried_out(operation, files)
    return files


@pytest.fixture
def files(tmp_path: Path) -> ProjectFiles:
    return made(tmp_path)


def test_each_file_that_was_changed_since_is_named_and_none_is_touched(
    files: ProjectFiles, tmp_path: Path
) -> None:
    done = (
        *carried_out(WriteFile("a", FileFormat.JSON, {"x": 1}, False), files),
        *carried_out(WriteFile("b", FileFormat.JSON, {"x": 1}, False), files),
        *carried_out(WriteFile("new", FileFormat.JSON, {"x": 1}), files),
    )
    (tmp_path / "a").write_text("mine")
    (tmp_path / "new").write_text("mine too")
    left = tree(tmp_path)

    with pytest.raises(FileError) as caught:
        GiveBack("r1", done).changes(files)

    said = str(caught.value)
    assert "  a: expected a file with SHA-256" in said
    assert "  new: expected" in said
    assert "  b: expected" not in said
    assert tree(tmp_path) == left


def test_a_mode_that_was_changed_since_is_told(
    files: ProjectFiles, tmp_path: Path
) -> None:
    done = carried_out(WriteFile("a", FileFormat.JSON, {"x": 1}), files)
    (tmp_path / "a").chmod(0o666)
    with pytest.raises(FileError, match=r"mode 0640, found .* mode 0666"):
        GiveBack("r1", done).changes(files)


def test_a_link_in_place_of_the_file_is_not_followed(
    files: ProjectFiles, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    done = carried_out(WriteFile("a", FileFormat.JSON, {"x": 1}), files)
    outside = tmp_path_factory.mktemp("outside") / "file"
    outside.write_text("theirs")
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to(outside)
    with pytest.raises(FileError, match="no file of the project"):
        GiveBack("r1", done).changes(files)
    assert outside.read_text() == "theirs"


def test_nothing_is_written_where_nothing_would_change(
    files: ProjectFiles, tmp_path: Path
) -> None:
    write = WriteFile("a", FileFormat.JSON, {"x": 1})
    assert [change.path for change in carried_out(write, files)] == ["a.bak", "a"]
    assert write.changes(files) == []


def test_a_digest_tells_what_and_not_with_which_content() -> None:
    def digest(data: object, path: str = "a") -> str:
        return WriteFile(path, FileFormat.JSON, data).digest

    assert digest({"at": 1}) == digest({"at": 2})
    assert digest({}) != digest({}, "b")
    assert digest({}) != WriteFile("a", FileFormat.TOML, {}).digest
    assert MoveFile("a", "b").digest != CopyFile("a", "b").digest


def test_a_diff_tells_of_bytes_and_of_ends_without_a_newline(
    files: ProjectFiles,
) -> None:
    overlay = Overlay(files, {})
    shown = diff_after(WriteFile("a", FileFormat.JSON, [1]), overlay)
    assert "-[1]\n\\ No newline at end of file\n" in shown
    change = PathChange("d/a", files.state("d/a"), PathState.of_file(b"x"))
    give = GiveBack("r1", (PathChange("d/a", change.after, change.before),))
    assert give.diff([change]) == "a/d/a b/d/a: no text, 2 to 1 bytes\n"


def test_what_changes_come_to_is_one_for_each_path() -> None:
    states = [PathState(), *(PathState.of_file(b"%d" % n, 0o600) for n in range(3))]
    changes = [PathChange("a", states[n], states[n + 1]) for n in range(3)]
    back = PathChange("a", states[3], states[0])
    assert net(changes) == [PathChange("a", states[0], states[3])]
    assert net([*changes, back]) == []
