"""Texts that the original product encrypted by itself, field by field (spec/modules.md 10.2).

`enc::` and base64 of a nonce of 12 bytes with AES-256-GCM, the key being SHA-256 of the text `ENCRYPTION_KEY`, without
associated data. They are read here and never written. What does not open with the key is somebody's own text that
begins like one, and stays as it is (D24).
"""

from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.engine.field_encryption import KEY_NAME, PREFIX, Unreadable, cipher_of, decrypted

__all__ = ["KEY_NAME", "PREFIX", "may_hold_old_texts", "old_cipher", "with_plain_texts"]
PREFIX_BYTES = PREFIX.encode()


def may_hold_old_texts(payload: bytes) -> bool:
    """Whether a JSON payload is worth a closer look."""
    return PREFIX_BYTES in payload


def old_cipher(secret: str) -> AESGCM:
    """Return what the original's `ENCRYPTION_KEY` encrypted with."""
    return cipher_of(secret)


def with_plain_texts(value: Any, cipher: AESGCM) -> Any:
    """Replace every old text in a JSON tree by what it says, in place; return the tree."""
    root = [value]
    todo: list[Any] = [root]
    while todo:  # as deep as the payload is: no recursion
        node = todo.pop()
        places = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        for place, item in places:
            if isinstance(item, dict | list):
                todo.append(item)
            elif isinstance(item, str) and item.startswith(PREFIX):
                node[place] = _plain(item, cipher)
    return root[0]


def _plain(text: str, cipher: AESGCM) -> str:
    try:
        return decrypted(text, cipher)
    except Unreadable:
        return text
