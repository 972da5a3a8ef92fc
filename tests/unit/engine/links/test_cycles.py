"""Rings are told by patterns: what a forward publishes is certain, of a started run only its lifecycle events are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.links.cycles import Edge, Rings, overlap
from apps.engine.topics import matches

pytestmark = pytest.mark.spec("CAT-B2")
SEGMENT = st.sampled_from(["a", "b", "ab", "*", "**", "a*"])
PATTERN = st.lists(SEGMENT, min_size=1, max_size=4).map(".".join)
ENDINGS = ("", ".a", ".b.ab", ".a.b.a")
TOPICS = [first + ending for first in ("a", "b", "ab", "ac") for ending in ENDINGS]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "*.b", True),
        ("a.*", "a.b.c", False),
        ("a.**", "a", True),
        ("**", "x.y.z", True),
        ("**.z", "a.**", True),
        ("ord*.x", "order.*", True),
        ("ord*.x", "stock.*", False),
        ("ab*", "a*", True),
        ("ab*", "ac*", False),
    ],
)
def test_patterns_overlap_where_some_topic_fits_both(one, other, expected):
    assert (overlap(one, other), overlap(other, one)) == (expected, expected)


@given(PATTERN, PATTERN)
def test_whatever_topic_fits_both_shows_that_they_overlap(one, other):
    if any(matches(one, topic) and matches(other, topic) for topic in TOPICS):
        assert overlap(one, other)


def ring(*edges):
    return [edge.name for edge in Rings(edges).through(edges[-1])]


def test_forwards_go_round_where_each_publishes_what_the_next_takes_in():
    there = Edge("there", "a", "b", "event_forward", "order.*", "order.back")
    back = Edge("back", "b", "a", "event_forward", "order.back")
    assert ring(there, back) == ["back", "there"]
    assert ring(there, Edge("back", "b", "a", "event_forward", "order.back", "stock.low")) == []
    assert ring(there, Edge("on", "b", "c", "event_forward", "order.back")) == []


def test_a_started_run_surely_has_lifecycle_events_and_nothing_else():
    there = Edge("there", "a", "b", "event_trigger", "workflow.**", "take")
    assert ring(there, Edge("back", "b", "a", "event_trigger", "order.*", "take")) == []
    assert ring(there, Edge("back", "b", "a", "event_trigger", "workflow.pipelines.completed")) == ["back", "there"]


def test_many_links_cost_no_more_than_the_budget():
    edges = [Edge(f"{a}-{b}", str(a), str(b), "event_forward", "**") for a in range(60) for b in range(60) if a != b]
    assert Rings(edges).through(edges[0])
    far = [Edge(str(n), str(n), str(n + 1), "event_forward", "**") for n in range(3000)]
    assert Rings(far * 3).through(far[0]) == ()
