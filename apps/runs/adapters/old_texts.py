"""Stored payloads as a unit sees them: texts that the original product had encrypted are read as what they say.

Only where a payload holds something that looks like one is the secret `ENCRYPTION_KEY` of the environment looked up,
once in a unit; without it they stay as they are.
"""

from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.runs.adapters.place import Place
from apps.runs.adapters.secrets import Lookup
from apps.runs.rules.old_encryption import KEY_NAME, may_hold_old_texts, old_cipher, with_plain_texts


class OldTexts:
    """For one unit."""

    def __init__(self, lookup: Lookup, place: Place) -> None:
        self._lookup = lookup
        self._place = place
        self._cipher: AESGCM | None = None
        self._has_asked = False

    async def read(self, payload: bytes) -> Any:
        """Decode a stored payload."""
        value = orjson.loads(payload)
        if may_hold_old_texts(payload):
            cipher = await self._ask()
            return value if cipher is None else with_plain_texts(value, cipher)
        return value

    async def _ask(self) -> AESGCM | None:
        if not self._has_asked:
            secret = await self._lookup(self._place.tenant_id, self._place.environment_id, KEY_NAME)
            self._cipher = old_cipher(secret) if secret else None
            self._has_asked = True
        return self._cipher
