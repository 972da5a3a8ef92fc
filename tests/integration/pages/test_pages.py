"""Every page of a tenant answers for its members, hides from others, and does what its forms say."""

import json
import re

import pytest
from django.urls import reverse

from apps.core.scope import scope
from apps.tenants.operations.members import membership_create
from tests.integration.pages.browsing import Reader, reader_of, text_of
from tests.integration.pages.made import make_live, make_workflow
from tests.support.tenants import TenantFixture

Tenants = tuple[TenantFixture, TenantFixture]
pytestmark = pytest.mark.spec("SPINE-B8")
LISTS = (
    "/", "/workflows", "/workflows?archived=1", "/runs", "/runs?state=failed&time=24h&source=http", "/instances",
    "/schedules", "/schedules?environment=dev", "/messages", "/messages?dead=1",
    "/modules", "/modules?q=http", "/settings", "/settings/keys",
    "/settings/secrets?environment=dev", "/settings/projects",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_a_page_answers_its_owner_and_nobody_of_another_tenant(two_tenants: Tenants, path: str) -> None:
    a, b = two_tenants
    make_live(a)
    answer = reader_of(a).get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    stranger = Reader(a, b.owner).get(path)
    assert stranger.status_code == 404
    assert "Greeting" not in text_of(stranger)


@pytest.mark.parametrize("path", LISTS)
def test_a_page_runs_no_script_of_its_own(two_tenants: Tenants, path: str) -> None:
    a, _ = two_tenants
    page = reader_of(a).get(path).content.decode()
    scripts = re.findall(r"<script(?![^>]*(?:src=|application/json))", page)
    assert (scripts, re.findall(r"\son\w+=", page), re.findall(r"\sstyle=", page)) == ([], [], [])
    assert 'lang="en"' in page
    assert 'class="skip-link" href="#main"' in page


def test_production_is_marked_and_another_environment_is_chosen_in_the_address(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    reader = reader_of(a)
    assert 'data-environment="prod" data-production' in reader.get("/").content.decode()
    chosen = reader.get("/?environment=dev").content.decode()
    assert 'data-environment="dev"' in chosen
    assert "<html" in chosen
    assert "data-production" not in chosen[: chosen.index("<head>")]
    reader.client.cookies[f"weft_environment_{a.slug}"] = "staging"
    assert 'data-environment="staging"' in reader.get("/runs").content.decode()


@pytest.mark.spec("SPINE-B8.1")
def test_the_theme_is_drawn_by_the_server(two_tenants: Tenants) -> None:
    reader = reader_of(two_tenants[0])
    reader.client.cookies["weft_theme"] = "dark"
    assert 'data-theme="dark"' in reader.get("/").content.decode()
    reader.client.cookies["weft_theme"] = '"><script>'
    assert "data-theme" not in reader.get("/").content.decode().split("<head>")[0]


def test_home_says_what_to_do_first_and_later_that_all_is_well(two_tenants: Tenants) -> None:
    a, b = two_tenants
    assert "Nothing is live in prod yet" in text_of(reader_of(a).get("/"))
    make_live(a)
    assert "prod is healthy" in text_of(reader_of(a).get("/"))
    assert "Nothing is live in prod yet" in text_of(reader_of(b).get("/"))


def test_a_new_workflow_begins_with_a_text_that_has_no_findings(two_tenants: Tenants) -> None:
    a, b = two_tenants
    answer = reader_of(a).post("/workflows", name="Hello there", project=a.project.slug)
    assert answer.request["PATH_INFO"] == f"/t/{a.slug}/workflows/hello-there"
    facts = facts_of(answer.content.decode(), "workflow-data")
    assert facts["checked"]["findings"] == []
    assert {node["id"] for node in facts["checked"]["graph"]["nodes"]} == {"server", "router", "pipeline:greet"}
    assert reader_of(b).get("/workflows/hello-there").status_code == 404


@pytest.mark.spec("SPINE-5", "SPINE-B8.6")
def test_a_workflow_page_holds_findings_with_their_lines_and_the_addresses_to_save_at(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    make_workflow(a, "Broken", "modules:\n  - name: one\n    type: http.servre\n")
    facts = facts_of(reader_of(a).get("/workflows/broken").content.decode(), "workflow-data")
    found = facts["checked"]["findings"]
    assert [(one["line"], one["path"]) for one in found if "http.server" in one["message"]] == [(3, "modules[0].type")]
    assert facts["urls"]["check"] == f"/t/{a.slug}/api/v1/check"
    assert facts["can"] == {"edit": True, "publish": True, "deploy": True}


def test_a_live_workflow_shows_where_it_answers(two_tenants: Tenants) -> None:
    a, b = two_tenants
    workflow = make_live(a)
    address = f"/workflows/{workflow.slug}/addresses"
    [found] = reader_of(a).get(address).json()["addresses"]
    assert (found["environment"], found["method"], found["path"]) == ("prod", "GET", "/hello")
    assert found["base"].endswith(f"/w/{a.slug}/greeting")
    assert found["curl"] == f"curl -i '{found['base']}/hello'"
    assert reader_of(b).get(address).status_code == 404


@pytest.mark.spec("SPINE-B8.7")
def test_a_version_shows_its_text_for_ever(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    workflow = make_live(a)
    assert "Hello from Weft" in text_of(reader_of(a).get(f"/workflows/{workflow.slug}/versions/1"))
    assert reader_of(a).get(f"/workflows/{workflow.slug}/versions/2").status_code == 404


def test_a_viewer_reads_and_is_refused_what_changes_things(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    workflow = make_workflow(a)
    viewer = reader_of(a, "viewer")
    facts = facts_of(viewer.get(f"/workflows/{workflow.slug}").content.decode(), "workflow-data")
    assert facts["can"] == {"edit": False, "publish": False, "deploy": False}
    assert viewer.post("/workflows", name="No", project=a.project.slug).status_code == 403
    assert viewer.get("/settings/keys").status_code == 403
    assert "New workflow" not in text_of(viewer.get("/workflows"))


def test_a_workflow_is_renamed_put_away_and_taken_back(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    reader, slug = reader_of(a), make_workflow(a).slug
    assert "Better name" in text_of(reader.post(f"/workflows/{slug}", deed="rename", name="Better name"))
    reader.post(f"/workflows/{slug}", deed="archive")
    assert "Better name" not in text_of(reader.get("/workflows"))
    assert "Better name" in text_of(reader.get("/workflows?archived=1"))
    reader.post(f"/workflows/{slug}", deed="restore")
    assert "Better name" in text_of(reader.get("/workflows"))


def test_what_is_live_cannot_be_put_away_and_the_page_says_why(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    workflow = make_live(a)
    answer = reader_of(a).post(f"/workflows/{workflow.slug}", deed="archive")
    assert "Take the workflow out of every environment" in text_of(answer)


def test_the_secret_of_a_key_is_shown_once(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    reader = reader_of(a)
    made = reader.post("/settings/keys", deed="create", name="robot", role="viewer", life="30")
    assert f"weft_{a.slug}_" in made.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    assert f"weft_{a.slug}_" not in reader.get("/settings/keys").content.decode()


def test_a_secret_is_named_and_never_shown(two_tenants: Tenants) -> None:
    a, b = two_tenants
    reader = reader_of(a)
    shown = reader.post("/settings/secrets", deed="set", environment="dev", name="TOKEN", value="hush-hush").content
    assert b"TOKEN is set in dev" in shown
    assert b"hush-hush" not in shown
    assert b"TOKEN" not in reader_of(b).get("/settings/secrets?environment=dev").content.replace(b"PAYMENT_TOKEN", b"")
    wrong = reader.post("/settings/secrets", deed="set", environment="dev", name="lower", value="x")
    assert "Capital letters" in text_of(wrong)


def test_people_are_invited_given_roles_and_removed(two_tenants: Tenants) -> None:
    a, b = two_tenants
    reader, editor = reader_of(a), a.person("editor")
    assert "on its way to zoe@example.test" in text_of(
        reader.post("/settings", deed="invite", email="zoe@example.test", role="viewer")
    )
    page = reader.get("/settings").content.decode()
    assert editor.email in page
    assert b.owner.email not in page
    assert "Make somebody else an owner first" in text_of(
        reader.post("/settings", deed="remove", id=member_of(page, a.owner.email))
    )
    reader.post("/settings", deed="remove", id=member_of(page, editor.email))
    assert Reader(a, editor).get("/").status_code == 404


def test_somebody_of_two_tenants_appears_once_and_is_no_second_owner(two_tenants: Tenants) -> None:
    a, b = two_tenants
    with scope(b.id, b.actor):
        membership_create(user=a.owner, role="owner", actor=b.actor)
    page = reader_of(a).get("/settings").content.decode()
    assert page.count(f'aria-label="Role of {a.owner.email}"') == 1
    answer = reader_of(a).post("/settings", deed="remove", id=member_of(page, a.owner.email))
    assert "Make somebody else an owner first" in text_of(answer)


def test_a_project_is_made_and_its_workflows_are_listed_apart(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    reader = reader_of(a)
    make_workflow(a)
    reader.post("/settings/projects", deed="create", name="Side", slug="side")
    assert "Greeting" in text_of(reader.get(f"/workflows?project={a.project.slug}"))
    assert "Greeting" not in text_of(reader.get("/workflows?project=side"))
    assert reader.get("/workflows?project=none").status_code == 404


def test_the_command_bar_finds_workflows_of_this_tenant_only(two_tenants: Tenants) -> None:
    a, b = two_tenants
    make_workflow(a, "Night shift")
    [offer] = reader_of(a).get("/search?q=NIGHT").json()["results"]
    assert (offer["title"], offer["href"]) == ("Night shift", f"/t/{a.slug}/workflows/night-shift")
    assert reader_of(b).get("/search?q=night").json() == {"results": []}
    assert reader_of(a).get("/search?q=").json() == {"results": []}


def test_the_catalogue_explains_each_type(two_tenants: Tenants) -> None:
    reader = reader_of(two_tenants[0])
    assert "webhook.sender" in text_of(reader.get("/modules"))
    shown = text_of(reader.get("/modules/api.handler"))
    assert all(each in shown for each in ("Config", "health.groupBy", "Ports", "Level", "Example", "complete-order"))
    assert reader.get("/modules/no.such").status_code == 404


@pytest.mark.parametrize("name", ["run", "instance", "message"])
def test_what_does_not_exist_is_not_here(two_tenants: Tenants, name: str) -> None:
    a, _ = two_tenants
    parts = {"tenant": a.slug, f"{name}_id": "00000000-0000-7000-8000-000000000000"}
    answer = reader_of(a).client.get(reverse(name, kwargs=parts))
    assert answer.status_code == 404
    assert "nothing at this address" in text_of(answer)


def facts_of(page: str, block: str) -> dict:
    found = re.search(rf'<script id="{block}" type="application/json">(.*?)</script>', page, re.S)
    assert found is not None
    return json.loads(found[1])


def member_of(page: str, email: str) -> str:
    found = re.search(rf'id="remove-([0-9a-f-]+)" aria-label="Remove {re.escape(email)}"', page)
    assert found is not None
    return found[1]
