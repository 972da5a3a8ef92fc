"""How far a message has come, as it is counted inside and told outside."""

import pytest

from apps.engine.hops import MOST_HOPS, OUTSIDE, chain_from_outside, chain_headers, chain_of, headers_outside
from apps.engine.outcome import StepFailed

pytestmark = pytest.mark.spec("CAT-B2")


@pytest.mark.parametrize("said", ["", "x", "-1", "1.5", "٣", " 1", "0x1", "1e3"])
def test_a_bad_count_is_none(said):
    assert chain_from_outside({"weft-hops": said}) == chain_from_outside({}) == ()


@pytest.mark.parametrize(("said", "hops"), [("0", 0), ("3", 3), ("16", 16), ("17", 16), ("9" * 100_000, 16)])
def test_a_count_is_taken_up_to_the_most_there_is(said, hops):
    assert chain_from_outside({"weft-hops": said}) == (OUTSIDE,) * hops


def test_what_came_from_outside_goes_on_counting_inside():
    way = chain_from_outside(headers_outside(2))
    assert chain_of(chain_headers((*way, "a-link"))) == (OUTSIDE, OUTSIDE, OUTSIDE, "a-link")


def test_after_too_many_hops_nothing_is_sent():
    assert headers_outside(MOST_HOPS - 1) == {"weft-hops": str(MOST_HOPS)}
    with pytest.raises(StepFailed) as refused:
        headers_outside(MOST_HOPS)
    assert refused.value.code == "broker.loop"
