"""`jsonschema.modular` against the cases of the official JSON-Schema-Test-Suite, drafts 7 and 2020-12.

It does otherwise in two ways, both on purpose: it never loads a schema from elsewhere, and a format is checked.
"""

import json

import pytest

from apps.modules.catalog.framework.jsonschema_modular import JsonschemaModular
from tests.support.checkout import ROOT
from tests.unit.modules.making import make

pytestmark = [
    pytest.mark.spec("jsonschema.modular", "CAT-B1"),
    pytest.mark.proven("jsonschema.modular", "JSON-Schema-Test-Suite"),
]

SUITE = ROOT / "tests/support/json_schema_suite"
FILES = sorted(path.relative_to(SUITE).with_suffix("").as_posix() for path in SUITE.glob("draft*/*.json"))
DRAFT_7 = {"$schema": "http://json-schema.org/draft-07/schema#"}  # without it a schema is of draft 2020-12

# Schemas that refer to others on a server: a tenant's text makes no process fetch anything.
REFUSED = {
    "draft2020-12/dynamicRef": {
        "strict-tree schema, guards against misspelled properties",
        "tests for implementation dynamic anchor and reference link",
        "$ref and $dynamicAnchor are independent of order - $defs first",
        "$ref and $dynamicAnchor are independent of order - $ref first",
        "$ref to $dynamicRef finds detached $dynamicAnchor",
    },
    "draft2020-12/refRemote": {
        "remote ref",
        "fragment within remote ref",
        "anchor within remote ref",
        "ref within remote ref",
        "base URI change",
        "base URI change - change folder",
        "base URI change - change folder in subschema",
        "root ref in remote ref",
        "remote ref with ref to defs",
        "Location-independent identifier in remote ref",
        "retrieved nested refs resolve relative to their URI not $id",
        "remote HTTP ref with different $id",
        "remote HTTP ref with different URN $id",
        "remote HTTP ref with nested absolute ref",
        "$ref to $ref finds detached $anchor",
    },
    "draft2020-12/vocabulary": {
        "schema that uses custom metaschema with with no validation vocabulary",
        "ignore unrecognized optional vocabulary",
    },
    "draft7/refRemote": {
        "remote ref",
        "fragment within remote ref",
        "ref within remote ref",
        "base URI change",
        "base URI change - change folder",
        "base URI change - change folder in subschema",
        "root ref in remote ref",
        "remote ref with ref to definitions",
        "Location-independent identifier in remote ref",
        "retrieved nested refs resolve relative to their URI not $id",
        "$ref to $ref finds location-independent $id",
    },
}

# What the draft leaves open and the suite takes for an annotation: here a text that is none of its format is refused.
CHECKED_FORMATS = {
    f"{name} format: invalid {name} string is only an annotation by default"
    for name in (
        "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6", "iri",
        "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference",
        "uri-template", "uuid",
    )
}  # fmt: skip
OTHERWISE = {"draft2020-12/format": CHECKED_FORMATS}


def module_of(file, schema):
    """Return the module of a case's schema."""
    if file.startswith("draft7/") and isinstance(schema, dict):
        schema = {**DRAFT_7, **schema}
    return make(JsonschemaModular, {"schema": schema})


@pytest.mark.parametrize("file", FILES)
def test_the_cases_of_a_file_end_as_the_suite_says_except_those_that_are_written_down(file):
    refused, otherwise, ran = set(), set(), 0
    for group in json.loads((SUITE / f"{file}.json").read_text(encoding="utf-8")):
        module = module_of(file, group["schema"])
        if module.problems():
            refused.add(group["description"])
            continue
        for case in group["tests"]:
            ran += 1
            if (module.errors(case["data"]) == []) is not case["valid"]:
                otherwise.add(f"{group['description']}: {case['description']}")
    assert (refused, otherwise) == (REFUSED.get(file, set()), OTHERWISE.get(file, set()))
    assert ran or refused


def test_the_suite_is_whole_and_what_is_refused_would_have_to_be_fetched():
    assert (len(FILES), {file.partition("/")[0] for file in FILES}) == (83, {"draft7", "draft2020-12"})
    assert set(REFUSED) | set(OTHERWISE) <= set(FILES)
    for file, descriptions in REFUSED.items():
        groups = json.loads((SUITE / f"{file}.json").read_text(encoding="utf-8"))
        messages = [
            message
            for group in groups
            if group["description"] in descriptions
            for _, _, message in module_of(file, group["schema"]).problems()
        ]
        assert len(messages) == len(descriptions)
        assert [message for message in messages if "http://localhost:1234/" not in message] == []
