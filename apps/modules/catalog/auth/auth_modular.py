"""Signs users up and in with a password policy, sessions and tokens that can be refreshed.

As a route's handler it serves addresses that end in `register` (POST `{email, name, password}`), `login` (POST
`{email, password}`), `refresh` (POST `{refreshToken}`), `logout` (POST), `password` (POST `{password, newPassword}`)
and `profile` (GET, PUT `{name}`). Signing in answers a token, a refresh token and a session cookie. A refresh token
works once; one that is used again ends its session, and so do `logout` and a new password. As the provider of
`http.middleware.auth` it accepts its tokens, and its cookie where a request has no Authorization header.

Under `oauth2.providers` stand other services to sign in with. A GET of an address that ends in `oauth2/<provider>`
sends the browser there, `oauth2/<provider>/callback` takes it back and answers as signing in does. Whoever comes that
way is a user of their own, known by the service's id: a service never opens an account that has a password. The way
needs a cookie, so it is open on a tenant's own host and with `wfctl run`, and not below `/w/`.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from uuid import uuid4

import jwt

from apps.engine.http import Request, Response
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import TryAgain
from apps.engine.ports import AlreadyExists, PrivateKind, Resource
from apps.modules.catalog.auth._auth_config import AuthModularConfig
from apps.modules.catalog.auth._oauth2 import Identity, OAuth2Login, Unproven, place_in
from apps.modules.catalog.auth._users import (
    UNKNOWN_USER,
    body_in,
    coder,
    denied,
    flat,
    hasher,
    key_of,
    signing_key,
    text_in,
    verify,
)

MOST_SESSIONS = 20  # of one user; signing in once more ends the oldest
ACCESS, REFRESH = "access", "refresh"


class AuthModular(Module[AuthModularConfig]):
    """Users, sessions and tokens."""

    kind = "auth.modular"
    aliases = ("auth",)
    title = "Users, sessions and tokens"
    category = Category.AUTH
    Config = AuthModularConfig
    writes = True
    inputs = (ModulePort("request", "http", "Requests to register, sign in and out, refresh, and see a profile."),)
    outputs = (ModulePort("provider", "service", "Knows tokens and cookies, for the token check."),)

    def __init__(self, name: str, config: AuthModularConfig) -> None:
        super().__init__(name, config)
        self._users = PrivateKind(f"auth.modular:{name}")  # keyed by email
        self._sessions = f"auth.modular.session:{name}"
        self._secret = LateText(config.jwt.secret)
        self._issuer = LateText(config.jwt.issuer)
        self._subjects = PrivateKind(f"auth.modular.subject:{name}")  # keyed by provider and the id there
        settings = config.session
        self._services = {
            each: OAuth2Login(name, each, provider, settings.cookie_name, secure=settings.secure)
            for each, provider in config.oauth2.providers.items()
        }

    # --- the token check ------------------------------------------------------------------------------------------

    async def authenticate(self, token: str, context: Context) -> dict[str, Any] | None:
        """Return the claims of an access token that is ours and not expired, else None."""
        claims = await self._claims(token, context)
        return claims if claims is not None and claims.get("use") == ACCESS else None

    async def authenticate_request(self, request: Request, context: Context) -> dict[str, Any] | None:
        """Return the claims of the session that the request's cookie names, else None."""
        session = await self._session_of(request, context)
        found = None if session is None else await context.unit.resources.get(self._users, session.data["user"])
        return None if found is None else _about(found.data)

    # --- the handler ----------------------------------------------------------------------------------------------

    async def handle(self, request: Request, context: Context) -> Response:
        """Answer by method and the last part of the address."""
        if self._services and request.method == "GET" and (place := place_in(request.path)) is not None:
            return await self._with_service(*place, request, context)
        answer = _ACTIONS.get((request.method, request.path.rstrip("/").rpartition("/")[2]))
        if answer is None:
            return denied(request, 404, "auth.unknown_action", "There is nothing at this address.")
        body = body_in(request)
        return body if isinstance(body, Response) else await answer(self, request, body, context)

    async def register(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """Store a new user and sign them in."""
        email, password = text_in(body, "email").strip(), text_in(body, "password")
        if not email or not password:
            return denied(request, 400, "auth.incomplete", "An email and a password are needed.")
        if refused := self._weak(request, password, "/password"):
            return refused
        user = await self._new_user(email, text_in(body, "name"), password, context)
        try:
            await context.unit.resources.create(user)
        except AlreadyExists:
            return denied(request, 409, "auth.email_taken", "This email is taken.")
        return await self._signed_in(user, context, 201)

    async def _with_service(self, provider: str, is_back: bool, request: Request, context: Context) -> Response:
        """Begin to sign in with another service, or take the caller back from it."""
        service = self._services.get(provider)
        if service is None:
            return denied(request, 404, "auth.unknown_provider", f"There is no provider {provider[:64]!r}.")
        if not is_back:
            return await service.begin(request, context)
        try:
            response = await self._known_by(service, await service.finish(request, context), request, context)
        except Unproven as failure:
            response = denied(request, failure.status, failure.code, failure.message)
            response.is_refusal = False  # what was begun stays used up
        except TryAgain as failure:
            return denied(request, 502, failure.code, f"{provider} cannot be asked: {failure.message}")
        response.headers.append((b"set-cookie", service.cleared()))
        response.headers.append((b"cache-control", b"no-store"))
        return response

    async def _known_by(self, service: OAuth2Login, who: Identity, request: Request, context: Context) -> Response:
        """Sign somebody in whom a service knows; the first time they become a user, unless the email has one."""
        known = Resource(self._subjects, f"{service.name}|{who.subject}", {"user": key_of(who.email)})
        found = await context.unit.resources.get(self._subjects, known.key)
        if found is not None:
            user = await context.unit.resources.get(self._users, found.data["user"], lock=True)
            if user is None:
                return denied(request, 401, "auth.invalid_credentials", "Invalid credentials.")
            return await self._signed_in(user, context, 200)
        user = await self._new_user(who.email, who.name, uuid4().hex + uuid4().hex, context)
        try:
            await context.unit.resources.create(user)
            await context.unit.resources.create(known)
        except AlreadyExists:
            return denied(request, 409, "auth.email_taken", "This email is taken; sign in as you did before.")
        return await self._signed_in(user, context, 201)

    async def _new_user(self, email: str, name: str, password: str, context: Context) -> Resource:
        data = {
            "id": str(uuid4()),
            "email": email,
            "name": name,
            "passwordHash": await asyncio.to_thread(hasher.hash, password),
            "metadata": {},
            "createdAt": context.unit.clock.now().isoformat(),
            "sessions": [],
        }
        return Resource(self._users, key_of(email), data)

    async def login(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """Sign in with the right password; unknown users and wrong passwords look and take the same."""
        found = await context.unit.resources.get(self._users, key_of(text_in(body, "email")), lock=True)
        stored = found.data["passwordHash"] if found is not None else UNKNOWN_USER
        is_right = await asyncio.to_thread(verify, stored, text_in(body, "password"))
        if found is None or not is_right:
            return denied(request, 401, "auth.invalid_credentials", "Invalid credentials.")
        return await self._signed_in(found, context, 200)

    async def refresh(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """Give new tokens for a refresh token; one that has been used already ends its session."""
        claims = await self._claims(text_in(body, "refreshToken"), context)
        identity = claims.get("sid") if claims is not None and claims.get("use") == REFRESH else None
        refused = denied(request, 401, "auth.invalid_refresh", "The refresh token is not valid.")
        if claims is None or not isinstance(identity, str):
            return refused
        session = await context.unit.resources.get(self._sessions, identity, lock=True)
        user = None if session is None else await context.unit.resources.get(self._users, session.data["user"])
        if session is None or user is None:
            return refused
        if session.data["refresh"] != claims.get("jti"):
            await context.unit.resources.delete(self._sessions, identity)
            refused.is_refusal = False  # what is ended stays ended
            return refused
        session.data = {**session.data, "refresh": str(uuid4())}
        await context.unit.resources.save(session)
        return Response.json(await self._tokens(user.data, session, context))

    async def logout(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """End the session that the cookie or the bearer token belongs to."""
        session = await self._session_of(request, context)
        claims = await self._bearer(request, context)
        for identity in {session.key if session else None, claims.get("sid") if claims else None}:
            if isinstance(identity, str):
                await context.unit.resources.delete(self._sessions, identity)
        response = Response(204)
        response.headers.append((b"set-cookie", self._cookie("", 0).encode()))
        return response

    async def password(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """Change the caller's password, which ends all of the caller's sessions and begins a new one."""
        user = await self._caller(request, context)
        if user is None:
            return denied(request, 401, "auth.required", "Sign in first.")
        if not await asyncio.to_thread(verify, user.data["passwordHash"], text_in(body, "password")):
            return denied(request, 401, "auth.invalid_credentials", "Invalid credentials.")
        chosen = text_in(body, "newPassword")
        if refused := self._weak(request, chosen, "/newPassword"):
            return refused
        for identity in user.data["sessions"]:
            await context.unit.resources.delete(self._sessions, identity)
        hashed = await asyncio.to_thread(hasher.hash, chosen)
        user.data = {**user.data, "passwordHash": hashed, "sessions": []}
        return await self._signed_in(user, context, 200)

    async def profile(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """Show the caller, or change the caller's name."""
        user = await self._caller(request, context)
        if user is None:
            return denied(request, 401, "auth.required", "Sign in first.")
        if request.method == "PUT":
            user.data = {**user.data, "name": text_in(body, "name") or user.data["name"]}
            await context.unit.resources.save(user)
        return Response.json(flat(user.data))

    # --- tokens and sessions --------------------------------------------------------------------------------------

    def _weak(self, request: Request, password: str, pointer: str) -> Response | None:
        faults = self.config.password.faults(password)
        if not faults:
            return None
        message = f"A password needs {', '.join(faults)}."
        return denied(request, 422, "auth.weak_password", message, errors=[{"pointer": pointer, "message": message}])

    async def _signed_in(self, user: Resource, context: Context, status: int) -> Response:
        """Begin a session, end those that are over or too many, and answer tokens and cookie."""
        now = context.unit.clock.now().timestamp()
        secret = uuid4().hex + uuid4().hex
        data = {
            "user": user.key,
            "cookie": _digest(secret),
            "refresh": str(uuid4()),
            "cookieUntil": now + self.config.session.max_age,
        }
        session = Resource(self._sessions, str(uuid4()), data)
        kept = [*user.data["sessions"], session.key]
        for identity in kept[:-MOST_SESSIONS]:
            await context.unit.resources.delete(self._sessions, identity)
        user.data = {**user.data, "sessions": kept[-MOST_SESSIONS:]}
        await context.unit.resources.save(user)
        await context.unit.resources.create(session)
        answer = await self._tokens(user.data, session, context)
        response = Response.json({**answer, "user": flat(user.data)}, status)
        cookie = self._cookie(f"{session.key}.{secret}", int(self.config.session.max_age))
        response.headers.append((b"set-cookie", cookie.encode()))
        return response

    async def _tokens(self, user: dict[str, Any], session: Resource, context: Context) -> dict[str, Any]:
        settings = self.config.jwt
        now = int(context.unit.clock.now().timestamp())
        key = signing_key(str(await self._secret.fill(context)))
        issuer = str(await self._issuer.fill(context))
        shared = {**_about(user), "iss": issuer, "iat": now, "sid": session.key}
        access = {**shared, "use": ACCESS, "exp": now + int(settings.expiration)}
        refresh = {
            "sub": user["id"],
            "iss": issuer,
            "iat": now,
            "exp": now + int(settings.refresh_expiration),
            "use": REFRESH,
            "sid": session.key,
            "jti": session.data["refresh"],
        }
        return {
            "token": coder.encode(access, key, settings.algorithm),
            "refreshToken": coder.encode(refresh, key, settings.algorithm),
            "expiresIn": int(settings.expiration),
        }

    async def _claims(self, token: str, context: Context) -> dict[str, Any] | None:
        key = signing_key(str(await self._secret.fill(context)))
        try:
            claims = coder.decode(token, key, [self.config.jwt.algorithm], options={"require": ["exp"]})
            return claims if float(claims["exp"]) > context.unit.clock.now().timestamp() else None
        except (jwt.InvalidTokenError, TypeError, ValueError):
            return None

    async def _bearer(self, request: Request, context: Context) -> dict[str, Any] | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return await self.authenticate(token, context) if scheme == "Bearer" else None

    async def _caller(self, request: Request, context: Context) -> Resource | None:
        """Return the user, held, whom the bearer token or else the cookie means."""
        claims = await self._bearer(request, context)
        if claims is None and "authorization" not in request.headers:
            claims = await self.authenticate_request(request, context)
        email = claims.get("email") if claims else None
        if not isinstance(email, str):
            return None
        return await context.unit.resources.get(self._users, key_of(email), lock=True)

    async def _session_of(self, request: Request, context: Context) -> Resource | None:
        identity, _, secret = _cookie_in(request, self.config.session.cookie_name).partition(".")
        session = await context.unit.resources.get(self._sessions, identity) if identity and secret else None
        if session is None or session.data["cookieUntil"] <= context.unit.clock.now().timestamp():
            return None
        return session if hmac.compare_digest(session.data["cookie"], _digest(secret)) else None

    def _cookie(self, value: str, age: int) -> str:
        settings = self.config.session
        parts = [f"{settings.cookie_name}={value}", "Path=/", f"Max-Age={age}"]
        parts.append(f"SameSite={settings.same_site.capitalize()}")
        parts += ["Secure"] if settings.secure else []
        parts += ["HttpOnly"] if settings.http_only else []
        return "; ".join(parts)


Action = Callable[[AuthModular, Request, dict[str, Any], Context], Awaitable[Response]]
_ACTIONS: dict[tuple[str, str], Action] = {
    ("POST", "register"): AuthModular.register,
    ("POST", "login"): AuthModular.login,
    ("POST", "refresh"): AuthModular.refresh,
    ("POST", "logout"): AuthModular.logout,
    ("POST", "password"): AuthModular.password,
    ("GET", "profile"): AuthModular.profile,
    ("PUT", "profile"): AuthModular.profile,
}


def _about(user: dict[str, Any]) -> dict[str, Any]:
    return {"sub": user["id"], "email": user["email"], "name": user["name"]}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _cookie_in(request: Request, name: str) -> str:
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None and len(found.value) <= 200 else ""
