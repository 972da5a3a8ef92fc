"""`auth.modular`: policy, sessions, refresh that works once, and whose token it is."""

import jwt
import orjson
import pytest
from pydantic import ValidationError

from apps.engine.http import Request
from apps.modules.catalog.auth.auth_modular import MOST_SESSIONS, AuthModular
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("auth.modular")

SECRET = "s" * 40
GOOD = "Passw0rdOk"
CONFIG = {"jwt": {"secret": SECRET, "expiration": "10m", "refresh_expiration": "2h"}, "session": {"max_age": "1h"}}


async def ask(unit, method, action, body=None, headers=None, config=CONFIG):
    module = make(AuthModular, config, "auth")
    content = b"" if body is None else orjson.dumps(body)
    request = Request(method, f"/auth/{action}", headers=headers or {}, body=content)
    response = await module.handle(request, unit.context())
    return response, (orjson.loads(response.body) if response.body else None)


async def signed_up(unit, email="ann@shop.example"):
    return await ask(unit, "POST", "register", {"email": email, "name": "Ann", "password": GOOD})


def cookie_of(response):
    return dict(response.headers)[b"set-cookie"].decode()


def bearer(answer):
    return {"authorization": f"Bearer {answer['token']}"}


async def test_signing_up_answers_tokens_user_and_cookie(unit):
    response, answer = await signed_up(unit)
    assert (response.status, answer["expiresIn"], answer["user"]["email"]) == (201, 600, "ann@shop.example")
    unchecked = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(answer["token"], SECRET.encode().ljust(64, b"\0"), ["HS256"], options=unchecked)
    assert (claims["sub"], claims["iss"], claims["exp"] - claims["iat"]) == (answer["user"]["id"], "workflow", 600)
    assert cookie_of(response).split("; ")[1:] == ["Path=/", "Max-Age=3600", "SameSite=Strict", "Secure", "HttpOnly"]
    assert (await signed_up(unit))[0].status == 409
    assert "passwordHash" not in answer["user"]


@pytest.mark.parametrize("password", ["Sh0rt", "nocapital1", "NOSMALL123", "NoDigitsAtAll"])
@pytest.mark.shows("auth.modular", "failure")
async def test_a_weak_password_is_refused_at_its_place(unit, password):
    response, answer = await ask(unit, "POST", "register", {"email": "a@b.example", "password": password})
    assert (response.status, answer["code"], answer["errors"][0]["pointer"]) == (422, "auth.weak_password", "/password")


async def test_a_policy_may_ask_for_less_or_more(unit):
    easy = {
        **CONFIG,
        "password": {"minLength": 1, "requireUpper": False, "require_digit": False, "requireLower": False},
    }
    hard = {**CONFIG, "password": {"require_special": True}}
    first, _ = await ask(unit, "POST", "register", {"email": "a@b.example", "password": "x"}, config=easy)
    second, _ = await ask(unit, "POST", "register", {"email": "c@b.example", "password": GOOD}, config=hard)
    assert (first.status, second.status) == (201, 422)


@pytest.mark.shows("auth.modular", "failure")
async def test_unknown_users_and_wrong_passwords_look_the_same(unit):
    await signed_up(unit)
    wrong = await ask(unit, "POST", "login", {"email": "ann@shop.example", "password": "x"})
    unknown = await ask(unit, "POST", "login", {"email": "bob@shop.example", "password": GOOD})
    assert [each[1]["code"] for each in (wrong, unknown)] == ["auth.invalid_credentials"] * 2
    assert (await ask(unit, "POST", "login", {"email": "Ann@shop.example", "password": GOOD}))[0].status == 200


async def test_a_refresh_token_works_once_and_its_second_use_ends_the_session(unit):
    _, first = await signed_up(unit)
    response, second = await ask(unit, "POST", "refresh", {"refreshToken": first["refreshToken"]})
    assert response.status == 200
    stolen, _ = await ask(unit, "POST", "refresh", {"refreshToken": first["refreshToken"]})
    assert (stolen.status, stolen.keeps_writes) == (401, True)
    assert (await ask(unit, "POST", "refresh", {"refreshToken": second["refreshToken"]}))[0].status == 401


async def test_tokens_are_good_for_their_own_use_and_time_only(unit):
    _, answer = await signed_up(unit)
    module = make(AuthModular, CONFIG, "auth")
    assert await module.authenticate(answer["token"], unit.context())
    assert await module.authenticate(answer["refreshToken"], unit.context()) is None
    assert (await ask(unit, "POST", "refresh", {"refreshToken": answer["token"]}))[0].status == 401
    unit.clock.pass_seconds(601)
    assert await module.authenticate(answer["token"], unit.context()) is None
    assert (await ask(unit, "POST", "refresh", {"refreshToken": answer["refreshToken"]}))[0].status == 200
    unit.clock.pass_seconds(7200)
    assert (await ask(unit, "POST", "refresh", {"refreshToken": answer["refreshToken"]}))[0].status == 401


async def test_a_cookie_is_known_until_it_ends_or_its_session_does(unit):
    response, answer = await signed_up(unit)
    cookie = {"cookie": cookie_of(response).partition(";")[0]}
    assert (await ask(unit, "GET", "profile", headers=cookie))[1]["email"] == "ann@shop.example"
    forged = {"cookie": cookie["cookie"][:-1] + ("0" if cookie["cookie"][-1] != "0" else "1")}
    assert (await ask(unit, "GET", "profile", headers=forged))[0].status == 401
    unit.clock.pass_seconds(3600)
    assert (await ask(unit, "GET", "profile", headers=cookie))[0].status == 401
    assert (await ask(unit, "POST", "refresh", {"refreshToken": answer["refreshToken"]}))[0].status == 200


async def test_signing_out_ends_the_session_and_takes_the_cookie_back(unit):
    response, answer = await signed_up(unit)
    ended, _ = await ask(unit, "POST", "logout", headers=bearer(answer))
    assert (ended.status, "Max-Age=0" in cookie_of(ended)) == (204, True)
    cookie = {"cookie": cookie_of(response).partition(";")[0]}
    assert (await ask(unit, "GET", "profile", headers=cookie))[0].status == 401
    assert (await ask(unit, "POST", "refresh", {"refreshToken": answer["refreshToken"]}))[0].status == 401


async def test_a_new_password_ends_every_session_of_the_user(unit):
    _, answer = await signed_up(unit)
    change = {"password": GOOD, "newPassword": "An0therOne"}
    assert (await ask(unit, "POST", "password", change))[0].status == 401
    assert (await ask(unit, "POST", "password", {**change, "password": "x"}, bearer(answer)))[0].status == 401
    assert (await ask(unit, "POST", "password", {**change, "newPassword": "weak"}, bearer(answer)))[0].status == 422
    assert (await ask(unit, "POST", "password", change, bearer(answer)))[0].status == 200
    assert (await ask(unit, "POST", "refresh", {"refreshToken": answer["refreshToken"]}))[0].status == 401
    assert (await ask(unit, "POST", "login", {"email": "ann@shop.example", "password": "An0therOne"}))[0].status == 200


async def test_a_user_has_so_many_sessions_and_the_oldest_makes_room(unit):
    _, first = await signed_up(unit)
    for _ in range(MOST_SESSIONS):
        await ask(unit, "POST", "login", {"email": "ann@shop.example", "password": GOOD})
    assert (await ask(unit, "POST", "refresh", {"refreshToken": first["refreshToken"]}))[0].status == 401
    assert len([key for key in unit.resources.rows if key[0].startswith("auth.modular.session")]) == MOST_SESSIONS


async def test_the_caller_may_change_their_name_and_nothing_else(unit):
    _, answer = await signed_up(unit)
    change = {"name": "Anna", "email": "x@y.example", "passwordHash": "x"}
    _, shown = await ask(unit, "PUT", "profile", change, bearer(answer))
    assert (shown["name"], shown["email"]) == ("Anna", "ann@shop.example")


@pytest.mark.parametrize(("method", "action", "status"), [("GET", "login", 404), ("POST", "nothing", 404)])
async def test_other_addresses_are_unknown(unit, method, action, status):
    assert (await ask(unit, method, action, {}))[0].status == status


async def test_a_body_that_is_none_is_refused(unit):
    module = make(AuthModular, CONFIG, "auth")
    for body in (b"{", b"[]"):
        request = Request("POST", "/auth/login", body=body)
        assert (await module.handle(request, unit.context())).status == 400


def test_what_the_settings_lack_is_told():
    for config in ({}, {"jwt": {}}, {"jwt": {"secret": ""}}, {"jwt": {"secret": "s", "algorithm": "none"}}):
        with pytest.raises(ValidationError):
            AuthModular.Config.model_validate(config)
    with pytest.raises(ValidationError):
        make(AuthModular, {**CONFIG, "oauth2": {"providers": {"github": {"client_id": "x"}}}})


@pytest.mark.spec("CAT-B2.15")
async def test_the_issuer_may_be_a_secret(unit):
    unit.secrets.values["WHO"] = "shop-eu"
    config = {"jwt": {"secret": SECRET, "issuer": "secret://who"}}
    _, answer = await ask(unit, "POST", "register", {"email": "a@b.example", "password": GOOD}, config=config)
    for token in (answer["token"], answer["refreshToken"]):
        assert jwt.decode(token, options={"verify_signature": False})["iss"] == "shop-eu"
