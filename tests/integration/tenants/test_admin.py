"""The operators' admin: it shows everything, changes nothing by itself, and opens to operators only."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import connections
from django.db.models import BinaryField, Model
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.core.admin import OpsAdmin
from apps.runs.models import Delivery, Instance, Run
from apps.tenants.models import Tenant, User
from apps.tenants.queries import tenant_by_slug
from apps.workflows.models import Deployment, Version, Workflow
from tests.support.tenants import TenantFixture, make_person

pytestmark = pytest.mark.spec("SPINE-B7")
Two = tuple[TenantFixture, TenantFixture]
OURS = ("core", "tenants", "workflows", "runs", "modules")
SHOWN = [model for model in admin.site._registry if model._meta.app_label in OURS]
OF_TENANTS = [model for model in SHOWN if model not in (Tenant, User)]


@pytest.fixture
def operator(database: object) -> Client:
    client = Client()
    client.force_login(make_person(is_operator=True))
    return client


def address(model: type[Model], page: str, *ids: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=ids)


def identity(model: type[Model], tenant: TenantFixture) -> object:
    """Return the id of a tenant's newest row, or of its owner where the table is of people."""
    rows = admin.site._registry[model].get_queryset(RequestFactory().get("/"))
    of = {Tenant: {"id": tenant.id}, User: {"id": tenant.owner.pk}}.get(model, {"tenant_id": tenant.id})
    return rows.filter(**of).order_by("-id").values_list("pk", flat=True)[0]


@pytest.mark.spec("SPINE-B7.15")
def test_an_operator_lists_searches_and_opens_rows_of_every_tenant(filled_tenants: Two, operator: Client) -> None:
    def found(model: type[Model], **query: object) -> set[object]:
        page = operator.get(address(model, "changelist"), query)
        assert page.status_code == 200, (model, query)
        return {row.pk for row in page.context["cl"].result_list}

    for model in SHOWN:
        assert found(model)
        assert found(model, q="no-such-thing") == set()
        for tenant in filled_tenants:
            wanted = identity(model, tenant)
            assert found(model, q=wanted) >= {wanted}
            for page in ("change", "history"):
                assert operator.get(address(model, page, wanted)).status_code == 200, (model, page)


def test_rows_are_found_by_the_slug_and_the_id_of_their_tenant(filled_tenants: Two, operator: Client) -> None:
    a, _ = filled_tenants
    for model in OF_TENANTS:
        for wanted in (a.slug, a.id):
            rows = operator.get(address(model, "changelist"), {"q": wanted}).context["cl"].result_list
            assert {row.tenant_id for row in rows} == {a.id}, (model, wanted)


def test_payloads_and_documents_are_not_read(filled_tenants: Two, operator: Client) -> None:
    for model in SHOWN:
        row = admin.site._registry[model].get_queryset(RequestFactory().get("/"))[0]
        binary = {field.name for field in model._meta.fields if isinstance(field, BinaryField)}
        assert binary <= row.get_deferred_fields(), model
    page = operator.get(address(Run, "change", identity(Run, filled_tenants[0])))
    assert "input" not in page.context["adminform"].readonly_fields


def test_operators_see_what_runs() -> None:
    assert {Workflow, Version, Deployment, Run, Delivery, Instance} <= set(SHOWN)


@pytest.mark.spec("SPINE-B7.15")
def test_every_table_has_a_name_in_plain_words(operator: Client) -> None:
    shown = operator.get("/admin/").context["app_list"]
    names = {table["name"] for app in shown for table in app["models"]}
    assert {"Audit entries", "Outbox", "Deliveries", "API keys"} <= names
    assert "Groups" not in names


@pytest.mark.spec("SPINE-B7.15")
def test_our_tables_are_only_looked_at(two_tenants: Two, operator: Client) -> None:
    ours = [model for model in admin.site._registry if model._meta.app_label in OURS]
    assert ours
    assert all(isinstance(admin.site._registry[model], OpsAdmin) for model in ours)
    a, _ = two_tenants
    page = f"/admin/tenants/tenant/{a.id}/"
    assert operator.get(f"{page}change/").status_code == 200
    assert operator.post(f"{page}change/", {"name": "Other"}).status_code == 403
    assert operator.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert operator.get("/admin/tenants/tenant/add/").status_code == 403


@pytest.mark.spec("SPINE-B7.15")
def test_hidden_columns_are_not_even_readable(two_tenants: Two, operator: Client) -> None:
    a, _ = two_tenants
    page = operator.get(f"/admin/tenants/user/{a.owner.pk}/change/").content.decode()
    assert a.owner.password not in page
    for table, column in (("tenants_user", "password"), ("tenants_api_key", "secret_hash")):
        with pytest.raises(Exception, match="permission denied"), connections["ops"].cursor() as cursor:
            cursor.execute(f"select {column} from {table}")


def test_strangers_are_sent_to_the_products_own_sign_in(two_tenants: Two) -> None:
    a, _ = two_tenants
    answer = Client().get("/admin/tenants/tenant/", follow=False)
    assert answer.status_code == 302
    login = Client().get(answer["Location"])
    assert login["Location"].startswith("/sign-in?next=")
    member = Client()
    member.force_login(a.owner)
    assert member.get("/admin/", follow=True).status_code == 404


@pytest.mark.spec("SPINE-B3.8", "SPINE-B7.15")
def test_an_operator_makes_a_tenant_and_its_owner_gets_a_link(operator: Client) -> None:
    slug = f"new-{uuid4().hex[:8]}"
    given = {"slug": slug, "name": "New", "owner_email": f"{slug}@example.test"}
    answer = operator.post("/admin/tenants/tenant/new/", given, follow=True)
    assert "/invitations/" in answer.content.decode()
    assert tenant_by_slug(slug)
    again = operator.post("/admin/tenants/tenant/new/", given)
    assert (again.status_code, b"already" in again.content) == (422, True)


def test_an_operator_suspends_and_resumes(two_tenants: Two, operator: Client) -> None:
    a, b = two_tenants

    def press(action: str) -> Any:
        chosen = {"action": action, "_selected_action": [str(a.id)]}
        return operator.post("/admin/tenants/tenant/", chosen)

    press("suspend")
    assert (tenant_by_slug(a.slug), bool(tenant_by_slug(b.slug))) == (None, True)
    press("resume")
    assert tenant_by_slug(a.slug)
