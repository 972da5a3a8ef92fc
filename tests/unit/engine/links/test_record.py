"""A link says what it takes in and what becomes of it; whatever is wrong is told at its key."""

import pytest

from apps.engine.links.record import LinkFields, fields_of

pytestmark = pytest.mark.spec("CAT-B2")


@pytest.mark.parametrize(
    "said",
    [
        {"link_type": "event_trigger", "config": {"event_pattern": "a.*", "target_action": "w:x"}},
        {"link_type": "event_trigger", "event_pattern": "a.*", "target_action": "w:x"},
        {"link_type": " event_trigger ", "config": {"event_pattern": "a.*"}, "target_action": "w:x"},
    ],
)
def test_the_keys_of_config_may_stand_beside_it(said):
    fields, faults = fields_of(said)
    assert (fields, faults) == (LinkFields("event_trigger", "a.*", "w:x"), [])
    assert (fields.pattern, fields.config) == ("a.*", {"event_pattern": "a.*", "target_action": "w:x"})


@pytest.mark.parametrize(
    "said",
    [{"link_type": "order.*"}, {"link_type": "order.*", "config": {"event_pattern": "order.*"}}],
)
def test_a_type_that_is_no_kind_is_the_pattern(said):
    fields, _ = fields_of(said)
    assert (fields.link_type, fields.pattern, fields.event_pattern, fields.config) == ("order.*", "order.*", "", {})


@pytest.mark.parametrize(
    ("said", "path", "code"),
    [
        ({}, ("link_type",), "link.required"),
        ({"link_type": 7}, ("link_type",), "link.invalid"),
        ({"link_type": "event_forward"}, ("event_pattern",), "link.required"),
        ({"link_type": "event_forward", "config": []}, ("config",), "link.invalid"),
        ({"link_type": "x", "config": {"params": []}}, ("config", "params"), "link.invalid"),
        ({"link_type": "x", "params": {"a": "x" * 9000}}, ("params",), "link.invalid"),
        ({"link_type": "x", "params": {"a": 2**80}}, ("params",), "link.invalid"),
        ({"link_type": "x" * 201}, ("link_type",), "link.invalid"),
        ({"link_type": "x", "event_pattern": "a b"}, ("event_pattern",), "link.invalid"),
        ({"link_type": ".".join("x" * 21)}, ("link_type",), "link.invalid"),
        ({"link_type": "x", "target_action": "\x00"}, ("target_action",), "link.invalid"),
    ],
)
def test_what_is_wrong_is_told_at_its_key(said, path, code):
    fields, faults = fields_of(said)
    assert fields is None
    assert (path, code) in [(fault.path, fault.code) for fault in faults]
