"""Secrets at rest: AES-256-GCM in a versioned envelope that names its key.

Layout: version (1 byte), key id (4 bytes), nonce (12 bytes), ciphertext with tag. The associated data ties a value to
its tenant, table and column, so that a ciphertext moved to another row's tenant or column does not open.
"""

import base64
import hashlib
import os
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

VERSION = 1
KEY_ID_LENGTH = 4
NONCE_LENGTH = 12
HEAD_LENGTH = 1 + KEY_ID_LENGTH + NONCE_LENGTH


class Undecipherable(ValueError):
    """The value was not encrypted for this place, or its key is gone."""


def encrypt(value: bytes, *, tenant_id: UUID, table: str, column: str) -> bytes:
    """Encrypt with the first configured key."""
    key = master_keys()[0]
    nonce = os.urandom(NONCE_LENGTH)
    sealed = AESGCM(key).encrypt(nonce, value, _place(tenant_id, table, column))
    return bytes([VERSION]) + id_of(key) + nonce + sealed


def decrypt(envelope: bytes, *, tenant_id: UUID, table: str, column: str) -> bytes:
    """Open an envelope with whichever configured key made it; raise `Undecipherable`."""
    if len(envelope) <= HEAD_LENGTH or envelope[0] != VERSION:
        raise Undecipherable("The envelope has an unknown form.")
    wanted, nonce = envelope[1 : 1 + KEY_ID_LENGTH], envelope[1 + KEY_ID_LENGTH : HEAD_LENGTH]
    for key in master_keys():
        if id_of(key) == wanted:
            try:
                return AESGCM(key).decrypt(nonce, envelope[HEAD_LENGTH:], _place(tenant_id, table, column))
            except InvalidTag:
                raise Undecipherable("The value belongs to another place or was changed.") from None
    raise Undecipherable(f"No configured key has the id {wanted.hex()}.")


def key_id(envelope: bytes) -> str:
    """Return the id of the key that an envelope needs, for finding rows to encrypt again."""
    return envelope[1 : 1 + KEY_ID_LENGTH].hex()


def newest_id() -> str:
    """Return, as `key_id` does, the id of the key that encrypts now."""
    return id_of(master_keys()[0]).hex()


def id_of(key: bytes) -> bytes:
    """Return the id by which envelopes name a master key."""
    return hashlib.sha256(b"weft key id" + key).digest()[:KEY_ID_LENGTH]


def master_keys() -> tuple[bytes, ...]:
    """Return the configured keys, of which the first one writes."""
    return _derived(tuple(settings.ENCRYPTION_KEYS), settings.SECRET_KEY)


def _place(tenant_id: UUID, table: str, column: str) -> bytes:
    return f"{tenant_id}|{table}|{column}".encode()


@lru_cache(maxsize=4)
def _derived(configured: tuple[str, ...], secret_key: str) -> tuple[bytes, ...]:
    """Return the configured keys, or one derived from the signing key where none is configured (development)."""
    keys = tuple(base64.b64decode(text, validate=True) for text in configured)
    if any(len(key) != 32 for key in keys):
        raise ValueError("ENCRYPTION_KEYS must be base64 of 32 bytes each.")
    if keys:
        return keys
    return (HKDF(SHA256(), 32, salt=b"weft", info=b"tenant secrets").derive(secret_key.encode()),)
