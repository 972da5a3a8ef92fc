import pytest
from pydantic import ValidationError

from apps.engine.check import CheckOptions, check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.modules.catalog.framework.eventbus_modular import EventbusModular
from apps.modules.queries import registry
from tests.unit.modules.making import make
from tests.unit.modules.playing import playing

pytestmark = [pytest.mark.spec("eventbus.modular"), pytest.mark.spec("CAT-B1")]


def test_every_setting_has_the_default_of_the_specification():
    config = make(EventbusModular).config
    assert (config.engine, config.max_event_queue_size, config.default_event_buffer_size) == ("memory", 1_000, 10)
    assert (config.worker_count, config.delivery_mode, config.event_ttl) == (5, "drop", 3_600.0)
    assert (config.retention_days, config.engines, config.routing) == (7, (), ())


@pytest.mark.parametrize("ttl", ["2h", 7200, "7200", 7200.0])
def test_a_time_may_be_a_bare_number_of_seconds(ttl):
    assert make(EventbusModular, {"eventTTL": ttl}).config.event_ttl == 7_200.0


def test_several_engines_with_their_routes_are_read():
    engines = [{"name": "a", "type": "memory", "config": {"x": 1}}, {"name": "b"}]
    module = make(EventbusModular, {"engines": engines, "routing": [{"topics": ["order.*"], "engine": "b"}]})
    assert module.problems() == []
    assert module.config.routing[0].topics == ("order.*",)


def test_a_document_that_asks_for_another_broker_is_told_that_it_gets_ours():
    module = make(
        EventbusModular,
        {
            "engine": "kafka",
            "externalBrokerURL": "kafka://b",
            "externalBrokerUser": "u",
            "externalBrokerPassword": "${BUS_PASSWORD}",
            "engines": [{"name": "a", "type": "redis"}],
            "routing": [{"topics": "x", "engine": "nowhere"}],
        },
    )
    assert [(key, code) for key, code, _ in module.problems()] == [
        ("engine", "key.ignored"),
        ("externalBrokerURL", "key.ignored"),
        ("engines.0.type", "key.ignored"),
        ("routing.0.engine", "reference.unknown"),
    ]


@pytest.mark.parametrize(
    "config", [{"engine": "rabbit"}, {"deliveryMode": "maybe"}, {"workerCount": 0}, {"eventTTL": "later"}, {"x": 1}]
)
def test_what_is_none_of_its_settings_is_refused(config):
    with pytest.raises(ValidationError):
        make(EventbusModular, config)


def test_settings_may_stand_at_the_top_of_the_document_and_the_module_s_own_win():
    text = (
        "modules:\n- {name: b, type: eventbus.modular, config: {workerCount: 2}}\n"
        "eventbus: {workerCount: 9, eventTTL: 60, bufferSize: 5}\n"
    )
    document = load(text).document
    assert [(found.code, found.path, found.line) for found in check(document, registry(), CheckOptions())] == [
        ("key.ignored", "eventbus.bufferSize", 3)
    ]
    config = compile_document(document, registry()).modules["b"].config
    assert (config.worker_count, config.event_ttl) == (2, 60.0)


@pytest.mark.parametrize(
    ("settings", "code", "path"),
    [
        ("{wrkers: 1}", "key.ignored", "eventbus.wrkers"),
        ("{workerCount: none}", "config.invalid", "eventbus.workerCount"),
        ("{engine: kafka}", "key.ignored", "eventbus.engine"),
        ("{x-mine: 1}", None, None),
    ],
)
@pytest.mark.shows("eventbus.modular", "failure")
def test_what_is_wrong_at_the_top_of_the_document_is_told_there(settings, code, path):
    text = f"modules:\n- {{name: b, type: eventbus.modular}}\neventbus: {settings}\n"
    found = [(each.code, each.path) for each in check(load(text).document, registry(), CheckOptions())]
    assert found == ([] if code is None else [(code, path)])


@pytest.mark.shows("eventbus.modular", "example")
async def test_the_example_packs_paid_orders_and_tells_of_it():
    async with playing("eventbus_modular") as place:
        await place.start("pack", {"by": "hand"})
        await place.publish("order.eu.7", {"type": "order.paid", "id": 7})
        await place.publish("order.8", {"type": "order.made"})
        packed = [run for run in place.runs() if run["workflow"] == "pack"]
        assert [run["input"] for run in packed] == [{"by": "hand"}, {"type": "order.paid", "id": 7, "by": "bus"}]
        assert place.payloads("told") == [{"section": "pipelines", "status": "completed"}] * 2
