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
