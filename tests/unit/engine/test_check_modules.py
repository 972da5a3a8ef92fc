"""Module entries: names, types, dependencies, config."""

import time

import pytest

from apps.engine.check import check
from apps.engine.checks.known import KINDS, PLACEHOLDERS
from apps.engine.codes import CODES
from apps.engine.document import load
from apps.engine.findings import Severity
from apps.engine.registry import Registry
from tests.unit.engine.checking import codes, findings_of, registry, told


@pytest.mark.spec("SPINE-B4", "SPINE-B4.2")
def test_all_faults_are_reported_at_once_in_the_order_of_the_text():
    text = """\
modules:
- name: a
  type: http.router
  dependsOn: [nothing, '', 5]
- name: ''
  type: ''
- name: a
  type: http.ruter
- {}
- 5
"""
    assert told(text) == [
        ("module.dependency.unknown", "modules[0].dependsOn[0]", 4),
        ("module.dependency.blank", "modules[0].dependsOn[1]", 4),
        ("module.dependency.blank", "modules[0].dependsOn[2]", 4),
        ("module.name.missing", "modules[1].name", 5),
        ("module.type.missing", "modules[1].type", 6),
        ("module.name.duplicate", "modules[2].name", 7),
        ("module.type.unknown", "modules[2].type", 8),
        ("module.name.missing", "modules[3].name", 9),
        ("module.type.missing", "modules[3].type", 9),
        ("section.shape", "modules[4]", 10),
    ]


@pytest.mark.spec("SPINE-B4", "SPINE-B4.2")
def test_severities_follow_the_specification():
    severities = {code: severity for code, (severity, _) in CODES.items()}
    errors = {code for code, severity in severities.items() if severity is Severity.ERROR}
    assert errors == {code for code in CODES if code.startswith("yaml.")} | {
        "document.empty",
        "document.shape",
        "section.shape",
        "modules.empty",
        "module.name.missing",
        "module.name.duplicate",
        "module.type.missing",
        "module.dependency.blank",
        "module.dependency.unknown",
    } | {"links.shape", "links.too_many", "link.required", "link.invalid", "link.self"} | {
        "link.workflow.unknown",
        "link.workflow.ambiguous",
    }
    assert severities["module.type.unknown"] is Severity.BLOCKED
    assert severities["key.ignored"] is Severity.WARNING


def test_every_code_of_a_finding_is_in_the_table_and_has_a_meaning():
    assert all(meaning for _, meaning in CODES.values())


def test_a_repeated_name_cites_its_first_use():
    found = findings_of("modules: [{name: a, type: http.router}, {name: a, type: http.router}]")
    assert "modules[0]" in found[0].message


@pytest.mark.spec("SPINE-B9", "SPINE-B9.8")
def test_a_typo_gets_the_nearest_valid_name():
    messages = [found.message for found in findings_of("modules: [{name: a, type: http.ruter, dependson: []}]")]
    assert any("'http.router'" in message for message in messages)
    assert any("'dependsOn'" in message for message in messages)
    (found,) = findings_of("modules: [{name: one, type: http.router, dependsOn: [oen]}]")
    assert "'one'" in found.message


def test_strict_checking_wants_a_module():
    assert codes("modules: []") == []
    assert codes("") == []
    assert told("modules: []", strict=True) == [("modules.empty", "modules", 1)]
    assert codes("", strict=True) == ["modules.empty"]


def test_a_document_to_publish_has_something_in_it():
    for text in ("", "modules: []\nworkflows: {}", "x-notes: none yet"):
        assert codes(text, filled=True) == ["document.empty"]
    assert codes("workflows: {pipelines: {p: {steps: []}}}", filled=True) == []
    assert codes("modules: [{name: a, type: http.router}]", filled=True) == []


@pytest.mark.parametrize("modules", ["5", "text", "{a: 1}"])
def test_modules_must_be_a_list(modules):
    assert told(f"modules: {modules}") == [("section.shape", "modules", 1)]


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("config: 5", "modules[0].config"),
        ("dependsOn: a", "modules[0].dependsOn"),
    ],
)
def test_parts_of_an_entry_have_their_shape(entry, path):
    assert told(f"modules:\n- name: a\n  type: http.router\n  {entry}") == [("section.shape", path, 4)]


@pytest.mark.spec("SPINE-B4", "SPINE-B4.24")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_type_of_the_catalogue_that_is_not_there_yet_is_blocked(kind):
    found = check(load(f"modules: [{{name: a, type: {kind}, config: {{any: 1}}}}]").document, Registry())
    assert [(each.code, each.severity) for each in found] == [("module.type.not_in_build", Severity.BLOCKED)]


@pytest.mark.parametrize("kind", ["scheduler", "cron.scheduler", "chimux", "data.cache", "httpclient"])
def test_other_names_of_types_are_known(kind):
    assert codes(f"modules: [{{name: a, type: {kind}}}]") == ["module.type.not_in_build"]


@pytest.mark.parametrize("kind", sorted(PLACEHOLDERS))
def test_placeholders_need_a_switch(kind):
    text = f"modules: [{{name: a, type: {kind}, config: {{any: 1}}}}]"
    assert told(text) == [("module.type.placeholder", "modules[0].type", 1)]
    assert codes(text, allow_placeholders=True) == []


@pytest.mark.spec("D8")
def test_dependencies_that_go_round_are_named():
    text = """\
modules:
- {name: a, type: http.router, dependsOn: [b]}
- {name: b, type: http.router, dependsOn: [c]}
- {name: c, type: http.router, dependsOn: [x, a]}
- {name: d, type: http.router, dependsOn: [d]}
- {name: x, type: http.router}
"""
    found = findings_of(text)
    assert [(each.code, each.path, each.line) for each in found] == [
        ("module.cycle", "modules[2].dependsOn[1]", 4),
        ("module.cycle", "modules[3].dependsOn[0]", 5),
    ]
    assert "a -> b -> c -> a" in found[0].message


class TestConfig:
    def test_a_missing_required_key_names_its_path(self):
        found = findings_of("modules:\n- name: s\n  type: http.server\n  config: {}\n- {name: t, type: http.server}")
        assert [(each.code, each.path, each.line) for each in found] == [
            ("config.required", "modules[0].config.address", 4),
            ("config.required", "modules[1].config.address", 5),
        ]
        assert "no 'config'" in found[1].message

    def test_an_empty_required_text_counts_as_missing(self):
        assert told("modules: [{name: s, type: http.server, config: {address: ''}}]") == [
            ("config.required", "modules[0].config.address", 1)
        ]

    def test_a_value_of_the_wrong_type_is_at_its_key(self):
        text = "modules:\n- name: s\n  type: http.server\n  config:\n    address: ':1'\n    readTimeout: soon"
        assert told(text) == [("config.invalid", "modules[0].config.readTimeout", 6)]

    @pytest.mark.spec("SPINE-B9", "SPINE-B9.8")
    def test_ignored_keys_warn_x_keys_are_free_others_are_blocked(self):
        text = """\
modules:
- name: r
  type: http.router
  x-note: 1
  config:
    prefix: /api
    x-more: 1
    perfix: /api
"""
        assert told(text) == [
            ("key.ignored", "modules[0].config.prefix", 6),
            ("key.unknown", "modules[0].config.perfix", 8),
        ]

    @pytest.mark.spec("SPINE-B9.8")
    def test_an_unknown_key_of_the_config_gets_the_nearest_one(self):
        (found,) = findings_of("modules: [{name: s, type: http.server, config: {address: x, readTimout: 1}}]")
        assert "'readTimeout'" in found.message

    def test_a_key_given_in_two_spellings_counts_once_and_the_second_warns(self):
        text = "modules: [{name: s, type: http.server, config: {address: x, read_timeout: 1, readTimeout: 2}}]"
        assert told(text) == [("key.ignored", "modules[0].config.read_timeout", 1)]

    @pytest.mark.spec("SPINE-B4.2")
    def test_faults_deep_inside_have_their_path_and_hint(self):
        text = """\
modules:
- name: s
  type: webhook.sender
  config:
    retry: {atempts: 1}
    more: [{attempts: x}]
"""
        found = findings_of(text)
        assert [(each.code, each.path, each.line) for each in found] == [
            ("key.unknown", "modules[0].config.retry.atempts", 5),
            ("config.invalid", "modules[0].config.more[0].attempts", 6),
        ]
        assert "'attempts'" in found[0].message

    def test_what_a_module_says_itself_is_reported(self):
        assert told("modules: [{name: s, type: webhook.sender, config: {url: odd, more: [{}]}}]") == [
            ("module.config", "modules[0].config.url", 1),
            ("config.invalid", "modules[0].config.more[0]", 1),
        ]

    def test_a_module_type_at_fault_does_not_take_the_checker_down(self):
        (found,) = findings_of("modules: [{name: s, type: webhook.sender, config: {url: explode}}]")
        assert found.code == "module.config"
        assert "it went off" in found.message


class TestBranches:
    def test_targets_must_exist(self):
        text = "modules:\n- name: a\n  type: conditional.ifelse\n  branches:\n    'true': b\n    'false': a\n    no: 5"
        assert told(text) == [
            ("module.type.not_in_build", "modules[0].type", 3),
            ("reference.unknown", "modules[0].branches.true", 5),
            ("reference.unknown", "modules[0].branches.no", 7),
        ]

    def test_elsewhere_they_mean_nothing(self):
        assert codes("modules: [{name: a, type: http.router, branches: {x: a}}]") == ["key.ignored"]
        assert sorted(codes("modules: [{name: a, type: conditional.switch, branches: 5}]")) == [
            "module.type.not_in_build",
            "section.shape",
        ]


class TestReferencesOfModules:
    def test_names_in_configs_are_resolved(self):
        text = """\
modules:
- {name: w, type: api.handler, config: {workflowEngine: egnine, workflowType: orders, initialTransition: go}}
- {name: v, type: api.handler, config: {workflowEngine: w}}
- {name: engine, type: statemachine.engine}
- {name: p, type: persistence.store, config: {database: db}}
- {name: s, type: processing.step, config: {componentId: nothing, successTransition: x}}
- {name: t, type: processing.step, config: {componentId: s}}
- {name: u, type: processing.step, config: {componentId: stock, compensateTransition: done}}
- {name: q, type: processing.step, config: {componentId: engine}}
"""
        assert told(text) == [
            ("reference.unknown", "modules[0].config.workflowEngine", 2),
            ("definition.unknown", "modules[0].config.workflowType", 2),
            ("transition.unknown", "modules[0].config.initialTransition", 2),
            ("reference.unsuitable", "modules[1].config.workflowEngine", 3),
            ("reference.unknown", "modules[3].config.database", 5),
            ("reference.unknown", "modules[4].config.componentId", 6),
            ("transition.unknown", "modules[4].config.successTransition", 6),
            ("reference.unsuitable", "modules[5].config.componentId", 7),
            ("transition.unknown", "modules[6].config.compensateTransition", 8),
            ("reference.unsuitable", "modules[7].config.componentId", 9),
        ]

    def test_a_good_one_is_silent(self):
        text = """\
modules:
- {name: d, type: database.workflow}
- {name: p, type: persistence.store, config: {database: d}}
- {name: s, type: processing.step, config: {componentId: pipe}}
workflows: {pipelines: {pipe: {steps: []}}}
"""
        assert told(text) == []


class TestTopLevel:
    @pytest.mark.spec("SPINE-B9", "SPINE-B9.8")
    def test_keys_that_nothing_reads_are_kept_and_warn_and_what_looks_like_a_slip_is_blocked(self):
        text = "name: n\ndescription: d\nlinks: []\nx-free: 1\nplugins: []\nmodulse: []\nhttpserver: {}\nscheduler: 5"
        found = findings_of(text)
        assert [(each.code, each.path) for each in found] == [
            ("key.ignored", "links"),
            ("key.ignored", "plugins"),
            ("key.unknown", "modulse"),
            ("key.ignored", "httpserver"),
            ("key.ignored", "scheduler"),
        ]
        assert "'modules'" in found[2].message

    def test_framework_settings_belong_to_the_one_module_of_their_type(self):
        text = "modules: [{name: e, type: eventbus.modular}]\neventbus: {}"
        assert codes(text) == ["module.type.not_in_build"]
        assert sorted(codes("modules: [{name: e, type: eventbus.modular}]\neventbus: 5")) == [
            "module.type.not_in_build",
            "section.shape",
        ]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("workflows: []", [("section.shape", "workflows", 1)]),
            ("workflows: 5", [("section.shape", "workflows", 1)]),
            ("triggers: []", [("section.shape", "triggers", 1)]),
            ("workflows: {}", []),
            ("workflows:\ntriggers:", []),
            ("workflows:\n  messaging: []", [("section.shape", "workflows.messaging", 2)]),
            ("workflows:\n  x-mine: 5", []),
            ("workflows:\n  htpp: {}", [("section.unknown", "workflows.htpp", 2)]),
            ("triggers:\n  htpp: {}", [("trigger.unknown", "triggers.htpp", 2)]),
            ("triggers:\n  mock: {}", [("trigger.mock", "triggers.mock", 2)]),
            ("triggers:\n  schedule: {enabled: false}", []),
            ("triggers:\n  event: 5", [("section.shape", "triggers.event", 2)]),
        ],
    )
    def test_sections_and_triggers_are_known_maps(self, text, expected):
        assert told(text) == expected


class TestSecrets:
    TEXT = """\
modules:
- name: s
  type: webhook.sender
  config:
    url: https://x/${HOOK_TOKEN}?a=${data.a}&b=${OTHER}
- {name: j, type: auth.jwt, config: {secret: $JWT_SECRET}}
workflows:
  pipelines:
    p:
      steps:
        - uses: s
          with: {token: "${WITH_TOKEN}"}
"""

    @pytest.mark.spec("SPINE-B4")
    def test_a_secret_that_is_not_set_is_blocked_at_its_key(self):
        found = findings_of(self.TEXT, secrets=frozenset({"OTHER"}))
        assert [(each.code, each.path, each.line) for each in found] == [
            ("secret.missing", "modules[0].config.url", 5),
            ("secret.missing", "modules[1].config.secret", 6),
            ("secret.missing", "workflows.pipelines.p.steps[0].with.token", 12),
        ]

    @pytest.mark.spec("CAT-B2")
    def test_a_version_of_a_secret_that_is_not_kept_is_blocked_at_its_key(self):
        url = "https://x/${HOOK_TOKEN}?a=${data.a}&b=${OTHER}"
        text = self.TEXT.replace(url, "secret://hook.url#3")
        known = frozenset({"JWT_SECRET", "WITH_TOKEN", "HOOK_URL", "HOOK_URL#1", "HOOK_URL#2"})
        (found,) = [each for each in findings_of(text, secrets=known) if each.code == "secret.missing"]
        assert (found.path, found.line) == ("modules[0].config.url", 5)
        assert found.message == "The secret HOOK_URL has no version 3 in this environment."
        assert findings_of(text, secrets=known | {"HOOK_URL#3"}) == findings_of(text, secrets=None)

    @pytest.mark.spec("CAT-B2")
    def test_a_secret_by_address_is_looked_for_too(self):
        url = "https://x/${HOOK_TOKEN}?a=${data.a}&b=${OTHER}"
        text = self.TEXT.replace(url, "secret://hook.url")
        found = findings_of(text, secrets=frozenset({"JWT_SECRET", "WITH_TOKEN", "OTHER"}))
        assert [(each.code, each.path, each.line) for each in found if each.code == "secret.missing"] == [
            ("secret.missing", "modules[0].config.url", 5)
        ]

    def test_without_a_list_of_secrets_nothing_is_said(self):
        assert codes(self.TEXT) == []
        assert codes(self.TEXT, secrets=frozenset({"OTHER", "HOOK_TOKEN", "JWT_SECRET", "WITH_TOKEN"})) == []


@pytest.mark.spec("SPINE-B4")
def test_ten_thousand_modules_are_checked_in_time():
    text = "modules:\n" + "".join(f"- {{name: m{n}, type: http.router, dependsOn: [m0]}}\n" for n in range(1, 10_000))
    document = load(text + "- {name: m0, type: http.router}\n").document
    started = time.process_time()
    assert check(document, registry()) == []
    assert time.process_time() - started < 30
