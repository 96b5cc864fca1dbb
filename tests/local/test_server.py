"""A local Neo4j: one per project and release, on loopback, outliving its starter."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import neo4j
import psutil
import pytest
from neo4j.exceptions import AuthError

from alembic_neo4j import local
from alembic_neo4j.errors import LocalServerError
from alembic_neo4j.local import home as home_module
from alembic_neo4j.local.home import Home

pytestmark = pytest.mark.server

VERSION = os.environ.get("ALEMBIC_NEO4J_TEST_VERSION") or None

START = """
import pathlib, sys
from alembic_neo4j import local
server = local.ensure_started(pathlib.Path(sys.argv[1]), version=sys.argv[2] or None)
print(server.pid, server.url, server.password)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("a project with spaces") / "Größe 图"
    path.mkdir()
    yield path
    local.wipe(path)


@pytest.fixture
def new_project(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    local.wipe(tmp_path)


@pytest.fixture
def server(project: Path) -> local.LocalServer:
    return local.ensure_started(project, version=VERSION)


GUARD = """
import os, pathlib, sys
from alembic_neo4j import local
from alembic_neo4j.local.guard import guarded
project = pathlib.Path(sys.argv[1])
with guarded(project):
    local.ensure_started(project, version=sys.argv[2] or None, disposable=True)
    if sys.argv[3] == "killed":
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(("end", "runs_on"), [("killed", False), ("ended", True)])
def test_a_guarded_server_ends_with_a_process_that_is_killed(
    new_project: Path, end: str, runs_on: bool
) -> None:
    command = [sys.executable, "-c", GUARD, str(new_project), VERSION or "", end]
    subprocess.run(command, check=False, timeout=300)
    until = time.monotonic() + 60
    while bool(local.running(new_project)) != runs_on and time.monotonic() < until:
        time.sleep(0.1)
    assert bool(local.running(new_project)) == runs_on


def test_two_commands_at_once_get_the_same_server(project: Path) -> None:
    command = [sys.executable, "-c", START, str(project), VERSION or ""]
    starters = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = {starter.communicate(timeout=300)[0] for starter in starters}

    assert [starter.returncode for starter in starters] == [0, 0]
    assert len(said) == 1
    (server,) = local.running(project)
    assert said == {f"{server.pid} {server.url} {server.password}\n"}


def test_it_belongs_to_no_command(server: local.LocalServer) -> None:
    assert os.getsid(server.pid) not in (os.getsid(0), 0)
    assert os.getpgid(server.pid) != os.getpgid(0)


def test_finding_it_again_starts_nothing(
    project: Path, server: local.LocalServer
) -> None:
    reported: list[str] = []

    again = local.ensure_started(project, version=VERSION, report=reported.append)

    assert again == server
    assert reported == []


def test_its_password_is_asked_for_and_kept_private(
    server: local.LocalServer,
) -> None:
    file = server.home / "password"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() == server.password
    assert server.password not in repr(server)
    assert server.password not in _command_line(server.pid)
    with (
        neo4j.GraphDatabase.driver(server.url, auth=("neo4j", "neo4j")) as driver,
        pytest.raises(AuthError),
    ):
        driver.verify_connectivity()


def test_it_listens_on_loopback_only(server: local.LocalServer) -> None:
    assert server.url.startswith("bolt://127.0.0.1:")
    listening = _listening(server.pid)

    assert {address for address, _ in listening} == {"127.0.0.1"}
    assert {port for _, port in listening} == {int(server.url.rpartition(":")[2])}


def test_version_control_ignores_its_directory(
    project: Path, server: local.LocalServer
) -> None:
    assert server.home.parent == project.resolve() / ".neo4j"
    assert (project / ".neo4j" / ".gitignore").read_text() == "*\n"


def test_it_is_the_release_asked_for(server: local.LocalServer) -> None:
    with _driver(server) as driver:
        rows = driver.execute_query("CALL dbms.components()").records

    assert rows[0]["versions"] == [server.version]
    assert rows[0]["edition"] == "community"
    assert VERSION is None or server.version.startswith(VERSION)


def test_a_killed_server_comes_back_with_its_data_beside_whoever_took_its_port(
    project: Path, server: local.LocalServer
) -> None:
    with _driver(server) as driver:
        driver.execute_query("CREATE (:Kept {name: 'still here'})")
    os.kill(server.pid, signal.SIGKILL)
    _wait_until_gone(project)
    assert local.running(project) == []
    # Process ids are used again: this one belongs to a program that is no server.
    (server.home / "pid").write_text(f"{os.getpid()}\n")
    assert local.running(project) == []

    port = int(server.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        again = local.ensure_started(project, version=VERSION)

    assert again.url != server.url
    assert again.password == server.password
    with _driver(again) as driver:
        rows = driver.execute_query("MATCH (n:Kept) RETURN n.name AS name").records
    assert [row["name"] for row in rows] == ["still here"]


def test_its_log_can_be_read(project: Path, server: local.LocalServer) -> None:
    assert any("Started." in line for line in local.log_tail(project))
    assert len(local.log_tail(project, lines=3)) == 3
    assert local.log_file(project).is_relative_to(server.home)


def test_a_half_made_server_for_tests_is_completed_and_a_wipe_stops_it(
    new_project: Path,
) -> None:
    version = VERSION or local.DEFAULT_VERSION
    if version.count(".") == 2:
        # A command that was killed before it had set the password.
        half_made = Home(new_project.resolve(), version, disposable=True)
        half_made.prepare()
        (half_made.path / "server.json").write_text('{"port":')
        (half_made.path / "pid").write_text("")

    server = local.ensure_started(new_project, version=version, disposable=True)

    assert server.disposable
    assert server.home.name == f"test-{server.version}"
    assert (server.home / "made-for-tests").exists()
    with _driver(server) as driver:
        driver.verify_connectivity()
    assert [row.disposable for row in local.known(new_project)] == [True]

    assert local.wipe(new_project, disposable=False) == []
    assert len(local.running(new_project)) == 1
    assert local.wipe(new_project, disposable=True) == [server.home]
    assert not server.home.exists()
    assert "org.neo4j.server" not in _command_line(server.pid)
    assert local.known(new_project) == []


def test_a_start_that_fails_says_why(new_project: Path) -> None:
    with pytest.raises(LocalServerError) as caught:
        local.ensure_started(new_project, heap="1k")

    assert "initialization of VM" in str(caught.value)
    assert "alembic-neo4j local wipe" in str(caught.value)
    assert local.running(new_project) == []


def test_memory_is_an_amount(new_project: Path) -> None:
    with pytest.raises(LocalServerError, match="found 'lots'"):
        local.ensure_started(new_project, heap="lots")


def test_a_project_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalServerError, match="Expected a project directory"):
        local.ensure_started(tmp_path / "missing")


def test_a_server_whose_password_file_is_gone_is_refused(new_project: Path) -> None:
    home = Home(new_project.resolve(), local.DEFAULT_VERSION)
    (home.path / "data" / "databases" / "system").mkdir(parents=True)

    with pytest.raises(LocalServerError, match="alembic-neo4j local wipe"):
        local.ensure_started(new_project)


def test_no_jars_and_no_network_is_said_and_leaves_nothing_behind(
    new_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    (nowhere / "jgo.conf").write_text("[repositories]\ncentral = http://127.0.0.1:9\n")
    monkeypatch.setenv("HOME", str(nowhere))
    monkeypatch.setenv("M2_REPO", str(nowhere / "repository"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(nowhere / "cache"))
    monkeypatch.setenv("JGO_CONFIG_FILE", str(nowhere / "jgo.conf"))
    reported: list[str] = []

    with pytest.raises(LocalServerError, match=r"(?s)Expected the jars .*network"):
        local.ensure_started(new_project, report=reported.append)

    assert f"Neo4j {local.DEFAULT_VERSION}: fetching the server" in reported[0]
    assert local.known(new_project) == []
    assert [p for p in (nowhere / "repository").rglob("*") if p.is_file()] == []


def test_nothing_to_stop_or_wipe_is_fine(tmp_path: Path) -> None:
    assert local.stop(tmp_path) == []
    assert local.wipe(tmp_path) == []
    assert local.running(tmp_path) == []
    assert not (tmp_path / ".neo4j").exists()
    with pytest.raises(LocalServerError, match="local start"):
        local.log_tail(tmp_path)


def _driver(server: local.LocalServer) -> neo4j.Driver:
    return neo4j.GraphDatabase.driver(
        server.url, auth=(server.username, server.password)
    )


def _command_line(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return ""


def _wait_until_gone(project: Path) -> None:
    for _ in range(1000):
        if not local.running(project):
            return
        time.sleep(0.01)


def _listening(pid: int) -> set[tuple[str, int]]:
    return {
        (connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port)
        for connection in psutil.Process(pid).net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def _modes(home: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in (home, home.parent)}


def test_nobody_else_gets_in_whatever_the_umask_is(new_project: Path) -> None:
    before = os.umask(0)
    try:
        server = local.ensure_started(new_project, version=VERSION)
    finally:
        os.umask(before)
    assert _modes(server.home) == {0o700}
    # One that an older release left open is shut by whatever comes to it next.
    for path in (server.home, server.home.parent):
        path.chmod(0o777)
    assert local.ensure_started(new_project, version=VERSION) == server
    assert _modes(server.home) == {0o700}


@pytest.mark.parametrize("planted", ["", "plugins/evil.jar", "conf/neo4j.conf"])
def test_what_another_user_has_planted_is_not_run(
    planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, "5.26.30")
    home.prepare()
    evil = home.path / planted
    if planted:
        evil.touch()
    # Only root could give it away.
    monkeypatch.setattr(
        home_module,
        "_owner",
        lambda path: 12345 if path == evil else path.lstat().st_uid,
    )
    home.path.chmod(0o777)

    with (
        pytest.raises(LocalServerError, match="belongs to user id 12345"),
        home.locked(print),
    ):
        raise AssertionError("it would be started")
    assert home.path.stat().st_mode & 0o022

    monkeypatch.undo()
    with home.locked(print):
        assert _modes(home.path) == {0o700}
