"""The original product's encryption of single texts (spec/modules.md 10.2), which messages on Kafka carry (10.3).

`enc::` and base64 of a nonce of 12 bytes with AES-256-GCM, the key being SHA-256 of the text `ENCRYPTION_KEY`, without
associated data.
"""

import base64
import binascii
import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_NAME = "ENCRYPTION_KEY"
PREFIX = "enc::"
NONCE_LENGTH = 12
TAG_LENGTH = 16


class Unreadable(Exception):
    """The text is not an encrypted one, or was encrypted with another key."""


def cipher_of(secret: str) -> AESGCM:
    """Return what a secret `ENCRYPTION_KEY` encrypts with."""
    return AESGCM(sha256(secret.encode()).digest())


def encrypted(text: str, cipher: AESGCM) -> str:
    """Return a text as `enc::...`; each time another one."""
    nonce = os.urandom(NONCE_LENGTH)
    return PREFIX + base64.b64encode(nonce + cipher.encrypt(nonce, text.encode(), None)).decode()


def decrypted(text: str, cipher: AESGCM) -> str:
    """Return what an `enc::...` says; raise `Unreadable`."""
    try:
        sealed = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        if not text.startswith(PREFIX) or len(sealed) < NONCE_LENGTH + TAG_LENGTH:
            raise Unreadable
        return cipher.decrypt(sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], None).decode()
    except (binascii.Error, InvalidTag, ValueError) as error:
        raise Unreadable from error


def blind(text: str, secret: str) -> str:
    """Return a digest that is the same for the same text under the same secret, and tells nothing without it."""
    return hmac.new(sha256(b"message key" + secret.encode()).digest(), text.encode(), sha256).hexdigest()
