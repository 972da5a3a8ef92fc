"""The text of API keys."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tenants.rules.key_text import new, parse


def test_a_key_names_its_tenant_and_itself_and_opens_its_hash() -> None:
    made = new("acme-eu", uuid4())
    found = parse(str(made))
    assert found == made
    assert found.opens(made.hash())
    assert not new("acme-eu", made.key_id).opens(made.hash())


def test_no_two_secrets_are_alike() -> None:
    key_id = uuid4()
    assert len({new("a", key_id).secret for _ in range(100)}) == 100


@pytest.mark.parametrize("text", ["", "weft_", "weft_a_b_c", "Bearer x", "weft_Acme_" + "0" * 32 + "_" + "a" * 43])
def test_what_is_no_key_is_not_taken_for_one(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    assert parse(text) is None or str(parse(text)) == text
