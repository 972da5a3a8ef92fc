"""Signing in: the right password, the wrong one, and too many of them."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection

from apps.core.errors import Invalid, TooManyRequests
from apps.tenants.errors import SignInRefused
from apps.tenants.operations.sign_in import LIMITS, sign_in_check
from apps.tenants.operations.users import user_create
from tests.support.tenants import PASSWORD, TenantFixture

pytestmark = pytest.mark.spec("SPINE-B3")
Two = tuple[TenantFixture, TenantFixture]
Move = Callable[[str], None]


def attempt(email: str, password: str, address: str) -> str:
    try:
        return str(sign_in_check(email=email, password=password, address=address).email)
    except SignInRefused:
        return "refused"
    except TooManyRequests:
        return "locked"


@pytest.fixture
def address() -> str:
    return f"198.51.100.7 {uuid4()}"


def test_the_right_password_opens_whatever_the_case_of_the_address(two_tenants: Two, address: str) -> None:
    a, _ = two_tenants
    assert attempt(a.owner.email.upper(), PASSWORD, address) == a.owner.email


def test_wrong_password_unknown_account_and_closed_account_sound_the_same(two_tenants: Two, address: str) -> None:
    a, b = two_tenants
    b.owner.is_active = False
    b.owner.save(update_fields=["is_active"])
    tried = [(a.owner.email, "wrong"), ("nobody@example.test", PASSWORD), (b.owner.email, PASSWORD)]
    assert {attempt(email, password, address) for email, password in tried} == {"refused"}


@pytest.mark.spec("SPINE-B3.6")
def test_five_failures_lock_the_account_for_that_address_only(two_tenants: Two, address: str, move_clock: Move) -> None:
    a, b = two_tenants
    failures = [attempt(a.owner.email, "wrong", address) for _ in range(6)]
    assert failures == ["refused"] * 5 + ["locked"]
    assert attempt(a.owner.email, PASSWORD, address) == "locked"
    assert attempt(a.owner.email, PASSWORD, f"elsewhere {address}") == a.owner.email
    assert attempt(b.owner.email, PASSWORD, address) == b.owner.email
    move_clock("6 minutes")
    assert attempt(a.owner.email, PASSWORD, address) == a.owner.email


@pytest.mark.spec("SPINE-B3.6")
def test_ten_failures_from_many_addresses_lock_the_account(two_tenants: Two, address: str, move_clock: Move) -> None:
    a, b = two_tenants
    for number in range(LIMITS["account"].failures + 1):
        attempt(a.owner.email, "wrong", f"{number} {address}")
    assert attempt(a.owner.email, PASSWORD, f"last {address}") == "locked"
    assert attempt(b.owner.email, PASSWORD, f"last {address}") == b.owner.email
    move_clock("16 minutes")
    assert attempt(a.owner.email, PASSWORD, f"last {address}") == a.owner.email


@pytest.mark.spec("SPINE-B3.6")
def test_many_accounts_from_one_address_lock_the_address(two_tenants: Two, address: str) -> None:
    a, _ = two_tenants
    tried = [attempt(f"{number}@example.test", "wrong", address) for number in range(LIMITS["address"].failures + 1)]
    assert tried[-2:] == ["refused", "locked"]
    assert attempt(a.owner.email, PASSWORD, address) == "locked"
    assert attempt(a.owner.email, PASSWORD, f"elsewhere {address}") == a.owner.email


@pytest.mark.spec("SPINE-B3.6")
def test_a_good_sign_in_forgives_the_account_but_not_the_address(two_tenants: Two, address: str) -> None:
    a, _ = two_tenants
    for _ in range(3):
        assert [attempt(a.owner.email, "wrong", address) for _ in range(4)] == ["refused"] * 4
        assert attempt(a.owner.email, PASSWORD, address) == a.owner.email


@pytest.mark.spec("SPINE-B3.6")
def test_old_failures_are_forgotten(two_tenants: Two, address: str, move_clock: Move) -> None:
    a, _ = two_tenants
    assert [attempt(a.owner.email, "wrong", address) for _ in range(5)] == ["refused"] * 5
    move_clock("20 minutes")
    assert [attempt(a.owner.email, "wrong", address) for _ in range(5)] == ["refused"] * 5


def test_what_is_stored_names_neither_account_nor_address(two_tenants: Two, address: str) -> None:
    a, _ = two_tenants
    attempt(a.owner.email, "wrong", address)
    with connection.cursor() as cursor:
        cursor.execute("select string_agg(t::text, ' ') from tenants_sign_in_throttle t")
        stored = cursor.fetchone()[0]
    assert a.owner.email not in stored
    assert "198.51.100.7" not in stored


def test_a_weak_password_is_refused_with_its_reasons(two_tenants: Two) -> None:
    with pytest.raises(Invalid) as refused:
        user_create(email=f"{uuid4().hex}@example.test", name="", password="password")
    assert {error["pointer"] for error in refused.value.extra["errors"]} == {"/password"}
