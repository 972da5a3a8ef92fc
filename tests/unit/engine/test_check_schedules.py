"""What the checker says of work that is done by the clock."""

import pytest

from apps.engine.schedules import MOST_JOBS
from tests.support.documents import findings_real

PARTS = """\
modules:
- {name: clock, type: scheduler.cron, config: {cronExpression: "0 * * * *"}}
- {name: work, type: messaging.handler}
- {name: bus, type: messaging.broker}
- {name: machine, type: statemachine.engine}
"""
pytestmark = pytest.mark.spec("scheduler.cron")


def told(text):
    return [found[:3] for found in findings_real(PARTS + text)]


def test_a_good_section_and_trigger_are_silent():
    text = """\
workflows:
  scheduler:
    jobs:
    - {scheduler: clock, job: work, config: {n: 1}, timezone: Europe/Berlin}
    - {scheduler: clock, job: work, x-note: twice}
  pipelines: {tidy: {steps: []}}
triggers:
  schedule:
    jobs:
    - {cron: "*/5 * * * *", workflow: pipelines, action: tidy, params: {n: 1}, timezone: Asia/Tokyo}
    - {cron: "0 0 * * *", workflow: scheduler, action: "clock:work"}
    - {cron: "0 0 * * *", workflow: work, action: now}
"""
    assert told(text) == []


def test_names_shapes_and_zones_of_jobs():
    text = """\
workflows:
  scheduler:
    jobs:
    - {scheduler: clok, job: work}
    - {scheduler: work, job: work}
    - {scheduler: clock, job: wrok}
    - {scheduler: clock, job: clock}
    - {scheduler: clock}
    - 5
    - {scheduler: clock, job: work, config: 5, when: now}
    - {scheduler: clock, job: work, timezone: Europe/Atlantis}
"""
    assert told(text) == [
        ("reference.unknown", "workflows.scheduler.jobs[0].scheduler", 9),
        ("reference.unsuitable", "workflows.scheduler.jobs[1].scheduler", 10),
        ("reference.unknown", "workflows.scheduler.jobs[2].job", 11),
        ("reference.unsuitable", "workflows.scheduler.jobs[3].job", 12),
        ("section.required", "workflows.scheduler.jobs[4].job", 13),
        ("section.invalid", "workflows.scheduler.jobs[5]", 14),
        ("section.invalid", "workflows.scheduler.jobs[6].config", 15),
        ("key.unknown", "workflows.scheduler.jobs[6].when", 15),
        ("section.invalid", "workflows.scheduler.jobs[7].timezone", 16),
    ]
    assert "'clock'" in findings_real(PARTS + text)[0][3]


@pytest.mark.parametrize("section", ["{}", "{jobs: 5}", "{jobs: []}"])
def test_jobs_are_a_list_that_must_be_there(section):
    found = told(f"workflows:\n  scheduler: {section}")
    assert [code for code, _, _ in found] == {"{}": ["section.required"], "{jobs: 5}": ["section.invalid"]}.get(
        section, []
    )


def test_a_bad_cron_is_told_where_it_stands_and_one_that_never_comes_as_such():
    text = """\
triggers:
  schedule:
    jobs:
    - {cron: "0 0 31 2 *", workflow: machine, action: x}
    - {cron: hourly, workflow: machine, action: x}
    - {cron: 5, workflow: machine, action: x}
    - {cron: "* * * * *", workflow: machine}
    - {cron: "* * * * *", workflow: scheduler, action: nothing}
workflows:
  scheduler: {jobs: []}
"""
    found = [line for line in findings_real(PARTS + text) if line[0] != "trigger.workflow.unknown"]
    assert [line[:3] for line in found] == [
        ("section.invalid", "triggers.schedule.jobs[0].cron", 9),
        ("section.invalid", "triggers.schedule.jobs[1].cron", 10),
        ("section.invalid", "triggers.schedule.jobs[2].cron", 11),
        ("section.required", "triggers.schedule.jobs[3].action", 12),
        ("trigger.action.unknown", "triggers.schedule.jobs[4].action", 13),
    ]
    assert "never comes" in found[0][3]


@pytest.mark.shows("scheduler.cron", "failure")
@pytest.mark.shows("scheduler.modular", "failure")
def test_a_cron_in_a_module_is_told_at_its_key():
    text = "modules:\n- {name: a, type: cron.scheduler, config: {expression: 0 0 31 2 *}}\n"
    text += "- {name: b, type: scheduler, config: {cronExpression: '* * *'}}\n"
    text += "- {name: c, type: scheduler.modular, config: {interval: 5s, jobs: [{name: d, schedule: soon}]}}\n"
    assert [(code, path, line) for code, path, line, _ in findings_real(text)] == [
        ("config.invalid", "modules[0].config.expression", 2),
        ("config.invalid", "modules[1].config.cronExpression", 3),
        ("config.invalid", "modules[2].config.interval", 4),
        ("config.invalid", "modules[2].config.jobs[0].schedule", 4),
    ]


@pytest.mark.parametrize(
    ("trigger", "code"),
    [
        ("{enabled: false}", []),
        ("{enabled: false, jobs: 5}", []),
        ("{enabled: true}", ["trigger.empty"]),
        ("{}", ["section.required"]),
        ("{jobs: {}}", ["section.invalid"]),
        ("{jobs: [], port: 5}", ["key.unknown"]),
    ],
)
def test_a_trigger_may_be_switched_off_and_needs_jobs(trigger, code):
    assert [found[0] for found in told(f"triggers:\n  schedule: {trigger}")] == code


def test_a_workflow_that_is_not_there_is_a_warning():
    text = 'triggers:\n  schedule:\n    jobs: [{cron: "0 0 * * *", workflow: elsewhere, action: x}]'
    assert told(text) == [("trigger.workflow.unknown", "triggers.schedule.jobs[0].workflow", 8)]


def test_a_document_has_a_limited_number_of_jobs_wherever_they_stand():
    section = "".join("    - {scheduler: clock, job: work}\n" for _ in range(MOST_JOBS))
    fits = f"workflows:\n  scheduler:\n    jobs:\n{section}"
    assert told(fits) == []
    one_more = 'triggers:\n  schedule:\n    jobs: [{cron: "* * * * *", workflow: work, action: x}, {cron: 5}]\n'
    assert told(fits + one_more) == [("section.invalid", "triggers.schedule.jobs[0]", MOST_JOBS + 11)]
    twice = f"{fits}{section}"
    assert told(twice) == [("section.invalid", f"workflows.scheduler.jobs[{MOST_JOBS}]", MOST_JOBS + 9)]


@pytest.mark.spec("scheduler.modular")
def test_a_job_of_a_module_that_names_nothing_is_a_warning():
    text = """\
modules:
- name: clock
  type: scheduler.modular
  config:
    jobs:
    - {name: tidy, schedule: "0 0 * * *", command: "/bin/rm -rf /"}
    - {name: clock, schedule: "0 0 * * *"}
"""
    assert [found[:3] for found in findings_real(text)] == [
        ("trigger.workflow.unknown", "modules[0].config.jobs[0]", 6),
        ("reference.unsuitable", "modules[0].config.jobs[1]", 7),
    ]


@pytest.mark.spec("scheduler.modular")
def test_settings_may_stand_at_the_top_and_the_module_s_own_go_before_them():
    text = """\
modules:
- {name: clock, type: scheduler.modular, config: {interval: 2m}}
scheduler:
  interval: never mind
  cron: hourly
  workers: 3
  jobs: [{name: a, schedule: "0 0 31 2 *"}]
  x-note: mine
"""
    assert [found[:3] for found in findings_real(text)] == [
        ("config.invalid", "scheduler.cron", 5),
        ("key.ignored", "scheduler.workers", 6),
        ("config.invalid", "scheduler.jobs[0].schedule", 7),
    ]
