"""Pipelines: what each kind of step does, alone and together."""

import pytest

from apps.engine.findings import DocumentRefused
from apps.engine.run.program import RetryPolicy
from apps.engine.testing import Bench
from tests.support.small_modules import compiled

MODULES = """
modules:
- {name: server, type: http.server}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: doubler, type: data.transformer}
- {name: sender, type: test.sender}
- {name: once, type: test.once}
- {name: handler, type: http.handler}
- {name: buggy, type: test.buggy}
"""


def document(steps: str, more: str = "", route: str = "{method: POST, path: /run, handler: main}") -> str:
    indented = "\n".join(f"      {line}" for line in steps.strip("\n").splitlines())
    return f"""{MODULES}
workflows:
  http:
    routes:
    - {route}
  pipelines:
    main:
      steps:
{indented}
{more}"""


async def answer(steps: str, body=None, more: str = "", **request):
    async with Bench(compiled(document(steps, more)), secrets={"TOKEN": "s3cret"}) as bench:
        found = await bench.request("POST", "/run", body=body, **request)
        found_runs = bench.host.queue.runs("local")
        return found, found_runs, bench


@pytest.mark.spec("SPINE-B4.14")
async def test_set_merges_values_into_data_and_the_answer_is_the_data():
    found, _, _ = await answer("- set: {total: '${data.qty * data.price}', currency: EUR}", {"qty": 2, "price": 4.5})
    assert found.status == 200
    assert found.json() == {"qty": 2, "price": 4.5, "total": 9.0, "currency": "EUR"}


@pytest.mark.spec("SPINE-B4.14")
async def test_set_into_data_that_is_no_object_fails():
    found, _, _ = await answer("- set: {a: 1}", [1, 2])
    assert found.json()["code"] == "data.not_an_object"


@pytest.mark.spec("SPINE-B4.16")
async def test_validate_answers_422_with_pointers():
    steps = "- validate: {schema: {type: object, properties: {items: {type: array, items: {required: [qty]}}}}}"
    found, runs, _ = await answer(steps, {"items": [{"qty": 1}, {}]})
    assert found.status == 422
    assert found.headers["content-type"] == "application/problem+json"
    problem = found.json()
    assert problem["code"]
    assert problem["requestId"] == found.headers["x-request-id"]
    assert problem["errors"][0]["pointer"].startswith("/items/1")
    assert runs[0]["http_status"] == 422
    assert runs[0]["error"]["code"] == problem["code"]


@pytest.mark.spec("SPINE-B4.16")
async def test_validate_may_look_at_a_value_of_its_own():
    steps = "- validate: {schema: {type: integer}, value: '${data.n}'}"
    assert (await answer(steps, {"n": 1}))[0].status == 200
    assert (await answer(steps, {"n": "x"}))[0].status == 422


@pytest.mark.spec("SPINE-B4.16")
async def test_validate_may_call_a_module_which_leaves_data_alone():
    found, _, _ = await answer("- validate: {module: doubler, value: '${data.inner}'}", {"inner": {"n": 1}})
    assert found.json() == {"inner": {"n": 1}}
    found, _, _ = await answer("- validate: {module: doubler}", {"n": "x"})
    assert found.json()["code"] == "doubler.no_number"


async def test_the_input_schema_of_a_pipeline_comes_first():
    steps = "- set: {n: 2}"
    text = document(steps).replace("    main:\n", "    main:\n      input: {required: [n]}\n")
    async with Bench(compiled(text)) as bench:
        assert (await bench.request("POST", "/run", body={})).status == 422
        assert (await bench.request("POST", "/run", body={"n": 1})).json() == {"n": 2}


@pytest.mark.spec("SPINE-B4.15")
async def test_uses_calls_a_module_and_keeps_its_output_by_name():
    steps = """
- {uses: doubler, with: {n: '${data.count}'}, as: twice}
- set: {result: '${steps.twice.n}'}
"""
    assert (await answer(steps, {"count": 4}))[0].json() == {"count": 4, "result": 8}


@pytest.mark.spec("SPINE-B4.15")
async def test_uses_may_merge_its_output_into_data_and_hands_over_data_by_default():
    assert (await answer("- {uses: doubler, into: data}", {"n": 4, "x": 1}))[0].json() == {"n": 8, "x": 1}


@pytest.mark.spec("SPINE-B4.17")
@pytest.mark.parametrize(("total", "tier"), [(150, "gold"), (50, "basic")])
async def test_if_takes_one_branch_and_both_meet_again(total, tier):
    steps = """
- if: data.total > 100
  then: [{set: {tier: gold}}]
  else: [{set: {tier: basic}}]
- set: {after: '${data.tier}'}
"""
    assert (await answer(steps, {"total": total}))[0].json() == {"total": total, "tier": tier, "after": tier}


@pytest.mark.spec("SPINE-B4.17")
async def test_a_branch_may_be_missing():
    steps = "- {if: data.vip, then: [{set: {tier: gold}}]}\n- set: {end: 1}"
    assert (await answer(steps, {"vip": True}))[0].json() == {"vip": True, "tier": "gold", "end": 1}
    assert (await answer(steps, {}))[0].json() == {"end": 1}
    assert (await answer("- {if: true, else: [{set: {a: 1}}]}", {}))[0].json() == {}


@pytest.mark.spec("SPINE-B4.17")
async def test_a_condition_that_is_neither_true_nor_false_fails():
    found, _, _ = await answer("- {if: data.n, then: [{set: {a: 1}}]}", {"n": 5})
    assert found.json()["code"] == "expression.not_boolean"


@pytest.mark.spec("SPINE-B4.18")
@pytest.mark.parametrize(
    ("value", "expected"), [("express", 1), ("standard", 2), (3, 3), (True, 4), ("other", 0), (None, 0)]
)
async def test_switch_compares_as_text_and_falls_back_to_default(value, expected):
    steps = """
- switch: data.v
  cases: {express: [{set: {r: 1}}], standard: [{set: {r: 2}}], '3': [{set: {r: 3}}], 'true': [{set: {r: 4}}]}
  default: [{set: {r: 0}}]
"""
    assert (await answer(steps, {"v": value}))[0].json()["r"] == expected


@pytest.mark.spec("SPINE-B4.18")
async def test_switch_without_a_matching_case_goes_on():
    steps = "- {switch: data.v, cases: {a: [{set: {r: 1}}]}}\n- set: {end: 1}"
    assert (await answer(steps, {"v": "b"}))[0].json() == {"v": "b", "end": 1}


async def test_nested_branches_are_laid_out_flat_and_work():
    steps = """
- if: data.a
  then:
  - switch: data.b
    cases:
      x: [{if: data.c, then: [{set: {r: axc}}], else: [{set: {r: ax}}]}]
    default: [{set: {r: a}}]
  else: []
- set: {end: 1}
"""
    expected = {"axc": (True, "x", True), "ax": (True, "x", False), "a": (True, "y", True)}
    for result, (a, b, c) in expected.items():
        assert (await answer(steps, {"a": a, "b": b, "c": c}))[0].json()["r"] == result
    assert (await answer(steps, {"a": False, "b": "", "c": False}))[0].json()["end"] == 1


@pytest.mark.spec("SPINE-B4.19")
async def test_emit_publishes_when_the_request_is_committed():
    steps = "- emit: 'order.${data.kind}'\n  key: ${data.id}\n  payload: {n: '${data.id}'}"
    _, _, bench = await answer(steps, {"kind": "new", "id": 7})
    assert bench is not None
    async with Bench(compiled(document(steps))) as again:
        await again.request("POST", "/run", body={"kind": "new", "id": 7})
        assert [(m["topic"], m["key"], m["payload"]) for m in again.host.queue.messages("local")] == [
            ("order.new", "7", {"n": 7})
        ]


@pytest.mark.spec("SPINE-B4.19")
async def test_emit_without_a_payload_sends_the_data_and_an_empty_topic_fails():
    async with Bench(compiled(document("- emit: ${data.topic}"))) as bench:
        await bench.request("POST", "/run", body={"topic": "t"})
        assert bench.host.queue.messages("local")[0]["payload"] == {"topic": "t"}
        assert (await bench.request("POST", "/run", body={"topic": ""})).json()["code"] == "emit.topic"
        assert len(bench.host.queue.messages("local")) == 1


@pytest.mark.spec("SPINE-B4.20")
async def test_respond_ends_the_pipeline_with_status_headers_and_body():
    steps = """
- respond: {status: '${data.status}', headers: {X-Kind: '${data.kind}'}, body: {id: '${data.id}'}}
- set: {never: 1}
"""
    found, runs, _ = await answer(steps, {"status": 201, "kind": "new", "id": 7})
    assert (found.status, found.headers["x-kind"], found.json()) == (201, "new", {"id": 7})
    assert [step["name"] for step in runs[0]["steps"]] == ["respond-0"]


@pytest.mark.spec("SPINE-B4.20")
async def test_respond_may_answer_text_of_another_type():
    found, _, _ = await answer(
        "- respond: {headers: {Content-Type: text/plain}, body: 'hello ${data.name}'}", {"name": "A"}
    )
    assert (found.headers["content-type"], found.body) == ("text/plain", b"hello A")


@pytest.mark.spec("SPINE-B4.20")
@pytest.mark.parametrize(
    ("said", "code"),
    [("{status: '${data.n}'}", "respond.status"), ("{status: '${data}'}", "respond.status"),
     ("{headers: {a: '${data.evil}'}}", "respond.header")],
)  # fmt: skip
async def test_respond_refuses_what_is_no_answer(said, code):
    found, _, _ = await answer(f"- respond: {said}", {"evil": "x\r\nset-cookie: y"})
    assert (found.status, found.json()["code"]) == (500, code)


@pytest.mark.spec("SPINE-B4.15")
async def test_a_pipeline_may_use_another_one_in_place():
    more = """
    priced:
      input: {required: [qty]}
      steps:
      - set: {total: '${data.qty * 2}'}
      - respond: {body: {total: '${data.total}', had: '${input.qty}'}}
      - set: {never: 1}
"""
    steps = """
- {name: price, uses: priced, with: {qty: '${data.n}'}, as: priced, into: data}
- set: {s: '${steps.priced.total}'}
"""
    found, runs, _ = await answer(steps, {"n": 5}, more)
    assert found.json() == {"n": 5, "total": 10, "had": 5, "s": 10}
    assert [step["name"] for step in runs[0]["steps"]] == [
        "price",
        "price/input",
        "price/set-2",
        "price/respond-3",
        "price.end",
        "set-6",
    ]


async def test_a_module_that_leaves_the_house_gets_its_secret_at_the_last_moment():
    text = document("- {uses: sender, with: {auth: 'Bearer ${TOKEN}', n: '${data.n}'}}")
    async with Bench(compiled(text), secrets={"TOKEN": "s3cret"}) as bench:
        found = await bench.request("POST", "/run", body={"n": 1})
        assert found.status == 200
        assert bench.http.calls[0].json() == {"auth": "Bearer s3cret", "n": 1}
        assert "s3cret" not in str(bench.host.queue.runs("local"))


async def test_a_missing_secret_fails_the_step():
    async with Bench(compiled(document("- {uses: sender, with: {auth: '${NOT_THERE}'}}"))) as bench:
        assert (await bench.request("POST", "/run", body={})).json()["code"] == "secret.missing"


async def test_in_a_request_another_try_is_the_callers_business():
    async with Bench(compiled(document("- uses: sender"))) as bench:
        bench.http.answer(503)
        found = await bench.request("POST", "/run", body={})
        assert (found.status, found.headers["retry-after"], found.json()["code"]) == (503, "1", "sender.busy")


async def test_a_fault_of_ours_is_a_500_that_tells_nothing():
    found, runs, _ = await answer("- uses: buggy", {})
    assert (found.status, found.json()["code"]) == (500, "engine.bug")
    assert "KeyError" not in str(found.body)
    assert runs[0]["status"] == "failed"


async def test_expressions_see_the_request_and_the_run():
    steps = (
        "- set: {m: '${request.method}', q: '${request.query.a}', h: '${request.headers.x-one}', r: '${run.attempt}'}"
    )
    async with Bench(compiled(document(steps))) as bench:
        found = await bench.request("POST", "/run?a=1", body={}, headers={"X-One": "h"})
        assert found.json() == {"m": "POST", "q": "1", "h": "h", "r": 1}


async def test_without_a_body_the_data_are_query_and_path_parameters():
    route = "{method: GET, path: '/run/{id}', handler: main}"
    async with Bench(compiled(document("- set: {x: 1}", route=route))) as bench:
        assert (await bench.request("GET", "/run/7?a=b")).json() == {"id": "7", "a": "b", "x": 1}


@pytest.mark.spec("D16")
async def test_forms_are_read_and_other_types_refused():
    async with Bench(compiled(document("- set: {x: 1}"))) as bench:
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert (await bench.request("POST", "/run", body=b"a=1&b=", headers=form)).json() == {"a": "1", "b": "", "x": 1}
        refused = await bench.request("POST", "/run", body=b"<a/>", headers={"content-type": "text/xml"})
        assert (refused.status, refused.json()["code"]) == (415, "body.unsupported_type")
        broken = await bench.request("POST", "/run", body=b"{", headers={"content-type": "application/json"})
        assert (broken.status, broken.json()["errors"][0]["pointer"]) == (400, "")


@pytest.mark.spec("SPINE-B6.9")
def test_retries_are_read_and_reach_inlined_steps():
    more = "    inner:\n      steps:\n      - uses: sender\n"
    retry = "{attempts: 5, firstPause: 500ms, factor: 3, longestPause: 1m, timeout: 10}"
    application = compiled(
        document(f"- {{uses: inner, retry: {retry}}}\n- {{uses: sender, retry: {{attempts: 1}}}}", more)
    )
    policies = {step.name: step.retry for step in application.programs["pipeline:main"].steps}
    assert policies["inner/uses-1"] == RetryPolicy(5, 0.5, 3.0, 60.0, 10.0)
    assert policies["uses-3"].attempts == 1


def test_a_pipeline_says_whether_it_is_pure():
    application = compiled(
        document("- uses: doubler", "    sends: {steps: [{uses: sender}]}\n    emits: {steps: [{emit: t}]}\n")
    )
    programs = application.programs
    assert programs["pipeline:main"].is_pure
    assert not programs["pipeline:sends"].is_pure
    assert not programs["pipeline:emits"].is_pure
    assert not programs["pipeline:emits"].is_async


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("- {uses: nothing}", "reference.unknown"),
        ("- {uses: handler}", "reference.unsuitable"),
        ("- {set: {a: 1}, emit: t}", "step.kind"),
        ("- {set: {a: '${data.}'}}", "expression.invalid"),
        ("- {if: 'a +', then: []}", "expression.invalid"),
        ("- {validate: {schema: {type: objekt}}}", "schema.invalid"),
        ("- {uses: main}", "pipeline.cycle"),
        ("- {set: {a: '${SECRET}'}}", "reference.unsuitable"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_place(steps, code):
    with pytest.raises(DocumentRefused) as refusal:
        compiled(document(steps))
    found = [finding for finding in refusal.value.findings if finding.code == code]
    assert found
    assert found[0].line > 1
    assert found[0].path.startswith("workflows.pipelines.main")


@pytest.mark.parametrize(
    "limit", ["apps.engine.run.assembly.MOST_STEPS", "apps.engine.sections.workspace.MOST_STEPS_OF_ALL"]
)
def test_pipelines_that_multiply_by_using_each_other_are_refused_at_once(limit, monkeypatch):
    monkeypatch.setattr(limit, 100)
    more = "".join(
        f"    p{level}: {{steps: [{{uses: p{level + 1}}}, {{uses: p{level + 1}}}]}}\n" for level in range(30)
    )
    with pytest.raises(DocumentRefused, match="steps"):
        compiled(document("- uses: p0", more + "    p30: {steps: [{set: {a: 1}}]}\n"))
