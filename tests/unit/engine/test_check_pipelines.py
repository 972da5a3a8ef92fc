"""The `pipelines` section: steps, references, expressions and schemas."""

import pytest

from tests.unit.engine.checking import codes, findings_of, told, with_parts


def pipeline(*steps, more=""):
    lines = "".join(f"      - {step}\n" for step in steps)
    steps_key = f"      steps:\n{lines}" if lines else "      steps: []\n"
    return with_parts(f"workflows:\n  pipelines:\n    p:\n      description: d\n{more}{steps_key}")


@pytest.mark.spec("SPINE-B4")
def test_a_pipeline_of_every_step_is_silent():
    text = with_parts("""workflows:
  pipelines:
    other: {steps: []}
    p:
      description: all there is
      input: {type: object, required: [id]}
      steps:
      - name: price
        set: {total: "${data.qty * data.price}", currency: EUR}
      - validate: {schema: {type: object}, value: "${data}"}
      - {validate: {module: inbox}, value: "${data.id}"}
      - uses: sender
        with: {order: "${data.id}", token: "${API_TOKEN}"}
        retry: {attempts: 4, firstPause: 1s, factor: 2, longestPause: 60s, timeout: 30s}
        as: sent
        into: data
      - {uses: stock}
      - {uses: other, with: {a: 1}}
      - if: "data.total > 100"
        then: [{set: {big: true}}]
        else: [{if: true, then: [{emit: small}]}]
      - switch: data.priority
        cases: {express: [{emit: express}], standard: }
        default: [{uses: inbox}]
      - {emit: "order.${data.kind}", key: "${data.id}", payload: {a: "${data}"}}
      - respond: {status: 201, headers: {a: b}, body: "${data}"}
      - respond:
""")
    assert told(text) == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("5", [("step.kind", "", 16)]),
        ("{}", [("step.kind", "", 16)]),
        ("{set: {}, emit: x}", [("step.kind", "", 16)]),
        ("{sett: {}}", [("step.kind", "", 16)]),
        ("{set: 5}", [("section.invalid", ".set", 16)]),
        ("{set: }", [("section.required", ".set", 16)]),
        ("{set: {}, nmae: x}", [("key.unknown", ".nmae", 16)]),
        ("{set: {}, x-note: x}", []),
        ("{set: {a: '${data.}'}}", [("expression.invalid", ".set.a", 16)]),
        ("{set: {a: '${A_SECRET}'}}", [("reference.unsuitable", ".set", 16)]),
        ("{set: {a: '${steps.a-b.c > 1}'}}", [("expression.dashed_name", ".set.a", 16)]),
        ("{validate: {}}", [("section.required", ".validate", 16)]),
        ("{validate: {schema: {}, module: inbox}}", [("section.required", ".validate", 16)]),
        ("{validate: 5}", [("section.invalid", ".validate", 16)]),
        ("{validate: {schema: {type: nothing}}}", [("schema.invalid", ".validate.schema", 16)]),
        ("{validate: {schema: {$ref: 'http://127.0.0.1/x'}}}", [("schema.invalid", ".validate.schema", 16)]),
        ("{validate: {module: p}}", [("reference.unknown", ".validate.module", 16)]),
        ("{validate: {module: 5}}", [("section.invalid", ".validate.module", 16)]),
        ("{uses: sendr}", [("reference.unknown", ".uses", 16)]),
        ("{uses: router}", [("reference.unsuitable", ".uses", 16)]),
        ("{uses: 5}", [("section.invalid", ".uses", 16)]),
        ("{uses: sender, retry: {attempts: 0}}", [("section.invalid", ".retry.attempts", 16)]),
        ("{uses: sender, retry: {attempts: 1.5}}", [("section.invalid", ".retry.attempts", 16)]),
        ("{uses: sender, retry: {attempts: 10001}}", [("section.invalid", ".retry.attempts", 16)]),
        ("{uses: sender, retry: {attempts: x}}", [("section.invalid", ".retry.attempts", 16)]),
        ("{uses: sender, retry: {timeout: 1d}}", [("section.invalid", ".retry.timeout", 16)]),
        ("{uses: sender, retry: {factor: true}}", [("section.invalid", ".retry.factor", 16)]),
        ("{uses: sender, retry: 5}", [("section.invalid", ".retry", 16)]),
        ("{uses: sender, into: steps}", [("section.invalid", ".into", 16)]),
        ("{if: 'a >', then: []}", [("expression.invalid", ".if", 16)]),
        ("{if: 1, then: []}", []),
        ("{if: [], then: []}", [("section.invalid", ".if", 16)]),
        ("{if: a, then: 5}", [("section.invalid", ".then", 16)]),
        ("{if: a, else: [{sets: 1}]}", [("step.kind", ".else[0]", 16)]),
        (
            "{switch: 'a +', cases: {x: [{}], y: 5}, default: [5]}",
            [
                ("expression.invalid", ".switch", 16),
                ("step.kind", ".cases.x[0]", 16),
                ("section.invalid", ".cases.y", 16),
                ("step.kind", ".default[0]", 16),
            ],
        ),
        ("{switch: 5}", []),
        ("{emit: ''}", [("section.invalid", ".emit", 16)]),
        ("{emit: 't${'}", [("expression.invalid", ".emit", 16)]),
        ("{emit: t, key: '${A_KEY}'}", [("reference.unsuitable", ".key", 16)]),
        ("{respond: {status: 99}}", [("section.invalid", ".respond.status", 16)]),
        ("{respond: {body: '${}'}}", [("expression.invalid", ".respond.body", 16)]),
        ("{respond: 5}", [("section.invalid", ".respond", 16)]),
    ],
)
def test_each_fault_of_a_step_is_located(step, expected):
    found = told(pipeline(step))
    assert found == [(code, f"workflows.pipelines.p.steps[0]{path}", line) for code, path, line in expected]


def test_an_expression_is_faulty_at_its_character():
    (found,) = findings_of(pipeline('set:\n          total: "${data.qty * }"'))
    assert (found.line, found.column) == (17, 18 + len('"${data.qty * '))
    (found,) = findings_of(pipeline("if: |-\n          data.a\n          && &&"))
    assert (found.line, found.column) == (18, 14)


def test_names_of_steps_are_unique_through_all_branches():
    found = findings_of(pipeline("{name: a, set: {}}", "{if: x, then: [{name: a, emit: t}]}"))
    assert [(each.code, each.path) for each in found] == [
        ("step.name.duplicate", "workflows.pipelines.p.steps[1].then[0].name")
    ]
    assert "line 16" in found[0].message


def test_a_secret_may_be_given_to_a_module_and_not_to_a_pipeline():
    assert codes(pipeline("{uses: sender, with: {t: '${A_TOKEN}'}}")) == []
    text = pipeline("{uses: q, with: {t: '${A_TOKEN}'}}").replace("    p:", "    q: {steps: []}\n    p:")
    assert codes(text) == ["reference.unsuitable"]


def test_a_pipeline_that_is_called_like_a_module_warns_and_answers_routes_the_module_cannot():
    text = with_parts("""workflows:
  pipelines:
    inbox: {steps: [{emit: t}]}
    sender: {steps: []}
    router: {steps: []}
  http:
    routes:
    - {method: GET, path: /a, handler: inbox, record: none}
    - {method: GET, path: /b, handler: sender, record: none}
  messaging: {subscriptions: [{topic: t, handler: router}]}
""")
    assert told(text) == [
        ("pipeline.name.taken", "workflows.pipelines.inbox", 13),
        ("pipeline.name.taken", "workflows.pipelines.sender", 14),
        ("pipeline.name.taken", "workflows.pipelines.router", 15),
        ("record.not_pure", "workflows.http.routes[0].record", 18),
        ("reference.unsuitable", "workflows.messaging.subscriptions[0].handler", 20),
    ]


def test_shape_and_input_of_a_pipeline():
    assert codes(with_parts("workflows: {pipelines: {p: 5}}")) == ["section.invalid"]
    assert codes(with_parts("workflows: {pipelines: {p: }}")) == ["section.required"]
    assert codes(with_parts("workflows: {pipelines: {p: {steps: 5, stepz: 1}}}")) == ["section.invalid", "key.unknown"]
    assert told(pipeline(more="      input: {type: 5}\n")) == [("schema.invalid", "workflows.pipelines.p.input", 15)]


@pytest.mark.spec("SPINE-B4")
def test_pipelines_that_use_each_other_are_named_once():
    text = with_parts("""workflows:
  pipelines:
    a: {steps: [{if: x, then: [{uses: b}]}]}
    b: {steps: [{switch: x, cases: {y: [{uses: step}]}, default: [5, {uses: 5}]}]}
    c: {steps: [{uses: c}]}
    d: {steps: [{uses: a}, {uses: sender}]}
    e: 5
""").replace("modules:", "modules:\n- {name: step, type: processing.step, config: {componentId: a}}")
    found = [each for each in findings_of(text) if each.code == "pipeline.cycle"]
    assert [(each.path, each.line) for each in found] == [
        ("workflows.pipelines.b.steps[0].cases.y[0].uses", 15),
        ("workflows.pipelines.c.steps[0].uses", 16),
    ]
    assert "a -> b -> a" in found[0].message
