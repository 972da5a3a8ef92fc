"""The scope: what is reached inside one, and how it ends."""

import pytest
from django.db import DatabaseError, DataError, ProgrammingError, connection, transaction

from apps.core.errors import Forbidden
from apps.core.scope import NO_TENANT, SYSTEM, Actor, NoScope, ScopeError, current_tenant, in_scope, roll_back, scope
from apps.tenants.models import Project, Tenant
from apps.tenants.operations.projects import project_create
from tests.support.tenants import TenantFixture

pytestmark = pytest.mark.spec("SPINE-B3")
Two = tuple[TenantFixture, TenantFixture]


def _create_each(actors: list[Actor]) -> None:
    for actor in actors:
        project_create(slug="lost", name="Lost", actor=actor)


@pytest.mark.spec("SPINE-B3.2", "SPINE-B3.3")
def test_a_scope_sees_its_own_tenant_only(two_tenants: Two) -> None:
    a, b = two_tenants
    with scope(a.id, SYSTEM):
        assert list(Tenant.objects.values_list("id", flat=True)) == [a.id]
        assert not Project.objects.filter(id=b.project.id).exists()


@pytest.mark.spec("SPINE-B3.3")
def test_a_read_without_a_scope_is_an_error_and_not_an_empty_page(two_tenants: Two) -> None:
    with pytest.raises((ProgrammingError, DataError)):
        list(Project.objects.all())


@pytest.mark.spec("SPINE-B3.3")
def test_a_row_without_a_scope_cannot_even_be_built(two_tenants: Two) -> None:
    with pytest.raises(NoScope):
        Project(slug="x", name="x")


@pytest.mark.spec("SPINE-B3.3")
def test_scopes_do_not_nest(two_tenants: Two) -> None:
    a, b = two_tenants
    with scope(a.id, SYSTEM), pytest.raises(ScopeError), scope(b.id, SYSTEM):
        raise AssertionError
    assert not in_scope()


def test_a_scope_is_not_opened_inside_a_foreign_transaction(two_tenants: Two) -> None:
    a, _ = two_tenants
    with transaction.atomic(), pytest.raises(ScopeError), scope(a.id, SYSTEM):
        raise AssertionError


def test_an_exception_undoes_everything_and_closes_the_scope(two_tenants: Two) -> None:
    a, _ = two_tenants
    lost_then_refused = [a.actor, a.actor_as("viewer")]
    with pytest.raises(Forbidden), scope(a.id, a.actor):
        _create_each(lost_then_refused)
    assert not in_scope()
    with scope(a.id, SYSTEM):
        assert not Project.objects.filter(slug="lost").exists()


def test_a_scope_can_be_rolled_back_without_an_exception(two_tenants: Two) -> None:
    a, _ = two_tenants
    with scope(a.id, a.actor):
        project_create(slug="lost", name="Lost", actor=a.actor)
        roll_back()
    with scope(a.id, SYSTEM):
        assert not Project.objects.filter(slug="lost").exists()


@pytest.mark.spec("SPINE-B3.3")
def test_the_settings_are_empty_after_the_scope(two_tenants: Two) -> None:
    a, _ = two_tenants
    with scope(a.id, SYSTEM):
        assert current_tenant() == a.id
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('app.tenant', true), current_setting('app.user', true)")
        assert cursor.fetchone() == ("", "")


@pytest.mark.spec("SPINE-B3.3")
def test_a_read_only_scope_refuses_writes(two_tenants: Two) -> None:
    a, _ = two_tenants
    with pytest.raises(DatabaseError, match="read-only"), scope(a.id, a.actor, read_only=True):
        project_create(slug="no", name="No", actor=a.actor)


def test_no_tenant_has_no_rows(two_tenants: Two) -> None:
    with scope(NO_TENANT, SYSTEM):
        assert not Project.objects.exists()
