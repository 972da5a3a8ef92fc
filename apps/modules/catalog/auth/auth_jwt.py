"""Signs users up and in, and knows them again by their token.

As a route's handler it serves addresses that end in `register` (POST `{email, name, password}`), `login` (POST
`{email, password}`) and `profile` (GET, PUT `{name}`). As the provider of `http.middleware.auth` it accepts the tokens
it gave out: JWTs signed with `secret`, valid for `tokenExpiry`. Passwords are kept as Argon2 hashes only. Checking a
token asks no database.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import jwt
from pydantic import Field

from apps.engine.config_types import A_FILE, Seconds, SettingsModel, TemplateText
from apps.engine.http import Request, Response
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Links, Module, ModulePort
from apps.engine.placeholders import DOLLAR_NAME
from apps.engine.ports import AlreadyExists, PrivateKind, Resource
from apps.engine.seeds import read_seeds
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

ALGORITHMS = ["HS256", "HS384", "HS512"]
IN_TOKEN = ("role", "affiliateId", "programIds")
SEED_PASSWORD = "changeme"  # noqa: S105 - what the format says a seed user without a password gets


class AuthJwtConfig(SettingsModel):
    """Settings of `auth.jwt`."""

    secret: TemplateText = Field(min_length=1, description="Signs the tokens; best a secret: ${JWT_SECRET}.")
    token_expiry: Seconds = Field(86_400.0, gt=0, description="How long a token is valid.")
    issuer: TemplateText = Field("workflow", description="Who gave the token out, as its `iss` says.")
    seed_file: str | None = Field(
        None, description="JSON list of first users; only with document files.", json_schema_extra=A_FILE
    )


class AuthJwt(Module[AuthJwtConfig]):
    """Users and their tokens."""

    kind = "auth.jwt"
    title = "Users and tokens"
    category = Category.AUTH
    Config = AuthJwtConfig
    writes = True
    inputs = (ModulePort("request", "http", "Requests to register, log in, and see a profile."),)
    outputs = (ModulePort("provider", "service", "Knows tokens, for the token check."),)

    def __init__(self, name: str, config: AuthJwtConfig) -> None:
        super().__init__(name, config)
        self._kind = PrivateKind(f"auth.jwt:{name}")  # keyed by email
        named = DOLLAR_NAME.fullmatch(config.secret)
        self._secret = LateText(f"${{{named[1]}}}" if named else config.secret)
        self._issuer = LateText(config.issuer)
        self._seeds: list[dict[str, Any]] = []

    def link(self, links: Links) -> None:
        """Read the first users, where the document has a folder."""
        if self.config.seed_file is not None and links.read_file is not None:
            self._seeds = read_seeds(links.read_file, self.config.seed_file)

    async def authenticate(self, token: str, context: Context) -> dict[str, Any] | None:
        """Return the claims of a token that is ours and not expired, else None."""
        try:
            claims = coder.decode(token, await self._key(context), ALGORITHMS, options={"require": ["exp"]})
            return claims if float(claims["exp"]) > context.unit.clock.now().timestamp() else None
        except (jwt.InvalidTokenError, TypeError, ValueError):
            return None

    async def handle(self, request: Request, context: Context) -> Response:
        """Answer by method and the last part of the address."""
        action = request.path.rstrip("/").rpartition("/")[2]
        answer = _ACTIONS.get((request.method, action))
        if answer is None:
            return denied(request, 404, "auth.unknown_action", "There is nothing at this address.")
        if self._seeds:
            await self._plant(context)
        body = body_in(request)
        return body if isinstance(body, Response) else await answer(self, request, body, context)

    async def register(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """Store a new user and sign them in."""
        email, password = text_in(body, "email").strip(), text_in(body, "password")
        if not email or not password:
            return denied(request, 400, "auth.incomplete", "An email and a password are needed.")
        user = await self._user({"email": email, "name": text_in(body, "name")}, password, context.unit.clock.now())
        try:
            await context.unit.resources.create(user)
        except AlreadyExists:
            return denied(request, 409, "auth.email_taken", "This email is taken.")
        shown = {key: user.data[key] for key in ("id", "email", "name", "createdAt")}
        return Response.json({"token": await self._token(user.data, context), "user": shown}, 201)

    async def login(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """Give a token for the right password; unknown users and wrong passwords look and take the same."""
        found = await context.unit.resources.get(self._kind, key_of(text_in(body, "email")))
        stored = found.data["passwordHash"] if found is not None else UNKNOWN_USER
        is_right = await asyncio.to_thread(verify, stored, text_in(body, "password"))
        if found is None or not is_right:
            return denied(request, 401, "auth.invalid_credentials", "Invalid credentials.")
        return Response.json({"token": await self._token(found.data, context), "user": flat(found.data)})

    async def profile(self, request: Request, body: dict[str, Any], context: Context) -> Response:
        """Show the caller, or change the caller's name."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = await self.authenticate(token, context) if scheme == "Bearer" else None
        email = claims.get("email") if claims else None
        if not isinstance(email, str):
            return denied(request, 401, "auth.required", "A valid bearer token is needed.")
        changes = request.method == "PUT"
        found = await context.unit.resources.get(self._kind, key_of(email), lock=changes)
        if found is None:
            return denied(request, 401, "auth.required", "The user of this token does not exist.")
        if changes:
            found.data = {**found.data, "name": text_in(body, "name") or found.data["name"]}
            await context.unit.resources.save(found)
        return Response.json(flat(found.data))

    async def _plant(self, context: Context) -> None:
        """Store the seed users when there are no users yet."""
        if await context.unit.resources.page(self._kind, limit=1):
            return
        known: set[str] = set()
        for entry in self._seeds:
            seed = dict(entry["data"])
            email, password = seed.get("email"), str(seed.pop("password", "") or SEED_PASSWORD)
            if not isinstance(email, str) or not email or key_of(email) in known:
                continue
            known.add(key_of(email))
            user = await self._user(seed, password, context.unit.clock.now(), str(entry.get("id") or ""))
            await context.unit.resources.create(user)

    async def _user(self, profile: dict[str, Any], password: str, created_at: datetime, id: str = "") -> Resource:
        data = {
            "id": id or str(uuid4()),
            "email": profile["email"],
            "name": str(profile.get("name") or ""),
            "passwordHash": await asyncio.to_thread(hasher.hash, password),
            "metadata": {key: value for key, value in profile.items() if key not in ("email", "name")},
            "createdAt": created_at.isoformat(),
        }
        return Resource(self._kind, key_of(profile["email"]), data)

    async def _token(self, user: dict[str, Any], context: Context) -> str:
        now = int(context.unit.clock.now().timestamp())
        claims = {
            "sub": user["id"],
            "email": user["email"],
            "name": user["name"],
            "iss": str(await self._issuer.fill(context)),
            "iat": now,
            "exp": now + int(self.config.token_expiry),
        }
        claims |= {key: user["metadata"][key] for key in IN_TOKEN if key in user["metadata"]}
        return coder.encode(claims, await self._key(context), "HS256")

    async def _key(self, context: Context) -> bytes:
        return signing_key(str(await self._secret.fill(context)))


Action = Callable[[AuthJwt, Request, dict[str, Any], Context], Awaitable[Response]]
_ACTIONS: dict[tuple[str, str], Action] = {
    ("POST", "register"): AuthJwt.register,
    ("POST", "login"): AuthJwt.login,
    ("GET", "profile"): AuthJwt.profile,
    ("PUT", "profile"): AuthJwt.profile,
}
