"""Payloads at rest: sealed per tenant, place and day, read back by any configured key."""

import base64
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.core import sealing
from apps.core.crypto import Undecipherable
from apps.core.sealing import blind_keys, newest_head, opened, parts_opened, seal, seal_part

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.14", "D24")

TENANT, OTHER = uuid4(), uuid4()
COLUMN = "runs_run|input"


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def test_a_value_comes_back_and_is_never_sealed_the_same_way_twice():
    first, second = seal(b"hush", TENANT, COLUMN), seal(b"hush", TENANT, COLUMN)
    assert first != second
    assert b"hush" not in first + second
    assert opened(first, TENANT, COLUMN) == opened(memoryview(second), TENANT, COLUMN) == b"hush"


@pytest.mark.parametrize(("tenant", "column"), [(OTHER, COLUMN), (TENANT, "runs_run|output")])
def test_a_value_does_not_open_in_another_place(tenant, column):
    with pytest.raises(Undecipherable):
        opened(seal(b"hush", TENANT, COLUMN), tenant, column)


@pytest.mark.parametrize("plain", [b"", b"{}", b'{"a":1}', b"[1]", "ü".encode(), b"\x89PNG", b"\xff\xd8\xff"])
def test_what_an_earlier_release_stored_is_read_as_it_is(plain):
    assert opened(plain, TENANT, COLUMN) == plain


def test_nothing_stays_nothing_and_an_empty_value_is_sealed_too():
    assert seal(None, TENANT, COLUMN) is None
    assert opened(None, TENANT, COLUMN) is None
    assert opened(seal(b"", TENANT, COLUMN), TENANT, COLUMN) == b""


def test_a_value_that_looks_like_an_envelope_comes_back():
    lookalike = seal(b"hush", TENANT, COLUMN)
    assert opened(seal(lookalike, TENANT, COLUMN), TENANT, COLUMN) == lookalike


@pytest.mark.parametrize("damage", [lambda it: it[:-1] + bytes([it[-1] ^ 1]), lambda it: it[:12]])
def test_a_changed_value_does_not_open(damage):
    with pytest.raises(Undecipherable):
        opened(damage(seal(b"hush", TENANT, COLUMN)), TENANT, COLUMN)


def test_the_first_key_seals_and_all_of_them_open(settings: Any):
    settings.ENCRYPTION_KEYS = [key("a")]
    old = seal(b"hush", TENANT, COLUMN)
    settings.ENCRYPTION_KEYS = [key("b"), key("a")]
    new = seal(b"hush", TENANT, COLUMN)
    assert opened(old, TENANT, COLUMN) == opened(new, TENANT, COLUMN) == b"hush"
    assert new.startswith(newest_head())
    assert not old.startswith(newest_head())
    settings.ENCRYPTION_KEYS = [key("b")]
    assert opened(new, TENANT, COLUMN) == b"hush"
    with pytest.raises(Undecipherable, match="No configured key"):
        opened(old, TENANT, COLUMN)


def test_each_day_has_a_key_of_its_own_and_those_of_other_days_still_open(monkeypatch: Any):
    noon = 20_000 * 86_400 + 43_200
    monkeypatch.setattr(sealing.time, "time", lambda: noon)
    first = seal(b"hush", TENANT, COLUMN)
    monkeypatch.setattr(sealing.time, "time", lambda: noon + 86_400)
    second = seal(b"hush", TENANT, COLUMN)
    assert int.from_bytes(second[5:7], "big") == int.from_bytes(first[5:7], "big") + 1
    assert opened(first, TENANT, COLUMN) == opened(second, TENANT, COLUMN) == b"hush"
    redated = first[:5] + second[5:7] + first[7:]
    with pytest.raises(Undecipherable):
        opened(redated, TENANT, COLUMN)


def test_pieces_that_the_database_appends_are_read_in_order_behind_lines_of_an_earlier_release():
    kept = b'{"n":0}\n{"n":1}\n' + seal_part(b'{"n":2}\n', TENANT, COLUMN) + seal_part(b'{"n":3}\n', TENANT, COLUMN)
    assert parts_opened(kept, TENANT, COLUMN) == b'{"n":0}\n{"n":1}\n{"n":2}\n{"n":3}\n'
    assert parts_opened(None, TENANT, COLUMN) == b""
    assert seal_part(None, TENANT, COLUMN) is None


def test_a_blind_key_is_the_same_for_the_same_text_of_one_tenant_and_domain_only():
    keys = blind_keys("ada@example.com", TENANT, "users")
    assert keys == blind_keys("ada@example.com", TENANT, "users")
    others = [("ada@example.com", OTHER, "users"), ("ada@example.com", TENANT, "x"), ("bob", TENANT, "users")]
    assert all(blind_keys(*other) != keys for other in others)
    assert "ada" not in keys[0]


def test_blind_keys_of_older_master_keys_follow_the_newest_one(settings: Any):
    settings.ENCRYPTION_KEYS = [key("a")]
    (old,) = blind_keys("ada", TENANT, "users")
    settings.ENCRYPTION_KEYS = [key("b"), key("a")]
    newest, second = blind_keys("ada", TENANT, "users")
    assert (second, newest != old) == (old, True)


def test_an_envelope_opens_with_the_key_that_is_derived_for_its_tenant_and_day_and_with_no_other(settings: Any):
    settings.ENCRYPTION_KEYS = [key("a")]
    envelope = seal(b"hush", TENANT, COLUMN)
    day, nonce, sealed = envelope[5:7], envelope[7:19], envelope[19:]

    def opens(tenant: UUID, day: bytes) -> bytes:
        derived = HKDF(SHA256(), 32, salt=b"weft sealed payloads", info=b"payload" + tenant.bytes + day)
        return AESGCM(derived.derive(b"a" * 32)).decrypt(nonce, sealed, f"{TENANT}|{COLUMN}".encode())

    assert opens(TENANT, day) == b"hush"
    for tenant, other_day in ((OTHER, day), (TENANT, b"\x00\x01")):
        with pytest.raises(InvalidTag):
            opens(tenant, other_day)
