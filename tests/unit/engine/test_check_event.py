"""Findings of the event section and of the triggers that listen."""

import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.document import load
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("CAT-B2")

PARTS = """modules:
- {name: bus, type: messaging.broker}
- {name: watch, type: event.processor}
- {name: guard, type: messaging.handler}
- {name: cache, type: http.router}
"""
PATTERN = "{patternId: p, eventTypes: [a, b], windowTime: 5m, condition: sequence}"


def told(sections):
    return [
        (found.code, found.path, found.line)
        for found in check(load(PARTS + sections).document, registry(), CheckOptions())
    ]


def section(patterns=f"[{PATTERN}]", handlers="[]", adapters="[]", processor="watch"):
    return (
        f"workflows:\n  event:\n    processor: {processor}\n    patterns: {patterns}\n"
        f"    handlers: {handlers}\n    adapters: {adapters}\n"
    )


ROOT = "workflows.event"


def test_a_whole_section_has_nothing_to_be_told():
    good = section(
        "[{patternId: p, eventTypes: [a], windowTime: 90, minOccurs: '3', maxOccurs: 4.0, condition: '', "
        "repeat: true}]",
        "[{patternId: p, handler: guard}]",
        "[{broker: bus, topics: [a], eventType: e, sourceIdKey: s, correlIdKey: c}]",
    )
    assert told(good) == []


def one(written):
    return f"[{{{written}}}]"


@pytest.mark.parametrize(
    ("text", "code", "path", "line"),
    [
        (section(processor="nobody"), "reference.unknown", "processor", 8),
        (section(processor="guard"), "reference.unsuitable", "processor", 8),
        (section(patterns="[]"), "section.required", "patterns", 9),
        (section(patterns="[5]"), "section.invalid", "patterns[0]", 9),
        (section(patterns=f"[{PATTERN}, {PATTERN}]"), "pattern.duplicate", "patterns[1].patternId", 9),
        (section(patterns=one("eventTypes: [a], windowTime: 1m")), "section.required", "patterns[0].patternId", 9),
        (section(patterns=one("patternId: p, eventTypes: [a]")), "section.required", "patterns[0].windowTime", 9),
        (section(patterns=one("patternId: p, windowTime: 1m")), "pattern.never", "patterns[0]", 9),
        (section(handlers=one("patternId: q, handler: guard")), "reference.unknown", "handlers[0].patternId", 10),
        (section(handlers=one("patternId: p, handler: nobody")), "reference.unknown", "handlers[0].handler", 10),
        (section(handlers=one("patternId: p, handler: cache")), "reference.unsuitable", "handlers[0].handler", 10),
        (section(handlers=one("patternId: p")), "section.required", "handlers[0].handler", 10),
        (section(adapters=one("broker: x, topics: [a], eventType: e")), "reference.unknown", "adapters[0].broker", 11),
        (
            section(adapters=one("broker: guard, topics: [a], eventType: e")),
            "reference.unsuitable",
            "adapters[0].broker",
            11,
        ),
        (section(adapters=one("broker: bus, eventType: e")), "adapter.silent", "adapters[0]", 11),
        (section(adapters=one("broker: bus, topics: a, eventType: e")), "section.invalid", "adapters[0].topics", 11),
        (section(adapters=one("broker: bus, topics: [a]")), "section.required", "adapters[0].eventType", 11),
    ],
)
@pytest.mark.shows("event.processor", "failure")
def test_a_section_that_is_wrong_is_told_where(text, code, path, line):
    assert told(text) == [(code, f"{ROOT}.{path}", line)]


def test_everything_that_is_wrong_is_told_at_once():
    assert told("workflows: {event: {patterns: 5}}\n") == [
        ("section.required", f"{ROOT}.processor", 6),
        ("section.invalid", f"{ROOT}.patterns", 6),
    ]


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("windowTime", "soon", "section.invalid"),
        ("windowTime", "30d", "section.invalid"),
        ("windowTime", "0s", "section.invalid"),
        ("windowTime", "-5m", "section.invalid"),
        ("windowTime", "721h", "section.invalid"),
        ("windowTime", "[]", "section.invalid"),
        ("condition", "thrice", "section.invalid"),
        ("minOccurs", "-1", "section.invalid"),
        ("minOccurs", "1.5", "section.invalid"),
        ("minOccurs", "true", "section.invalid"),
        ("maxOccurs", "many", "section.invalid"),
        ("maxOccurs", "1", "pattern.never"),
        ("orderMatters", "yes", "section.invalid"),
        ("repeat", "1", "section.invalid"),
        ("eventTypes", "[5]", "section.invalid"),
        ("extraParams", "{}", "key.ignored"),
        ("within", "5m", "key.unknown"),
    ],
)
def test_a_value_of_a_pattern_is_told_at_its_key(key, value, code):
    said = {"patternId": "p", "eventTypes": "[a, b]", "windowTime": "5m", "condition": "sequence", key: value}
    written = ", ".join(f"{name}: {text}" for name, text in said.items())
    assert told(section(f"[{{{written}}}]"))[0][:2] == (code, f"{ROOT}.patterns[0].{key}")


def test_order_has_an_effect_on_sequences_only():
    text = section("[{patternId: p, eventTypes: [a], windowTime: 1m, orderMatters: true}]")
    assert told(text) == [("key.ignored", f"{ROOT}.patterns[0].orderMatters", 9)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (section("[" + ", ".join(["{}"] * 101) + "]"), f"{ROOT}.patterns"),
        (section(handlers="[" + ", ".join(["{}"] * 201) + "]"), f"{ROOT}.handlers"),
        (section(f"[{{patternId: p, windowTime: 1m, eventTypes: {['t'] * 101}}}]"), f"{ROOT}.patterns[0].eventTypes"),
        (
            section(adapters=f"[{', '.join(['{broker: bus, eventType: e, topics: ' + str(['t'] * 600) + '}'] * 3)}]"),
            f"{ROOT}.adapters",
        ),
    ],
)
def test_there_is_a_cap_on_everything(text, path):
    assert [found[:2] for found in told(text)] == [("event.too_many", path)]


def trigger(kind, item):
    return f"triggers:\n  {kind}:\n    subscriptions:\n    - {item}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("triggers: {event: {}}\n", [("section.required", "triggers.event.subscriptions", 6)]),
        ("triggers: {event: {enabled: false}, eventbus: {enabled: false}, mock: {enabled: false}}\n", []),
        ("triggers: {event: {enabled: true}}\n", [("trigger.empty", "triggers.event", 6)]),
        ("triggers: {event: {subscriptions: {}}}\n", [("section.invalid", "triggers.event.subscriptions", 6)]),
        ("triggers: {mock: {x: 1}}\n", [("trigger.mock", "triggers.mock", 6)]),
        (
            trigger("event", "{}"),
            [
                ("section.required", f"triggers.event.subscriptions[0].{key}", 9)
                for key in ("action", "topic", "workflow")
            ],
        ),
        (trigger("event", "5"), [("section.invalid", "triggers.event.subscriptions[0]", 9)]),
        (
            section() + trigger("event", "{topic: t, workflow: event, action: other}"),
            [("trigger.action.unknown", "triggers.event.subscriptions[0].action", 15)],
        ),
        (
            section() + trigger("event", "{topic: t, workflow: event, action: 'watch:q'}"),
            [("trigger.action.unknown", "triggers.event.subscriptions[0].action", 15)],
        ),
        (section() + trigger("event", "{topic: t, workflow: event, action: 'watch:p'}"), []),
        (section() + trigger("event", "{topic: t, workflow: watch, action: any}"), []),
        (
            section() + trigger("event", "{topic: t, workflow: wath, action: any}"),
            [("trigger.workflow.unknown", "triggers.event.subscriptions[0].workflow", 15)],
        ),
        (
            section() + trigger("eventbus", "{topic: t, workflow: watch, action: any}"),
            [("reference.missing", "triggers.eventbus", 13)],
        ),
    ],
)
def test_a_trigger_that_is_wrong_is_told_where(text, expected):
    assert sorted(told(text)) == sorted(expected)


def test_a_star_of_the_bus_stands_at_the_end():
    text = PARTS + "- {name: events, type: eventbus.modular}\n" + section()
    text += trigger("eventbus", "{topic: 'a.*.b', workflow: watch, action: any, async: 1}")
    found = [each.path for each in check(load(text).document, registry(), CheckOptions())]
    assert found == ["triggers.eventbus.subscriptions[0].async"]
    good = text.replace("async: 1", "async: true")
    assert [each.path for each in check(load(good).document, registry(), CheckOptions())] == [
        "triggers.eventbus.subscriptions[0].topic"
    ]


def test_a_trigger_without_any_broker_is_told_what_it_needs():
    text = "triggers:\n  event: {subscriptions: [{topic: t, workflow: messaging, action: x}]}\n"
    found = [each.code for each in check(load(text).document, registry(), CheckOptions())]
    assert "reference.missing" in found
