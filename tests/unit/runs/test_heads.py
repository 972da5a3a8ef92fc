"""What the head of an answer says: our lines, the tenant's, and nothing that could be taken for another line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.http import Response
from apps.runs.rules.heads import Heads, pairs

pytestmark = pytest.mark.spec("SPINE-B5")


def head_of(response, *, hsts=0, version=3, shares_origin=True):
    return Heads(hsts).of(response, "r-1", version, shares_origin=shares_origin)


def test_a_plain_answer_has_our_lines_and_the_version():
    assert pairs(head_of(Response(200, b"{}"))) == [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"x-request-id", b"r-1"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"weft-version", b"3"),
        (b"content-security-policy", b"sandbox"),
    ]


@pytest.mark.parametrize(("status", "length"), [(204, None), (205, b"0"), (304, None)])
def test_an_answer_that_may_have_no_content_announces_none(status, length):
    assert dict(pairs(head_of(Response(status, b"HTTP/1.1 200 OK")))).get(b"content-length") == length


def test_a_header_of_theirs_replaces_ours_and_a_policy_stands_beside_our_sandbox():
    theirs = [(b"referrer-policy", b"no-referrer"), (b"content-security-policy", b"default-src 'self'")]
    found = pairs(head_of(Response(200, headers=theirs)))
    assert [value for name, value in found if name == b"referrer-policy"] == [b"no-referrer"]
    assert [value for name, value in found if name == b"content-security-policy"] == [b"default-src 'self'", b"sandbox"]


@pytest.mark.parametrize("name", [b"set-cookie", b"clear-site-data"])
def test_what_would_reach_the_portal_stays_out_under_its_origin_only(name):
    response = Response(200, headers=[(name, b"x")])
    assert name not in dict(pairs(head_of(response)))
    assert name in dict(pairs(head_of(response, shares_origin=False)))


@pytest.mark.parametrize("attribute", [b"Domain=weft.example", b" domain = .weft.example", b"DOMAIN"])
def test_a_cookie_of_a_tenants_host_is_for_that_host_alone(attribute):
    value = b"weft_session=theirs; Path=/;%b; Secure" % attribute
    found = pairs(head_of(Response(200, headers=[(b"set-cookie", value)]), shares_origin=False))
    assert dict(found)[b"set-cookie"] == b"weft_session=theirs; Path=/; Secure"


def test_under_our_origin_the_transport_rule_is_ours():
    response = Response(200, headers=[(b"strict-transport-security", b"max-age=0")])
    assert dict(pairs(head_of(response, hsts=60)))[b"strict-transport-security"] == b"max-age=60; includeSubDomains"
    apart = dict(pairs(head_of(response, hsts=60, shares_origin=False)))
    assert apart[b"strict-transport-security"] == b"max-age=0"


@given(
    st.lists(st.tuples(st.binary(min_size=0, max_size=12), st.binary(max_size=20)), max_size=6),
    st.binary(max_size=20),
)
def test_nothing_a_tenant_sets_makes_a_line_of_its_own(headers, kind):
    lines = head_of(Response(200, b"", kind, [(name.lower(), value) for name, value in headers])).split(b"\r\n")[:-1]
    assert len(lines) <= 7 + len(headers)
    assert all(line.count(b"\n") == line.count(b"\r") == 0 and b": " in line for line in lines)
    assert sum(line.startswith(b"content-length:") for line in lines) == 1
