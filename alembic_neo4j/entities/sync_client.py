"""Sync by an encrypted bundle that lies where several stores reach it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlunsplit

from sqlalchemy import select

from alembic_neo4j.entities.bundle import bundle_of, opened_bundle
from alembic_neo4j.entities.encryption import (
    BundleKeys,
    DerivedSecrets,
    derive_secrets,
)
from alembic_neo4j.entities.http_transport import HttpFile, checked_url
from alembic_neo4j.entities.merging import known
from alembic_neo4j.entities.repository import EntityRepository
from alembic_neo4j.entities.sync import (
    SyncableRepository,
    SyncResult,
    check_repository,
)
from alembic_neo4j.entities.tables import forks
from alembic_neo4j.entities.transport import (
    ChangedMeanwhile,
    Held,
    Transport,
    scheme_of,
    shown_location,
    transport_of,
)
from alembic_neo4j.errors import LockError, StoreError, ValidationError

log = logging.getLogger(__name__)

_ROUNDS = 16
"""How often a bundle is read and merged again that others write at the same time."""

_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 3.0

_FILE = "entities.age"
"""The bundle's name where the URL of a server ends in none."""


@dataclass(frozen=True, repr=False)
class SyncConfig:
    """Where the bundle is, and what opens it.

    `server_url` is an ``https://`` URL, any path or URL that fsspec opens, or a file.
    With `email` and `password` alone all else follows from these: what encrypts the
    bundle, which nobody gets, and what the server gets as the account's password, see
    `server_password`. With a `passphrase`, or `recipients` and `identities`, these
    encrypt the bundle, and `email` and `password`, or a `token`, are the account at
    the server as they are. `storage_options` are fsspec's; `timeout` is how many
    seconds nothing may arrive from a server.

    Raises ValidationError where something is missing or contradicts itself; no part of
    it is shown by `repr`.
    """

    server_url: str
    email: str | None = None
    password: str | None = None
    _: KW_ONLY
    passphrase: str | None = None
    recipients: Sequence[str] = ()
    identities: Sequence[str] = ()
    token: str | None = None
    storage_options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if not isinstance(self.server_url, str) or not self.server_url:
            raise ValidationError(
                "expected the URL or path of a bundle for server_url, found "
                f"{type(self.server_url).__name__}; write https://example.org/"
            )
        if bool(self.email) != bool(self.password):
            given, lacks = (
                ("an email", "password") if self.email else ("a password", "email")
            )
            raise ValidationError(
                f"expected email and password, found only {given}; give {lacks}=…"
            )
        if self._has_keys and self.passphrase and self.passphrase == self.password:
            raise ValidationError(
                "expected another passphrase than the password: the server gets that, "
                "and could open the bundle with it. Leave out the passphrase, and both "
                "follow from the password without telling each other"
            )
        if not self._has_keys and not self.password:
            raise ValidationError(
                "expected what encrypts the bundle, found nothing; give email=… and "
                "password=…, or passphrase=…, or recipients=… and identities=…"
            )
        if self._is_web:
            checked_url(self.server_url)

    @property
    def server_password(self) -> str:
        """What the account at the server has to have as its password.

        It opens no bundle. With a passphrase or keys it is the password as given.
        Raises ValidationError where there is no account.
        """
        if self.password is None:
            raise ValidationError(
                "expected an account, found no email and password; give both"
            )
        return self.password if self._has_keys else self._derived.authentication

    @property
    def keys(self) -> BundleKeys:
        """What encrypts the bundle and opens it."""
        if not self._has_keys:
            return BundleKeys(identities=[self._derived.identity])
        return BundleKeys(self.passphrase, self.recipients, self.identities)

    @property
    def transport(self) -> Transport:
        """Where the bundle is."""
        if not self._is_web:
            return transport_of(self.server_url, self.storage_options)
        account = None
        if self.email is not None:
            account = (self.email, self.server_password)
        url, parts = self.server_url, checked_url(self.server_url)
        if not parts.path or parts.path.endswith("/"):
            path = f"{parts.path or '/'}{_FILE}"
            url = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
        return HttpFile(url, account=account, token=self.token, timeout=self.timeout)

    @property
    def _has_keys(self) -> bool:
        return bool(self.passphrase or self.recipients or self.identities)

    @property
    def _is_web(self) -> bool:
        return scheme_of(self.server_url) in ("http", "https")

    @cached_property
    def _derived(self) -> DerivedSecrets:
        origin = ""
        if self._is_web:
            parts = checked_url(self.server_url)
            origin = f"{parts.scheme}://{parts.netloc}".lower()
        return derive_secrets(self.email or "", self.password or "", origin)

    def __repr__(self) -> str:
        return f"SyncConfig({shown_location(self.server_url)!r}, …)"


class SyncClient:
    """Gives a store what a bundle has, and the bundle what the store has."""

    def __init__(self, transport: Transport, keys: BundleKeys) -> None:
        self._transport, self._keys = transport, keys

    def sync(self, repo: EntityRepository) -> SyncResult:
        """Give the store and the bundle what the other one has.

        First the store receives, as a whole or not at all; then the bundle is written
        where the store has more, and only where nobody has written it meanwhile: else
        it is read and merged again. One that is not there is made. Conflicts are
        decided by the store's resolver. Whoever is killed in between has received, and
        has sent nothing or all; the next sync does the rest.

        Raises StoreError where the bundle can't be opened, read or written, and
        LockError where others write it all the time.
        """
        store = _syncable(repo)
        received, last = 0, ChangedMeanwhile()
        for attempt in range(_ROUNDS):
            if attempt:
                _pause(attempt)
            held = self._transport.read()
            if held is None:
                content: bytes | None = bundle_of(store, self._keys)
                result = SyncResult(sent=_count(store))
            else:
                content, result = self._merged(held, store)
                received += result.received
            try:
                if content is not None:
                    self._transport.write(content, held)
            except ChangedMeanwhile as changed:
                last = changed
                log.info(
                    "The bundle %s was changed meanwhile; it is read again%s",
                    *(self._transport.name, _said(changed)),
                )
                continue
            return SyncResult(received, result.sent)
        raise LockError(
            f"the bundle {self._transport.name} was changed by others each time, in "
            f"{_ROUNDS} attempts to write it, or the server did not tell whether it was"
            f" written. What was in it has been received ({received} versions), and "
            f"nothing of this store is known to be there. Try again{_said(last)}"
        )

    def look(self) -> bool:
        """Tell whether there is a bundle; StoreError where it can't be opened."""
        held = self._transport.read()
        if held is None:
            return False
        with opened_bundle(held.content, self._keys, self._transport.name):
            return True

    def receive(self, repo: EntityRepository) -> SyncResult:
        """Give the store what the bundle has, which is only read.

        Raises StoreError where there is none, or it can't be opened: nothing is changed
        then.
        """
        store = _syncable(repo)
        held = self._transport.read()
        if held is None:
            raise no_bundle(self._transport.name)
        with opened_bundle(held.content, self._keys, self._transport.name) as bundle:
            return store.pull_from(bundle)

    def send(self, repo: EntityRepository, *, replace: bool = False) -> SyncResult:
        """Make the bundle be what the store has, where there is none.

        One that is there is replaced only with `replace`, whatever is in it. Raises
        StoreError where there is one otherwise, or it can't be written, and LockError
        where another one writes it at the same time.
        """
        check_repository(repo)
        held = self._transport.read()
        if held is not None and not replace:
            raise StoreError(
                f"expected nothing at {self._transport.name}, found something, which "
                "is left as it is. Sync with it, which keeps what is in it, or have it "
                "replaced by force"
            )
        content = bundle_of(repo, self._keys)
        try:
            self._transport.write(content, held)
        except ChangedMeanwhile as changed:
            raise LockError(
                f"the bundle {self._transport.name} is being written by another one, "
                f"or it is not known whether it was written{_said(changed)}. Look at "
                "it, and try again"
            ) from None
        return SyncResult(sent=_count(repo))

    def _merged(
        self, held: Held, store: SyncableRepository
    ) -> tuple[bytes | None, SyncResult]:
        """Return the bundle as it has to be, None where it is so already."""
        with opened_bundle(held.content, self._keys, self._transport.name) as bundle:
            before = _state(bundle)
            result = store.sync_with(bundle)
            if _state(bundle) == before:
                return None, result
            return bundle_of(bundle, self._keys), result


def no_bundle(name: str) -> StoreError:
    """Return the error for a bundle that is to be read and is not there."""
    return StoreError(f"expected a bundle, found nothing at {name}; correct its name")


def create_sync_client(config: SyncConfig) -> SyncClient:
    """Return what syncs stores with the bundle of a configuration; nothing is sent yet.

    Raises MissingExtra where what it needs is not installed; it names the extra.
    """
    if not isinstance(config, SyncConfig):
        raise ValidationError(
            f"expected a SyncConfig, found {type(config).__name__}; write "
            "create_sync_client(SyncConfig(url, …))"
        )
    return SyncClient(config.transport, config.keys)


def _syncable(repo: EntityRepository) -> SyncableRepository:
    check_repository(repo)
    if isinstance(repo, SyncableRepository):
        return repo
    return SyncableRepository(repo, repo.site_id)


def _state(repo: EntityRepository) -> tuple[object, ...]:
    """Return what tells whether a store has what it had."""
    with repo.store.reading() as connection:
        lines = connection.execute(select(forks).order_by(*forks.c)).all()
        return known(connection), [tuple(line) for line in lines]


def _count(repo: EntityRepository) -> int:
    with repo.store.reading() as connection:
        return sum(known(connection).values())


def _pause(attempt: int) -> None:
    # Those who met once should not meet again.
    most = min(_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
    time.sleep(random.uniform(_PAUSE_SECONDS, most))


def _said(changed: ChangedMeanwhile) -> str:
    return f": {changed}" if str(changed) else ""
