"""No path leads out of the root, and no reader sees a file that is half written."""

from __future__ import annotations

import multiprocessing
import os
import stat
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_neo4j.errors import FileError
from alembic_neo4j.files.project_files import (
    LARGEST,
    Overlay,
    ProjectFiles,
    temporary_name,
)
from alembic_neo4j.ledger.files import DIRECTORY, FILE, PathState

OLD, NEW = b"o" * 3_000_000, b"n" * 3_100_000


@pytest.fixture
def files(tmp_path: Path) -> ProjectFiles:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "root-beside").mkdir()
    (tmp_path / "outside" / "file").write_text("theirs")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to("..")
    (root / "there").symlink_to("inside")
    (root / "nowhere").symlink_to(tmp_path / "outside" / "not-there")
    (root / "circle").symlink_to("circle")
    return ProjectFiles(root)


@pytest.mark.parametrize(
    "path",
    [
        *("..", "../outside/file", "inside/../../outside/file", "/etc/passwd"),
        *("out/file", "out", "up/outside/file", "up", "nowhere", "../root-beside/x"),
        *("", " ", ".", "a\0b", "inside/.."),
    ],
)
def test_a_path_that_leaves_the_root_is_refused(files: ProjectFiles, path: str) -> None:
    with pytest.raises(FileError, match="expected"):
        files.locate(path)


def test_links_and_dots_within_the_root_lead_to_the_file(
    files: ProjectFiles, tmp_path: Path
) -> None:
    inside = tmp_path / "root" / "inside"
    for path in ("there/a", "inside/a", "inside/../inside/a", inside / "a"):
        assert files.locate(path) == "inside/a"
    files.put(files.locate("there/a"), PathState.of_file(b"x"))
    assert (inside / "a").read_bytes() == b"x"
    assert (tmp_path / "root" / "there").is_symlink()


def test_a_link_that_comes_later_is_not_followed(
    files: ProjectFiles, tmp_path: Path
) -> None:
    located = files.locate("inside/file")
    (tmp_path / "root" / "inside").rmdir()
    (tmp_path / "root" / "inside").symlink_to(tmp_path / "outside")
    for act in (
        lambda: files.state(located),
        lambda: files.put(located, PathState.of_file(b"mine")),
        lambda: files.put(located, PathState()),
    ):
        with pytest.raises(FileError):
            act()
    assert (tmp_path / "outside" / "file").read_text() == "theirs"


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root that is made once, since hypothesis asks of it often."""
    root = tmp_path_factory.mktemp("linked") / "root"
    (root / "inside").mkdir(parents=True)
    (root / "out").symlink_to(root.parent)
    (root / "up").symlink_to("..")
    (root / "there").symlink_to("inside")
    return Path(os.path.realpath(root))


@given(st.lists(st.sampled_from(["..", "inside", "out", "up", "there", "a", "."])))
def test_what_is_located_is_always_below_the_root(
    linked: Path, parts: list[str]
) -> None:
    try:
        located = ProjectFiles(linked).locate("/".join(parts))
    except FileError:
        return
    real = Path(os.path.realpath(linked / located))
    assert linked in real.parents
    assert real == linked / located


def _read_until(path: str, ended: Event, seen: multiprocessing.Queue[str]) -> None:
    kinds = set()
    while not ended.is_set():
        content = Path(path).read_bytes()
        kinds.add({OLD: "old", NEW: "new"}.get(content, "half"))
    for kind in kinds:
        seen.put(kind)
    seen.put("")


def test_a_reader_sees_the_old_bytes_or_the_new_ones(
    files: ProjectFiles, tmp_path: Path
) -> None:
    path = tmp_path / "root" / "read"
    path.write_bytes(OLD)
    context = multiprocessing.get_context("spawn")
    ended, seen = context.Event(), context.Queue()
    reader = context.Process(target=_read_until, args=(str(path), ended, seen))
    reader.start()
    try:
        for number in range(60):
            content = NEW if number % 2 else OLD
            files.put("read", PathState.of_file(content, 0o644))
    finally:
        ended.set()
    assert set(iter(seen.get, "")) <= {"old", "new"}
    reader.join()


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o440, 0o666])
def test_a_file_keeps_its_mode(files: ProjectFiles, tmp_path: Path, mode: int) -> None:
    path = tmp_path / "root" / "kept"
    path.write_text("old")
    path.chmod(mode)
    found = files.state("kept")
    files.put("kept", PathState.of_file(b"new", found.mode))
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"


def test_a_new_file_has_the_mode_that_the_system_gives(
    files: ProjectFiles, tmp_path: Path
) -> None:
    before = os.umask(0o027)
    try:
        files.put("made", PathState.of_file(b"new"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "root" / "made").stat().st_mode) == 0o640


def test_what_a_killed_write_has_left_goes(files: ProjectFiles, tmp_path: Path) -> None:
    rest = tmp_path / "root" / temporary_name("a")
    rest.write_text("half of it")
    files.put("a", PathState.of_file(b"whole"))
    assert not rest.exists()
    rest.write_text("half of it")
    files.clear("a")
    assert not rest.exists()


def test_a_write_that_fails_leaves_the_file_and_nothing_beside_it(
    files: ProjectFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    (root / "a").write_text("old")
    before = sorted(path.name for path in root.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", _no_space)
        with pytest.raises(FileError, match="No space left on device"):
            files.put("a", PathState.of_file(b"new"))
    assert (root / "a").read_text() == "old"
    assert sorted(path.name for path in root.iterdir()) == before


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture
def fifo(tmp_path: Path, files: ProjectFiles) -> Iterator[Path]:
    path = tmp_path / "root" / "pipe"
    os.mkfifo(path)
    yield path
    path.unlink()


def test_what_is_neither_file_nor_directory_is_refused(
    files: ProjectFiles, fifo: Path
) -> None:
    with pytest.raises(FileError, match="neither file nor directory"):
        files.state(fifo.name)


def test_a_file_has_a_largest_size(files: ProjectFiles, tmp_path: Path) -> None:
    path = tmp_path / "root" / "large"
    with open(path, "wb") as stream:
        stream.truncate(LARGEST)
    assert files.state("large").kind == FILE
    with open(path, "wb") as stream:
        stream.truncate(LARGEST + 1)
    with pytest.raises(FileError, match="16,777,217"):
        files.state("large")


def test_a_directory_that_is_not_empty_stays(
    files: ProjectFiles, tmp_path: Path
) -> None:
    files.put("made", PathState(DIRECTORY))
    files.put("made/a", PathState.of_file(b""))
    files.put("made", PathState())
    assert (tmp_path / "root" / "made" / "a").exists()
    files.put("made/a", PathState())
    files.put("made", PathState())
    assert files.state("made").is_nothing


def test_a_reserved_file_is_nobodys_by_whatever_way(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("")
    (tmp_path / "link").symlink_to("ledger.db")
    files = ProjectFiles(tmp_path, (tmp_path / "ledger.db",))
    for path in ("ledger.db", "link", "./ledger.db"):
        with pytest.raises(FileError, match="the tool"):
            files.locate(path)


def test_an_overlay_writes_nothing(files: ProjectFiles, tmp_path: Path) -> None:
    overlay = Overlay(files, {"a": PathState.of_file(b"x")})
    assert overlay.state("a").content == b"x"
    assert overlay.state("b").is_nothing
    assert files.state("a").is_nothing


def test_a_state_shows_no_bytes() -> None:
    state = PathState.of_file(b"s3cret", 0o640)
    assert "s3cret" not in repr(state) + str(state)
    assert "mode 0640" in str(state)
