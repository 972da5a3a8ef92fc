"""The tenants API as its callers see it: who gets in, what is refused and how it is said."""

from uuid import uuid4

import pytest

from apps.core import events
from apps.core.scope import SYSTEM, scope
from apps.tenants.events import PROJECT_CREATED
from apps.tenants.models import Membership, Project
from apps.tenants.operations.members import membership_create
from apps.tenants.operations.tenants import tenant_resume, tenant_suspend
from apps.tenants.queries import audit_list, memberships_of
from tests.support.clients import browser_for, browser_of, client_for, with_key
from tests.support.tenants import TenantFixture, make_person
from tests.support.waiting import wait_for

pytestmark = pytest.mark.spec("SPINE-B3", "SPINE-B7")
Two = tuple[TenantFixture, TenantFixture]


@pytest.mark.spec("SPINE-B3.5", "SPINE-B7.1")
def test_a_key_and_a_browser_see_their_own_tenant(two_tenants: Two) -> None:
    a, _ = two_tenants
    assert client_for(a).get("tenant").json()["slug"] == a.slug
    assert browser_for(a).get("tenant").json()["slug"] == a.slug


def test_nobody_is_told_to_sign_in_or_send_a_key(two_tenants: Two) -> None:
    a, _ = two_tenants
    for path in ("/api/v1/tenant", f"/t/{a.slug}/api/v1/tenant"):
        refused = with_key("").call("GET", path, headers={"Authorization": ""})
        assert refused.status_code == 401
        assert refused["Content-Type"] == "application/problem+json"
        assert refused.json()["requestId"] == refused["X-Request-ID"]


@pytest.mark.spec("SPINE-B3.7")
def test_a_stranger_gets_the_answer_of_a_tenant_that_does_not_exist(two_tenants: Two) -> None:
    a, b = two_tenants
    stranger = browser_for(b)
    missing = stranger.get(f"/t/none-{uuid4().hex[:8]}/api/v1/tenant")
    refused = stranger.get(f"/t/{a.slug}/api/v1/tenant")
    assert (refused.status_code, missing.status_code) == (404, 404)
    assert refused.json() | {"requestId": ""} == missing.json() | {"requestId": ""}
    assert client_for(b).get(f"/t/{a.slug}/api/v1/tenant").status_code == 404


@pytest.mark.parametrize("damage", [lambda key: key[:-1] + "!", lambda key: key + "x", lambda key: key[:-4] + "AAAA"])
def test_a_damaged_key_opens_nothing(two_tenants: Two, damage: object) -> None:
    a, _ = two_tenants
    refused = with_key(damage(a.key)).get("tenant")
    assert (refused.status_code, refused.json()["code"]) == (401, "key.invalid")


@pytest.mark.spec("SPINE-B3.5")
def test_a_key_of_one_tenant_renamed_to_another_opens_nothing(two_tenants: Two) -> None:
    a, b = two_tenants
    assert with_key(a.key.replace(a.slug, b.slug)).get("tenant").status_code == 401


def test_a_browser_must_send_the_csrf_token(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = browser_for(a)
    caller.headers = {}
    refused = caller.post("projects", {"slug": "new", "name": "New"})
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf.failed")


@pytest.mark.spec("SPINE-B3.10", "SPINE-B3.11")
def test_a_viewer_may_not_write_and_the_refusal_is_on_record(two_tenants: Two) -> None:
    a, _ = two_tenants
    refused = client_for(a, "viewer").post("projects", {"slug": "new", "name": "New"})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission.denied")
    with scope(a.id, SYSTEM):
        noted = audit_list().items[0]
    assert (noted.verb, noted.is_refusal, noted.request_id) == ("projects.edit", True, refused["X-Request-ID"])


@pytest.mark.spec("SPINE-B3.5", "SPINE-B7.2")
def test_a_project_is_made_read_changed_and_archived(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a, "editor")
    made = caller.post("projects", {"slug": "orders", "name": "Orders"})
    assert made.status_code == 201
    found = caller.get(made["Location"])
    assert (found.json()["slug"], found["ETag"]) == ("orders", '"1"')
    changed = caller.patch(made["Location"], {"name": "All orders"}, {"If-Match": '"1"'})
    assert (changed.json()["name"], changed["ETag"]) == ("All orders", '"2"')
    assert caller.delete(made["Location"], {"If-Match": '"2"'}).status_code == 204
    assert [row["slug"] for row in caller.get("projects").json()["items"]] == ["main"]


@pytest.mark.spec("SPINE-B7.12")
def test_an_edit_without_or_with_a_stale_etag_changes_nothing(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller, path = client_for(a), f"projects/{a.project.id}"
    assert caller.patch(path, {"name": "X"}).status_code == 428
    assert caller.patch(path, {"name": "X"}, {"If-Match": '"9"'}).status_code == 412
    assert caller.get(path).json()["name"] == "Main"


@pytest.mark.spec("SPINE-B7.10")
def test_faults_in_a_body_are_pointed_at_all_at_once(two_tenants: Two) -> None:
    a, _ = two_tenants
    refused = client_for(a).post("projects", {"slug": "Bad Slug", "name": ""})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/name"]
    refused = client_for(a).post("projects", {"slug": "Bad Slug", "name": "Fine"})
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/slug"]


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 422), (b'{"slug": "a\\u0000b", "name": "x"}', 422)])
def test_a_body_that_is_no_object_is_refused(two_tenants: Two, body: bytes, status: int) -> None:
    a, _ = two_tenants
    caller = client_for(a)
    refused = caller.client.generic("POST", "/api/v1/projects", body, "application/json", headers=caller.headers)
    assert (refused.status_code, refused["Content-Type"]) == (status, "application/problem+json")


def test_another_content_type_and_another_method_are_refused(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a)
    refused = caller.client.generic("POST", "/api/v1/projects", b"x", "text/plain", headers=caller.headers)
    assert refused.status_code == 415
    refused = caller.put("projects", {})
    assert (refused.status_code, refused["Allow"]) == (405, "GET, POST, HEAD")
    unknown = caller.get("nothing-here")
    assert (unknown.status_code, unknown["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.spec("SPINE-B7.11")
def test_lists_are_read_page_by_page_without_a_gap(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a)
    for number in range(4):
        caller.post("projects", {"slug": f"p{number}", "name": "P"})
    first = caller.get("projects?limit=2").json()
    second = caller.get(f"projects?limit=2&cursor={first['next']}").json()
    third = caller.get(f"projects?limit=2&cursor={second['next']}").json()
    slugs = [row["slug"] for page in (first, second, third) for row in page["items"]]
    assert (slugs, third["next"]) == (["p3", "p2", "p1", "p0", "main"], None)
    assert caller.get("projects?limit=0").status_code == 400
    assert caller.get("projects?cursor=nonsense!").status_code == 400


@pytest.mark.spec("SPINE-B7.13")
def test_a_creating_call_sent_twice_with_one_key_is_done_once(two_tenants: Two) -> None:
    a, b = two_tenants
    caller, key = client_for(a), {"Idempotency-Key": "order-1"}
    first = caller.post("projects", {"slug": "once", "name": "Once"}, key)
    again = caller.post("projects", {"slug": "once", "name": "Once"}, key)
    assert (first.status_code, again.status_code, again["Idempotency-Replayed"]) == (201, 201, "true")
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    other = caller.post("projects", {"slug": "twice", "name": "Once"}, key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.other-body")
    assert client_for(b).post("projects", {"slug": "twice", "name": "B"}, key).status_code == 201


@pytest.mark.spec("SPINE-B7.13")
def test_a_refused_call_leaves_its_idempotency_key_free(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller, key = client_for(a), {"Idempotency-Key": "order-2"}
    assert caller.post("projects", {"slug": "main", "name": "Taken"}, key).status_code == 409
    assert caller.post("projects", {"slug": "free", "name": "Free"}, key).status_code == 201


@pytest.mark.spec("SPINE-B3.5")
def test_a_new_key_is_shown_once_works_and_can_be_revoked(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a)
    made = caller.post("api-keys", {"name": "ci", "role": "editor"}).json()
    assert with_key(made["key"]).get("tenant").status_code == 200
    assert all("key" not in row for row in caller.get("api-keys").json()["items"])
    assert caller.delete(f"api-keys/{made['id']}").status_code == 204
    wait_for(lambda: with_key(made["key"]).get("tenant").status_code == 401, what="the refusal of the revoked key")


def test_an_expired_key_opens_nothing(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a)
    refused = caller.post("api-keys", {"name": "old", "role": "editor", "expires_at": "2001-01-01T00:00:00Z"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/expires_at")


@pytest.mark.spec("SPINE-B3.5", "SPINE-B3.10", "SPINE-B7.1")
def test_members_change_role_and_leave_but_one_owner_stays(two_tenants: Two) -> None:
    a, _ = two_tenants
    editor, caller = a.person("editor"), browser_for(a)
    rows = {row["email"]: row for row in caller.get("members").json()["items"]}
    path = f"members/{rows[editor.email]['id']}"
    changed = caller.patch(path, {"role": "viewer"}, {"If-Match": caller.get(path)["ETag"]})
    assert changed.json()["role"] == "viewer"
    last = caller.delete(f"members/{rows[a.owner.email]['id']}")
    assert (last.status_code, last.json()["code"]) == (409, "last-owner")
    assert caller.delete(path).status_code == 204
    assert browser_of(editor, a.slug).get("tenant").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "detail"),
    [
        ("get", "environments/prd/secrets", "There is no environment 'prd'."),
        ("get", "messages?environment=prd", "There is no environment 'prd'."),
        ("get", "projects/{id}", "There is no such project."),
        ("get", "members/{id}", "There is no such member."),
        ("delete", "members/{id}", "There is no such member."),
        ("delete", "api-keys/{id}", "There is no such key."),
        ("delete", "invitations/{id}", "There is no such invitation."),
        ("delete", "environments/prod/secrets/NONE", "There is no such secret."),
    ],
)
def test_a_refusal_says_what_there_is_not(two_tenants: Two, method: str, path: str, detail: str) -> None:
    answer = getattr(client_for(two_tenants[0]), method)(path.replace("{id}", str(uuid4())))
    assert (answer.status_code, answer.json()["detail"]) == (404, detail)


def test_secrets_are_named_and_never_shown(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a)
    assert caller.put("environments/prod/secrets/TOKEN", {"value": "hunter2 "}).status_code == 204
    answer = caller.get("environments/prod/secrets")
    assert [row["name"] for row in answer.json()["items"]] == ["TOKEN"]
    assert b"hunter2" not in answer.content
    assert caller.put("environments/prod/secrets/lower", {"value": "x"}).status_code == 422
    assert caller.delete("environments/prod/secrets/TOKEN").status_code == 204
    assert caller.delete("environments/prod/secrets/TOKEN").status_code == 404


@pytest.mark.spec("SPINE-B7.14")
def test_answers_tell_what_is_left_of_the_allowance(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a, "viewer")
    first, second = caller.get("tenant"), caller.get("tenant")
    assert int(second["RateLimit-Remaining"]) < int(first["RateLimit-Limit"])
    assert int(second["RateLimit-Reset"]) >= 1


@pytest.mark.spec("SPINE-B7.14")
def test_beyond_the_allowance_a_caller_is_told_when_to_come_again(two_tenants: Two, settings: object) -> None:
    a, b = two_tenants
    settings.API_CALLS_PER_MINUTE = 3
    caller = client_for(a, "viewer")
    answers = [caller.get("tenant") for _ in range(5)]
    refused = answers[-1]
    assert (answers[0].status_code, refused.status_code) == (200, 429)
    assert int(refused["Retry-After"]) >= 1
    assert client_for(b, "viewer").get("tenant").status_code == 200


def test_a_suspended_tenant_is_found_by_nobody(two_tenants: Two) -> None:
    a, _ = two_tenants
    tenant_suspend(slug=a.slug, actor=SYSTEM)
    assert browser_for(a).get("tenant").status_code == 404
    assert with_key(a.key).get("tenant").status_code == 401
    tenant_resume(slug=a.slug, actor=SYSTEM)
    assert with_key(a.key).get("tenant").status_code == 200


@pytest.mark.spec("SPINE-B3.7")
def test_who_belongs_to_two_tenants_sees_each_by_itself(two_tenants: Two) -> None:
    a, b = two_tenants
    with scope(b.id, SYSTEM):
        membership_create(user=a.owner, role="owner", actor=SYSTEM)
    assert {found.slug for found in memberships_of(user=a.owner)} == {a.slug, b.slug}
    caller = browser_for(a)
    rows = caller.get("members").json()["items"]
    assert [row["email"] for row in rows] == [a.owner.email]
    assert caller.delete(f"members/{rows[0]['id']}").json()["code"] == "last-owner"


@pytest.mark.parametrize("slug", ["%00", "ACME", "a--b", "-", "x" * 300, "%F0%9F%92%A5", "a%0Ab"])
def test_an_impossible_tenant_is_not_found(two_tenants: Two, slug: str) -> None:
    a, _ = two_tenants
    assert browser_for(a).get(f"/t/{slug}/api/v1/tenant").status_code == 404


def test_a_nul_is_a_fault_of_the_caller(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a)
    assert caller.put("environments/prod/secrets/A%00B", {"value": "x"}).status_code == 422
    assert caller.delete("environments/prod/secrets/A%00B").status_code == 400


def test_two_owners_cannot_remove_each_other(two_tenants: Two) -> None:
    a, _ = two_tenants
    caller = client_for(a)
    with scope(a.id, SYSTEM):
        membership_create(user=make_person(), role="owner", actor=SYSTEM)
        ids = list(Membership.objects.filter(role="owner").values_list("id", flat=True))
    assert [caller.delete(f"members/{id}").status_code for id in ids] == [204, 409]


def test_a_failing_page_leaves_nothing_behind(two_tenants: Two) -> None:
    a, _ = two_tenants

    def fail(**payload: object) -> None:
        raise ZeroDivisionError

    events.on(PROJECT_CREATED, fail)
    try:
        answer = client_for(a).post("projects", {"slug": "half", "name": "Half"})
    finally:
        events._handlers[PROJECT_CREATED].remove(fail)
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    with scope(a.id, SYSTEM):
        assert not Project.objects.filter(slug="half").exists()
