"""Whoever asks which module types there are, and which keys each one takes, gets the same answer everywhere."""

import html
import re

import orjson
import pytest
import yaml

from apps.core.api.openapi import openapi_path
from apps.engine.check import check
from apps.engine.document import load
from apps.modules.queries import registry
from tests.support.clients import browser_for, client_for
from tests.support.wfctl import wfctl

pytestmark = pytest.mark.spec("CAT-B1.6")
CONFIG = "Config."
UNKNOWN = "key.unknown"


def keys_of(schema):
    return set(schema.get("properties", {}))


@pytest.fixture(scope="module")
def own():
    """Return the keys of each type by its kind, as the types themselves have them."""
    return {each.kind: keys_of(each.Config.model_json_schema()) for each in registry()}


def test_the_api_and_its_description_list_the_same_types_and_keys(own, two_tenants):
    listed = [client_for(tenant).get("module-types").json()["items"] for tenant in two_tenants]
    assert listed[0] == listed[1]
    assert {each["kind"]: keys_of(each["schema"]) for each in listed[0]} == own
    described = yaml.load(openapi_path().read_text(), Loader=yaml.CSafeLoader)["components"]["schemas"]
    assert described["ModuleTypeOut"]["properties"]["kind"]["enum"] == sorted(own)
    configs = {name.removeprefix(CONFIG): keys_of(each) for name, each in described.items() if name.startswith(CONFIG)}
    assert configs == own


def test_the_schema_of_documents_knows_the_same_types_and_keys(own, two_tenants):
    first, second = two_tenants
    of_api = client_for(first).get("schema").json()
    assert wfctl("schema").json == of_api
    named = [part["if"]["properties"]["type"]["enum"] for part in of_api["$defs"]["module"]["allOf"]]
    assert {kind for kind in own if any(kind in each for each in named)} == set(own)
    for kind, keys in own.items():
        assert keys_of(client_for(second).get(f"schema?kind={kind}").json()) == keys
    assert keys_of(wfctl("schema", "webhook.sender").json) == own["webhook.sender"]


def test_the_checker_takes_the_keys_that_are_listed_and_no_others(own):
    for kind, keys in own.items():
        assert [key for key in sorted(keys) if UNKNOWN in codes_of(kind, key)] == []
        assert UNKNOWN in codes_of(kind, "no such key at all")


def codes_of(kind, key):
    """Return the codes of what is said of a module with one key."""
    document = load(orjson.dumps({"modules": [{"name": "m", "type": kind, "config": {key: None}}]}).decode()).document
    return {each.code for each in check(document, registry())}


def test_the_reference_pages_show_the_same_types_and_keys(own, two_tenants):
    browser = browser_for(two_tenants[0])
    base = f"/t/{two_tenants[0].slug}/modules"
    everything = browser.get(base).content.decode()
    assert {kind for kind in own if f'modules/{kind}"' in everything} == set(own)
    for kind, keys in own.items():
        shown = html.unescape(browser.get(f"{base}/{kind}").content.decode())
        assert {key for key in keys if not re.search(rf">{re.escape(key)}[<.]", shown)} == set(), kind
