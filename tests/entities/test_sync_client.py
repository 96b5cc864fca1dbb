"""Sync by a bundle: on servers, in object stores, in files; who writes it at once."""

from __future__ import annotations

import logging
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import fsspec
import pyrage
import pytest
from cheroot import wsgi
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from wsgidav.wsgidav_app import WsgiDAVApp

from alembic_neo4j.entities import (
    EntityRepository,
    SyncableRepository,
    SyncClient,
    SyncConfig,
    create_sync_client,
    http_transport,
    sync_client,
)
from alembic_neo4j.entities.conflict import DeferResolver
from alembic_neo4j.entities.transport import ChangedMeanwhile, LocalFile
from alembic_neo4j.errors import (
    LockError,
    MissingExtra,
    Neo4jMigrationError,
    StoreError,
    ValidationError,
)
from tests.entities import bundle_server
from tests.entities.bundle_server import BundleServer, cut_off, hang_up, status
from tests.entities.sites import assert_same, saved
from tests.entities.values import Make

IDENTITY = str(pyrage.x25519.Identity.generate())
EMAIL, PASSWORD = "you@example.com", "a password nobody else has"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for what has failed as long as somebody does."""
    monkeypatch.setattr(http_transport, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(sync_client, "_PAUSE_SECONDS", 0.01)


@pytest.fixture
def server() -> Iterator[BundleServer]:
    with BundleServer() as server:
        yield server


@pytest.fixture
def two() -> Iterator[tuple[EntityRepository, EntityRepository]]:
    with EntityRepository(":memory:") as one, EntityRepository(":memory:") as other:
        yield one, other


Two = tuple[EntityRepository, EntityRepository]


def client(where: str | Path, **options: Any) -> SyncClient:
    config = SyncConfig(str(where), identities=[IDENTITY], **options)
    return create_sync_client(config)


def assert_syncs(two: Two, task: Make, make: Callable[[], SyncClient]) -> None:
    """Two stores come to have the same by a bundle that each has a client of."""
    one, other = two
    one.create(task("a"))
    assert vars(make().sync(one)) == {"received": 0, "sent": 1}
    other.create(task("b"))
    assert vars(make().sync(other)) == {"received": 1, "sent": 1}
    assert vars(make().sync(one)) == {"received": 1, "sent": 0}
    assert_same(two)
    assert vars(make().sync(one)) == vars(make().sync(other))
    one.delete("task-b")
    make().sync(one)
    make().sync(other)
    assert [each.id for each in other.list()] == ["task-a"]
    assert_same(two)


# On a server --------------------------------------------------------------------------


@contextmanager
def webdav(directory: Path, email: str, password: str) -> Iterator[SyncConfig]:
    """A WebDAV server as anybody runs one, with the account of a configuration."""
    server = wsgi.Server(("127.0.0.1", 0), None)
    server.prepare()
    url = f"http://127.0.0.1:{server.bind_addr[1]}/"
    config = SyncConfig(url, email, password)
    account = {email: {"password": config.server_password}}
    server.wsgi_app = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(directory)},
            "simple_dc": {"user_mapping": {"*": account}},
            "http_authenticator": {
                "accept_basic": True,
                "accept_digest": False,
                "default_to_digest": False,
            },
            "verbose": 0,
            "logging": {"enable": False},
        }
    )
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield config
    server.stop()
    thread.join()


def test_any_webdav_server_will_do(two: Two, task: Make, tmp_path: Path) -> None:
    with webdav(tmp_path, EMAIL, PASSWORD) as config:
        assert_syncs(two, task, lambda: create_sync_client(config))

        url = config.server_url
        other = SyncConfig(url, EMAIL, "another")
        with pytest.raises(StoreError, match=r"401 Unauthorized.*Correct the account"):
            create_sync_client(other).sync(two[0])
        below = SyncConfig(f"{url}no/such/", EMAIL, PASSWORD)
        with pytest.raises(StoreError, match="Create the collection that it is to be"):
            create_sync_client(below).sync(two[0])
    assert (tmp_path / "entities.age").read_bytes().startswith(b"age-encryption.org/v1")


def test_the_server_gets_nothing_that_opens_the_bundle(two: Two, task: Make) -> None:
    with BundleServer() as server:
        config = SyncConfig(server.url, EMAIL, PASSWORD)
        server.account = (EMAIL, config.server_password)
        assert_syncs(two, task, lambda: create_sync_client(config))
        came = b"\n".join(server.received)
        assert EMAIL.encode() not in came
        secrets = [PASSWORD, *config.keys.identities]
        for secret in secrets:
            assert secret.encode() not in came
        assert b"task-a" not in came
        # What came is what age writes, for the one key that follows from the password.
        plain = pyrage.decrypt(
            server.files["/entities.age"],
            [pyrage.x25519.Identity.from_str(config.keys.identities[0])],
        )
        assert plain.startswith(b"\x1f\x8b")
        for told in (repr(config), repr(create_sync_client(config))):
            assert not any(secret in told for secret in secrets)


def test_the_account_is_as_it_is_where_something_else_opens_the_bundle(
    two: Two, task: Make
) -> None:
    with BundleServer(account=(EMAIL, "Päss")) as server:
        two[0].create(task("a"))
        config = SyncConfig(server.url, EMAIL, "Päss", identities=[IDENTITY])
        assert create_sync_client(config).sync(two[0]).sent == 1
        server.account = None
        client(server.url, token="tok-en").sync(two[1])
        assert b"Authorization: Bearer tok-en" in b"\n".join(server.received)


def test_eight_writers_at_once_lose_nothing(
    server: BundleServer, task: Make, tmp_path: Path
) -> None:
    with ThreadPool(8) as threads:

        def work(number: int) -> None:
            with EntityRepository(tmp_path / f"{number}.db") as repo:
                for each in range(3):
                    repo.create(task(f"{number}-{each}"))
                    client(server.url).sync(repo)

        threads.map(work, range(8))
    assert len(server.asked) > 8 * 3 * 2, "nobody was in anybody's way"
    with EntityRepository(":memory:") as all_of_it:
        assert client(server.url).sync(all_of_it).received == 24
        assert len(all_of_it.list()) == 24


def test_what_another_one_writes_meanwhile_is_received_and_kept(
    server: BundleServer, two: Two, task: Make
) -> None:
    one, other = two
    client(server.url).sync(one)
    one.create(task("a"))
    other.create(task("b"))

    def first(_request: Any) -> None:
        # Between the reading and the writing of one, the other one does both.
        client(server.url).sync(other)
        bundle_server.reply(_request, 412)

    server.faults = [lambda request: server_answer(server, request), first]
    assert vars(client(server.url).sync(one)) == {"received": 1, "sent": 1}
    client(server.url).sync(other)
    assert_same(two)


def server_answer(server: BundleServer, request: Any) -> None:
    content = server.files[request.path]
    tag = server.tag.format(bundle_server._tag(content))
    bundle_server.reply(request, 200, content, ETag=tag)


def test_a_bundle_that_is_always_changed_is_given_up(
    server: BundleServer, two: Two, task: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_client, "_LONGEST_PAUSE_SECONDS", 0.02)
    two[0].create(task("a"))
    server.faults = [status(404), status(412)] * 16

    with pytest.raises(LockError, match=r"in 16 attempts.*Try again$"):
        client(server.url).sync(two[0])

    assert server.asked == ["GET /entities.age", "PUT /entities.age"] * 16
    assert server.files == {}
    # One that takes nothing is told as what it is.
    server.faults = [status(404), status(503)] * 16
    with pytest.raises(LockError, match=r"Try again: .* 503 Service Unavailable"):
        client(server.url).sync(two[0])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (status(401), "401 Unauthorized. Nothing .* Correct the account's"),
        (status(403), "403 Forbidden. Nothing .* Let the account read and write"),
        (status(405), "405 Method Not Allowed"),
        (status(418), "the server answered 418"),
        (bundle_server.redirect("https://elsewhere.example/a?key=x"), "redirects to"),
        (bundle_server.redirect("http://[", 302), "the request failed"),
    ],
)
def test_what_a_server_refuses_is_told_once_and_changes_nothing(
    server: BundleServer, two: Two, task: Make, fault: Any, says: str
) -> None:
    repo = two[0]
    repo.create(task("a"))
    before = saved(repo)
    server.account = (EMAIL, PASSWORD)
    account = {"email": EMAIL, "password": PASSWORD}
    for ahead in ([], [status(404)]):
        server.faults = [*ahead, fault]
        server.asked.clear()
        with pytest.raises(StoreError, match=says) as caught:
            client(server.url, **account).sync(repo)
        assert len(server.asked) == len(ahead) + 1
        for secret in (PASSWORD, EMAIL, IDENTITY, "key=x", "the server's own words"):
            assert secret not in str(caught.value)
    assert saved(repo) == before
    assert server.files == {}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (status(500), "500 Internal Server Error"),
        (status(503), "503 Service Unavailable"),
        (cut_off, "the answer was cut off"),
        (hang_up, "the connection failed"),
    ],
)
def test_what_may_pass_is_asked_again_and_given_up_in_the_end(
    server: BundleServer, two: Two, task: Make, fault: Any, says: str
) -> None:
    repo = two[0]
    repo.create(task("a"))
    server.faults = [fault, fault]
    assert client(server.url).sync(repo).sent == 1
    server.faults = [fault] * 4
    server.asked.clear()
    with pytest.raises(StoreError, match=says):
        client(server.url).sync(repo)
    assert len(server.asked) == 4
    assert client(server.url).receive(two[1]).received == 1


def test_a_write_of_which_nobody_knows_is_looked_at_again(
    server: BundleServer, two: Two, task: Make
) -> None:
    two[0].create(task("a"))
    server.late = [hang_up]
    # It was written: the next look finds it so.
    assert client(server.url).sync(two[0]).received == 0
    assert server.asked == [f"{verb} /entities.age" for verb in ("GET", "PUT", "GET")]
    assert client(server.url).receive(two[1]).received == 1
    server.faults = [lambda request: server_answer(server, request), status(503)]
    two[0].create(task("b"))
    assert client(server.url).sync(two[0]).sent == 1


def test_a_server_that_says_nothing_is_waited_for_so_long(
    server: BundleServer, two: Two
) -> None:
    done = threading.Event()
    server.faults = [bundle_server.silent(done)] * 4
    with pytest.raises(StoreError, match="nothing arrived in time"):
        client(server.url, timeout=0.2).sync(two[0])
    done.set()


def test_a_server_without_strong_etags_is_read_and_not_written(
    server: BundleServer, two: Two, task: Make
) -> None:
    two[0].create(task("a"))
    client(server.url).sync(two[0])
    server.tag = 'W/"{}"'
    two[1].create(task("b"))
    with pytest.raises(StoreError, match="gives no strong ETag"):
        client(server.url).sync(two[1])
    assert client(server.url).receive(two[1]).received == 0
    assert len(two[1].list()) == 2


def test_nothing_is_sent_to_where_a_redirect_leads(
    server: BundleServer, two: Two, task: Make
) -> None:
    two[0].create(task("a"))
    with BundleServer() as elsewhere:
        account = {"email": EMAIL, "password": PASSWORD}
        server.faults = [bundle_server.redirect(elsewhere.url)]
        with pytest.raises(StoreError, match="where nothing was sent"):
            client(server.url, **account).sync(two[0])
        server.faults = [status(404), bundle_server.redirect(elsewhere.url, 308)]
        with pytest.raises(StoreError, match="where nothing was sent"):
            client(server.url, **account).sync(two[0])
        assert elsewhere.received == []


def test_what_is_at_the_url_and_is_no_bundle_is_left_there(
    server: BundleServer, two: Two, task: Make
) -> None:
    two[0].create(task("a"))
    before = saved(two[0])
    other = SyncConfig(server.url, identities=[str(pyrage.x25519.Identity.generate())])
    create_sync_client(other).sync(two[1])
    for content in (server.files["/entities.age"], b"<html>", b""):
        server.files["/entities.age"] = content
        with pytest.raises(StoreError, match=r"entities.age can't be opened"):
            client(server.url).sync(two[0])
        assert server.files == {"/entities.age": content}
    assert saved(two[0]) == before


def test_no_log_tells_a_secret(
    server: BundleServer, two: Two, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="alembic_neo4j")
    server.faults = [status(404), status(412), status(500)]
    config = SyncConfig(f"{server.url}?sig=secret", EMAIL, PASSWORD)
    create_sync_client(config).sync(two[0])
    assert "was changed meanwhile" in caplog.text
    for secret in ("sig=", PASSWORD, EMAIL, config.server_password):
        assert secret not in caplog.text


# In an object store, and a file -------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, Any]]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "endpoint_url": f"http://{host}:{port}",
        "key": "testing",
        "secret": "testing",
        "client_kwargs": {"region_name": "eu-west-1"},
    }
    server.stop()


def test_a_bundle_in_s3_is_written_only_where_it_is_what_was_read(
    s3: dict[str, Any], two: Two, task: Make
) -> None:
    bucket = f"bucket-{uuid.uuid4().hex[:8]}"
    fsspec.filesystem("s3", skip_instance_cache=True, **s3).mkdir(bucket)
    url = f"s3://{bucket}/a b/entities.age"
    assert_syncs(two, task, lambda: client(url, storage_options=s3))

    one, other = (
        SyncConfig(url, identities=[IDENTITY], storage_options=s3).transport
        for _ in "12"
    )
    held = one.read()
    assert held is not None
    other.write(b"later", held)
    for before in (held, None):
        with pytest.raises(ChangedMeanwhile):
            one.write(b"mine", before)
    again = one.read()
    assert again is not None
    assert again.content == b"later"
    with pytest.raises(
        StoreError, match="can't be written: the store answered NoSuchBucket"
    ):
        client("s3://no-such-bucket/x.age", storage_options=s3).sync(two[0])


def test_a_bundle_in_any_file_system_of_fsspec(
    two: Two, task: Make, tmp_path: Path
) -> None:
    url = f"memory://{uuid.uuid4().hex}/entities.age"
    assert_syncs(two, task, lambda: client(url))
    with EntityRepository(":memory:") as one, EntityRepository(":memory:") as other:
        local = f"file://{tmp_path}/with%20space.age"
        assert_syncs((one, other), task, lambda: client(local))
    assert (tmp_path / "with space.age").is_file()


def test_writers_of_a_file_wait_for_each_other_and_lose_nothing(
    tmp_path: Path, task: Make
) -> None:
    path = tmp_path / "entities.age"
    with ThreadPool(6) as threads:

        def work(number: int) -> None:
            with EntityRepository(tmp_path / f"{number}.db") as repo:
                for each in range(3):
                    repo.create(task(f"{number}-{each}"))
                    client(path).sync(repo)

        threads.map(work, range(6))
    with EntityRepository(":memory:") as all_of_it:
        assert client(path).receive(all_of_it).received == 18


def test_the_resolver_of_the_store_decides(
    two: Two, task: Make, tmp_path: Path
) -> None:
    path = tmp_path / "entities.age"
    one = SyncableRepository(two[0], "one", DeferResolver())
    one.create(task("a", name="x"))
    two[1].create(task("a", name="y"))
    client(path).sync(two[1])
    client(path).sync(one)
    (conflict,) = one.conflicts()
    one.resolve(conflict, conflict.versions[0])
    client(path).sync(one)
    client(path).sync(two[1])
    assert one.list() == two[1].list()
    assert not one.conflicts()


# What it is configured by -------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ([""], {}, "for server_url"),
        (["https://example.org/"], {}, "what encrypts the bundle, found nothing"),
        (["https://example.org/", EMAIL], {}, "found only an email; give password"),
        (["x.age"], {"password": PASSWORD}, "found only a password; give email"),
        (
            ["https://example.org/", EMAIL, PASSWORD],
            {"passphrase": PASSWORD},
            "another passphrase than the password",
        ),
        (["https://you:secret@example.org/", EMAIL, PASSWORD], {}, "no user name or"),
        (["https://", EMAIL, PASSWORD], {}, "one that can't be read"),
        (["https://example.org:x/", EMAIL, PASSWORD], {}, "one that can't be read"),
        (["http://example.org/", EMAIL, PASSWORD], {}, "expected an https:// URL"),
        (["file://host/x.age", EMAIL, PASSWORD], {}, "on this machine"),
        (["gopher://host/x.age", EMAIL, PASSWORD], {}, "a URL that fsspec opens"),
        (["memory://x.age"], {"passphrase": "x", "recipients": ["age1"]}, "found both"),
    ],
)
def test_what_contradicts_itself_is_refused(
    arguments: list[str], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        create_sync_client(SyncConfig(*arguments, **options))
    assert PASSWORD not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "where", "extra"),
    [
        ("pyrage", "x.age", "sync"),
        ("requests", "https://example.org/", "cloud"),
        ("fsspec.core", "memory://x.age", "cloud"),
        ("s3fs", "s3://bucket/x.age", "s3"),
    ],
)
def test_what_is_not_installed_is_told_with_its_extra(
    module: str, where: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    if module == "s3fs":
        # Not the one that an earlier test has loaded.
        loaded = sys.modules["fsspec.registry"]._registry
        monkeypatch.delitem(loaded, "s3", raising=False)
    with pytest.raises(MissingExtra, match=rf"alembic-neo4j\[[a-z,]*{extra}\]"):
        create_sync_client(SyncConfig(where, EMAIL, PASSWORD))


def test_what_is_no_config_or_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="expected a SyncConfig"):
        create_sync_client("https://example.org")
    with pytest.raises(ValidationError, match="expected a repository"):
        SyncClient(
            LocalFile(tmp_path / "x"), SyncConfig("x", EMAIL, PASSWORD).keys
        ).sync(None)
    with pytest.raises(Neo4jMigrationError, match="expected an account"):
        _ = SyncConfig("x.age", passphrase="x").server_password
