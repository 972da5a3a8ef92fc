"""Addresses name a tenant, an environment and a workflow, or nothing."""

import pytest

from apps.runs.rules.addresses import split_path, target_of_host, target_of_path, tenant_of_host


@pytest.mark.spec("SPINE-B5.2")
@pytest.mark.parametrize(
    ("path", "base", "rest"),
    [
        ("/w/acme/orders", "/w/acme/orders", "/"),
        ("/w/acme/orders/", "/w/acme/orders", "/"),
        ("/w/acme/orders/api/orders/7", "/w/acme/orders", "/api/orders/7"),
        ("/w/acme/staging~orders/x", "/w/acme/staging~orders", "/x"),
        ("/w/acme", "/w/acme", "/"),
        ("/w/", "/w/", "/"),
    ],
)
def test_a_path_is_split_behind_the_workflow(path, base, rest):
    assert split_path(path) == (base, rest)


@pytest.mark.spec("SPINE-B5.2")
@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("/w/acme/orders", ("acme", "prod", "orders")),
        ("/w/acme/staging~orders", ("acme", "staging", "orders")),
        ("/w/acme", None),
        ("/w//orders", None),
        ("/w/acme/~orders", None),
        ("/w/acme/staging~", None),
        ("/w/", None),
    ],
)
def test_a_base_names_one_address(base, address):
    found = target_of_path(base)
    assert (None if found is None else found.address) == address


@pytest.mark.spec("SPINE-B5.2")
@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("acme.weft.example", ("acme", "prod")),
        ("ACME.weft.example:8443", ("acme", "prod")),
        ("staging--acme.weft.example", ("acme", "staging")),
        ("weft.example", None),
        ("a.b.weft.example", None),
        ("evilweft.example", None),
        ("[::1]", None),
        ("--acme.weft.example", ("--acme", "prod")),
    ],
)
def test_a_host_names_a_tenant(host, found):
    assert tenant_of_host(host, "weft.example") == found


@pytest.mark.spec("SPINE-B5.2")
def test_under_a_tenants_host_the_first_segment_is_the_workflow():
    found = target_of_host("acme.weft.example", "/orders/api/x", "weft.example")
    assert found is not None
    target, rest = found
    assert (target.address, target.base, rest) == (("acme", "prod", "orders"), "/orders", "/api/x")
