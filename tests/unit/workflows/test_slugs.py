"""What a workflow may be called in an address."""

import pytest

from apps.workflows.rules.slugs import is_slug, slug_from_name

pytestmark = pytest.mark.spec("SPINE-B7")


@pytest.mark.parametrize("slug", ["a", "orders", "order-intake-2", "0", "a" * 63])
def test_letters_digits_and_inner_dashes_make_a_slug(slug):
    assert is_slug(slug)


@pytest.mark.parametrize(
    "slug", ["", "-a", "a-", "Orders", "dev~orders", "a/b", "a.b", "ä", "a" * 64, "orders\n", " orders"]
)
def test_what_an_address_could_misread_is_no_slug(slug):
    assert not is_slug(slug)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Order intake", "order-intake"), ("  Größe & Maß ", "gr-e-ma"), ("???", ""), ("A" * 90, "a" * 63)],
)
def test_a_name_becomes_the_nearest_slug(name, slug):
    assert slug_from_name(name) == slug


@pytest.mark.parametrize("name", ["x" * 62 + " y", "a - b - c", "Bestellung 7"])
def test_a_slug_made_from_a_name_is_a_slug(name):
    assert is_slug(slug_from_name(name))
