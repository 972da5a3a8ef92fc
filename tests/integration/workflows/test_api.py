"""The calls of workflows, as a program with an API key and as a signed-in person make them."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connections
from django.test import Client

from tests.integration.workflows.documents import BLOCKED, BROKEN, CLEAN, OTHER, UNREADABLE

pytestmark = pytest.mark.spec("SPINE-B7")


class Caller:
    """A program with an API key of a tenant."""

    def __init__(self, tenant, role="owner"):
        self.tenant = tenant
        self.key = tenant.key if role == "owner" else tenant.key_as(role)

    def __call__(self, method, path, body=None, content_type="application/json", **headers):
        content = json.dumps(body) if content_type == "application/json" and body is not None else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client().generic(
            method,
            f"/api/v1/{path}",
            content or "",
            content_type=content_type,
            headers={"Authorization": f"Bearer {self.key}"} | named,
        )

    def workflow(self, text=CLEAN, name="Orders"):
        body = {"name": name, "text": text}
        return self("POST", f"projects/{self.tenant.project.id}/workflows", body).json()["id"]

    def live(self, text=CLEAN, name="Orders"):
        workflow = self.workflow(text, name)
        self("POST", f"workflows/{workflow}/versions", {})
        made = self("POST", f"workflows/{workflow}/deployments", {"environment": "prod", "version": 1})
        assert made.status_code == 201, made.content
        return workflow, made.json()["id"]


@pytest.fixture
def ours(two_tenants):
    return Caller(two_tenants[0])


@pytest.fixture
def theirs(two_tenants):
    return Caller(two_tenants[1])


@pytest.mark.spec("SPINE-B7.3", "SPINE-B7.4")
def test_a_workflow_goes_from_its_creation_to_being_live(ours):
    created = ours("POST", f"projects/{ours.tenant.project.id}/workflows", {"name": "Order intake", "text": BROKEN})
    assert (created.status_code, created["ETag"]) == (201, '"1"')
    assert created["Location"] == f"/api/v1/workflows/{created.json()['id']}"
    assert ours("GET", created["Location"].removeprefix("/api/v1/")).json() == created.json()
    workflow = f"workflows/{created.json()['id']}"

    refused = ours("POST", f"{workflow}/versions", {})
    assert (refused.status_code, refused["Content-Type"]) == (422, "application/problem+json")
    assert "module.name.duplicate" in {finding["code"] for finding in refused.json()["findings"]}

    draft = ours("GET", f"{workflow}/draft")
    saved = ours("PUT", f"{workflow}/draft", {"text": CLEAN}, If_Match=draft["ETag"])
    assert (saved.status_code, saved["ETag"], saved.json()["text"]) == (200, '"2"', CLEAN)

    published = ours("POST", f"{workflow}/versions", {"note": "first", "draft_revision": 2})
    assert (published.status_code, published.json()["number"]) == (201, 1)
    assert published["Location"] == f"/api/v1/{workflow}/versions/1"
    text = ours("GET", f"{workflow}/versions/1/document")
    assert (text.content.decode(), text["Content-Type"]) == (CLEAN, "application/yaml; charset=utf-8")

    live = ours("POST", f"{workflow}/deployments", {"environment": "staging", "version": 1})
    assert (live.status_code, live.json()["is_live"]) == (201, True)
    assert ours("GET", live["Location"].removeprefix("/api/v1/")).json() == live.json()
    listed = ours("GET", "deployments?environment=staging&live=true").json()
    assert [found["id"] for found in listed["items"]] == [live.json()["id"]]
    ended = ours("POST", f"deployments/{live.json()['id']}/end")
    assert (ended.status_code, ended.json()["is_live"]) == (200, False)
    assert ours("POST", f"{workflow}/archive").json()["archived_at"] is not None
    assert ours("POST", f"{workflow}/restore").json()["archived_at"] is None


def test_yaml_is_taken_as_it_is(ours):
    workflow = f"workflows/{ours.workflow()}"
    saved = ours("PUT", f"{workflow}/draft", OTHER, content_type="application/yaml", If_Match='"1"')
    assert (saved.status_code, saved.json()["text"]) == (200, OTHER)
    wrong = ours("PUT", f"{workflow}/draft", b"\xff\xfe", content_type="application/yaml", If_Match='"2"')
    assert wrong.status_code == 400
    image = ours("PUT", f"{workflow}/draft", b"x", content_type="image/png", If_Match='"2"')
    assert image.status_code == 415


@pytest.mark.spec("SPINE-B7.12")
def test_an_edit_without_its_starting_point_is_428_and_from_an_old_one_412(ours):
    workflow = f"workflows/{ours.workflow()}"
    assert ours("PUT", f"{workflow}/draft", {"text": OTHER}).status_code == 428
    assert ours("PUT", f"{workflow}/draft", {"text": OTHER}, If_Match='"9"').status_code == 412
    assert ours("PATCH", workflow, {"name": "x"}).status_code == 428
    renamed = ours("PATCH", workflow, {"name": "x"}, If_Match='"1"')
    assert (renamed.status_code, renamed["ETag"], renamed.json()["slug"]) == (200, '"2"', "orders")
    late = ours("PATCH", workflow, {"name": "y"}, If_Match='"1"')
    assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")


@pytest.mark.spec("SPINE-B7.4")
@pytest.mark.parametrize(
    ("text", "code", "is_drawn"),
    [(CLEAN, None, True), (BLOCKED, "module.type.unknown", True), (UNREADABLE, "yaml.syntax", False)],
)
def test_a_check_says_everything_at_once_and_refuses_nothing(ours, text, code, is_drawn):
    found = ours("POST", "check", {"text": text})
    assert found.status_code == 200
    assert ([finding["code"] for finding in found.json()["findings"]] or [None])[0] == code
    assert (found.json()["graph"] is not None) is is_drawn
    assert ours("POST", "check", text, content_type="text/yaml").json() == found.json()


def test_a_check_changes_nothing_and_a_viewer_may_ask_it(ours):
    viewer = Caller(ours.tenant, "viewer")
    assert viewer("POST", "check?environment=prod", {"text": CLEAN}).status_code == 200
    assert viewer("POST", "check?environment=nowhere", {"text": CLEAN}).status_code == 404


@pytest.mark.spec("SPINE-B7.4")
def test_a_blocked_version_is_refused_with_every_finding(ours):
    workflow = f"workflows/{ours.workflow(BLOCKED)}"
    assert ours("POST", f"{workflow}/versions", {}).status_code == 201
    refused = ours("POST", f"{workflow}/deployments", {"environment": "prod", "version": 1})
    assert (refused.status_code, refused.json()["code"]) == (422, "document.refused")
    assert refused.json()["findings"][0]["severity"] == "blocked"


@pytest.mark.spec("SPINE-B7.10")
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x", "slug": "Not A Slug"}, "/slug"),
        ({"name": "\u0000"}, "/name"),
        ({"name": "x", "text": "\u0000"}, "/text"),
        ([], ""),
    ],
)
def test_what_is_wrong_with_a_body_is_told_with_its_place(ours, body, pointer):
    refused = ours("POST", f"projects/{ours.tenant.project.id}/workflows", body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_slug_is_taken_once(ours):
    ours.workflow()
    again = ours("POST", f"projects/{ours.tenant.project.id}/workflows", {"name": "Orders"})
    assert (again.status_code, again.json()["code"]) == (409, "workflow.slug_taken")


@pytest.mark.spec("SPINE-B7.13")
def test_the_same_key_creates_one_workflow(ours):
    key = uuid4().hex
    where = f"projects/{ours.tenant.project.id}/workflows"
    first = ours("POST", where, {"name": "Once"}, Idempotency_Key=key)
    second = ours("POST", where, {"name": "Once"}, Idempotency_Key=key)
    other = ours("POST", where, {"name": "Twice"}, Idempotency_Key=key)
    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == second.json()


@pytest.mark.spec("SPINE-B7.11")
def test_lists_are_read_page_by_page(ours, theirs):
    made = [ours.workflow(name=f"w{number}") for number in range(3)]
    theirs.workflow()
    first = ours("GET", "workflows?limit=2").json()
    second = ours("GET", f"workflows?limit=2&cursor={first['next']}").json()
    assert [row["id"] for row in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None
    assert ours("GET", "workflows?archived=true").json()["items"] == []
    assert ours("GET", "workflows?archived=maybe").status_code == 400
    assert ours("GET", "workflows?limit=0").status_code == 400


def calls_on(workflow, deployment, project):
    return [
        ("GET", f"projects/{project}/workflows", None),
        ("POST", f"projects/{project}/workflows", {"name": "x"}),
        ("GET", f"workflows/{workflow}", None),
        ("PATCH", f"workflows/{workflow}", {"name": "x"}),
        ("POST", f"workflows/{workflow}/archive", None),
        ("POST", f"workflows/{workflow}/restore", None),
        ("GET", f"workflows/{workflow}/draft", None),
        ("PUT", f"workflows/{workflow}/draft", {"text": "x"}),
        ("GET", f"workflows/{workflow}/versions", None),
        ("POST", f"workflows/{workflow}/versions", {}),
        ("GET", f"workflows/{workflow}/versions/1", None),
        ("GET", f"workflows/{workflow}/versions/1/document", None),
        ("GET", f"workflows/{workflow}/deployments", None),
        ("POST", f"workflows/{workflow}/deployments", {"environment": "prod", "version": 1}),
        ("GET", f"deployments/{deployment}", None),
        ("POST", f"deployments/{deployment}/end", None),
    ]


@pytest.mark.spec("SPINE-B7.3")
def test_another_tenant_s_things_do_not_exist(ours, theirs):
    workflow, deployment = ours.live()
    before = ours("GET", f"workflows/{workflow}").json()
    for method, path, body in calls_on(workflow, deployment, ours.tenant.project.id):
        answer = theirs(method, path, body, If_Match='"1"')
        assert (answer.status_code, method, path) == (404, method, path)
    assert ours("GET", f"workflows/{workflow}").json() == before
    assert ours("GET", f"deployments/{deployment}").json()["is_live"]
    assert theirs("GET", "workflows").json()["items"] == []
    assert theirs("GET", "deployments").json()["items"] == []


@pytest.mark.spec("SPINE-B3.10")
def test_a_viewer_reads_everything_and_changes_nothing(ours):
    workflow, deployment = ours.live()
    viewer = Caller(ours.tenant, "viewer")
    for method, path, body in calls_on(workflow, deployment, ours.tenant.project.id):
        answer = viewer(method, path, body, If_Match='"1"')
        assert (answer.status_code, method, path) == (200 if method == "GET" else 403, method, path)


def test_an_editor_may_publish_and_deploy(ours):
    Caller(ours.tenant, "editor").live()


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer weft_nobody_x_y"}, {"Authorization": "Basic eDp5"}])
def test_nobody_in_particular_gets_nothing(ours, header):
    answer = Client().get("/api/v1/workflows", headers=header)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_a_signed_in_person_uses_the_address_of_the_tenant(two_tenants):
    ours, theirs = two_tenants
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ours.person("editor"))
    mount = f"/t/{ours.slug}/api/v1"
    assert browser.get(f"{mount}/workflows").status_code == 200
    assert browser.get(f"/t/{theirs.slug}/api/v1/workflows").status_code == 404
    unsafe = browser.post(f"{mount}/projects/{ours.project.id}/workflows", {"name": "x"}, "application/json")
    assert unsafe.status_code == 403


def test_a_created_thing_is_found_under_the_mount_it_was_created_by(two_tenants):
    ours, _ = two_tenants
    browser = Client()
    browser.force_login(ours.person("editor"))
    where = f"/t/{ours.slug}/api/v1/projects/{ours.project.id}/workflows"
    created = browser.post(where, {"name": "x"}, "application/json")
    assert created["Location"].startswith(f"/t/{ours.slug}/api/v1/workflows/")
    assert browser.get(created["Location"]).json() == created.json()


def test_two_publishes_at_once_give_one_and_two(ours):
    workflow = ours.workflow()

    def publish(_):
        try:
            return ours("POST", f"workflows/{workflow}/versions", {}).json()["number"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(publish, range(4))) == [1, 2, 3, 4]


def test_deployments_at_once_leave_one_live(ours):
    workflow = ours.workflow()
    for _ in range(4):
        ours("POST", f"workflows/{workflow}/versions", {})

    def deploy(version):
        try:
            body = {"environment": "prod", "version": version}
            return ours("POST", f"workflows/{workflow}/deployments", body).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(deploy, [1, 2, 3, 4])) == [201] * 4
    listed = ours("GET", f"workflows/{workflow}/deployments?environment=prod").json()["items"]
    assert len(listed) == 4
    assert [row["is_live"] for row in listed].count(True) == 1


def test_one_of_two_saves_from_the_same_revision_wins(ours):
    workflow = ours.workflow()

    def save(text):
        try:
            return ours("PUT", f"workflows/{workflow}/draft", {"text": text}, If_Match='"1"').status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(save, [OTHER, BLOCKED])) == [200, 412]
