import json

import jwt
import orjson
import pytest
from pydantic import ValidationError

from apps.engine.http import Request
from apps.engine.ports import Resource
from apps.modules.catalog.auth._users import UNKNOWN_USER, hasher, signing_key, verify
from apps.modules.catalog.auth.auth_jwt import AuthJwt
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "auth.jwt")

KEY = "a-key-that-is-long-enough-for-every-algorithm-there-is-in-this-module"


@pytest.fixture
def auth():
    return make(AuthJwt, {"secret": KEY, "tokenExpiry": "1h"}, "auth")


async def ask(auth, unit, method, action, body=None, token=None, raw=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    sent = raw if raw is not None else b"" if body is None else orjson.dumps(body)
    request = Request(method, f"/api/auth/{action}", headers=headers, body=sent)
    response = await auth.handle(request, unit.context())
    return response.status, orjson.loads(response.body)


async def registered(auth, unit, email="Ann@shop.example"):
    _, answer = await ask(auth, unit, "POST", "register", {"email": email, "name": "Ann", "password": "pa55word"})
    return answer["token"]


async def test_a_new_user_gets_a_token_and_no_password_is_stored(auth, unit):
    body = {"email": "ann@shop.example", "name": "Ann", "password": "pa55word", "role": "admin"}
    status, answer = await ask(auth, unit, "POST", "register", body)
    assert status == 201
    assert sorted(answer["user"]) == ["createdAt", "email", "id", "name"]
    stored = unit.resources.rows["auth.jwt:auth", "ann@shop.example"].data
    assert "pa55word" not in json.dumps(stored)
    assert stored["passwordHash"].startswith("$argon2id$")
    assert "role" not in jwt.decode(answer["token"], KEY, ["HS256"], options={"verify_exp": False})


async def test_the_token_says_who_it_is_and_how_long(auth, unit):
    claims = jwt.decode(
        await registered(auth, unit), KEY, ["HS256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert sorted(claims) == ["email", "exp", "iat", "iss", "name", "sub"]
    assert (claims["email"], claims["iss"], claims["exp"] - claims["iat"]) == ("Ann@shop.example", "workflow", 3600)


def test_a_kept_password_costs_what_it_is_meant_to_cost_and_so_does_an_unknown_user():
    kept = hasher.hash("pa55word")  # the shipped one, as it was when this module was imported
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert UNKNOWN_USER.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify(kept, "pa55word")
    assert not verify(kept, "pa55w0rd")


@pytest.mark.shows("auth.jwt", "failure")
async def test_an_email_is_taken_once_whatever_its_case(auth, unit):
    await registered(auth, unit)
    status, answer = await ask(auth, unit, "POST", "register", {"email": " ann@SHOP.example", "password": "x"})
    assert (status, answer["code"]) == (409, "auth.email_taken")
    assert answer["error"]


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        ({"email": "", "password": "x"}, None),
        ({"email": "a@b.example"}, None),
        ({"email": 5, "password": "x"}, None),
        ({"email": "a@b.example", "password": "x" * 2000}, None),
        (["no"], None),
        (None, b"{"),
    ],
)
async def test_an_incomplete_registration_is_400(body, raw, auth, unit):
    status, answer = await ask(auth, unit, "POST", "register", body, raw=raw)
    assert status == 400
    assert answer["error"]


async def test_the_right_password_gives_a_token_and_the_profile(auth, unit):
    await registered(auth, unit)
    status, answer = await ask(auth, unit, "POST", "login", {"email": "ann@shop.example", "password": "pa55word"})
    assert status == 200
    assert answer["user"]["name"] == "Ann"
    assert "passwordHash" not in answer["user"]
    assert await auth.authenticate(answer["token"], unit.context())


@pytest.mark.parametrize(
    "body", [{"email": "ann@shop.example", "password": "no"}, {"email": "b@b.example", "password": "no"}, {}]
)
async def test_a_wrong_password_and_an_unknown_user_look_the_same(body, auth, unit):
    await registered(auth, unit)
    status, answer = await ask(auth, unit, "POST", "login", body)
    assert (status, answer["code"], answer["error"]) == (401, "auth.invalid_credentials", "Invalid credentials.")


async def test_a_damaged_hash_lets_nobody_in(auth, unit):
    await registered(auth, unit)
    unit.resources.rows["auth.jwt:auth", "ann@shop.example"].data["passwordHash"] = "not a hash"
    status, _ = await ask(auth, unit, "POST", "login", {"email": "ann@shop.example", "password": "pa55word"})
    assert status == 401


async def test_a_user_sees_and_renames_their_profile(auth, unit):
    token = await registered(auth, unit)
    assert (await ask(auth, unit, "PUT", "profile", {"name": "Anna", "role": "admin"}, token))[1]["name"] == "Anna"
    status, answer = await ask(auth, unit, "GET", "profile", token=token)
    assert (status, answer["name"], answer["email"]) == (200, "Anna", "Ann@shop.example")
    assert "role" not in answer
    assert (await ask(auth, unit, "PUT", "profile", {}, token))[1]["name"] == "Anna"


@pytest.mark.parametrize("token", [None, "rubbish"])
async def test_a_profile_needs_a_token(token, auth, unit):
    status, answer = await ask(auth, unit, "GET", "profile", token=token)
    assert (status, answer["code"]) == (401, "auth.required")


async def test_a_token_of_a_user_who_is_gone_shows_nothing(auth, unit):
    token = await registered(auth, unit)
    unit.resources.rows.clear()
    assert (await ask(auth, unit, "GET", "profile", token=token))[0] == 401


async def test_a_token_expires(auth, unit):
    token = await registered(auth, unit)
    unit.clock.pass_seconds(3599)
    assert await auth.authenticate(token, unit.context())
    unit.clock.pass_seconds(1)
    assert await auth.authenticate(token, unit.context()) is None


@pytest.mark.parametrize(
    ("claims", "key", "algorithm"),
    [
        ({"exp": 9_999_999_999}, "some-other-key-some-other-key-some-other-key-some-other-key-aaaa", "HS256"),
        ({"sub": "no expiry"}, KEY, "HS256"),
        ({"exp": "tomorrow"}, KEY, "HS256"),
        ({"exp": 9_999_999_999}, "", "none"),
    ],
)
async def test_a_token_that_is_not_ours_is_nobody(claims, key, algorithm, auth, unit):
    token = jwt.encode(claims, key or None, algorithm=algorithm)
    assert await auth.authenticate(token, unit.context()) is None


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_any_hmac_algorithm_of_the_same_key_is_known(algorithm, auth, unit):
    token = jwt.encode({"sub": "u", "exp": 9_999_999_999}, KEY, algorithm=algorithm)
    assert (await auth.authenticate(token, unit.context()))["sub"] == "u"


async def test_a_short_secret_from_the_store_signs_like_anybody_elses(unit):
    unit.secrets.values["JWT_SECRET"] = "short"
    auth = make(AuthJwt, {"secret": "${JWT_SECRET}"}, "auth")
    token = await registered(auth, unit)
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        assert jwt.decode(token, "short", ["HS256"], options={"verify_exp": False})["name"] == "Ann"


async def test_checking_a_token_asks_no_database(auth, unit):
    token = await registered(auth, unit)
    unit.resources = None
    assert await auth.authenticate(token, unit.context())


@pytest.mark.parametrize(("method", "action"), [("GET", "login"), ("POST", "elsewhere"), ("DELETE", "profile")])
async def test_any_other_address_is_404(method, action, auth, unit):
    assert (await ask(auth, unit, method, action))[0] == 404


SEEDS = [
    {"id": "u-1", "data": {"email": "ann@shop.example", "name": "Ann", "password": "first", "role": "admin"}},
    {"id": "u-2", "data": {"email": "ANN@shop.example", "password": "again"}},
    {"id": "u-3", "data": {"name": "nobody"}},
    {"id": "u-4", "data": {"email": "bob@shop.example", "programIds": ["p1"]}},
]


async def test_the_first_users_come_from_a_file_once(unit):
    auth = make(
        AuthJwt, {"secret": KEY, "seedFile": "users.json"}, "auth", read_file=lambda path: json.dumps(SEEDS).encode()
    )
    _, ann = await ask(auth, unit, "POST", "login", {"email": "ann@shop.example", "password": "first"})
    _, bob = await ask(auth, unit, "POST", "login", {"email": "bob@shop.example", "password": "changeme"})
    assert (ann["user"]["id"], ann["user"]["role"]) == ("u-1", "admin")
    assert (await auth.authenticate(bob["token"], unit.context()))["programIds"] == ["p1"]
    assert len(unit.resources.rows) == 2


async def test_stored_users_win_over_the_file(unit):
    unit.resources.rows["auth.jwt:auth", "x"] = Resource("auth.jwt:auth", "x", {})
    auth = make(
        AuthJwt, {"secret": KEY, "seedFile": "users.json"}, "auth", read_file=lambda path: json.dumps(SEEDS).encode()
    )
    status, _ = await ask(auth, unit, "POST", "login", {"email": "ann@shop.example", "password": "first"})
    assert status == 401


def test_a_secret_is_needed_and_the_expiry_must_be_a_duration():
    for config in ({}, {"secret": ""}, {"secret": "s", "tokenExpiry": "tomorrow"}):
        with pytest.raises(ValidationError):
            make(AuthJwt, config)


@pytest.mark.parametrize("written", ["$SIGNING", "${SIGNING}"])
async def test_both_spellings_of_a_secret_sign_with_its_value_and_never_with_its_name(written, unit):
    unit.secrets.values["SIGNING"] = KEY
    auth = make(AuthJwt, {"secret": written}, "auth")
    _, made = await ask(auth, unit, "POST", "register", {"email": "a@b.example", "name": "A", "password": "pw"})
    assert jwt.decode(made["token"], signing_key(KEY), ["HS256"], options={"verify_exp": False})["email"]


@pytest.mark.spec("CAT-B2.15")
async def test_the_issuer_may_be_a_secret(unit):
    unit.secrets.values["WHO"] = "shop-eu"
    made = make(AuthJwt, {"secret": KEY, "issuer": "of ${WHO}"}, "auth")
    unchecked = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(await registered(made, unit), KEY, ["HS256"], options=unchecked)["iss"] == "of shop-eu"
