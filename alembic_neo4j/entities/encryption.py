"""The keys of a bundle: the age format, which any age tool opens and writes."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alembic_neo4j.errors import MissingExtra, StoreError, ValidationError
from alembic_neo4j.sentences import ended, shortened

_SCRYPT = {"n": 1 << 17, "r": 8, "p": 1, "maxmem": 1 << 28}
"""What it costs to try a password: 128 MiB and about half a second."""

_COST = re.compile(rb"age-encryption\.org/v1\n-> scrypt [A-Za-z0-9+/]+ (\d{1,9})\n")
_MOST_COST = 22
"""How dear a bundle may make it to try a passphrase, as the logarithm of scrypt's N."""


@dataclass(frozen=True, repr=False)
class BundleKeys:
    """What a bundle is encrypted with, and what opens it.

    Either a `passphrase`; or `recipients`, public keys such as ``age1…`` and
    ``ssh-ed25519 …``, and `identities`, the secret ones such as ``AGE-SECRET-KEY-1…``
    or the text of an OpenSSH key. Identities of age alone are recipients as well.
    Whoever only writes needs no identity, whoever only reads no recipient.

    Raises ValidationError where a key is none, or where there is none at all, and
    MissingExtra where pyrage is not installed. None of them is shown by `repr`.
    """

    passphrase: str | None = None
    recipients: Sequence[str] = ()
    identities: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.passphrase is not None and (self.recipients or self.identities):
            raise ValidationError(
                "expected a passphrase or keys for a bundle, found both: the age "
                "format has one or the other. Leave out one of them"
            )
        if self.passphrase is None and not (self.recipients or self.identities):
            raise ValidationError(
                "expected a passphrase, recipients or identities for a bundle, found "
                "none; give passphrase=…"
            )
        if self.passphrase is not None and not self.passphrase.strip():
            raise ValidationError("expected a passphrase for a bundle, found no text")
        self._public()
        self._secret()

    def encrypt(self, content: bytes) -> bytes:
        """Return the content encrypted, another text each time.

        Raises ValidationError where there is nobody to encrypt it for.
        """
        pyrage = _pyrage()
        if self.passphrase is not None:
            return bytes(pyrage.passphrase.encrypt(content, self.passphrase))
        public = self._public()
        if not public:
            raise ValidationError(
                "expected whom a bundle is encrypted for, found only an OpenSSH "
                "identity; give its public key as a recipient, ssh-ed25519 …"
            )
        return bytes(pyrage.encrypt(content, public))

    def decrypt(self, content: bytes) -> bytes:
        """Return what was encrypted, to the last byte, or nothing of it.

        Raises StoreError where the keys are others, or anything was changed, is
        missing or was added.
        """
        pyrage = _pyrage()
        _check_cost(content)
        try:
            if self.passphrase is not None:
                return bytes(pyrage.passphrase.decrypt(content, self.passphrase))
            if not self.identities:
                raise ValidationError(
                    "expected an identity to open a bundle with, found only recipients"
                    "; give the secret key of one of them"
                )
            return bytes(pyrage.decrypt(content, self._secret()))
        except pyrage.DecryptError as error:
            raise StoreError(
                "it can't be decrypted: the passphrase or the key is another one, it "
                f"is damaged, or no file of age ({error})"
            ) from None

    def _public(self) -> list[Any]:
        pyrage = _pyrage()
        found: list[Any] = []
        for text in self.recipients:
            kind = pyrage.ssh if _text(text).startswith("ssh-") else pyrage.x25519
            try:
                found.append(kind.Recipient.from_str(text.strip()))
            except pyrage.RecipientError as error:
                raise ValidationError(
                    "expected a public key of age or OpenSSH for a recipient, age1… or "
                    f"ssh-ed25519 …, found {_of_recipient(text)}: {ended(error)}"
                ) from None
        known = {str(each) for each in found}
        for identity in self._secret():
            if isinstance(identity, pyrage.x25519.Identity):
                own = identity.to_public()
                if str(own) not in known:
                    found.append(own)
        return found

    def _secret(self) -> list[Any]:
        pyrage = _pyrage()
        found: list[Any] = []
        for text in self.identities:
            try:
                if "-----BEGIN" in _text(text):
                    found.append(pyrage.ssh.Identity.from_buffer(text.encode()))
                    continue
                # A file of age-keygen has remarks beside the key.
                lines = [line.strip() for line in text.splitlines()]
                keys = [line for line in lines if line and not line.startswith("#")]
                found += map(pyrage.x25519.Identity.from_str, keys or [text])
            except pyrage.IdentityError:
                # What it was is a secret, or most of one.
                raise ValidationError(
                    "expected a secret key of age or OpenSSH for an identity, "
                    "AGE-SECRET-KEY-1… or the text of an OpenSSH key without a "
                    "passphrase, found another text"
                ) from None
        return found

    def __repr__(self) -> str:
        kind = "a passphrase" if self.passphrase is not None else "keys"
        return f"BundleKeys({kind})"


def _check_cost(content: bytes) -> None:
    """Raise StoreError where to try a passphrase would take the machine's memory."""
    cost = _COST.match(_header(content))
    if cost is not None and int(cost[1]) > _MOST_COST:
        raise StoreError(
            f"it is encrypted so that a passphrase costs 2^{int(cost[1])}: expected "
            f"2^{_MOST_COST} at most, which takes 4 GiB. It is damaged, or not meant "
            "for this machine"
        )


def _header(content: bytes) -> bytes:
    """Return what a file of age begins with, also where that is written as text."""
    beginning = content[:4096].strip()
    if not beginning.startswith(b"-----BEGIN AGE"):
        return content[:4096]
    text = b"".join(beginning.split()[4:8])
    try:
        return binascii.a2b_base64(text[: len(text) // 4 * 4])
    except binascii.Error:
        # It is told what is wrong with it where it is decrypted.
        return b""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValidationError(
            f"expected the text of a key, found {type(value).__name__}; read the file"
        )
    return value.strip()


def _of_recipient(text: str) -> str:
    if "SECRET" in text.upper() or "-----BEGIN" in text:
        return "a secret key, which is an identity"
    return shortened(text)


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError as error:
        raise MissingExtra(
            "Encrypted bundles need pyrage, which is not installed: "
            'pip install "alembic-neo4j[sync]"'
        ) from error
    return pyrage


# What a password becomes --------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class DerivedSecrets:
    """What an account's password becomes: no part of it tells another one.

    `identity` opens the bundles and is never sent; `authentication` is what the server
    gets as the account's password, another one for each server.
    """

    identity: str
    authentication: str

    def __repr__(self) -> str:
        return "DerivedSecrets(…)"


def derive_secrets(email: str, password: str, origin: str) -> DerivedSecrets:
    """Return what the password of an account becomes, the same on every machine.

    ``scrypt`` of the password, salted with the address in small letters, makes 32
    bytes of it. HMAC-SHA256 with these as its key makes the identity of the word
    ``encryption``, and of ``authentication`` and the server's origin what that gets.
    """
    salt = b"alembic_neo4j sync 1\0" + email.strip().casefold().encode()
    main = hashlib.scrypt(password.encode(), salt=salt, dklen=32, **_SCRYPT)
    key = hmac.digest(main, b"encryption", "sha256")
    sent = hmac.digest(main, b"authentication\0" + origin.encode(), "sha256")
    return DerivedSecrets(_bech32("age-secret-key-", key).upper(), sent.hex())


_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _bech32(prefix: str, content: bytes) -> str:
    """Return bytes as BIP 173 writes them, which is how age writes its keys."""
    bits = "".join(f"{byte:08b}" for byte in content)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    high, low = [ord(each) >> 5 for each in prefix], [ord(each) & 31 for each in prefix]
    rest = 1
    for value in [*high, 0, *low, *values, *([0] * 6)]:
        top = rest >> 25
        rest = (rest & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            rest ^= generator if top >> bit & 1 else 0
    check = [(rest ^ 1) >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1" + "".join(_LETTERS[each] for each in [*values, *check])
