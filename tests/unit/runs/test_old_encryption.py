"""Texts that the original product encrypted are read; what only looks like one stays what it is."""

import base64
import os
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.runs.rules.old_encryption import may_hold_old_texts, old_cipher, with_plain_texts

pytestmark = pytest.mark.spec("CAT-B2", "D24")


def old(text, secret="a key of any length"):
    """Encrypt as spec/modules.md 10.2 says that the original does."""
    nonce = os.urandom(12)
    sealed = AESGCM(sha256(secret.encode()).digest()).encrypt(nonce, text.encode(), None)
    return "enc::" + base64.standard_b64encode(nonce + sealed).decode()


CIPHER = old_cipher("a key of any length")


def test_old_texts_are_read_at_any_depth():
    value = {"name": old("Ada"), "messages": [{"body": old("hëllo"), "n": 1}, old("bare")], "plain": "x"}
    assert with_plain_texts(value, CIPHER) == {
        "name": "Ada",
        "messages": [{"body": "hëllo", "n": 1}, "bare"],
        "plain": "x",
    }


def test_a_bare_text_is_read_too():
    assert with_plain_texts(old("Ada"), CIPHER) == "Ada"


@pytest.mark.parametrize(
    "text",
    [
        "enc::",
        "enc::no base64",
        "enc::ü",
        "enc::" + base64.b64encode(b"short").decode(),
        "enc::" + base64.b64encode(bytes(60)).decode(),
        old("of another key", "another"),
        "in the middle enc::",
    ],
)
def test_somebodys_own_text_that_begins_like_one_stays_as_it_is(text):
    assert with_plain_texts({"text": text}, CIPHER) == {"text": text}


def test_a_text_inside_an_old_text_is_not_read_again():
    assert with_plain_texts([old(old("Ada"))], CIPHER)[0].startswith("enc::")


def test_a_tree_of_any_depth_is_read():
    value = inner = []
    for _ in range(5_000):
        inner.append([])
        inner = inner[0]
    inner.append(old("deep"))
    read = with_plain_texts(value, CIPHER)
    while isinstance(read, list):
        read = read[0]
    assert read == "deep"


@pytest.mark.parametrize(("payload", "may"), [(b'{"a":"enc::x"}', True), (b'{"a":"encoded"}', False), (b"", False)])
def test_only_a_payload_with_the_prefix_is_looked_at(payload, may):
    assert may_hold_old_texts(payload) is may
