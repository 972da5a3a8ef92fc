"""Which patterns a stream of events fulfils."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engine.patterns import CONDITIONS, Event, Pattern, judge

pytestmark = [pytest.mark.spec("D21"), pytest.mark.spec("CAT-B2", "CAT-B2.5")]


def stream(pattern, *events):
    """Feed events, each a type or (type, time), and return the places of every match's events."""
    seen, found = [], []
    for place, said in enumerate(events):
        kinds, at = (said, place) if isinstance(said, str) else said
        seen.append(Event(str(place), at, frozenset(kinds.split("+"))))
        found += [[int(event.id) for event in match.events] for match in judge([pattern], seen)]
    return found


def pattern(types, condition="count", window=100, **more):
    return Pattern("p", tuple(types.split()), window, condition, **more)


def test_so_many_events_within_the_window_match_once_and_are_used_up():
    assert stream(pattern("a", least=3), *"aaaa") == [[0, 1, 2]]
    assert stream(pattern("a", least=3), *"aaaaaa") == [[0, 1, 2], [3, 4, 5]]


def test_with_repeat_every_further_event_matches_again():
    assert stream(pattern("a", least=3, repeats=True), *"aaaa") == [[0, 1, 2], [0, 1, 2, 3]]


def test_events_that_are_as_old_as_the_window_do_not_count():
    assert stream(pattern("a", least=2, window=10), ("a", 0), ("a", 10)) == []
    assert stream(pattern("a", least=2, window=10), ("a", 0), ("a", 9)) == [[0, 1]]


def test_more_events_than_allowed_do_not_match_until_the_window_has_moved_on():
    limited = pattern("a b", "all", least=2, most=2, window=10)
    assert stream(limited, ("a", 0), ("a", 1), ("b", 2)) == []
    assert stream(limited, ("a", 0), ("a", 1), ("b", 2), ("a", 11)) == [[2, 3]]


def test_all_wants_every_type_in_any_order():
    assert stream(pattern("a b c", "all"), *"cab") == [[0, 1, 2]]
    assert stream(pattern("a b c", "all"), *"aab") == []


def test_a_sequence_wants_the_types_in_their_order():
    assert stream(pattern("a b c", "sequence"), *"abc") == [[0, 1, 2]]
    assert stream(pattern("a b c", "sequence"), *"cba") == []
    assert stream(pattern("a b c", "sequence"), *"acbc") == [[0, 2, 3]]


def test_a_strict_sequence_has_nothing_of_its_types_between():
    strict = pattern("a b c", "sequence", is_strict=True)
    assert stream(strict, *"acbc") == []
    assert stream(strict, *"axbyc") == [[0, 2, 4]]
    assert stream(strict, *"cbaabc") == [[3, 4, 5]]


def test_an_event_stands_for_each_of_its_types():
    assert stream(pattern("a x", "all"), "a+x") == [[0]]
    assert stream(pattern("x y", "sequence"), "a+x", "b+y") == [[0, 1]]


def test_each_pattern_uses_events_for_itself():
    both = [Pattern("one", ("a",), 100, least=2), Pattern("two", ("a", "b"), 100, least=2)]
    seen = [Event("0", 0, frozenset("a")), Event("1", 1, frozenset("a"))]
    assert [match.pattern.id for match in judge(both, seen)] == ["one", "two"]


def test_an_event_of_no_listed_type_fulfils_nothing():
    assert stream(pattern("a", repeats=True), "a", "b", "b") == [[0]]
    assert stream(Pattern("p", (), 100), "a") == []


# --- against a model that tries every choice ----------------------------------------------------------------------

TYPES = "abc"
PATTERNS = st.builds(
    Pattern,
    id=st.just("p"),
    types=st.lists(st.sampled_from(TYPES), min_size=1, max_size=3).map(tuple),
    window=st.integers(1, 12),
    condition=st.sampled_from(CONDITIONS),
    least=st.integers(1, 4),
    most=st.sampled_from([0, 0, 2, 3, 5]),
    is_strict=st.booleans(),
    repeats=st.booleans(),
)
STREAMS = st.lists(
    st.tuples(st.frozensets(st.sampled_from(TYPES + "z"), min_size=1, max_size=2), st.integers(0, 5)), max_size=10
)


def model(wanted, events):
    """Say by definition, from the whole history each time, which events every match has."""
    used, found = set(), []
    for end in range(1, len(events) + 1):
        kinds, now = events[end - 1]
        if not kinds & set(wanted.types):
            continue
        open_ = [
            place
            for place in range(end)
            if place not in used and events[place][0] & set(wanted.types) and now - events[place][1] < wanted.window
        ]
        if len(open_) < wanted.least or (wanted.most and len(open_) > wanted.most):
            continue
        match = choice(wanted, events, open_)
        if match is not None:
            found.append(match)
            used |= set() if wanted.repeats else set(match)
    return found


def choice(wanted, events, open_):
    def in_order(places):
        return all(kind in events[place][0] for kind, place in zip(wanted.types, places, strict=True))

    if wanted.condition == "count":
        return open_
    if wanted.condition == "all":
        return open_ if all(any(kind in events[place][0] for place in open_) for kind in wanted.types) else None
    choices = [list(places) for places in combinations(open_, len(wanted.types)) if in_order(places)]
    if wanted.is_strict:
        choices = [places for places in choices if places == open_[-len(places) :]]
    return max(choices, key=lambda places: places[::-1], default=None)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, STREAMS)
def test_what_matches_is_what_the_definition_says(wanted, steps):
    now, events = 0, []
    for kinds, later in steps:
        now += later
        events.append((kinds, now))
    fed = [("+".join(sorted(kinds)), at) for kinds, at in events]
    assert stream(wanted, *fed) == model(wanted, events)
