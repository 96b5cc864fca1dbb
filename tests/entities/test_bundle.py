"""Bundles: what is in them, who opens them, and that no bit of one may change."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from alembic_neo4j.entities import EntityRepository, SyncableRepository, SyncClient
from alembic_neo4j.entities.bundle import bundle_of, opened_bundle
from alembic_neo4j.entities.conflict import ConflictResolver
from alembic_neo4j.entities.encryption import BundleKeys, derive_secrets
from alembic_neo4j.entities.transport import LocalFile
from alembic_neo4j.errors import StoreError, ValidationError
from tests.entities.sites import (
    RESOLVERS,
    Write,
    assert_same,
    contents,
    do,
    exchange,
    opened,
    restore,
    saved,
    shown,
    steps,
    written,
)
from tests.entities.values import Make

IDENTITY = str(pyrage.x25519.Identity.generate())
KEYS = BundleKeys(identities=[IDENTITY])
few = settings(max_examples=8, deadline=None, phases=[Phase.generate])


@contextmanager
def unopened(repo: EntityRepository) -> Iterator[None]:
    """What the block does is refused, and changes nothing of a store."""
    before = written(repo), shown(repo), saved(repo)
    with pytest.raises(StoreError, match="can't be opened"):
        yield
    assert (written(repo), shown(repo), saved(repo)) == before


def received(repo: EntityRepository, content: bytes, keys: BundleKeys = KEYS) -> int:
    with opened_bundle(content, keys, "b.age") as bundle:
        if not isinstance(repo, SyncableRepository):
            repo = SyncableRepository(repo, repo.site_id)
        return repo.pull_from(bundle).received


@pytest.fixture
def filled(repo: EntityRepository, task: Make) -> EntityRepository:
    """A store with versions of several entities, a deletion and hostile data."""
    made = repo.create(task("a", name="Größe 'x' \u2028", n=2**60, list=[1, 1.0, None]))
    repo.update(made.copy(status="paused", data={}))
    repo.create(task("b"))
    repo.delete("task-b")
    repo.create(task("c", deep={"er": {"than": ["this"]}}))
    return repo


def test_a_bundle_has_all_versions_and_any_age_tool_opens_it(
    filled: EntityRepository, tmp_path: Path
) -> None:
    content = bundle_of(filled, KEYS)

    with opened_bundle(content, KEYS, "b.age") as bundle:
        assert written(bundle) == written(filled)
        assert contents(bundle) == contents(filled)
    with EntityRepository(tmp_path / "new.db") as new:
        assert received(new, content) == 5
        assert_same([new, filled])
        assert received(new, content) == 0
    plain = pyrage.decrypt(content, [pyrage.x25519.Identity.from_str(IDENTITY)])
    lines = [json.loads(line) for line in gzip.decompress(plain).splitlines()]
    assert lines[0] == {"bundle": "entities of alembic_neo4j", "format": 1}
    assert lines[-1] == {"end": 5}
    # Nothing that is this store's own affair, such as the site that it is.
    assert {key for line in lines for key in line} == {
        *("bundle", "format", "site", "counter", "version", "end")
    }


def ssh_keys() -> tuple[str, str]:
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return secret, public.decode()


def repo_with(task: Make) -> EntityRepository:
    repo = EntityRepository(":memory:")
    repo.create(task("a"))
    return repo


def test_who_opens_a_bundle(task: Make) -> None:
    other = pyrage.x25519.Identity.generate()
    secret, public = ssh_keys()
    for_all = BundleKeys(recipients=[str(other.to_public()), public])
    key_file = f"# created: 2026-11-27\n# public key: age1…\n{other}\n"
    with EntityRepository(":memory:") as repo, EntityRepository(":memory:") as new:
        repo.create(task("a"))
        content = bundle_of(repo, for_all)
        with unopened(new):
            received(new, content)
        for keys in (
            BundleKeys(identities=[key_file]),
            BundleKeys(identities=[secret]),
        ):
            with opened_bundle(content, keys, "b.age") as bundle:
                assert bundle.history("task-a") == repo.list()
        with pytest.raises(ValidationError, match="an identity to open a bundle with"):
            received(new, content, for_all)
        with pytest.raises(ValidationError, match="give its public key"):
            bundle_of(repo, BundleKeys(identities=[secret]))
        phrase = BundleKeys("correct horse")
        content = bundle_of(repo, phrase)
        with unopened(new):
            received(new, content, BundleKeys("correct horses"))
        with unopened(new):
            received(new, content)
        assert received(new, content, phrase) == 1
        # What would take more memory than there is is not even tried.
        head, _, rest = content.partition(b"\n-> scrypt ")
        salt, cost, more = rest.split(None, 2)
        dear = b" ".join([head + b"\n-> scrypt", salt, b"40\n" + more])
        assert int(cost) < 23
        lines = textwrap.wrap(base64.b64encode(dear).decode(), 64)
        lines = ["-----BEGIN AGE ENCRYPTED FILE-----", *lines, ""]
        for each in (dear, "\n".join(lines).encode()):
            with pytest.raises(StoreError, match=r"costs 2\^40"):
                received(new, each, phrase)
    # What `age --armor` writes.
    armored = pyrage.encrypt(
        KEYS.decrypt(bundle_of(repo_with(task), KEYS)),
        [pyrage.x25519.Identity.from_str(IDENTITY).to_public()],
        armored=True,
    )
    with EntityRepository(":memory:") as new:
        assert received(new, armored) == 1
        for broken in (armored[:60], armored[:-9], armored.replace(b"YWdl", b"Y=dl")):
            with unopened(new):
                received(new, broken)


@pytest.mark.parametrize(
    ("given_keys", "says"),
    [
        ({}, "found none"),
        ({"passphrase": " "}, "found no text"),
        ({"passphrase": "x", "identities": [IDENTITY]}, "found both"),
        ({"recipients": ["age1nobody"]}, "found 'age1nobody'"),
        ({"recipients": ["ssh-rsa nothing"]}, "found 'ssh-rsa nothing'"),
        ({"recipients": [IDENTITY]}, "a secret key, which is an identity"),
        ({"identities": [IDENTITY[:-1]]}, "found another text"),
        ({"identities": [Path("key.txt")]}, "read the file"),
    ],
)
def test_keys_that_are_none_are_refused_and_not_shown(
    given_keys: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        BundleKeys(**given_keys)
    assert IDENTITY[20:] not in str(caught.value)
    assert IDENTITY not in repr(KEYS)


def test_what_a_password_becomes_is_the_same_everywhere_and_tells_nothing() -> None:
    one = derive_secrets("You@example.com ", "pass", "https://a.example")
    assert one == derive_secrets("you@example.com", "pass", "https://a.example")
    # As docs/how-to/sync.md says it, computed apart from this.
    salt = b"alembic_neo4j sync 1\0you@example.com"
    main = hashlib.scrypt(b"pass", salt=salt, n=2**17, r=8, p=1, maxmem=2**28, dklen=32)
    sent = hmac.new(main, b"authentication\0https://a.example", "sha256")
    assert one.authentication == sent.hexdigest()
    letters = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
    words = one.identity.removeprefix("AGE-SECRET-KEY-1")[:-6]
    bits = "".join(f"{letters.index(each):05b}" for each in words)
    key = int(bits[:256], 2).to_bytes(32, "big")
    assert key == hmac.new(main, b"encryption", "sha256").digest()
    other = derive_secrets("you@example.com", "pass", "https://b.example")
    assert other.identity == one.identity
    assert other.authentication != one.authentication
    assert derive_secrets("me@example.com", "pass", "").identity != one.identity
    assert one.authentication not in repr(one)
    assert str(pyrage.x25519.Identity.from_str(one.identity)) == one.identity


def test_a_thousand_flipped_bits_and_every_missing_or_further_byte_are_found(
    filled: EntityRepository,
) -> None:
    content = bundle_of(filled, KEYS)
    chance = random.Random(12)
    bits = chance.sample(range(8 * len(content)), 1000)
    with EntityRepository(":memory:") as new:
        before = saved(new)
        changed = [content[:n] for n in chance.sample(range(len(content)), 100)]
        changed += [content[1:], content + b"\n", content + content, b"", b"\0" * 99]
        for bit in bits:
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            changed.append(bytes(flipped))
        for each in changed:
            with pytest.raises(StoreError, match="can't be opened"):
                received(new, each)
        assert saved(new) == before


def changed_lines(content: bytes, change: Callable[[list[Any]], object]) -> bytes:
    """What somebody who has the key writes instead."""
    lines = [
        json.loads(line) for line in gzip.decompress(KEYS.decrypt(content)).splitlines()
    ]
    change(lines)
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return KEYS.encrypt(gzip.compress(text))


def of_version(**values: Any) -> Callable[[list[Any]], object]:
    """Change the first version."""

    def change(lines: list[Any]) -> None:
        first = next(line for line in lines if "version" in line)
        first["version"] |= values

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: lines.clear(), "is no bundle of entities"),
        (lambda lines: lines[0].update(bundle="x"), "is no bundle of entities"),
        (lambda lines: lines[0].update(format=2), "newer release's"),
        (lambda lines: lines.pop(), "does not end"),
        (lambda lines: lines.pop(-2), "does not end"),
        (lambda lines: lines.append({"end": 5}), "does not end"),
        (lambda lines: lines.pop(1), "has not the writes"),
        (lambda lines: lines[1].update(counter=6), "has not the writes"),
        (lambda lines: lines[1].update(counter=-1), "a counter that is none"),
        (lambda lines: lines[1].update(counter=True), "a counter that is none"),
        (lambda lines: lines[1].update(site=""), "name of a site"),
        (lambda lines: lines[1].update(more=1), "other values than expected"),
        (lambda lines: lines.insert(1, lines[1]), "contradicts itself"),
        (lambda lines: lines.insert(1, []), "no JSON object"),
        (lambda lines: lines.insert(1, {"unknown": 1}), "a line that is none"),
        (
            lambda lines: lines.insert(2, {"fork": "a", "counter": 1, "digest": "00"}),
            "a digest that is none",
        ),
        (of_version(data="[]"), "a line that is none"),
        (of_version(data="{"), "a line that is none"),
        (of_version(status="unknown"), "a line that is none"),
        (of_version(id="other-a"), "a line that is none"),
        (of_version(created_at="2026-01-01"), "a line that is none"),
        (of_version(updated_at="1999-01-01T00:00:00+00:00"), "a line that is none"),
        (of_version(deleted=1), "values of another type"),
        (of_version(version=7), "not made of what it says"),
        (of_version(version=0), "a line that is none"),
        (of_version(vector="{}"), "a version vector that is none"),
        (of_version(vector="[]"), "a version vector that is none"),
        (of_version(counter=9), "a version vector that is none"),
        (of_version(words="x"), "other values than expected"),
    ],
)
def test_what_is_in_a_bundle_is_not_trusted(
    task: Make, change: Callable[[list[Any]], object], says: str
) -> None:
    with EntityRepository(":memory:") as repo, EntityRepository(":memory:") as new:
        made = repo.create(task("a", name="x"))
        repo.update(made.copy(status="paused"))
        for each in "bcd":
            repo.create(task(each))
        content = changed_lines(bundle_of(repo, KEYS), change)
        before = saved(new)
        with pytest.raises(StoreError, match=says) as caught:
            received(new, content)
        assert "Nothing has been changed" in str(caught.value)
        assert saved(new) == before


def test_a_vector_of_what_is_not_there_is_refused(task: Make) -> None:
    with EntityRepository(":memory:") as repo, EntityRepository(":memory:") as new:
        repo.create(task("a"))
        vector = json.dumps({repo.site_id: 1, "somebody": 3})
        content = changed_lines(bundle_of(repo, KEYS), of_version(vector=vector))
        with unopened(new):
            received(new, content)


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, filled: EntityRepository
) -> None:
    monkeypatch.setattr("alembic_neo4j.entities.bundle.LARGEST", 1 << 16)
    monkeypatch.setattr("alembic_neo4j.entities.bundle._LONGEST_LINE", 1 << 15)
    for text in (b"0" * (1 << 20), b'{"bundle": "x"}\n' * (1 << 14), b'{"a": 1'):
        with unopened(filled):
            received(filled, KEYS.encrypt(gzip.compress(text)))
    with unopened(filled):
        received(filled, KEYS.encrypt(b"not packed"))
    filled.create(filled.list()[0].copy(id="task-z", data={"much": "x" * (1 << 15)}))
    with pytest.raises(StoreError, match="Sync the stores themselves"):
        bundle_of(filled, KEYS)


# The laws -----------------------------------------------------------------------------


@few
@given(
    steps(3),
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=8),
    st.permutations(range(3)),
    st.sampled_from(RESOLVERS),
)
def test_sites_converge_in_whatever_order_they_export_and_import(
    done: list[Any], order: list[Any], last: list[int], resolver: ConflictResolver
) -> None:
    with opened(3, resolver) as repos, opened(3, resolver) as direct:
        bundles: list[bytes] = []
        for step in done:
            do(step, repos)
            do(step, direct)
        for site, exports in order:
            if exports:
                bundles.append(bundle_of(repos[site], KEYS))
            elif bundles:
                received(repos[site], bundles[0])
                again = written(repos[site]), shown(repos[site])
                assert received(repos[site], bundles[0]) == 0
                assert (written(repos[site]), shown(repos[site])) == again
        for _ in range(2):
            for site in last:
                for each in bundles:
                    received(repos[site], each)
                bundles.append(bundle_of(repos[site], KEYS))
        exchange(direct)
        assert_same(repos)
        assert shown(repos[0]) == shown(direct[0])


@few
@given(steps(2), st.integers(0, 23), st.integers(0, 2))
def test_a_store_that_was_restored_syncs_by_a_bundle_and_loses_nothing(
    done: list[Any], at: int, entity: int
) -> None:
    with opened(3, RESOLVERS[0]) as repos:
        for tick, step in enumerate(done[:at]):
            do(step, repos, tick)
        backup = saved(repos[0])
        for tick, step in enumerate(done[at:]):
            do(step, repos, 100 + tick)
        before = {each for repo in repos for each in contents(repo)}
        bundle = bundle_of(repos[0], KEYS)
        restore(repos[0], backup)
        do(Write(0, entity, "a", 9, 1), repos, 999)
        before |= set(contents(repos[0]))
        received(repos[0], bundle)
        received(repos[1], bundle)
        for each in (bundle_of(repos[0], KEYS), bundle_of(repos[1], KEYS)):
            for repo in repos:
                received(repo, each)
        exchange(repos)
        assert_same(repos)
        assert before <= set(contents(repos[2]))


# The file -----------------------------------------------------------------------------


def test_the_file_is_its_users_alone_and_no_plain_text_is_on_the_disk(
    tmp_path: Path, task: Make
) -> None:
    path = tmp_path / "dir [a]*" / "bundle.age"
    path.parent.mkdir()
    link = tmp_path / "link.age"
    link.symlink_to(path)
    client = SyncClient(LocalFile(link), KEYS)
    with EntityRepository(":memory:") as repo:
        repo.create(task("a", name="unmistakable words"))
        assert client.send(repo).sent == 1
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(StoreError, match="is left as it is"):
            client.send(repo)
        path.chmod(0o640)
        (path.parent / f".{path.name}.left.partial").write_bytes(b"of one killed")
        assert client.send(repo, replace=True).sent == 1
        assert path.stat().st_mode & 0o777 == 0o640
        assert b"unmistakable" not in path.read_bytes()
        assert link.is_symlink()
        assert sorted(each.name for each in path.parent.iterdir()) == [
            *(".bundle.age.lock", "bundle.age")
        ]
    with EntityRepository(":memory:") as new:
        assert client.receive(new).received == 1
        with new.store.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA temp_store").scalar() == 2
        nowhere = SyncClient(LocalFile(tmp_path / "no" / "b.age"), KEYS)
        with pytest.raises(StoreError, match="found nothing at"):
            nowhere.receive(new)
        with pytest.raises(StoreError, match="Create that directory"):
            nowhere.send(new)
        with pytest.raises(StoreError, match="can't be read: Is a directory"):
            SyncClient(LocalFile(tmp_path), KEYS).sync(new)


KILLED = Path(__file__).with_name("bundles.py")


def test_a_kill_at_any_call_leaves_the_old_bundle_or_the_new_one(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    step = 1 if request.config.getoption("--all") else 7
    told = [
        json.loads(line)
        for line in subprocess.run(
            [sys.executable, KILLED, tmp_path, str(step)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
    ]

    assert sum(each["killed"] for each in told) > 90 // step
    for verb, before, after in (
        # What the store has, and what the bundle has of it and of another one.
        ("send", [1, 0], [1, 1]),
        ("receive", [1, 2], [3, 2]),
        ("sync", [1, 2], [3, 3]),
    ):
        outcomes = [each["had"] for each in told if each["verb"] == verb]
        assert before in outcomes
        assert after in outcomes
        between = [[3, 2]] if verb == "sync" else []
        assert all(each in (before, after, *between) for each in outcomes), outcomes
    # The next one does the rest, and takes away what the killed ones have left.
    assert all(each["next"] == [5, 4] for each in told if each["verb"] != "send")
    assert {tuple(each["left"]) for each in told} == {("b.age",)}
