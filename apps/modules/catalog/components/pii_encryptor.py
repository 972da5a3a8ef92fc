"""Encrypt and decrypt named fields of an object with AES-256-GCM.

The key is SHA-256 of the text `key`; a field becomes base64 of a twelve-byte nonce, the ciphertext and its tag
(spec/modules.md 8.4), and only text is encrypted. A field that cannot be decrypted fails the step and is named.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.modules.catalog.components._asking import demand, unknown

NAME = "pii_encryptor"
CONTRACT = {
    "optional_inputs": {
        "action": {"type": "string", "description": "encrypt or decrypt."},
        "key": {"type": "string", "description": "The key, of any length."},
        "data": {"type": "map", "description": "The object."},
        "fields": {"type": "slice", "description": "Which of its fields; all without."},
    },
    "outputs": {
        "data": {"type": "map", "description": "The object with the fields changed."},
        "fields": {"type": "slice", "description": "The fields that were changed."},
    },
}
NONCE_BYTES = 12


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Encrypt or decrypt once."""
    demand(params, "action", "key", "data")
    cipher = AESGCM(hashlib.sha256(params["key"].encode()).digest())
    actions: dict[str, Callable[[AESGCM, str], str]] = {"encrypt": _encrypted, "decrypt": _decrypted}
    change = actions.get(params["action"])
    if change is None:
        raise unknown("action", params["action"], actions)
    data = dict(params["data"])
    fields = params.get("fields")
    wanted = list(data) if fields is None else [str(name) for name in fields]
    changed = [name for name in wanted if isinstance(data.get(name), str) and data[name]]
    for name in changed:
        try:
            data[name] = change(cipher, data[name])
        except (InvalidTag, binascii.Error, ValueError):
            errors = [{"pointer": f"/data/{name}", "message": "cannot be decrypted with this key"}]
            text = f"{name} cannot be decrypted with this key."
            raise Rejected(text, errors=errors, code="component.undecipherable", status=422) from None
    return {"data": data, "fields": changed}


def _encrypted(cipher: AESGCM, text: str) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + cipher.encrypt(nonce, text.encode(), None)).decode()


def _decrypted(cipher: AESGCM, text: str) -> str:
    sealed = base64.b64decode(text, validate=True)
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
