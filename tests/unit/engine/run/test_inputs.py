"""What a step was given, worked out from a stored trace."""

import orjson
import pytest

from apps.engine.run.inputs import LARGEST_INPUT, encoded, read_inputs
from apps.engine.testing import Bench
from tests.support.small_modules import compiled

pytestmark = pytest.mark.spec("SPINE-B6")

TEXT = """
modules:
- {name: server, type: http.server}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: shape, type: data.transformer}
workflows:
  http:
    routes: [{method: POST, path: /x, handler: main}, {method: POST, path: /asked, handler: asked}]
  pipelines:
    main:
      steps:
      - {name: priced, set: {total: '${data.qty * 2}'}}
      - {name: large, if: data.total > 5, then: [{name: marked, set: {big: true}}]}
      - {name: inner, uses: side, with: {n: '${data.total}'}, as: sided}
      - {name: told, emit: made, payload: {id: '${steps.sided.n}', more: '${steps.sided.added}'}}
      - {name: answer, respond: {body: {ok: true}}}
    side:
      steps:
      - {name: add, set: {added: 1}}
    asked:
      steps:
      - {name: first, set: {way: '${request.method}'}}
      - {name: told, emit: made, payload: {way: '${request.method}', set: '${data.way}'}}
      - {name: last, set: {done: true}}
"""


async def inputs(entry, body, path="/x"):
    """Return what each step of an answered request was given, by name, as a run page works it out."""
    async with Bench(compiled(TEXT)) as bench:
        await bench.request("POST", path, body=body)
        program = bench.host.application().programs[entry]
        lines = bench.host.queue.runs("local")[0]["steps"]
    trace = [[line["index"], 0, 0, line["output"], line["error"], None] for line in orjson.loads(orjson.dumps(lines))]
    names = [program.steps[line[0]].name for line in trace]
    return dict(zip(names, read_inputs(program, trace, body, "r"), strict=True))


async def test_each_step_shows_what_flowed_into_it():
    found = await inputs("pipeline:main", {"qty": 4})
    assert found["priced"] == {"qty": 4}
    assert found["large"] == {"qty": 4, "total": 8}
    assert found["answer"] == {"qty": 4, "total": 8, "big": True}


async def test_a_used_pipeline_and_a_message_show_what_they_were_handed():
    found = await inputs("pipeline:main", {"qty": 4})
    assert found["inner"] == {"n": 8}
    assert found["inner/add"] == {"n": 8}
    assert found["told"] == {"id": 8, "more": 1}


async def test_the_step_that_failed_shows_the_data_it_failed_on():
    assert await inputs("pipeline:main", {"qty": "many"}) == {"priced": {"qty": "many"}}


async def test_what_asks_for_the_requests_own_names_is_not_known():
    found = await inputs("pipeline:asked", {"n": 1}, "/asked")
    assert found == {"first": {"n": 1}, "told": None, "last": {"n": 1, "way": "POST"}}


def test_behind_an_output_that_was_left_out_nothing_is_known():
    program = compiled(TEXT).programs["pipeline:main"]
    trace = [[index, 0, 0, output, None, None] for index, output in ((0, None), (1, False), (7, None))]
    assert read_inputs(program, trace, {"qty": 1}, "r") == [{"qty": 1}, None, None]


def test_an_input_that_is_too_large_is_told_by_its_size():
    assert orjson.loads(encoded("x" * LARGEST_INPUT)) == f"[{LARGEST_INPUT + 2} bytes, not kept]"
    program = compiled(TEXT).programs["pipeline:main"]
    data = {"qty": 1, "note": "x" * LARGEST_INPUT}
    assert read_inputs(program, [[0, 0, 0, {"total": 2}, None, None]], data, "r") == ["[65555 bytes, not kept]"]
