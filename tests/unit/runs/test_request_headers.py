"""A request's headers: found by name without decoding the others, the first of several lines wherever one looks."""

import pytest

from apps.runs.adapters.headers import LazyHeaders, OwnHeaders, forwarded_for, given_headers, request_id

pytestmark = pytest.mark.spec("SPINE-B5")
LINES = [(b"host", b"a"), (b"x-two", b"first"), (b"cookie", b"c=1"), (b"x-two", b"second")]


def test_the_first_of_several_lines_of_a_name_counts_however_it_is_read():
    headers = LazyHeaders(given_headers(LINES))
    assert (headers.get("x-two"), headers["x-two"], dict(headers)["x-two"]) == ("first", "first", "first")


def test_cookies_are_seen_on_a_host_of_ones_own_only():
    given = given_headers(LINES)
    shared, own = LazyHeaders(given), OwnHeaders(given)
    assert (shared.get("cookie"), "cookie" in dict(shared)) == (None, False)
    assert (own.get("cookie"), own["cookie"]) == ("c=1", "c=1")


@pytest.mark.parametrize("name", ["x-none", "ž-two"])
def test_a_header_that_is_not_there_is_its_default(name):
    assert LazyHeaders(given_headers(LINES)).get(name, "other") == "other"


def test_what_the_nearest_proxy_says_is_last_also_when_it_says_it_in_a_line_of_its_own():
    lines = [(b"x-forwarded-for", b"6.6.6.6, "), (b"host", b"a"), (b"x-forwarded-for", b"203.0.113.9")]
    assert forwarded_for(lines) == ["6.6.6.6", "203.0.113.9"]
    assert forwarded_for([]) == []


@pytest.mark.parametrize(("said", "kept"), [(b"a-1", "a-1"), (b"a b", ""), (b"x" * 129, ""), (b"", "")])
def test_a_request_id_is_kept_when_it_may_be_passed_on(said, kept):
    assert request_id({b"x-request-id": said}) == kept
