import orjson
import pytest

from apps.engine.http import Request
from apps.modules.catalog.http.http_handler import HttpHandler
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.handler")


def test_without_settings_it_answers_with_its_name_a_status_and_a_message(unit):
    response = make(HttpHandler, name="users").handle(Request("DELETE", "/any", body=b"[1"), unit.context())
    answer = orjson.loads(response.body)
    assert (response.status, response.content_type) == (200, b"application/json")
    assert list(answer) == ["handler", "status", "message"]
    assert (answer["handler"], answer["status"]) == ("users", "success")


@pytest.mark.shows("http.handler", "failure")
def test_a_status_from_400_on_says_error(unit):
    response = make(HttpHandler, {"status": "422"}, "reject").handle(Request("POST", "/"), unit.context())
    assert response.status == 422
    assert orjson.loads(response.body)["status"] == "error"


@pytest.mark.parametrize(
    ("config", "body"),
    [
        ({"body": {"ok": True}}, b'{"ok":true}'),
        ({"body": []}, b"[]"),
        ({"body": "<p>hi</p>", "contentType": "text/html"}, b"<p>hi</p>"),
    ],
)
def test_a_body_is_answered_as_it_is(config, body, unit):
    response = make(HttpHandler, config).handle(Request("GET", "/"), unit.context())
    assert response.body == body


def test_every_answer_is_a_fresh_one_so_that_middlewares_may_add_headers(unit):
    handler = make(HttpHandler)
    first = handler.handle(Request("GET", "/"), unit.context())
    first.headers.append((b"x-one", b"1"))
    assert handler.handle(Request("GET", "/"), unit.context()).headers == []


def test_as_a_step_it_returns_its_answer(unit):
    assert make(HttpHandler, {"body": {"n": 1}}).run({}, unit.context()) == {"n": 1}
