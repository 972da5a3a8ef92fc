"""How refusals and faults become problem documents."""

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions

from apps.core.api.pointers import pointers
from apps.core.api.problems import as_refusal, problem_response
from apps.core.errors import Invalid, TooManyRequests


@pytest.mark.spec("SPINE-B7.10")
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not-found"),
        (PermissionDenied(), 403, "permission.denied"),
        (SuspiciousOperation("odd"), 400, "request.bad"),
        (RequestDataTooBig(), 413, "too-large"),
        (OperationalError("gone"), 503, "unavailable"),
        (DataError("text fields cannot contain NUL (0x00) bytes"), 400, "text.nul"),
        (exceptions.ParseError(), 400, "body.not-json"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "content-type.unsupported"),
        (exceptions.NotAcceptable(), 400, "request.bad"),
        (exceptions.ValidationError({"name": ["no"]}), 422, "invalid"),
    ],
)
def test_what_others_raise_becomes_a_refusal_of_ours(error: Exception, status: int, code: str) -> None:
    refusal = as_refusal(error)
    assert refusal is not None
    assert (refusal.status, refusal.problem_code) == (status, code)


@pytest.mark.parametrize("error", [ZeroDivisionError(), DataError("invalid input syntax for type uuid")])
def test_a_fault_of_ours_stays_one(error: Exception) -> None:
    assert as_refusal(error) is None


def test_faults_are_pointed_at_however_deep_they_lie() -> None:
    detail = {"items": [{}, {"a/b": ["bad"]}], "non_field_errors": ["all wrong"], "name": "short"}
    assert pointers(detail) == [
        {"pointer": "/items/1/a~1b", "message": "bad"},
        {"pointer": "", "message": "all wrong"},
        {"pointer": "/name", "message": "short"},
    ]


@pytest.mark.spec("SPINE-B7.10")
def test_a_problem_carries_what_the_refusal_knows() -> None:
    problem = Invalid("No.", errors=[{"pointer": "/x", "message": "bad"}], findings=[], hint="try y").problem()
    assert problem == {
        "type": "about:blank",
        "title": "The content is not valid",
        "status": 422,
        "code": "invalid",
        "detail": "No.",
        "errors": [{"pointer": "/x", "message": "bad"}],
        "findings": [],
        "hint": "try y",
    }
    assert TooManyRequests(retry_after=0).headers == {"Retry-After": "1"}


def endless() -> list[Any]:
    """Return a list that holds itself."""
    made: list[Any] = []
    made.append(made)
    return made


@pytest.mark.parametrize("odd", ["\ud800", float("nan"), b"\xff", {("a", 1): object()}, endless()])
def test_a_problem_can_be_written_whatever_it_quotes(odd: Any) -> None:
    request = RequestFactory().get("/", headers={"X-Request-ID": "r-1"})
    answer = problem_response(request, Invalid(f"No {odd!r:.20}.", errors=[{"pointer": "/x", "message": odd}]))
    body = json.loads(answer.content.decode())
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert (body["code"], body["requestId"]) == ("invalid", "r-1")
