"""The sections `http`, `messaging`, `statemachine`, those to come, and triggers."""

import pytest

from tests.unit.engine.checking import codes, findings_of, told, with_parts


def http(routes, more=""):
    lines = "".join(f"    - {route}\n" for route in routes)
    routes_key = f"    routes:\n{lines}" if lines else "    routes: []\n"
    return with_parts(f"workflows:\n  http:\n    {more or 'x-a: 1'}\n{routes_key}")


class TestHttp:
    def test_a_good_section_is_silent(self):
        routes = [
            "{method: GET, path: /a, handler: answer, middlewares: [log], record: none}",
            "{method: post, path: '/a/{id}', handler: writer, middleware: log, maxBody: 100}",
            "{method: GET, path: '/b/:id/{rest...}', handler: pipe, x-note: 1}",
            "{method: GET, path: /b/, handler: answer, record: async}",
        ]
        text = http(routes, "record: end").replace("workflows:", "workflows:\n  pipelines: {pipe: {steps: []}}")
        assert told(text) == []

    def test_router_and_server_are_needed_and_must_be_told(self):
        assert told("workflows:\n  http:\n    routes: []") == [
            ("reference.missing", "workflows.http", 2),
            ("reference.missing", "workflows.http", 2),
        ]
        text = "modules: [{name: a, type: http.router}, {name: b, type: http.router}]\nworkflows:\n  http: {routes: []}"
        assert "a, b" in findings_of(text)[0].message + findings_of(text)[1].message

    @pytest.mark.spec("D3")
    def test_an_explicit_name_wins_and_must_be_of_the_kind(self):
        assert told(http([], "router: router\n    server: server")) == []
        assert told(http([], "router: ruoter\n    server: answer")) == [
            ("reference.unknown", "workflows.http.router", 13),
            ("reference.unsuitable", "workflows.http.server", 14),
        ]

    @pytest.mark.spec("D3")
    def test_a_well_known_name_stands_for_the_only_module_of_its_type(self):
        assert told(http([], "router: httpRouter\n    server: httpServer")) == []

    def test_routes_are_required_and_complete(self):
        assert codes(with_parts("workflows: {http: {}}")) == ["section.required"]
        assert told(http(["{method: GET}", "5", "{method: GET, path: 5, handler: ''}"])) == [
            ("section.required", "workflows.http.routes[0].handler", 15),
            ("section.required", "workflows.http.routes[0].path", 15),
            ("section.invalid", "workflows.http.routes[1]", 16),
            ("section.invalid", "workflows.http.routes[2].path", 17),
            ("section.invalid", "workflows.http.routes[2].handler", 17),
        ]

    @pytest.mark.spec("SPINE-B9")
    def test_keys_of_a_route(self):
        route = "{method: GET, path: /a, handler: answer, config: {}, handlr: 1}"
        found = findings_of(http([route]))
        assert [each.code for each in found] == ["key.ignored", "key.unknown"]
        assert "'handler'" in found[1].message

    @pytest.mark.parametrize(
        ("handler", "code"),
        [
            ("answre", "reference.unknown"),
            ("broker", "reference.unsuitable"),
            ("stock", "reference.unknown"),
        ],
    )
    def test_a_handler_must_be_able_to_answer(self, handler, code):
        assert told(http([f"{{method: GET, path: /a, handler: {handler}}}"])) == [
            (code, "workflows.http.routes[0].handler", 15)
        ]

    def test_a_handler_of_a_type_that_is_not_there_yet_is_not_reported_twice(self):
        text = http(["{method: GET, path: /a, handler: files}"]).replace(
            "modules:", "modules:\n- {name: files, type: static.fileserver}"
        )
        assert codes(text) == ["module.type.not_in_build"]

    def test_middlewares_must_be_middlewares(self):
        assert told(http(["{method: GET, path: /a, handler: answer, middlewares: [log, answer, nope]}"])) == [
            ("reference.unsuitable", "workflows.http.routes[0].middlewares[1]", 15),
            ("reference.unknown", "workflows.http.routes[0].middlewares[2]", 15),
        ]

    @pytest.mark.parametrize(
        "path", ["a", "/{", "/a{id}", "/{id", "/{}", "/{a}/{a}", "/{rest...}/x", "/{a{b}}", "/{...}"]
    )
    def test_a_pattern_that_cannot_be_matched_is_refused(self, path):
        assert told(http([f"{{method: GET, path: '{path}', handler: answer}}"])) == [
            ("route.pattern", "workflows.http.routes[0].path", 15)
        ]

    def test_a_method_must_be_one(self):
        assert codes(http(["{method: FETCH, path: /a, handler: answer}"])) == ["route.pattern"]

    def test_a_second_route_of_the_same_shape_warns(self):
        routes = [
            "{method: GET, path: '/a/{id}', handler: answer}",
            "{method: get, path: '/a/:name', handler: answer}",
            "{method: POST, path: '/a/{id}', handler: answer}",
        ]
        text = http(routes) + (
            "triggers:\n  http:\n    routes:\n    - {method: POST, path: '/a/{x}', workflow: http, action: go}\n"
        )
        assert told(text) == [
            ("route.duplicate", "workflows.http.routes[1]", 16),
            ("route.duplicate", "triggers.http.routes[0]", 21),
        ]

    @pytest.mark.spec("SPINE-B5")
    def test_async_and_none_need_work_without_effects(self):
        pipelines = """workflows:
  pipelines:
    pure: {steps: [{set: {a: 1}}, {if: "true", then: [{uses: stock}]}]}
    sends: {steps: [{if: "true", then: [{switch: a, cases: {x: [{uses: sender}]}}]}]}
    emits: {steps: [{emit: topic}]}
    deep: {steps: [{uses: sends}]}
    round: {steps: [{uses: round}]}
    checks: {steps: [{validate: {module: sender}}]}
    pays: {steps: [{uses: payment}]}"""

        def told_for(handler):
            text = http([f"{{method: GET, path: /a, handler: {handler}, record: none}}"])
            return [code for code in codes(text.replace("workflows:", pipelines)) if code == "record.not_pure"]

        assert told_for("answer") == told_for("pure") == told_for("round") == []
        for handler in ("writer", "sends", "emits", "deep", "checks", "pays"):
            assert told_for(handler) == ["record.not_pure"]

    def test_the_record_of_the_section_counts_and_a_producer_is_an_effect(self):
        text = http(["{method: GET, path: /a, handler: answer}"], "record: async") + (
            "  messaging: {subscriptions: [], producers: [{name: answer, forwardTo: [x]}]}\n"
        )
        assert told(text) == [("record.not_pure", "workflows.http.routes[0].handler", 15)]

    def test_a_processing_step_is_as_pure_as_what_it_calls(self):
        step = "modules:\n- {name: step, type: processing.step, config: {componentId: %s}}"
        for component, expected in (("stock", []), ("payment", ["hook"])):
            text = with_parts(
                "workflows:\n  pipelines: {p: {steps: [{uses: step}]}}\n"
                "  statemachine:\n    definitions: []\n    hooks: [{handler: p}]\n"
            ).replace("modules:", step % component)
            assert [code.split(".")[0] for code in codes(text)] == expected


class TestMessaging:
    def test_a_good_section_is_silent(self):
        text = with_parts("""workflows:
  pipelines: {p: {steps: []}}
  messaging:
    broker: broker.producer
    subscriptions:
    - {topic: a, handler: inbox, ordering: none}
    - {topic: "b.*", handler: p, key: "${data.id}"}
    - {topic: c, handler: stock}
    - {topic: d, handler: sender}
    producers: [{name: inbox, forwardTo: [x, y]}, {name: p, topic: z}]
""")
        assert told(text) == []

    def test_faults_are_located(self):
        text = with_parts("""workflows:
  messaging:
    broker: borker
    subscriptions:
    - {topic: a}
    - {topic: '', handler: inbox}
    - {topic: a, handler: broker, config: {}}
    - {topic: a, handler: nobody, key: "${data.}"}
    - {topic: a, handler: inbox, ordering: random, key: "${A_SECRET}"}
    - {topic: a, handler: inbox, key: "${A_SECRET}"}
    producers:
    - {name: nobody, forwardTo: x}
    - {name: nobody}
""")
        assert told(text) == [
            ("reference.unknown", "workflows.messaging.broker", 13),
            ("section.required", "workflows.messaging.subscriptions[0].handler", 15),
            ("section.invalid", "workflows.messaging.subscriptions[1].topic", 16),
            ("reference.unsuitable", "workflows.messaging.subscriptions[2].handler", 17),
            ("key.ignored", "workflows.messaging.subscriptions[2].config", 17),
            ("reference.unknown", "workflows.messaging.subscriptions[3].handler", 18),
            ("expression.invalid", "workflows.messaging.subscriptions[3].key", 18),
            ("section.invalid", "workflows.messaging.subscriptions[4].ordering", 19),
            ("secret.misplaced", "workflows.messaging.subscriptions[4].key", 19),
            ("reference.unsuitable", "workflows.messaging.subscriptions[5].key", 20),
            ("section.invalid", "workflows.messaging.producers[0].forwardTo", 22),
            ("reference.unknown", "workflows.messaging.producers[1].name", 23),
        ]

    def test_a_broker_and_subscriptions_are_needed(self):
        assert sorted(codes("workflows: {messaging: {}}")) == ["reference.missing", "section.required"]


STATEMACHINE = """workflows:
  statemachine:
    engine: engine
    definitions:
    - name: orders
      initialState: new
      autoStart: true
      states: {new: , paid: {isFinal: true, data: {a: 1}}}
      transitions:
        pay: {fromState: new, toState: paid, condition: "data.total > 0.0", autoTransform: true}
    hooks:
    - {workflowType: orders, transitions: [pay], toStates: [paid], handler: inbox}
    - {handler: stock}
    resourceMappings:
    - {resourceType: orders, stateMachine: engine, instanceIDKey: id}
    - {resourceType: orders, stateMachine: orders}
"""


class TestStateMachine:
    def test_a_good_section_is_silent(self):
        assert told(with_parts(STATEMACHINE)) == []

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ("engine: engine", "engine: inbox", ("reference.unsuitable", "engine", 13)),
            ("initialState: new", "initialState: nwe", ("state.unknown", "definitions[0].initialState", 16)),
            ("fromState: new", "fromState: old", ("state.unknown", "definitions[0].transitions.pay.fromState", 20)),
            ("toState: paid,", "toState: gone,", ("state.unknown", "definitions[0].transitions.pay.toState", 20)),
            (
                "data.total > 0.0",
                "data.total >",
                ("expression.invalid", "definitions[0].transitions.pay.condition", 20),
            ),
            ("isFinal: true", "isFinal: maybe", ("section.invalid", "definitions[0].states.paid.isFinal", 18)),
            ("transitions: [pay]", "transitions: [pya]", ("transition.unknown", "hooks[0].transitions[0]", 22)),
            ("toStates: [paid]", "toStates: [piad]", ("state.unknown", "hooks[0].toStates[0]", 22)),
            ("workflowType: orders", "workflowType: order", ("definition.unknown", "hooks[0].workflowType", 22)),
            ("handler: inbox", "handler: sender", ("hook.after_commit", "hooks[0].handler", 22)),
            ("handler: inbox", "handler: payment", ("hook.after_commit", "hooks[0].handler", 22)),
            ("handler: inbox", "handler: nobody", ("reference.unknown", "hooks[0].handler", 22)),
            ("handler: inbox", "handler: router", ("reference.unsuitable", "hooks[0].handler", 22)),
            (
                "stateMachine: orders",
                "stateMachine: other",
                ("reference.unknown", "resourceMappings[1].stateMachine", 26),
            ),
            ("instanceIDKey: id", "instanceIdKey: id", ("key.unknown", "resourceMappings[0].instanceIdKey", 25)),
        ],
    )
    def test_each_fault_is_located(self, before, after, expected):
        code, path, line = expected
        assert told(with_parts(STATEMACHINE.replace(before, after))) == [(code, f"workflows.statemachine.{path}", line)]

    def test_a_hook_with_two_faults_gets_both(self):
        text = with_parts(STATEMACHINE.replace("workflowType: orders", "workflowType: order"))
        assert [code for code, *_ in told(text.replace("handler: inbox", "handler: nobody"))] == [
            "definition.unknown",
            "reference.unknown",
        ]
        assert [code for code, *_ in told(text.replace(", handler: inbox", ""))] == [
            "section.required",
            "definition.unknown",
        ]

    def test_missing_parts_and_repeated_names_are_reported(self):
        text = with_parts("""workflows:
  statemachine:
    modules: []
    definitions:
    - {name: a, initialState: x, states: {}}
    - {name: a, initialState: x, states: {x: {}}, transitions: {t: {fromState: x}, u: 5}}
    - {states: {x: {}}}
    hooks: [{handler: ''}]
    resourceMappings: [{resourceType: r, stateMachine: ''}]
""")
        found = told(text)
        assert ("key.ignored", "workflows.statemachine.modules", 13) in found
        assert ("section.required", "workflows.statemachine.definitions[0].states", 15) in found
        assert ("definition.duplicate", "workflows.statemachine.definitions[1].name", 16) in found
        assert ("section.required", "workflows.statemachine.definitions[1].transitions.t.toState", 16) in found
        assert ("section.invalid", "workflows.statemachine.definitions[1].transitions.u", 16) in found
        assert ("section.required", "workflows.statemachine.definitions[2].name", 17) in found

    @pytest.mark.parametrize("odd", ["[]", "{}", "5"])
    def test_names_that_are_no_texts_are_reported(self, odd):
        text = with_parts(STATEMACHINE.replace("workflowType: orders", f"workflowType: {odd}"))
        assert told(text) == [("section.invalid", "workflows.statemachine.hooks[0].workflowType", 22)]
        text = with_parts(
            f"workflows: {{messaging: {{subscriptions: [], producers: [{{name: {odd}, forwardTo: [x]}}]}}}}"
        )
        assert codes(text) == ["section.invalid"]

    def test_an_engine_is_needed(self):
        assert codes("workflows: {statemachine: {definitions: []}}") == ["reference.missing"]

    @pytest.mark.spec("D28")
    @pytest.mark.parametrize("name", ["engine", "workflow-processor", "statemachine-engine"])
    def test_a_module_that_is_only_called_like_an_engine_is_none(self, name):
        called = f"modules: [{{name: {name}, type: http.router}}]\nworkflows: {{statemachine: {{definitions: []}}}}"
        assert codes(called) == ["reference.missing"]
        chosen = called.replace("definitions", f"engine: {name}, definitions")
        assert codes(chosen) == ["reference.unsuitable"]


class TestTriggers:
    def test_a_good_trigger_is_silent(self):
        text = with_parts(
            STATEMACHINE
            + """  pipelines: {p: {steps: []}}
triggers:
  http:
    enabled: true
    routes:
    - {method: POST, path: '/go/:id', workflow: orders, action: pay, params: {a: 1}}
    - {method: POST, path: /p, workflow: p, action: anything}
    - {method: POST, path: /s, workflow: statemachine, action: pay}
"""
        )
        assert told(text) == []

    def test_a_message_is_published_with_a_broker_that_there_is(self):
        text = with_parts("""workflows:
  messaging: {subscriptions: []}
triggers:
  http:
    routes:
    - {method: POST, path: /a, workflow: messaging, action: "broker:orders"}
    - {method: POST, path: /b, workflow: messaging, action: orders}
    - {method: POST, path: /c, workflow: messaging, action: "nobroker:orders"}
    - {method: POST, path: /d, workflow: messaging, action: "router:orders"}
""")
        assert told(text) == [
            ("trigger.action.unknown", "triggers.http.routes[2].action", 18),
            ("trigger.action.unknown", "triggers.http.routes[3].action", 19),
        ]

    def test_what_it_starts_must_exist_or_it_warns(self):
        text = with_parts(
            STATEMACHINE
            + """triggers:
  http:
    port: 9090
    routes:
    - {method: POST, path: /a, workflow: ordres, action: pay}
    - {method: POST, path: /b, workflow: orders, action: payy}
    - {method: POST, path: b, workflow: orders}
"""
        )
        assert told(text) == [
            ("key.ignored", "triggers.http.port", 29),
            ("trigger.workflow.unknown", "triggers.http.routes[0].workflow", 31),
            ("trigger.action.unknown", "triggers.http.routes[1].action", 32),
            ("section.required", "triggers.http.routes[2].action", 33),
        ]

    @pytest.mark.parametrize(
        ("trigger", "expected"),
        [
            ("{port: 9090}", ["trigger.empty"]),
            ("{enabled: true}", ["trigger.empty"]),
            ("{enabled: false, rubbish: 1}", []),
            ("{}", ["section.required"]),
            ("{routes: 5}", ["section.invalid"]),
        ],
    )
    def test_a_trigger_without_routes(self, trigger, expected):
        assert codes(f"triggers: {{http: {trigger}}}") == expected

    def test_a_schedule_has_its_target_checked(self):
        text = with_parts(
            STATEMACHINE
            + """triggers:
  schedule:
    jobs: [{cron: "* * * * *", workflow: nothing, action: x}]
"""
        )
        assert told(text) == [
            ("trigger.workflow.unknown", "triggers.schedule.jobs[0].workflow", 29),
        ]
