"""Looking for many byte strings at once finds what plain searches find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.needles import FEW, Needles

pytestmark = pytest.mark.spec("CAT-B2")

SETS = st.sets(st.text("ab", min_size=5, max_size=24).map(str.encode), max_size=3 * FEW)


@given(needles=SETS, payload=st.text("abc", max_size=120).map(str.encode))
def test_it_finds_what_plain_searches_find(needles, payload):
    found = sorted(Needles(needles).found_in(payload))
    assert found == sorted(needle for needle in needles if needle in payload)
    assert Needles(needles).any_in(payload) is bool(found)


@given(place=st.integers(0, 40), after=st.integers(0, 20))
def test_each_of_many_is_found_wherever_it_stands(place, after):
    needles = [f"needle-number-{number:03d}".encode() for number in range(100)]
    assert Needles(needles).any_in(b"x" * place + needles[73] + b"y" * after)
    assert not Needles(needles).any_in(b"x" * place + needles[73][:-1] + b"y" * after)


def test_none_is_found_nowhere_and_an_empty_one_everywhere():
    assert not Needles([]).any_in(b"anything")
    assert Needles([b""]).any_in(b"")


@pytest.mark.parametrize("length", [1, 5, 6, 7, 8, 14, 15, 16, 64])
@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 300])
def test_a_needle_of_any_length_is_found_at_every_place(length, count):
    others = [f"{number:03}{'~' * length}"[-length:].encode() for number in range(count - 1)]
    needle = b"#" * length
    needles = Needles([*others, needle])
    for place in range(20):
        stack = b"." * place + needle + b"." * (20 - place)
        assert list(needles.found_in(stack)) == [needle]
        assert needles.any_in(stack)
    assert not needles.any_in(b"." * 40)
