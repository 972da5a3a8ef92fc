"""Secrets at rest."""

import base64
from typing import Any
from uuid import uuid4

import pytest

from apps.core.crypto import Undecipherable, decrypt, encrypt, key_id

PLACE = {"tenant_id": uuid4(), "table": "tenants_secret", "column": "ciphertext"}


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def test_a_value_comes_back_and_is_never_encrypted_the_same_way_twice() -> None:
    first, second = encrypt(b"hush", **PLACE), encrypt(b"hush", **PLACE)
    assert first != second
    assert b"hush" not in first
    assert decrypt(first, **PLACE) == decrypt(second, **PLACE) == b"hush"


@pytest.mark.parametrize("other", [{"tenant_id": uuid4()}, {"table": "runs_run"}, {"column": "input"}])
def test_a_value_does_not_open_in_another_place(other: dict[str, Any]) -> None:
    with pytest.raises(Undecipherable):
        decrypt(encrypt(b"hush", **PLACE), **{**PLACE, **other})


@pytest.mark.parametrize("damage", [lambda text: text[:-1] + b"\x00", lambda text: b"\x02" + text[1:], lambda _: b""])
def test_a_changed_value_does_not_open(damage: Any) -> None:
    with pytest.raises(Undecipherable):
        decrypt(damage(encrypt(b"hush", **PLACE)), **PLACE)


def test_old_keys_decrypt_and_the_first_key_encrypts(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [key("a")]
    old = encrypt(b"hush", **PLACE)
    settings.ENCRYPTION_KEYS = [key("b"), key("a")]
    assert decrypt(old, **PLACE) == b"hush"
    assert key_id(encrypt(b"hush", **PLACE)) != key_id(old)
    settings.ENCRYPTION_KEYS = [key("b")]
    with pytest.raises(Undecipherable, match="No configured key"):
        decrypt(old, **PLACE)


def test_without_configured_keys_one_is_derived_from_the_signing_key(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = []
    sealed = encrypt(b"hush", **PLACE)
    assert decrypt(sealed, **PLACE) == b"hush"
    settings.SECRET_KEY = "another"
    with pytest.raises(Undecipherable):
        decrypt(sealed, **PLACE)


def test_a_key_of_the_wrong_length_is_refused(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [base64.b64encode(b"short").decode()]
    with pytest.raises(ValueError, match="32 bytes"):
        encrypt(b"hush", **PLACE)
