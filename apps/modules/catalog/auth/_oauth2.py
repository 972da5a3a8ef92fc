"""Signing in with another service: the authorization-code flow with PKCE (RFC 6749 4.1, RFC 7636, OpenID Connect 3.1).

What a sign-in needs until its caller comes back is one stored object with an end, known by the digest of `state`, and
used once. A cookie binds it to the browser that began, so that nobody can be led into somebody else's sign-in. The ID
token comes from the token endpoint over TLS, which stands in place of its signature (OpenID Connect Core 3.1.3.7, 6);
its audience, end and nonce are checked, and that it tells of whom the userinfo endpoint tells.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import uuid4

import jwt
import orjson

from apps.engine.http import Request, Response
from apps.engine.late_text import LateText
from apps.engine.module import Context
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply, Resource
from apps.modules.catalog.auth._oauth2_config import OPENID, OAuth2Provider
from apps.modules.catalog.auth._users import coder, denied

SEGMENT, CALLBACK = "oauth2", "callback"
WAITING_SECONDS = 600  # for the caller to come back
EXCHANGE_SECONDS = 5.0  # of each of the two calls
BEGUN_PER_MINUTE, BEGUN_AT_ONCE = 600.0, 200  # of one module: what is begun is kept for its ten minutes
SAID = re.compile(r"[a-z_]{1,64}")
JSON_HEADERS = {"accept": "application/json"}


class Unproven(StepFailed):
    """The service said nothing that proves who somebody is; the sign-in is over."""

    def __init__(self, message: str, code: str = "auth.oauth2_failed") -> None:
        super().__init__(message, code=code, status=401)


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody as a service knows them."""

    subject: str
    email: str
    name: str


def place_in(path: str) -> tuple[str, bool] | None:
    """Return the provider that an address `.../oauth2/<provider>[/callback]` names, and whether it is the callback."""
    parts = path.rstrip("/").split("/")
    if len(parts) >= 2 and parts[-2] == SEGMENT:
        return parts[-1], False
    if len(parts) >= 3 and parts[-3] == SEGMENT and parts[-1] == CALLBACK:
        return parts[-2], True
    return None


class OAuth2Login:
    """One provider of one module."""

    def __init__(self, module: str, name: str, config: OAuth2Provider, cookie: str, *, secure: bool) -> None:
        self.name = name
        self._module = module
        self._config = config
        self._kind = f"auth.modular.oauth2:{module}"
        self._cookie = f"{cookie}_{SEGMENT}"
        self._secure = secure
        self._client = LateText({"id": config.client_id, "secret": config.client_secret})

    async def begin(self, request: Request, context: Context) -> Response:
        """Send the caller to the service."""
        wait = context.unit.counters.take(f"oauth2:{self._module}", per_minute=BEGUN_PER_MINUTE, burst=BEGUN_AT_ONCE)
        if wait:
            response = denied(request, 429, "auth.too_many", "Too many sign-ins have been begun.")
            response.headers.append((b"retry-after", str(int(wait) + 1).encode()))
            return response
        state, nonce, verifier, browser = (uuid4().hex + uuid4().hex for _ in range(4))
        data = {"provider": self.name, "nonce": nonce, "verifier": verifier, "browser": _digest(browser)}
        ends = context.unit.clock.now() + timedelta(seconds=WAITING_SECONDS)
        await context.unit.resources.create(Resource(self._kind, _digest(state), data, expires_at=ends))
        client = await self._client.fill(context)
        asked = {
            "response_type": "code",
            "client_id": str(client["id"]),
            "redirect_uri": self._config.redirect_url,
            "scope": " ".join(self._config.scopes),
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        if OPENID in self._config.scopes:
            asked["nonce"] = nonce
        response = Response(302, b"", b"text/plain")
        response.headers.append((b"location", _with_query(self._config.auth_url, asked).encode("ascii")))
        response.headers.append((b"set-cookie", self._bound(browser, WAITING_SECONDS)))
        response.headers.append((b"cache-control", b"no-store"))
        return response

    async def finish(self, request: Request, context: Context) -> Identity:
        """Take the caller back; raise `Unproven`, and `TryAgain` when the service does not answer.

        What was begun is used up, unless the service did not answer.
        """
        key = _digest(request.query.get("state", "")[:200])
        begun = await context.unit.resources.get(self._kind, key, lock=True)
        browser = _cookie_of(request, self._cookie)
        if begun is None or begun.data["provider"] != self.name:
            raise Unproven("This sign-in was not begun here, is over, or took too long.", "auth.oauth2_state")
        if not hmac.compare_digest(begun.data["browser"], _digest(browser)):
            raise Unproven("This sign-in was begun in another browser.", "auth.oauth2_state")
        await context.unit.resources.delete(self._kind, key)
        code = request.query.get("code", "")
        if not code or len(code) > 4096:
            said = request.query.get("error", "")
            raise Unproven(f"{self.name} refused: {said if SAID.fullmatch(said) else 'no reason given'}.")
        tokens = await self._exchange(code, begun.data["verifier"], context)
        about = await self._userinfo(tokens, context)
        if OPENID in self._config.scopes:
            await self._check(tokens.get("id_token"), begun.data["nonce"], about.get("sub"), context)
        return self._identity(about)

    def cleared(self) -> bytes:
        """Return the cookie that ends the binding."""
        return self._bound("", 0)

    async def _exchange(self, code: str, verifier: str, context: Context) -> dict[str, Any]:
        client = await self._client.fill(context)
        pair = f"{quote(str(client['id']), safe='')}:{quote(str(client['secret']), safe='')}"
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._config.redirect_url,
            "code_verifier": verifier,
        }
        headers = {
            **JSON_HEADERS,
            "content-type": "application/x-www-form-urlencoded",
            "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
        }
        return self._read(
            await context.unit.http.request(
                "POST",
                self._config.token_url,
                headers=headers,
                body=urlencode(form).encode(),
                timeout=EXCHANGE_SECONDS,
                redirects=False,
            )
        )

    async def _userinfo(self, tokens: Mapping[str, Any], context: Context) -> dict[str, Any]:
        token = tokens.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
            raise Unproven(f"{self.name} gave no access token.")
        headers = {**JSON_HEADERS, "authorization": f"Bearer {token}"}
        return self._read(
            await context.unit.http.request(
                "GET", self._config.user_info_url, headers=headers, timeout=EXCHANGE_SECONDS, redirects=False
            )
        )

    def _read(self, reply: HttpReply) -> dict[str, Any]:
        if reply.status >= 500:
            raise TryAgain(f"{self.name} answered {reply.status}.", code="auth.oauth2_unavailable")
        try:
            found = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            found = None
        if reply.status != 200 or not isinstance(found, dict):
            raise Unproven(f"{self.name} answered {reply.status} and nothing that proves who this is.")
        return found

    async def _check(self, token: Any, nonce: str, subject: Any, context: Context) -> None:
        """Check the ID token's claims; raise `Unproven`."""
        client = await self._client.fill(context)
        try:
            claims = coder.decode(str(token), options={"verify_signature": False})
            audience, ends = claims.get("aud"), float(claims["exp"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise Unproven(f"{self.name} gave no ID token that can be read.") from None
        meant = audience if isinstance(audience, list) else [audience]
        sound = (
            str(client["id"]) in meant
            and (len(meant) == 1 or claims.get("azp") == str(client["id"]))
            and ends > context.unit.clock.now().timestamp()
            and claims.get("nonce") == nonce
            and claims.get("sub") == subject
        )
        if not sound:
            raise Unproven(f"The ID token of {self.name} is not for this sign-in.")

    def _identity(self, about: Mapping[str, Any]) -> Identity:
        subject = next((about[key] for key in ("sub", "id", "user_id") if about.get(key)), None)
        email, name = about.get("email"), about.get("name")
        if not isinstance(subject, str | int) or not isinstance(email, str) or not 3 <= len(email) <= 254:
            raise Unproven(f"{self.name} does not tell who this is: an id and an email are needed.")
        if about.get("email_verified") in (False, "false"):
            raise Unproven(f"{self.name} has not verified this email.", "auth.oauth2_email")
        return Identity(str(subject)[:255], email.strip(), name[:200] if isinstance(name, str) else "")

    def _bound(self, value: str, age: int) -> bytes:
        secure = "; Secure" if self._secure else ""
        return f"{self._cookie}={value}; Path=/; Max-Age={age}; SameSite=Lax; HttpOnly{secure}".encode("ascii")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _with_query(url: str, more: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode([*parse_qsl(parts.query), *more.items()]), fragment="").geturl()


def _cookie_of(request: Request, name: str) -> str:
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None and len(found.value) <= 200 else ""
