"""Documents that answer requests."""

from tests.acceptance.examples.places import Place


async def notice_board(place: Place) -> None:
    """Fixed answers, and a message that its subscriber takes in."""
    hours = await place.call("GET", "/opening-hours")
    assert (hours.status, hours.headers["content-type"]) == (200, "application/json")
    assert (hours.json["handler"], hours.json["status"]) == ("opening-hours", "success")
    assert (await place.call("GET", "/pulse")).json == {"beats": True}
    sent = await place.start("messaging", "notice.posted", {"message": {"note": "lost umbrella"}})
    assert sent.state == "done"
    (taken,) = await place.until(lambda: place.handled("porter"), "the note reaches the porter")
    assert taken.input == {"note": "lost umbrella"}
    assert any("porter" in line for line in taken.logs)
    await place.start("messaging", "notice.removed", {"message": {}})
    assert len(await place.handled("porter")) == 1


async def library_shelves(place: Place) -> None:
    """Methods, parameters, the most specific pattern, 405 and 404."""
    assert (await place.call("GET", "/books")).json["handler"] == "catalogue"
    assert (await place.call("POST", "/books", {"isbn": "1"})).status == 202
    assert (await place.call("GET", "/books/new")).body == b"the newest books"
    assert (await place.call("GET", "/books/978")).json == {"isbn": "978", "title": "The Loom"}
    missing = await place.call("GET", "/books/12")
    assert (missing.status, missing.json) == (404, {"missing": "12"})
    rest = await place.call("GET", "/shelves/north/3/left/top")
    assert rest.json == {"room": "north", "place": "3/left/top"}
    assert (await place.call("HEAD", "/books")).status == 200
    refused = await place.call("DELETE", "/books")
    assert refused.status == 405
    assert {"GET", "POST"} <= {method.strip() for method in refused.headers["allow"].split(",")}
    nowhere = await place.call("GET", "/cellar")
    assert (nowhere.status, nowhere.headers["content-type"]) == (404, "application/problem+json")


async def welcome_page(place: Place) -> None:
    """A page, a text, a redirect, each with the headers that the document gives it."""
    page = await place.call("GET", "/hello?name=Ada")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "max-age=60"
    assert page.body == b"<h1>Hello Ada</h1>"
    assert (await place.call("GET", "/hello")).body == b"<h1>Hello stranger</h1>"
    robots = await place.call("GET", "/robots.txt")
    assert (robots.headers["content-type"], robots.body.splitlines()[1]) == ("text/plain", b"Disallow: /old/")


async def member_area(place: Place) -> None:
    """Nobody comes in without a token, and each member sees their own notes only."""
    tokens = {}
    for name in ("ada", "bob"):
        member = {"email": f"{name}@example.com", "password": "correct horse", "name": name}
        made = await place.call("POST", "/auth/register", member)
        assert made.status == 201
        again = await place.call("POST", "/auth/login", {"email": member["email"], "password": member["password"]})
        tokens[name] = f"Bearer {again.json['token']}"
    assert (await place.call("POST", "/auth/login", {"email": "ada@example.com", "password": "wrong"})).status == 401
    assert (await place.call("GET", "/notes")).status == 401
    assert (await place.call("GET", "/notes", Authorization="Bearer nonsense")).status == 401
    note = await place.call("POST", "/notes", {"text": "mine"}, Authorization=tokens["ada"])
    assert (note.status, note.json["data"]["text"]) == (201, "mine")
    own = await place.call("GET", "/notes", Authorization=tokens["ada"])
    assert [each["id"] for each in own.json] == [note.json["id"]]
    assert (await place.call("GET", "/notes", Authorization=tokens["bob"])).json == []
    assert (await place.call("GET", f"/notes/{note.json['id']}", Authorization=tokens["bob"])).status == 404
    assert (await place.call("GET", "/auth/profile", Authorization=tokens["bob"])).json["name"] == "bob"


async def guarded_door(place: Place) -> None:
    """Headers on every answer, a browser's preflight answered, and the fourth quick call turned away."""
    asked = await place.call("OPTIONS", "/lanterns", Origin="https://shop.example", Access_Control_Request_Method="GET")
    assert asked.status in (200, 204)
    assert asked.headers["access-control-allow-origin"] == "https://shop.example"
    first = await place.call("GET", "/lanterns", Origin="https://elsewhere.example", X_Request_ID="call-1")
    assert (first.status, first.json) == (200, {"lanterns": 3})
    assert "access-control-allow-origin" not in first.headers
    assert (first.headers["x-request-id"], first.headers["x-frame-options"]) == ("call-1", "SAMEORIGIN")
    statuses = [(await place.call("GET", "/lanterns")).status for _ in range(5)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


async def web_form(place: Place) -> None:
    """A form and JSON mean the same; what is wrong is named by its place."""
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    sent = await place.call("POST", "/registrations", b"name=Ada+L.&email=ada%40example.com", **form)
    assert (sent.status, sent.json) == (201, {"welcome": "Ada L."})
    same = await place.call("POST", "/registrations", {"name": "Bob", "email": "bob@example.com"})
    assert same.json == {"welcome": "Bob"}
    wrong = await place.call("POST", "/registrations", b"name=&email=nowhere", **form)
    assert (wrong.status, wrong.headers["content-type"]) == (422, "application/problem+json")
    assert {error["pointer"] for error in wrong.json["errors"]} == {"/name", "/email"}
    assert (await place.call("POST", "/registrations", b"<x/>", Content_Type="text/xml")).status == 415


async def parcel_watch(place: Place) -> None:
    """Health, numbers, and the queue that is a view of the collection."""
    for key, state in (("p1", "waiting"), ("p2", "gone"), ("p3", "waiting")):
        assert (await place.call("POST", "/parcels", {"id": key, "state": state})).status == 201
    queue = (await place.call("GET", "/waiting")).json
    assert (queue["count"], [each["id"] for each in queue["conversations"]]) == (2, ["p1", "p3"])
    assert (await place.call("POST", "/waiting", {})).status == 405
    assert (await place.call("GET", "/healthz")).json["status"] == "healthy"
    assert (await place.call("GET", "/livez")).status == 200
    assert b"parcels_http_requests_total{" in (await place.call("GET", "/metrics")).body


async def record_keeping(place: Place) -> None:
    """Both routes answer; what is kept is the host's to tell (`GET /api/v1/runs`)."""
    for path in ("/payments", "/clicks"):
        assert (await place.call("POST", path, {"value": 21})).json == {"twice": 42}
        assert (await place.call("POST", path, {"value": "x"})).status == 422


async def book_shelf(place: Place) -> None:
    """Everything that a REST resource does."""
    for number in range(5):
        assert (await place.call("POST", "/books", {"id": f"b{number}", "title": f"Volume {number}"})).status == 201
    assert (await place.call("POST", "/books", {"id": "b0"})).status == 409
    first = await place.call("GET", "/books?limit=2")
    assert [book["id"] for book in first.json] == ["b0", "b1"]
    assert 'rel="next"' in first.headers["link"]
    assert [book["id"] for book in (await place.call("GET", "/books?limit=9&after=b1")).json] == ["b2", "b3", "b4"]
    replaced = await place.call("PUT", "/books/b0", {"title": "Volume zero"})
    assert (replaced.status, replaced.json["data"]) == (200, {"title": "Volume zero"})
    assert (await place.call("GET", "/books/b0/summary")).json["title"] == "Volume zero"
    assert (await place.call("POST", "/books/b0/tag", {"tag": "new"})).json["tags"] == ["new"]
    assert (await place.call("DELETE", "/books/b0")).status == 204
    assert (await place.call("GET", "/books/b0")).status == 404
    assert (await place.call("POST", "/books", b"{broken", Content_Type="application/json")).status == 400
