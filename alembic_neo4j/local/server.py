"""Starting, finding, stopping and wiping the local servers of a project."""

from __future__ import annotations

import logging
import os
import random
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_neo4j.errors import LocalServerError
from alembic_neo4j.local import artifacts, process
from alembic_neo4j.local.artifacts import Report
from alembic_neo4j.local.home import (
    USERNAME,
    Home,
    LocalServer,
    homes,
    last_lines,
)
from alembic_neo4j.local.java import Java, suitable_java
from alembic_neo4j.sentences import ended
from alembic_neo4j.waiting import waiting_for

if TYPE_CHECKING:
    from psutil import Process

DEFAULT_HEAP = "768m"
DEFAULT_PAGE_CACHE = "128m"

_ADMIN_CLASS = "org.neo4j.server.startup.Neo4jAdminCommand"
# Below the range from which systems hand out ports for outgoing connections.
_PORTS = range(20000, 32000)
_START_PATIENCE = 120.0
_STOP_PATIENCE = 60.0
_GREETING_PATIENCE = 5.0
_ATTEMPTS = 3

_log = logging.getLogger("alembic_neo4j.local")


@dataclass(frozen=True)
class KnownServer:
    """A local server that a project has data of, whether it runs or not."""

    version: str
    disposable: bool
    home: Path
    size: int
    server: LocalServer | None


class _PortTaken(Exception):
    """Another program took the port between choosing it and listening on it."""


def ensure_started(
    project: Path,
    *,
    version: str | None = None,
    report: Report = _log.info,
    disposable: bool = False,
    heap: str | None = None,
    page_cache: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> LocalServer:
    """The project's local server, started where it does not run yet.

    `project` is the directory that holds ``.neo4j/``; `version` as in
    ``neo4j.url = local:<version>``; `report` is called with lines of progress;
    `disposable` means a server of its own, made for tests. `heap` and `page_cache`
    (such as ``"1g"``) count when it is started, before the environment's
    ALEMBIC_NEO4J_LOCAL_HEAP and ALEMBIC_NEO4J_LOCAL_PAGECACHE; so do `settings`, those
    of ``neo4j.conf`` by their names.

    The server outlives this process. Two callers at once get the same one.

    Raises LocalServerError or MissingExtra when there can be no server; what was set
    up until then is taken up by the next call.
    """
    home = _home_for(project, version=version, disposable=disposable)
    with home.locked(report):
        server = _server(home)
        if server is not None and _await_answer(home, server, since=0.0):
            return server
        return _start(
            home,
            heap=_memory("heap", heap, "ALEMBIC_NEO4J_LOCAL_HEAP", DEFAULT_HEAP),
            page_cache=_memory(
                "page_cache",
                page_cache,
                "ALEMBIC_NEO4J_LOCAL_PAGECACHE",
                DEFAULT_PAGE_CACHE,
            ),
            settings=settings or {},
            report=report,
        )


def running(project: Path) -> list[LocalServer]:
    """The local servers of a project that run."""
    return [server for home in homes(project) if (server := _server(home))]


def known(project: Path) -> list[KnownServer]:
    """The local servers that a project has data of."""
    return [
        KnownServer(
            version=home.version,
            disposable=home.disposable,
            home=home.path,
            size=home.size(),
            server=_server(home),
        )
        for home in homes(project)
    ]


def stop(
    project: Path,
    *,
    version: str | None = None,
    disposable: bool | None = None,
    report: Report = _log.info,
) -> list[LocalServer]:
    """Stop the servers of a project and return those that ran; data stay.

    `version` and `disposable` narrow down which ones. The passwords are left out of
    what is returned.
    """
    stopped = []
    for home in _chosen(project, version=version, disposable=disposable):
        with home.locked(report):
            if server := _stop(home, report=report):
                stopped.append(server)
    return stopped


def wipe(
    project: Path,
    *,
    version: str | None = None,
    disposable: bool | None = None,
    report: Report = _log.info,
) -> list[Path]:
    """Stop servers of a project, remove all their data, and return their directories.

    `version` and `disposable` narrow down which ones.
    """
    wiped = []
    for home in _chosen(project, version=version, disposable=disposable):
        with home.locked(report):
            _stop(home, report=report)
            home.remove()
            wiped.append(home.path)
    return wiped


def log_file(
    project: Path, *, version: str | None = None, disposable: bool | None = None
) -> Path:
    """The log of a server: the one that runs, else the first that there is.

    Raises LocalServerError where the project has none.
    """
    choices = _chosen(project, version=version, disposable=disposable)
    choices.sort(key=lambda home: _server(home) is None)
    if not choices:
        which = f"a local Neo4j {version}" if version else "a local Neo4j"
        raise LocalServerError(
            f"Expected {which} in {project}, found none. Start one: "
            "alembic-neo4j local start"
        )
    home = choices[0]
    return home.log if home.log.exists() else home.console


def log_tail(
    project: Path,
    *,
    version: str | None = None,
    disposable: bool | None = None,
    lines: int = 40,
) -> list[str]:
    """The last lines of a server's log.

    Raises LocalServerError where the project has no such server.
    """
    path = log_file(project, version=version, disposable=disposable)
    return last_lines(path, lines=lines)


def _home_for(project: Path, *, version: str | None, disposable: bool) -> Home:
    project = project.resolve()
    present = [h.version for h in homes(project) if h.disposable == disposable]
    if disposable:
        # Test data are worth nothing, so tests follow the release that we pin.
        fitting = artifacts.newest(
            [artifacts.DEFAULT_VERSION], series=version or artifacts.DEFAULT_VERSION
        )
        present = [fitting] if fitting else present
    return Home(
        project, artifacts.exact_version(version, known=present), disposable=disposable
    )


def _chosen(
    project: Path, *, version: str | None, disposable: bool | None
) -> list[Home]:
    return [
        home
        for home in homes(project)
        if (version is None or artifacts.newest([home.version], series=version))
        and (disposable is None or home.disposable == disposable)
    ]


def _server(home: Home) -> LocalServer | None:
    found = _process(home)
    if found is None or home.port() is None:
        return None
    return _described(home, found, password=home.password())


def _described(home: Home, found: Process, *, password: str) -> LocalServer:
    return LocalServer(
        version=home.version,
        url=f"bolt://127.0.0.1:{home.port()}",
        username=USERNAME,
        password=password,
        home=home.path,
        pid=found.pid,
        disposable=home.disposable,
    )


def _process(home: Home) -> Process | None:
    return process.find(home.pid_file, mark=process.mark_of(home.path))


def _start(
    home: Home,
    *,
    heap: str,
    page_cache: str,
    settings: Mapping[str, str],
    report: Report,
) -> LocalServer:
    repository, jars = artifacts.class_path(
        home.version, repository_hint=home.repository(), report=report
    )
    java = suitable_java(home.version)
    report(f"Neo4j {home.version}: starting…")
    try:
        home.prepare()
    except OSError as error:
        raise LocalServerError(
            f"Expected to write the local server's data to {home.path}, found "
            f"{ended(error)} Mend its permissions or free some space."
        ) from error
    environment = _environment(home, jars)
    for _ in range(_ATTEMPTS):
        port = _free_port(home.port())
        home.remember(port=port, repository=repository)
        _configure(home, port=port, page_cache=page_cache, further=settings)
        if not home.has_started_before:
            _set_password(home, java, environment=environment)
        try:
            server = _launch(home, java, heap=heap, environment=environment)
        except _PortTaken:
            continue
        report(f"Neo4j {home.version}: ready at {server.url}")
        return server
    raise LocalServerError(
        f"Expected a free port between {_PORTS.start} and {_PORTS.stop} for Neo4j "
        f"{home.version}, found {_ATTEMPTS} taken while it started. Start it again."
    )


def _environment(home: Home, jars: list[Path]) -> dict[str, str]:
    return os.environ | {
        "NEO4J_HOME": str(home.path),
        "NEO4J_CONF": str(home.configuration),
        "CLASSPATH": os.pathsep.join(str(jar) for jar in jars),
        # Java reads file names in the locale's encoding.
        "LC_ALL": "C.UTF-8",
    }


def _free_port(preferred: int | None) -> int:
    choices = random.sample(_PORTS, 100)
    if preferred is not None:
        choices.insert(0, preferred)
    for port in choices:
        if process.is_free(port):
            return port
    raise LocalServerError(
        f"Expected a free port between {_PORTS.start} and {_PORTS.stop} on this "
        "machine, found none in a hundred tries. Stop programs that listen there."
    )


def _configure(
    home: Home, *, port: int, page_cache: str, further: Mapping[str, str]
) -> None:
    settings = {
        "dbms.security.auth_enabled": "true",
        "dbms.usage_report.enabled": "false",
        "db.logs.query.enabled": "OFF",
        "db.tx_log.preallocate": "false",
        "db.tx_log.rotation.retention_policy": "keep_none",
        "db.tx_log.rotation.size": "16m",
        # By the time that Bolt waits for these, the databases are closed.
        "internal.server.bolt.connection_shutdown_wait_time": "100ms",
        "internal.server.bolt.thread_pool_shutdown_wait_time": "100ms",
        "server.bolt.advertised_address": f"127.0.0.1:{port}",
        "server.bolt.enabled": "true",
        "server.bolt.listen_address": f"127.0.0.1:{port}",
        # A setting that a release does not have is no reason not to start.
        "server.config.strict_validation.enabled": "false",
        "server.default_listen_address": "127.0.0.1",
        "server.http.enabled": "false",
        "server.https.enabled": "false",
        "server.memory.pagecache.size": page_cache,
    }
    if not home.version.startswith("5."):
        # Both look beyond this machine.
        settings["dbms.fleet_manager.enabled"] = "false"
        settings["server.fleet_discovery.enabled"] = "false"
    settings |= further
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    text = "# Written at every start by alembic-neo4j.\n" + "".join(lines)
    (home.configuration / "neo4j.conf").write_text(text, "utf-8")


def _set_password(home: Home, java: Java, *, environment: dict[str, str]) -> None:
    # The admin command reads an argument @file, so the password is on no command line.
    arguments = home.path / "run" / "set-initial-password"
    arguments.touch(mode=0o600)
    arguments.write_text(
        f"dbms\nset-initial-password\n{home.password()}\n", encoding="ascii"
    )
    command = [str(java.executable), *java.options(), "-Xmx256m", "-XX:+UseSerialGC"]
    try:
        done = subprocess.run(
            [*command, _ADMIN_CLASS, f"@{arguments}"],
            env=environment,
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalServerError(
            f"Expected to set the password of Neo4j {home.version}, found "
            f"{type(error).__name__}. Start it again."
        ) from error
    finally:
        arguments.unlink(missing_ok=True)
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        raise LocalServerError(
            f"Expected to set the password of Neo4j {home.version}, found exit "
            f"status {done.returncode}:\n{_indented(said.splitlines()[-15:])}\n"
            "Remove the half-made server and start again: alembic-neo4j local wipe"
        )


def _launch(
    home: Home, java: Java, *, heap: str, environment: dict[str, str]
) -> LocalServer:
    since = time.time()
    try:
        process.launch(
            _command(home, java, heap=heap),
            environment=environment,
            directory=home.path,
            pid_file=home.pid_file,
            log=home.console,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise LocalServerError(
            f"Expected to start {java.executable}, found {ended(error)} Check that "
            "it may "
            "be executed here."
        ) from error
    server = _server(home)
    if server is None:
        raise _failed(home, "the server ended as soon as it was started", since=since)
    if _await_answer(home, server, since=since):
        return server
    if _says_port_taken(home, since=since):
        raise _PortTaken
    raise _failed(home, "the server ended", since=since)


def _command(home: Home, java: Java, *, heap: str) -> list[str]:
    main_class = (
        "org.neo4j.server.CommunityEntryPoint"
        if home.version.startswith("5.")
        else "org.neo4j.server.Neo4jCommunity"
    )
    return [
        str(java.executable),
        process.mark_of(home.path),
        "-Xms64m",
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        *java.options(),
        main_class,
        f"--home-dir={home.path}",
        f"--config-dir={home.configuration}",
    ]


def _await_answer(home: Home, server: LocalServer, *, since: float) -> bool:
    """Wait until the server greets its user over Bolt; False when it ended instead.

    Raises LocalServerError when it does neither in time.
    """
    with waiting_for(f"Neo4j {home.version} to start", limit=_START_PATIENCE):
        return _answer_of(home, server, since=since)


def _answer_of(home: Home, server: LocalServer, *, since: float) -> bool:
    until = time.monotonic() + _START_PATIENCE
    port = int(server.url.rpartition(":")[2])
    reason = "nothing listens at its port"
    while time.monotonic() < until:
        if _process(home) is None:
            return False
        if process.answers(port):
            refusal = _refusal(server)
            if refusal is None:
                return True
            reason = refusal
        time.sleep(0.1)
    if since and (late := _process(home)):
        process.terminate(late, patience=5)
    found = f"none after {_START_PATIENCE:.0f} seconds ({reason})"
    raise _failed(home, found, since=since)


def _refusal(server: LocalServer) -> str | None:
    import neo4j
    from neo4j.exceptions import Neo4jError

    try:
        with (
            neo4j.GraphDatabase.driver(
                server.url,
                auth=(server.username, server.password),
                connection_timeout=_GREETING_PATIENCE,
                connection_acquisition_timeout=_GREETING_PATIENCE,
            ) as driver,
            driver.session(database="neo4j") as session,
        ):
            session.run("RETURN 1").consume()
    except (neo4j.exceptions.DriverError, Neo4jError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _says_port_taken(home: Home, *, since: float) -> bool:
    said = "\n".join(
        last_lines(home.console, lines=200, since=since)
        + last_lines(home.log, lines=60, since=since)
    )
    return re.search(r"Address already in use|PortBindException", said) is not None


def _failed(home: Home, found: str, *, since: float) -> LocalServerError:
    said = last_lines(home.log, lines=12, since=since)
    said = said + last_lines(home.console, lines=12, since=since)
    return LocalServerError(
        f"Expected Neo4j {home.version} to answer at its Bolt port, found that "
        f"{found}. Its last words:\n{_indented(said) or '  (none)'}\n"
        f"All of them: {home.log.parent}. Stop it with alembic-neo4j local stop, or "
        "start afresh with alembic-neo4j local wipe."
    )


def _stop(home: Home, *, report: Report) -> LocalServer | None:
    found = _process(home)
    if found is None:
        home.pid_file.unlink(missing_ok=True)
        return None
    server = _described(home, found, password="")
    report(f"Neo4j {home.version}: stopping…")
    with waiting_for(f"Neo4j {home.version} to end", limit=_STOP_PATIENCE):
        ended = process.terminate(found, patience=_STOP_PATIENCE)
    if not ended:
        report(f"Neo4j {home.version}: did not end in time and was killed")
    home.pid_file.unlink(missing_ok=True)
    return server


def _memory(what: str, given: str | None, variable: str, default: str) -> str:
    value = given or os.environ.get(variable) or default
    if not re.fullmatch(r"\d+[kmgKMG]", value):
        raise LocalServerError(
            f"Expected an amount of memory such as {default} for the local server's "
            f"{what}, found {value!r}. Mend {variable}."
        )
    return value


def _indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
