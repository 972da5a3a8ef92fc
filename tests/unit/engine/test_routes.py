"""Which route answers a request."""

from dataclasses import dataclass
from time import perf_counter

import pytest

from apps.engine.routes import RouteTable, segments, shape


@dataclass(frozen=True)
class Stub:
    method: str
    pattern: str


def table(*routes: str) -> RouteTable[Stub]:
    return RouteTable(Stub(*route.split(" ")) for route in routes)


@pytest.mark.spec("SPINE-B5.3", "CAT-B2.1")
@pytest.mark.parametrize(
    ("patterns", "path", "expected", "params"),
    [
        (["/api/orders"], "/api/orders", "/api/orders", {}),
        (["/api/orders/{id}"], "/api/orders/7", "/api/orders/{id}", {"id": "7"}),
        (["/api/orders/:id/items/:item"], "/api/orders/7/items/x y", "/api/orders/:id/items/:item",
         {"id": "7", "item": "x y"}),
        (["/api/dm/{peer}", "/api/dm/threads"], "/api/dm/threads", "/api/dm/threads", {}),
        (["/api/dm/{peer}", "/api/dm/threads"], "/api/dm/5", "/api/dm/{peer}", {"peer": "5"}),
        (["/files/{path...}"], "/files/a/b.txt", "/files/{path...}", {"path": "a/b.txt"}),
        (["/files/{path...}"], "/files/", "/files/{path...}", {"path": ""}),
        (["/files/{path...}", "/files/{name}"], "/files/a", "/files/{name}", {"name": "a"}),
        (["/static/"], "/static/css/site.css", "/static/", {}),
        (["/static/"], "/static/", "/static/", {}),
        (["/"], "/anything/at/all", "/", {}),
        (["/a/{x}/c", "/a/b/{y}"], "/a/b/c", "/a/b/{y}", {"y": "c"}),
        (["/a/{x}/c", "/a/b/d"], "/a/b/c", "/a/{x}/c", {"x": "b"}),
        (["/t/{a}/", "/t/{a}/x"], "/t/1/y", "/t/{a}/", {"a": "1"}),
    ],
)  # fmt: skip
def test_the_most_specific_pattern_answers(patterns, path, expected, params):
    found = table(*(f"GET {pattern}" for pattern in patterns)).match("GET", path)
    assert found.route is not None
    assert found.route.pattern == expected
    assert found.params == params


@pytest.mark.spec("SPINE-B5.3", "CAT-B2.1")
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/api/orders", "/api/orders/"),
        ("/api/orders/{id}", "/api/orders/"),
        ("/api/orders/{id}", "/api/orders/7/items"),
        ("/static/", "/static"),
        ("/files/{path...}", "/files"),
        ("/a/b", "/a"),
    ],
)
def test_a_path_that_no_pattern_takes_in_has_neither_route_nor_methods(pattern, path):
    found = table(f"GET {pattern}").match("GET", path)
    assert found.route is None
    assert found.allow == ()


@pytest.mark.spec("SPINE-B5.3", "CAT-B2.1")
def test_a_wrong_method_names_the_right_ones():
    routes = table("GET /orders/{id}", "DELETE /orders/{id}", "POST /orders")
    assert routes.match("PATCH", "/orders/7").allow == ("DELETE", "GET", "HEAD")
    assert routes.match("GET", "/orders").allow == ("POST",)


def test_get_answers_head():
    routes = table("GET /orders", "GET /orders/{id}", "HEAD /special")
    assert routes.match("HEAD", "/orders").route == Stub("GET", "/orders")
    assert routes.match("HEAD", "/orders/1").params == {"id": "1"}
    assert routes.match("HEAD", "/special").route == Stub("HEAD", "/special")
    assert routes.match("HEAD", "/none").route is None


def test_a_method_of_its_own_is_found_behind_a_literal_of_another():
    routes = table("POST /a/b", "GET /a/{x}")
    assert routes.match("GET", "/a/b").params == {"x": "b"}


def test_of_two_with_one_shape_the_first_answers_and_the_second_is_told():
    routes = table("GET /a/{x}", "GET /a/:y", "GET /b", "GET /b")
    assert routes.match("GET", "/a/1").params == {"x": "1"}
    assert [route.pattern for route in routes.duplicates] == ["/a/:y", "/b"]


def test_shapes_forget_names_only():
    assert segments("/a/:b/{c}") == ["a", "{b}", "{c}"]
    assert shape("/a/:b/{c...}") == "/a/{}/{...}"
    assert shape("/a/b") != shape("/a/{b}")


@pytest.mark.spec("SPINE-B5.3", "CAT-B2.1")
def test_a_look_up_costs_the_same_in_a_large_table():
    def cost(size: int) -> float:
        routes = table(*(f"GET /r{number}/{{id}}/x" for number in range(size)))
        return min(_timed(routes, f"/r{size - 1}/5/x") for _ in range(7))

    assert cost(2000) < 8 * cost(10)


def _timed(routes: RouteTable[Stub], path: str) -> float:
    began = perf_counter()
    for _ in range(200):
        routes.match("GET", path)
    return perf_counter() - began
