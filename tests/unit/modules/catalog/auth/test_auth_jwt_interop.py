"""Tokens of `auth.jwt` and `auth.modular` and those of PyJWT: each takes the other's, and no bad one."""

import base64
import json

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from apps.engine.http import Request
from apps.modules.catalog.auth.auth_jwt import AuthJwt
from apps.modules.catalog.auth.auth_modular import AuthModular
from tests.unit.modules.making import make
from tests.unit.modules.unit_in_memory import START

pytestmark = [
    pytest.mark.spec("auth.jwt", "auth.modular"),
    pytest.mark.proven("auth.jwt", "PyJWT"),
    pytest.mark.proven("auth.modular", "PyJWT"),
]

KEY = "a-key-that-is-long-enough-for-every-algorithm-there-is-in-this-module"
NOW = int(START.timestamp())
AT_OUR_TIME = {"verify_exp": False, "verify_iat": False}  # the clock of the tests stands still in another year
ALGORITHMS = ["HS256", "HS384", "HS512"]


def jwt_users():
    return make(AuthJwt, {"secret": KEY, "tokenExpiry": "1h"}, "auth")


def modular_users(algorithm="HS256"):
    return make(AuthModular, {"jwt": {"secret": KEY, "expiration": "1h", "algorithm": algorithm}}, "auth")


async def given_by(module, unit):
    """Sign somebody up and return their token."""
    body = orjson.dumps({"email": "ann@shop.example", "name": "Ann", "password": "Passw0rdOk"})
    answer = await module.handle(Request("POST", "/auth/register", body=body), unit.context())
    assert answer.status == 201
    return orjson.loads(answer.body)["token"]


def claims(**change):
    """Return the claims of a token that another program makes."""
    own = {"sub": "u-1", "email": "ann@shop.example", "iss": "workflow", "iat": NOW, "exp": NOW + 60} | change
    return {name: value for name, value in own.items() if value is not None}


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


async def test_pyjwt_takes_our_tokens(unit):
    found = jwt.decode(await given_by(jwt_users(), unit), KEY, ["HS256"], issuer="workflow", options=AT_OUR_TIME)
    assert (found["email"], found["exp"] - found["iat"]) == ("ann@shop.example", 3600)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_pyjwt_takes_our_tokens_of_every_algorithm_and_no_other(unit, algorithm):
    token = await given_by(modular_users(algorithm), unit)
    assert jwt.decode(token, KEY, [algorithm], issuer="workflow", options=AT_OUR_TIME)["sub"]
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    others = [other for other in ALGORITHMS if other != algorithm]
    with pytest.raises(jwt.InvalidAlgorithmError):
        jwt.decode(token, KEY, others, options=AT_OUR_TIME)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, KEY[::-1], [algorithm], options=AT_OUR_TIME)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_we_take_pyjwt_s_tokens_until_they_end(unit, algorithm):
    token = jwt.encode(claims(), KEY, algorithm)
    assert (await jwt_users().authenticate(token, unit.context()))["email"] == "ann@shop.example"
    unit.clock.pass_seconds(59)
    assert await jwt_users().authenticate(token, unit.context())
    unit.clock.pass_seconds(1)
    assert await jwt_users().authenticate(token, unit.context()) is None


@pytest.fixture(scope="module")
def private_key():
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@pytest.mark.parametrize("users", [jwt_users, modular_users])
@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(claims(), None, "none"),
        b".".join((part({"alg": "none"}), part(claims()), b"")).decode(),
        b".".join((part({"alg": "NONE"}), *jwt.encode(claims(), KEY).encode().split(b".")[1:])).decode(),
        jwt.encode(claims(), KEY + "x", "HS256"),
        jwt.encode(claims(exp=NOW), KEY, "HS256"),
        jwt.encode(claims(exp=None), KEY, "HS256"),
        jwt.encode(claims(), KEY, "HS256")[:-2],
        jwt.encode(claims(), KEY, "HS256").rpartition(".")[0],
    ],
    ids=["none", "no signature", "odd case", "other key", "over", "endless", "cut", "two parts"],
)
async def test_no_algorithm_the_wrong_key_and_a_time_that_is_over_are_refused(unit, users, token):
    assert await users().authenticate(token, unit.context()) is None


@pytest.mark.parametrize("users", [jwt_users, modular_users])
@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_a_token_that_is_signed_by_a_private_key_is_refused(unit, users, algorithm, private_key):
    assert await users().authenticate(jwt.encode(claims(), private_key, algorithm), unit.context()) is None


async def test_what_pyjwt_signs_again_is_good_with_the_same_key_and_algorithm_only(unit):
    users = modular_users()
    said = jwt.decode(await given_by(users, unit), options={"verify_signature": False})
    signed = {name: jwt.encode(said, KEY if name != "none" else None, name) for name in (*ALGORITHMS, "none")}
    known = {name: await users.authenticate(token, unit.context()) for name, token in signed.items()}
    assert [name for name, found in known.items() if found] == ["HS256"]


async def test_what_a_caller_changes_in_a_token_is_seen(unit):
    for users in (jwt_users(), modular_users()):
        head, body, signature = (await given_by(users, unit)).split(".")
        changed = jwt.decode(f"{head}.{body}.{signature}", options={"verify_signature": False}) | {"email": "eve@x.y"}
        forged = f"{head}.{part(changed).decode()}.{signature}"
        assert await users.authenticate(f"{head}.{body}.{signature}", unit.context())
        assert await users.authenticate(forged, unit.context()) is None
        unit.resources.rows.clear()
