"""What types that keep users share: how passwords are kept, tokens signed, and users shown."""

from typing import Any

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from apps.engine.http import Request, Response
from apps.engine.outcome import Rejected
from apps.engine.sections.answers import problem

LONGEST = {"email": 254, "name": 200, "password": 1024, "refreshToken": 4096, "newPassword": 1024}
# A hash to compare with when there is no such user, so that the answer takes as long.
UNKNOWN_USER = "$argon2id$v=19$m=19456,t=2,p=1$ltQgwUPtbZmAKtopNdd0mQ$1s1kaD8PSPBa7bWgJG7oQa55+XXlEMCHDhF7GfmL1v8"

hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
coder = jwt.PyJWT(options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False})


def verify(stored: str, password: str) -> bool:
    """Whether a password is the one of a hash."""
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def signing_key(secret: str) -> bytes:
    """Return the key; HMAC itself fills a short key up with zero bytes, so doing it here changes no signature."""
    return secret.encode().ljust(64, b"\0")


def key_of(email: str) -> str:
    """Return the key under which a user is stored."""
    return email.strip().lower()


def text_in(body: dict[str, Any], name: str) -> str:
    """Return a text of the body; anything else, and what is too long, reads as empty."""
    value = body.get(name)
    return value if isinstance(value, str) and len(value) <= LONGEST[name] else ""


def flat(user: dict[str, Any]) -> dict[str, Any]:
    """Return what a user may see: metadata flattened, the hash left out."""
    own = {key: user[key] for key in ("id", "email", "name", "createdAt")}
    return {**user["metadata"], **own}


def denied(request: Request, status: int, code: str, text: str, **extra: Any) -> Response:
    """Answer a refusal as problem+json that also has the `error` key of the reference format."""
    return problem(status, code, text, request, error=text, **extra)


def body_in(request: Request) -> dict[str, Any] | Response:
    """Return the JSON object that was sent, nothing of a GET; else the refusal of what is none."""
    try:
        body = request.json() if request.method != "GET" else {}
    except Rejected as fault:
        return denied(request, 400, fault.code, fault.message, errors=fault.errors)
    if not isinstance(body, dict):
        return denied(request, 400, "body.not_an_object", "The body must be a JSON object.")
    return body
