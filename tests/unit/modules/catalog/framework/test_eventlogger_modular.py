import json

import pytest
from pydantic import ValidationError

from apps.engine.local.log_files import LogFiles
from apps.engine.local.log_targets import LocalLogTargets
from apps.engine.module import Links
from apps.engine.redaction import KnownSecrets
from apps.modules.catalog.framework.eventlogger_modular import EventloggerModular
from tests.unit.modules.making import make
from tests.unit.modules.playing import playing

pytestmark = [pytest.mark.spec("eventlogger.modular"), pytest.mark.spec("CAT-B1")]

FAILED = {
    "topic": "workflow.pipelines.failed",
    "event": {"workflowType": "pipelines", "workflow": "w", "action": "go", "status": "failed", "error": "no", "x": 1},
}


async def written(unit, config, payload=FAILED):
    context = unit.context()
    await make(EventloggerModular, config).run(payload, context)
    return context.logs[0]


async def test_an_event_is_a_line_with_its_level_and_fields(unit):
    line = await written(unit, {})
    assert (line["level"], line["message"]) == ("error", "workflow.pipelines.failed w go no")
    assert (line["status"], line["topic"], "x" in line) == ("failed", "workflow.pipelines.failed", False)


async def test_a_line_may_be_plain_text_or_json(unit):
    assert (await written(unit, {"format": "text"})).keys() == {"level", "message"}
    assert (await written(unit, {"format": "json"}))["message"].startswith(
        '{"topic":"workflow.pipelines.failed","event":{'
    )
    assert (await written(unit, {"outputTargets": [{"type": "console", "format": "json"}]}))["message"].startswith("{")


async def test_a_long_event_is_cut(unit):
    line = await written(
        unit, {"format": "json"}, {"topic": "workflow.http.completed", "event": {"results": "x" * 9_000}}
    )
    assert len(line["message"]) == 4_000


@pytest.mark.parametrize("payload", [None, [1], "text"])
async def test_an_event_of_any_shape_is_written(unit, payload):
    assert (await written(unit, {}, {"topic": "mine", "event": payload}))["message"] == "mine"


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
    problems = make(EventloggerModular, {"outputTargets": targets}).placed_problems(has_files=False)
    assert [(key, code) for key, code, _ in problems] == [
        ("outputTargets.1.type", "key.ignored"),
        ("outputTargets.2.type", "key.ignored"),
    ]


def on_this_machine(unit, folder, *targets, **config):
    """Return a logger of a document that is a file in a folder."""
    unit.log_targets = LocalLogTargets(folder, LogFiles(), KnownSecrets())
    module = make(EventloggerModular, {"outputTargets": list(targets), **config})
    module.link(Links({}, read_file=lambda name: b""))
    return module


async def test_where_a_document_is_a_file_events_are_written_to_files_too(unit, tmp_path):
    forms = [
        {"type": "file", "format": form, "file": {"path": f"{form}.log"}} for form in ("text", "json", "structured")
    ]
    unit.secrets.values["FOLDER"] = "logs"
    late = {"type": "file", "level": "error", "file": {"path": "${FOLDER}/late.log"}}
    module = on_this_machine(unit, tmp_path, *forms, late, format="text")
    context = unit.context()
    await module.run(FAILED, context)
    await module.run({"topic": "workflow.http.started", "event": None}, context)
    stamp = unit.clock.now().isoformat(timespec="milliseconds")
    text, whole, structured = [(tmp_path / f"{form['format']}.log").read_text().splitlines() for form in forms]
    assert text == [f"{stamp} ERROR workflow.pipelines.failed w go no", f"{stamp} INFO workflow.http.started"]
    assert json.loads(whole[0]) == {"time": stamp, "level": "ERROR", **FAILED}
    assert structured[0].startswith(f'{stamp} ERROR workflow.pipelines.failed workflowType="pipelines" workflow="w"')
    assert (tmp_path / "logs/late.log").read_text().splitlines() == text[:1]
    assert [line["message"] for line in context.logs] == ["workflow.pipelines.failed w go no", "workflow.http.started"]


async def test_a_target_that_wants_more_than_the_console_is_told_more_where_it_is_there(unit, tmp_path):
    targets = [{"type": "console", "level": "ERROR"}, {"type": "file", "level": "INFO", "file": {"path": "x.log"}}]
    assert on_this_machine(unit, tmp_path, *targets).hears("workflow.a.started", {})
    assert not make(EventloggerModular, {"outputTargets": targets}).hears("workflow.a.started", {})


def test_where_targets_are_there_their_settings_are_looked_at(unit, tmp_path):
    targets = [
        {"type": "file", "file": {"path": "x.log"}},
        {"type": "file"},
        {"type": "syslog", "syslog": {"network": "pigeon"}},
        {"type": "syslog", "syslog": {"network": "${NETWORK}"}},
        {"type": "file", "file": {"path": "never ${ends"}},
        {"type": "file", "file": {"path": ["x.log"], "maxSize": "large"}},
    ]
    problems = make(EventloggerModular, {"outputTargets": targets}).placed_problems(has_files=True)
    assert [(key, code) for key, code, _ in problems] == [
        ("outputTargets.1.type", "config.invalid"),
        ("outputTargets.2.syslog", "config.invalid"),
        ("outputTargets.4.file", "config.invalid"),
        ("outputTargets.5.file", "config.invalid"),
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
