"""How far work has come, as it is counted inside and told outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.hops import (
    BEGINNING,
    MOST_DEEP,
    MOST_HOPS,
    OUTSIDE,
    Way,
    headers_outside,
    refuse_ring,
    way_from_outside,
    way_of,
)
from apps.engine.ids import uuid7
from apps.engine.outcome import StepFailed
from apps.engine.run.state import RunState, way_stored
from apps.engine.testing import EPOCH

pytestmark = pytest.mark.spec("CAT-B2")
BAD = ["", "x", "-1", "1.5", "٣", " 1", "0x1", "1e3"]
WAYS = st.builds(
    Way,
    st.lists(st.sampled_from(["a-link", "other", OUTSIDE]), max_size=MOST_HOPS).map(tuple),
    st.integers(0, MOST_DEEP),
)


@pytest.mark.parametrize("said", BAD)
def test_a_bad_count_is_none(said):
    assert way_from_outside({"weft-hops": said}) == way_from_outside({}) == BEGINNING
    assert way_of({"weft-depth": said}) == way_of(None) == BEGINNING.on()


@pytest.mark.parametrize(("said", "hops"), [("0", 0), ("3", 3), ("16", 16), ("17", 16), ("9" * 100_000, 16)])
def test_a_count_is_taken_up_to_the_most_there_is(said, hops):
    assert way_from_outside({"weft-hops": said}).links == (OUTSIDE,) * hops


def test_what_came_from_outside_goes_on_counting_inside():
    way = way_from_outside(headers_outside(2))
    assert way_of(Way((*way.links, "a-link")).headers()).links == (OUTSIDE, OUTSIDE, OUTSIDE, "a-link")


def test_after_too_many_hops_nothing_is_sent():
    assert headers_outside(MOST_HOPS - 1) == {"weft-hops": str(MOST_HOPS)}
    with pytest.raises(StepFailed) as refused:
        headers_outside(MOST_HOPS)
    assert refused.value.code == "broker.loop"


@given(WAYS)
def test_what_takes_a_message_in_is_one_deeper_than_what_published_it(way):
    assert way_of(way.headers()) == way.on() == Way(way.links, way.depth + 1)


@given(WAYS)
def test_a_run_keeps_its_way_when_it_is_stored(way):
    stored = RunState.start(uuid7(), "pipeline:a", {}, EPOCH, way=way).as_dict()
    assert RunState.from_dict(uuid7(), stored).way == way_stored(stored) == way


def test_a_beginning_costs_its_messages_no_header():
    assert BEGINNING.headers() == {}


@given(st.integers(0, 10 * MOST_DEEP), st.booleans())
def test_work_is_refused_once_it_is_deeper_than_the_most(depth, started):
    if depth <= MOST_DEEP:
        refuse_ring(Way(depth=depth), started=started)
        return
    with pytest.raises(StepFailed) as refused:
        refuse_ring(Way(depth=depth), started=started)
    assert refused.value.code == ("run.loop" if started else "message.loop")
