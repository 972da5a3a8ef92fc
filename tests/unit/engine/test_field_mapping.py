"""Logical field names over the names that data really uses (spec/modules.md 8.1)."""

import pytest

from apps.engine.fields import FieldMapping
from apps.modules.catalog.http._api_config import ApiHandlerConfig

pytestmark = pytest.mark.spec("CAT-B1", "api.handler")


def test_the_first_name_that_is_present_is_read_whatever_its_value():
    fields = FieldMapping({"total": ["amount", "sum"]})
    assert fields.read({"sum": 2, "amount": 1}, "total") == 1
    assert fields.read({"sum": 2, "amount": None}, "total") is None
    assert fields.read({"sum": 0}, "total", 9) == 0
    assert fields.read({"total": 3}, "total", 9) == 9


def test_the_first_name_is_written():
    data = {"sum": 2}
    FieldMapping({"total": ["amount", "sum"]}).write(data, "total", 5)
    assert data == {"sum": 2, "amount": 5}


@pytest.mark.parametrize(
    "name", ["state", "lastUpdate", "riskLevel", "tags", "messages", "programId", "userId", "from"]
)
def test_a_name_that_is_not_mapped_is_itself(name):
    assert FieldMapping().names(name) == (name,)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"message": "d"}, "d"),
        ({"message": "d", "content": "c"}, "c"),
        ({"message": "d", "content": "c", "Body": "b"}, "b"),
        ({"message": "d", "content": "c", "Body": "b", "body": "a"}, "a"),
        ({"text": "e"}, ""),
    ],
)
def test_a_body_has_four_names(data, text):
    assert FieldMapping().read_text(data, "body") == text


@pytest.mark.parametrize("value", [5, None, True, ["a"], {"a": 1}])
def test_what_is_no_text_reads_as_empty_and_what_is_no_list_as_nothing(value):
    assert FieldMapping().read_text({"body": value}, "body") == ""
    assert FieldMapping().read_list({"tags": "a" if isinstance(value, list) else value}, "tags") == []


def test_an_entry_takes_the_place_of_the_default_one_and_leaves_the_others():
    fields = FieldMapping({"body": "text", "tags": ["labels"]})
    assert fields.names("body") == ("text",)
    assert fields.names("tags") == ("labels",)
    assert fields.names("messages") == ("messages",)


def test_what_is_no_text_is_skipped_in_a_documents_mapping():
    written = {"body": ["text", 5, None], "tags": 7, "state": "status", "from": [], "userId": {"a": "b"}}
    fields = FieldMapping(ApiHandlerConfig.model_validate({"fieldMapping": written}).field_mapping)
    assert [fields.names(name) for name in ("body", "tags", "state", "from", "userId")] == [
        ("text",), ("tags",), ("status",), ("from",), ("userId",),
    ]  # fmt: skip


def test_a_transition_map_goes_over_the_defaults_and_summary_fields_take_their_place():
    said = {"transitionMap": {"close": "shut", "ship": "send_off"}, "summaryFields": ["total"]}
    config = ApiHandlerConfig.model_validate(said)
    assert (config.transition_map["close"], config.transition_map["ship"]) == ("shut", "send_off")
    assert config.transition_map["assign"] == "assign_responder"
    assert config.summary_fields == ("total",)
    assert ApiHandlerConfig.model_validate({"summaryFields": []}).summary_fields == ApiHandlerConfig().summary_fields
