"""`chimux.router`: base path, cross-origin rules and a time limit for every route of the section."""

import asyncio

import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.testing import Bench
from apps.modules.catalog.framework.chimux_router import ChimuxRouter
from apps.modules.queries import registry
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("chimux.router")

ORIGIN = {"origin": "https://page.example"}


class Silent:
    """A network on which nobody answers."""

    async def request(self, *_, **__):
        await asyncio.Event().wait()


def text(config="{}", top="", path="/orders"):
    return f"""
modules:
- {{name: server, type: http.server, config: {{port: 8080}}}}
- {{name: router, type: chimux.router, config: {config}}}
- {{name: answer, type: http.handler}}
- {{name: slow, type: webhook.sender, config: {{url: 'https://a.example'}}}}
{top}
workflows:
  http:
    routes:
    - {{method: GET, path: {path}, handler: answer}}
    - {{method: POST, path: {path}, handler: wait}}
  pipelines: {{wait: {{steps: [{{uses: slow}}]}}}}
"""


def bench(*config, **more):
    return Bench(compile_document(load(text(*config, **more)).document, registry()))


def told(*config, **more):
    return [(each.code, each.path) for each in check(load(text(*config, **more)).document, registry(), CheckOptions())]


async def headers(*config, **more):
    async with bench(*config, **more) as found:
        return (await found.request("GET", "/orders", headers=ORIGIN)).headers


@pytest.mark.parametrize("path", ["/orders", "/api/orders"])
async def test_the_base_path_is_put_in_front_once(path):
    async with bench("{basepath: /api/}", path=path) as found:
        assert (await found.request("GET", "/api/orders")).status == 200
        assert (await found.request("GET", "/orders")).status == 404


async def test_pages_of_any_origin_may_call_unless_it_says_otherwise():
    assert (await headers())["access-control-allow-origin"] == "https://page.example"
    assert "access-control-allow-origin" not in await headers("{allowed_origins: ['https://other.example']}")
    assert "vary" not in await headers("{cors: {enabled: false}}")


async def test_a_preflight_is_told_every_rule():
    config = "{allowedOrigins: 'https://page.example', allow_credentials: true, max_age: 60, allowedHeaders: [X-A]}"
    async with bench(config) as found:
        answer = await found.request("OPTIONS", "/orders", headers=ORIGIN)
    assert {name: value for name, value in answer.headers.items() if name.startswith("access-control")} == {
        "access-control-allow-origin": "https://page.example",
        "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
        "access-control-allow-headers": "X-A",
        "access-control-max-age": "60",
        "access-control-allow-credentials": "true",
    }


async def test_the_section_at_the_top_is_read_and_the_module_s_own_settings_go_first():
    top = "chimux: {basepath: /top, cors: {allowedOrigins: ['https://page.example']}}"
    async with bench(top=top) as found:
        answer = await found.request("GET", "/top/orders", headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] == "https://page.example"
    async with bench("{basepath: /own}", top=top) as found:
        assert (await found.request("GET", "/own/orders")).status == 200
    assert told(top="chimux: {logRoutes: true, middleware: {requestId: true}, prefix: /x}") == [
        ("key.ignored", "chimux.logRoutes"),
        ("key.ignored", "chimux.middleware"),
        ("key.ignored", "chimux.prefix"),
    ]


@pytest.mark.shows("chimux.router", "failure")
async def test_a_route_that_takes_too_long_is_answered_504():
    async with bench("{timeout: 10ms}") as found:
        found.host.http = Silent()
        answer = await found.request("POST", "/orders", body={})
        assert (answer.status, answer.json()["code"]) == (504, "route.timeout")
        assert (await found.request("GET", "/orders")).status == 200


@pytest.mark.shows("chimux.router", "failure")
def test_faults_are_told_where_they_stand():
    assert told("{basepath: api}") == [("config.invalid", "modules[1].config.basepath")]
    assert sorted(told(top="chimux: {basepath: '/{x}', cors: {nothing: 1}}")) == [
        ("config.invalid", "chimux.basepath"),
        ("key.unknown", "chimux.cors.nothing"),
    ]
    assert told("{cors: {allow_credentials: true}}") == [("config.invalid", "modules[1].config.cors")]


def test_cookies_need_named_origins():
    with_cookies = make(ChimuxRouter, {"allow_credentials": True, "allowed_origins": ["https://a.example"]})
    assert with_cookies.problems() == []
    assert make(ChimuxRouter, {"allow_credentials": True}).problems() != []
