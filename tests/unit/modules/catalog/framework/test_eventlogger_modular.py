import pytest
from pydantic import ValidationError

from apps.modules.catalog.framework.eventlogger_modular import EventloggerModular
from tests.unit.modules.making import make
from tests.unit.modules.playing import playing

pytestmark = [pytest.mark.spec("eventlogger.modular"), pytest.mark.spec("CAT-B1")]

FAILED = {
    "topic": "workflow.pipelines.failed",
    "event": {"workflowType": "pipelines", "workflow": "w", "action": "go", "status": "failed", "error": "no", "x": 1},
}


def written(unit, config, payload=FAILED):
    context = unit.context()
    make(EventloggerModular, config).run(payload, context)
    return context.logs[0]


def test_an_event_is_a_line_with_its_level_and_fields(unit):
    line = written(unit, {})
    assert (line["level"], line["message"]) == ("error", "workflow.pipelines.failed w go no")
    assert (line["status"], line["topic"], "x" in line) == ("failed", "workflow.pipelines.failed", False)


def test_a_line_may_be_plain_text_or_json(unit):
    assert written(unit, {"format": "text"}).keys() == {"level", "message"}
    assert written(unit, {"format": "json"})["message"].startswith('{"topic":"workflow.pipelines.failed","event":{')
    assert written(unit, {"outputTargets": [{"type": "console", "format": "json"}]})["message"].startswith("{")


def test_a_long_event_is_cut(unit):
    line = written(unit, {"format": "json"}, {"topic": "workflow.http.completed", "event": {"results": "x" * 9_000}})
    assert len(line["message"]) == 4_000


@pytest.mark.parametrize("payload", [None, [1], "text"])
def test_an_event_of_any_shape_is_written(unit, payload):
    assert written(unit, {}, {"topic": "mine", "event": payload})["message"] == "mine"


@pytest.mark.parametrize(
    ("level", "topics"),
    [
        ("DEBUG", ["workflow.a.step.b.started", "workflow.a.started", "workflow.a.failed"]),
        ("info", ["workflow.a.started", "workflow.a.failed"]),
        ("WARN", ["workflow.a.failed"]),
        ("warning", ["workflow.a.failed"]),
        ("ERROR", ["workflow.a.failed"]),
        ("FATAL", []),
    ],
)
def test_events_below_the_level_are_left_out(level, topics):
    module = make(EventloggerModular, {"logLevel": level})
    everything = ["workflow.a.step.b.started", "workflow.a.started", "workflow.a.failed"]
    assert [topic for topic in everything if module.hears(topic, {})] == topics


def test_a_target_may_have_a_level_of_its_own():
    module = make(EventloggerModular, {"outputTargets": [{"type": "console", "level": "error"}]})
    assert [module.hears(topic, {}) for topic in ("workflow.a.started", "workflow.a.failed")] == [False, True]


def test_it_listens_to_everything_or_what_it_is_told_but_not_to_what_is_unwanted():
    assert make(EventloggerModular).listens() == ("workflow.**",)
    module = make(EventloggerModular, {"eventTypeFilters": ["workflow.http.*"], "eventTypeBlacklist": "*.*.started"})
    assert module.listens() == ("workflow.http.*",)
    assert [module.hears(f"workflow.http.{end}", {}) for end in ("started", "completed")] == [False, True]


def test_switched_off_it_listens_to_nothing():
    assert make(EventloggerModular, {"enabled": False}).listens() == ()


@pytest.mark.shows("eventlogger.modular", "failure")
def test_files_and_the_system_log_are_told_to_be_missing():
    targets = [{"type": "console"}, {"type": "file", "file": {"path": "/x"}}, {"type": "syslog", "syslog": {}}]
    problems = make(EventloggerModular, {"outputTargets": targets}).problems()
    assert [(key, code) for key, code, _ in problems] == [
        ("outputTargets.1.type", "key.ignored"),
        ("outputTargets.2.type", "key.ignored"),
    ]


@pytest.mark.parametrize("config", [{"logLevel": "LOUD"}, {"format": "xml"}, {"outputTargets": [{"type": "pager"}]}])
def test_what_is_none_of_its_settings_is_refused(config):
    with pytest.raises(ValidationError):
        make(EventloggerModular, config)


@pytest.mark.shows("eventlogger.modular", "example")
async def test_the_example_writes_failures_down_once_and_nothing_else():
    async with playing("eventlogger_modular") as place:
        await place.start("weigh", {"grams": 5})
        await place.start("weigh", {})
        (run,) = [run for run in place.runs() if run["workflow"] == "journal"]
        (line,) = run["steps"][0]["logs"]
        assert (run["status"], line["level"]) == ("done", "error")
        assert line["message"].startswith("workflow.pipelines.failed weigh")
