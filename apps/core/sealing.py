"""Tenants' payloads at rest: AES-256-GCM under keys of one tenant, without a look-up of any kind.

Layout: mark (1 byte), key id (4), day (2), nonce (12), ciphertext with tag. The key is derived (HKDF) from the master
key that the id names, the tenant and the day: nonces are random, and a key must not see more than 2**32 of them, which
a busy tenant would reach within weeks. The associated data ties a value to its tenant, table and column. No UTF-8 text
begins with the mark, so what an earlier release stored unsealed (JSON, mostly) is told apart and read as it is.

Unlike `crypto` (secrets, few and small) this is for the path of every request: keys are kept in the process.
"""

import hmac
import time
from collections.abc import Sequence
from os import urandom
from typing import Any, overload
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.signals import setting_changed
from django.dispatch import receiver

from apps.core.crypto import KEY_ID_LENGTH, NONCE_LENGTH, Undecipherable, id_of, master_keys

MARK = b"\xf9"
PART = b"\xfa"  # begins one of several envelopes in a value that grows
LENGTH_BYTES = 4
KEYED = 1 + KEY_ID_LENGTH  # mark and key id: what rows of another master key are found by
NAMED = KEYED + 2  # and the day: what names one derived key
HEAD = NAMED + NONCE_LENGTH
DAY_SECONDS = 86_400
MOST_KEPT = 20_000  # derived keys in a process
BLIND = "blind:"
SALT = b"weft sealed payloads"
ANSWER_BODY = "core_idempotency_key|body"


class Sealer:
    """Seals values of one tenant with the newest key, until its day is over."""

    __slots__ = ("_associated", "_encrypt", "_head", "_tenant_id", "until")

    def __init__(self, tenant_id: UUID, head: bytes, cipher: AESGCM, until: float) -> None:
        self._tenant_id = tenant_id
        self._head = head
        self._encrypt = cipher.encrypt
        self._associated: dict[str, bytes] = {}
        self.until = until

    def seal(self, data: bytes, column: str, nonce: bytes = b"") -> bytes:
        """Return the envelope of `data`; `column` is `<table>|<column>`.

        A caller with several values may bring a random `nonce` for each, drawn together: that is a call of the kernel.
        """
        associated = self._associated.get(column)
        if associated is None:
            associated = self._associated[column] = _place(self._tenant_id, column)
        nonce = nonce or urandom(NONCE_LENGTH)
        return self._head + nonce + self._encrypt(nonce, data, associated)


class Keys:
    """Everything that follows from some master keys, of which the first one seals; without a setting of Django's."""

    def __init__(self, masters: Sequence[bytes]) -> None:
        self._masters = {id_of(key): key for key in masters}
        self.newest = id_of(masters[0])
        self._sealers: dict[int, Sealer] = {}  # by the number of the tenant's id: a UUID's own hash is not C
        self._ciphers: dict[bytes, AESGCM] = {}
        self._blinds: dict[UUID, tuple[bytes, ...]] = {}

    def sealer(self, tenant_id: UUID) -> Sealer:
        """As the function of that name."""
        now = time.time()
        found = self._sealers.get(tenant_id.int)
        if found is None or found.until <= now:
            day = int(now // DAY_SECONDS)
            head = MARK + self.newest + day.to_bytes(2, "big")
            _make_room(self._sealers)
            cipher = self._cipher(tenant_id, head)
            found = self._sealers[tenant_id.int] = Sealer(tenant_id, head, cipher, (day + 1) * DAY_SECONDS)
        return found

    def opened(self, value: bytes, tenant_id: UUID, column: str) -> bytes:
        """As the function of that name."""
        if value[:1] != MARK:
            return value
        if len(value) <= HEAD:
            raise Undecipherable("The envelope is cut short.")
        cipher = self._cipher(tenant_id, value[:NAMED])
        try:
            return cipher.decrypt(value[NAMED:HEAD], value[HEAD:], _place(tenant_id, column))
        except InvalidTag:
            raise Undecipherable("The value belongs to another place or was changed.") from None

    def _cipher(self, tenant_id: UUID, head: bytes) -> AESGCM:
        """Return the cipher that the first bytes of an envelope name."""
        name = tenant_id.bytes + head[1:NAMED]
        found = self._ciphers.get(name)
        if found is None:
            master = self._masters.get(head[1:KEYED])
            if master is None:
                raise Undecipherable(f"No configured key has the id {head[1:KEYED].hex()}.")
            _make_room(self._ciphers)
            found = self._ciphers[name] = AESGCM(_derived(master, b"payload" + tenant_id.bytes + head[KEYED:NAMED]))
        return found

    def blind(self, tenant_id: UUID) -> tuple[bytes, ...]:
        """Return the keys of a tenant's blind indexes, the newest one first."""
        found = self._blinds.get(tenant_id)
        if found is None:
            _make_room(self._blinds)
            found = tuple(_derived(master, b"blind index" + tenant_id.bytes) for master in self._masters.values())
            self._blinds[tenant_id] = found
        return found


_kept: Keys | None = None  # what follows from the settings


def sealer(tenant_id: UUID) -> Sealer:
    """Return what seals the values of a tenant now; not to be kept beyond the row in hand."""
    return (_kept or _keys()).sealer(tenant_id)


@overload
def seal(data: bytes, tenant_id: UUID, column: str) -> bytes: ...


@overload
def seal(data: bytes | None, tenant_id: UUID, column: str) -> bytes | None: ...


def seal(data: bytes | None, tenant_id: UUID, column: str) -> bytes | None:
    """Return the envelope of a value for `<table>|<column>` of a tenant; nothing stays nothing."""
    return None if data is None else sealer(tenant_id).seal(data, column)


@overload
def opened(data: bytes | memoryview, tenant_id: UUID, column: str) -> bytes: ...


@overload
def opened(data: bytes | memoryview | None, tenant_id: UUID, column: str) -> bytes | None: ...


def opened(data: bytes | memoryview | None, tenant_id: UUID, column: str) -> bytes | None:
    """Return what was sealed; what is no envelope is returned as it is. Raises `Undecipherable`."""
    if data is None:
        return None
    return _keys().opened(data if isinstance(data, bytes) else bytes(data), tenant_id, column)


def seal_part(data: bytes | None, tenant_id: UUID, column: str) -> bytes | None:
    """Return the envelope of one piece of a value to which the database appends further ones."""
    if data is None:
        return None
    envelope = seal(data, tenant_id, column)
    return PART + len(envelope).to_bytes(LENGTH_BYTES, "big") + envelope


def parts_opened(data: bytes | memoryview | None, tenant_id: UUID, column: str) -> bytes:
    """Return all pieces, one behind the other; unsealed lines of an earlier release stay as they are.

    Raises `Undecipherable`.
    """
    rest = b"" if data is None else bytes(data)
    pieces: list[bytes] = []
    while rest:
        if rest[:1] == PART:
            begin = 1 + LENGTH_BYTES
            end = begin + int.from_bytes(rest[1:begin], "big")
            pieces.append(opened(rest[begin:end], tenant_id, column))
        else:
            end = rest.find(b"\n") + 1 or len(rest)
            pieces.append(rest[:end])
        rest = rest[end:]
    return b"".join(pieces)


def newest_head() -> bytes:
    """Return how envelopes of the newest master key begin, for finding those of other keys in the database."""
    return MARK + _keys().newest


def blind_keys(text: str, tenant_id: UUID, domain: str) -> tuple[str, ...]:
    """Return what stands for an identifying text in the database: by the newest master key first, then by older ones.

    Equal texts of one tenant and domain have equal ones; nothing else can be told from them without the key.
    """
    message = domain.encode("utf-8", "surrogatepass") + b"\0" + text.encode("utf-8", "surrogatepass")
    return tuple(BLIND + hmac.digest(key, message, "sha256").hex() for key in _keys().blind(tenant_id))


def _keys() -> Keys:
    global _kept  # noqa: PLW0603 - one configuration at a time
    if _kept is None:
        _kept = Keys(master_keys())
    return _kept


@receiver(setting_changed)
def _forget(*, setting: str, **_: Any) -> None:
    """Follow the settings: asking them each time is a tenth of sealing a small value."""
    global _kept  # noqa: PLW0603 - one configuration at a time
    if setting in ("ENCRYPTION_KEYS", "SECRET_KEY"):
        _kept = None


def _derived(master: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=SALT, info=info).derive(master)


def _place(tenant_id: UUID, column: str) -> bytes:
    return f"{tenant_id}|{column}".encode()


def _make_room(kept: dict[Any, Any]) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()
