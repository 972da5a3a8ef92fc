"""The catalogue as its callers see it: the same for every tenant, and only for those who belong to one."""

import jsonschema_rs
import pytest

from apps.modules import queries
from tests.support.clients import browser_for, client_for, with_key
from tests.support.tenants import TenantFixture

pytestmark = pytest.mark.spec("SPINE-B7")
Two = tuple[TenantFixture, TenantFixture]


@pytest.mark.spec("SPINE-B7.8")
def test_every_member_sees_the_whole_catalogue(two_tenants: Two) -> None:
    a, b = two_tenants
    answers = [
        client_for(a).get("module-types"),
        browser_for(b).get("module-types"),
        with_key(a.key_as("viewer")).get("module-types"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    first, second, third = (answer.json() for answer in answers)
    assert first == second == third
    assert {entry["kind"] for entry in first["items"]} == set(queries.registry().kinds())
    assert {component["name"] for component in first["components"]} == set(queries.registry().components)


@pytest.mark.spec("SPINE-B7.8")
def test_one_type_is_found_by_its_kind_and_by_an_alias(two_tenants: Two) -> None:
    a, _ = two_tenants
    found = client_for(a).get("module-types/jsonschema.modular").json()
    assert found["roles"] == ["target"]
    assert found["inputs"][0]["name"] == "data"
    assert client_for(a).get("module-types/jsonschema").json() == found


def test_the_schema_of_a_document_and_of_one_type_can_be_used_as_they_are(two_tenants: Two) -> None:
    a, _ = two_tenants
    whole = client_for(a).get("schema")
    assert whole["Content-Type"].startswith("application/schema+json")
    good = {"modules": [{"name": "server", "type": "http.server", "config": {"address": ":1"}}]}
    bad = {"modules": [{"name": "server", "type": "http.server", "config": {"adress": ":1"}}]}
    assert jsonschema_rs.validator_for(whole.json()).is_valid(good)
    assert not jsonschema_rs.validator_for(whole.json()).is_valid(bad)
    one = client_for(a).get("schema?kind=http.server").json()
    assert jsonschema_rs.validator_for(one).is_valid({"address": ":1"})


@pytest.mark.parametrize("path", ["module-types/no.such", "schema?kind=no.such"])
def test_an_unknown_type_is_404(path: str, two_tenants: Two) -> None:
    a, _ = two_tenants
    refused = client_for(a).get(path)
    assert (refused.status_code, refused["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["module-types", "module-types/http.server", "schema"])
def test_strangers_are_told_to_identify_themselves(path: str, two_tenants: Two) -> None:
    assert with_key("").call("GET", f"/api/v1/{path}", headers={"Authorization": ""}).status_code == 401
