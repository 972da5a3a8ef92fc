"""The text of an API key, `weft_<tenant>_<key id>_<secret>`: it names its tenant, so no look-up crosses tenants."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

SHAPE = re.compile(r"weft_([a-z][a-z0-9-]{0,62})_([0-9a-f]{32})_([A-Za-z0-9]{43})")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key taken apart."""

    tenant_slug: str
    key_id: UUID
    secret: str

    def __str__(self) -> str:
        return f"weft_{self.tenant_slug}_{self.key_id.hex}_{self.secret}"

    def hash(self) -> bytes:
        """Return what is stored of the secret; it has 256 bits of chance, so one round of hashing is enough."""
        return hashlib.sha256(self.secret.encode()).digest()

    def opens(self, secret_hash: bytes) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.hash(), bytes(secret_hash))


def new(tenant_slug: str, key_id: UUID) -> KeyText:
    """Make the secret of a new key."""
    return KeyText(tenant_slug, key_id, "".join(secrets.choice(ALPHABET) for _ in range(43)))


def parse(text: str) -> KeyText | None:
    """Take a key apart; None when the text is not a key."""
    found = SHAPE.fullmatch(text)
    return KeyText(found[1], UUID(found[2]), found[3]) if found else None
