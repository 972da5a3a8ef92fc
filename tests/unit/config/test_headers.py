"""Every answer of the control plane has a request id and a content security policy."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from config.metrics import metrics
from config.middleware import ContentSecurityPolicyMiddleware, RequestIdMiddleware, request_id

pytestmark = pytest.mark.spec("SPINE-B5")


def answer(request):
    """A view."""
    return HttpResponse(request.headers["X-Request-ID"])


@pytest.mark.spec("SPINE-B5.17")
def test_a_caller_s_request_id_travels_through():
    response = RequestIdMiddleware(answer)(RequestFactory().get("/", headers={"X-Request-ID": "abc-1"}))
    assert (response["X-Request-ID"], response.content) == ("abc-1", b"abc-1")


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 129, "line\nbreak", "\u00e9"])
def test_a_missing_or_harmful_request_id_is_replaced(given):
    assert request_id(given) != given
    assert len(request_id(given)) == 32


def test_the_policy_allows_nothing_from_elsewhere_and_no_framing():
    response = ContentSecurityPolicyMiddleware(lambda _request: HttpResponse())(RequestFactory().get("/"))
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy


def test_metrics_are_read_from_loopback_only(settings):
    settings.TRUSTED_PROXIES = 0
    settings.METRICS_TOKEN = ""
    assert metrics(RequestFactory().get("/metrics", REMOTE_ADDR="127.0.0.1")).status_code == 200
    assert metrics(RequestFactory().get("/metrics", REMOTE_ADDR="192.0.2.1")).status_code == 403
    assert metrics(RequestFactory().get("/metrics", REMOTE_ADDR="nonsense")).status_code == 403


def test_behind_a_proxy_metrics_are_read_with_the_token_only(settings):
    settings.TRUSTED_PROXIES = 1
    settings.METRICS_TOKEN = ""
    near = RequestFactory().get("/metrics", REMOTE_ADDR="127.0.0.1")
    assert metrics(near).status_code == 403
    settings.METRICS_TOKEN = "scrape"
    told = RequestFactory().get("/metrics", REMOTE_ADDR="127.0.0.1", headers={"Authorization": "Bearer scrape"})
    assert (metrics(near).status_code, metrics(told).status_code) == (403, 200)


def test_a_metrics_token_is_asked_for_from_everybody(settings):
    settings.METRICS_TOKEN = "scrape"
    near = RequestFactory().get("/metrics", REMOTE_ADDR="127.0.0.1")
    far = RequestFactory().get("/metrics", REMOTE_ADDR="192.0.2.1", headers={"Authorization": "Bearer scrape"})
    assert (metrics(near).status_code, metrics(far).status_code) == (403, 200)
