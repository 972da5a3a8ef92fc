import asyncio

import pytest
from pydantic import ValidationError

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.testing import Bench
from apps.modules.catalog.http.http_server import HttpServer
from apps.modules.queries import registry
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.server")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"address": ":8080"}, ":8080"),
        ({"port": 8085}, ":8085"),
        ({"port": "8085"}, ":8085"),
        ({"port": 8085, "address": "localhost:1"}, "localhost:1"),
    ],
)
def test_the_address_or_the_port_says_where_to_listen(config, expected):
    assert make(HttpServer, config).config.address == expected


@pytest.mark.parametrize(
    ("config", "place", "kind"),
    [
        ({}, ("address",), "missing"),
        ({"address": ""}, ("address",), "missing"),
        ({"address": "localhost"}, ("address",), "value_error"),
        ({"address": "localhost:99999"}, ("address",), "value_error"),
        ({"port": 70000}, ("port",), "less_than_equal"),
    ],
)
@pytest.mark.shows("http.server", "failure")
def test_a_missing_or_impossible_address_is_located(config, place, kind):
    with pytest.raises(ValidationError) as refusal:
        make(HttpServer, config)
    assert (place, kind) in [(error["loc"], error["type"]) for error in refusal.value.errors()]


@pytest.mark.spec("D12")
def test_the_timeouts_are_read_in_either_spelling_of_a_duration():
    server = make(HttpServer, {"address": ":1", "readTimeout": "1m30s", "writeTimeout": 5})
    assert (server.config.read_timeout, server.config.write_timeout) == (90.0, 5.0)


class Silent:
    """A network on which nobody answers."""

    async def request(self, *_, **__):
        await asyncio.Event().wait()


def served(server, more=""):
    return Bench(
        compile_document(
            load(f"""
modules:
- {server}
- {{name: router, type: http.router}}
- {{name: engine, type: statemachine.engine}}
- {{name: answer, type: http.handler}}
- {{name: far, type: webhook.sender, config: {{url: 'https://a.example'}}}}
{more}workflows:
  http:
    routes:
    - {{method: GET, path: /orders, handler: answer}}
    - {{method: POST, path: /orders, handler: wait}}
  pipelines: {{wait: {{steps: [{{emit: asked}}, {{uses: far}}]}}}}
""").document,
            registry(),
        )
    )


@pytest.mark.spec("D12", "httpserver.modular")
@pytest.mark.shows("httpserver.modular", "failure")
@pytest.mark.parametrize(
    ("server", "more"),
    [
        ("{name: server, type: http.server, config: {port: 8080, writeTimeout: 20ms}}", ""),
        ("{name: server, type: httpserver.modular, config: {writeTimeout: 20ms}}", ""),
        ("{name: server, type: httpserver.modular}", "httpserver: {write_timeout: 20ms}\n"),
    ],
)
async def test_a_request_that_is_not_answered_in_the_server_s_time_is_given_up_and_undone(server, more):
    async with served(server, more) as found:
        found.host.http = Silent()
        late = await found.request("POST", "/orders", body={})
        assert (late.status, late.json()["code"]) == (504, "route.timeout")
        assert found.host.queue.messages("local") == []
        assert (await found.request("GET", "/orders")).status == 200


@pytest.mark.spec("D12")
def test_a_server_that_says_no_time_sets_no_limit():
    assert make(HttpServer, {"port": 8080}).time_limit is None
