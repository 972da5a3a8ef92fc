"""The route sweep finds routes that no product should have."""

from typing import Any

import pytest
from django.urls import clear_url_caches

from tests.support.clients import client_for
from tests.support.database import TestDatabase
from tests.support.isolation import examples
from tests.support.route_sweep import RouteSweep
from tests.support.tenants import TenantFixture

pytestmark = pytest.mark.spec("SPINE-4", "SPINE-B3")
Two = tuple[TenantFixture, TenantFixture]


@pytest.fixture
def planted(settings: Any) -> Any:
    settings.ROOT_URLCONF = "tests.support.planted_urls"
    clear_url_caches()
    yield
    clear_url_caches()


@pytest.mark.spec("SPINE-B1.7", "SPINE-4.5")
def test_planted_routes_are_found(database: TestDatabase, filled_tenants: Two, planted: None) -> None:
    sweep = RouteSweep(database, *filled_tenants, examples()).run()
    faults = sweep.faults()
    assert "GET t/<slug:tenant>/planted (tests.support.planted_urls.nameless) names no permission" in faults
    assert "DELETE api/v1/planted/<uuid:project_id> (tests.support.planted_urls.Half) names no permission" in faults
    assert "GET planted/<slug:victim> is public, listed: None" in faults
    assert "BREACH: GET /api/v1/planted/" in faults


@pytest.mark.spec("SPINE-B1.7")
def test_a_method_without_a_permission_is_refused(two_tenants: Two, planted: None) -> None:
    a, _ = two_tenants
    assert client_for(a).delete(f"planted/{a.project.id}").status_code == 403
