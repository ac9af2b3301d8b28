"""Keys: who a conversation belongs to stands in the log only as a keyed hash, or sealed.

The secret is never in the database. Several secrets may be given, the newest first: what was kept under an older
one is still found, so that a key can be changed while conversations go on (docs/how-to/deploy.md).
"""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64encode
from collections import OrderedDict
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b, sha256
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

ADDRESSES = 10_000
"""Addresses kept opened in memory: those lately written to."""
SHORTEST = 24
"""Characters a secret must have."""


class UnusableKey(ValueError):
    """A secret cannot be used. The message says why, never what it is."""


def _derived(secret: str, purpose: bytes) -> bytes:
    return blake2b(secret.encode(), digest_size=32, person=purpose).digest()


def _hashed(name: str, key: bytes) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, key=key).digest()


class Keys:
    """Hashes and seals, from one or more secrets, the newest first."""

    def __init__(self, secret: str) -> None:
        self._secrets = [part.strip() for part in secret.split(",") if part.strip()]
        if not self._secrets:
            raise UnusableKey("is empty")
        if any(len(part) < SHORTEST for part in self._secrets):
            raise UnusableKey(f"each key needs at least {SHORTEST} characters")
        self._conversation = [_derived(part, b"conversation") for part in self._secrets]
        self._addresses: OrderedDict[bytes, str] = OrderedDict()
        self._owner = [_derived(part, b"owner") for part in self._secrets]

    def conversation(self, name: str) -> bytes:
        """The hash a conversation is kept under, 16 bytes."""
        return _hashed(name, self._conversation[0])

    def all_conversations(self, name: str) -> tuple[bytes, ...]:
        """The hashes by every key, the newest first."""
        return tuple(_hashed(name, key) for key in self._conversation)

    def owners(self, name: str) -> tuple[bytes, ...]:
        """The hashes records are kept under: others than the conversation's, so that neither leads to the other."""
        return tuple(_hashed(name, key) for key in self._owner)

    @property
    def webhook_secret(self) -> str:
        """What a platform that calls this service shows, where none is set: the same for every worker."""
        return _derived(self._secrets[0], b"webhook").hex()

    def sign(self, purpose: bytes, text: str) -> str:
        """What shows that this service made a text (a cookie, a form), for one purpose only."""
        return _hashed(text, _derived(self._secrets[0], purpose)).hex()

    def is_signed(self, purpose: bytes, text: str, signature: str) -> bool:
        """Whether one of the keys signed it: also one that is about to be changed."""
        given = signature.encode("utf-8", "surrogatepass")
        signed = [_hashed(text, _derived(part, purpose)).hex().encode() for part in self._secrets]
        return sum(compare_digest(given, one) for one in signed) > 0  # all are compared: the time tells nothing

    @property
    def fingerprints(self) -> tuple[bytes, ...]:
        """What shows that a key is the one a log was written with, and nothing else of it."""
        return tuple(_derived(part, b"fingerprint")[:16] for part in self._secrets)

    @cached_property
    def _fernet(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415  (only where addresses are sealed)

        return MultiFernet([Fernet(urlsafe_b64encode(_derived(part, b"address"))) for part in self._secrets])

    def seal(self, address: str) -> bytes:
        """An address that a channel must be able to read again, encrypted."""
        return self._fernet.encrypt(address.encode())

    def unseal(self, sealed: bytes) -> str:
        """The address. Raises UnusableKey where no key opens it."""
        known = self._addresses.get(sealed)
        if known is not None:
            return known
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        try:
            address = self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise UnusableKey("an address was sealed with another key") from None
        self._addresses[sealed] = address
        if len(self._addresses) > ADDRESSES:
            self._addresses.popitem(last=False)
        return address


def delivery_hash(delivery: str | None) -> bytes:
    """What a delivery is known by, 16 bytes; one of its own where the channel names none."""
    if delivery is None:
        return secrets.token_bytes(16)
    return blake2b(delivery.encode("utf-8", "surrogatepass"), digest_size=16, person=b"delivery").digest()


def erasure_token(conversation: bytes, delivery: str) -> bytes:
    """What an erasure is remembered by. It leads to nobody: it cannot be computed without the conversation's name."""
    return blake2b(conversation + delivery_hash(delivery), digest_size=16, person=b"erasure").digest()


def erased_delivery(conversation: bytes, delivery: bytes) -> bytes:
    """What an erased conversation's delivery is known by, so that it begins nothing when it comes again. SHA-256, as
    both databases have it; it leads neither to the conversation nor to the delivery."""
    return sha256(conversation + delivery).digest()


def kept_secret(folder: Path) -> str:
    """The secret of a data folder, made at its first use, for its owner only. Raises OSError."""
    file = folder / "secret.key"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return file.read_text("ascii").strip()
    except FileNotFoundError:
        pass
    fresh = folder / f".secret.{os.getpid()}"
    fresh.touch(mode=0o600)
    try:
        fresh.write_text(secrets.token_urlsafe(32) + "\n", "ascii")
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        with suppress(FileExistsError):
            os.link(fresh, file)  # whoever comes first: two first starts end up with one secret
    finally:
        fresh.unlink()
    return file.read_text("ascii").strip()
