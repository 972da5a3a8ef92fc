"""A refused request leaves nothing behind but the messages that tell of it; an answer the document chose keeps all."""

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.http import Response
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.support.refusing import REFUSING

pytestmark = pytest.mark.spec("SPINE-B4", "SPINE-B6")


def bench():
    return Bench(compile_document(load(REFUSING).document, registry()))


async def kept(found):
    """Return how many notes and instances there are, and the topics of the messages."""
    async with found.host.unit() as unit:
        notes = await unit.resources.page("notes")
        instances = await unit.instances.page("case")
    return len(notes), len(instances), [message["topic"] for message in found.host.queue.messages("local")]


async def test_a_request_that_a_step_refuses_leaves_only_the_message_about_it():
    async with bench() as found:
        refused = await found.request("POST", "/refused", body={"id": "1"})
        assert refused.status == 422
        assert await kept(found) == (0, 0, ["note-errors"])
        await found.settle()
        request, delivery = sorted(found.host.queue.runs("local"), key=lambda run: run["source"])
        assert (request["source"], request["status"], request["http_status"]) == ("http", "done", 422)
        assert (delivery["workflow"], delivery["input"]["id"]) == ("clerk", "1")
        assert delivery["input"]["error"]


async def test_an_error_status_that_the_document_answers_keeps_what_was_written():
    async with bench() as found:
        chosen = await found.request("POST", "/chosen", body={"id": "1"})
        assert (chosen.status, chosen.json()) == (409, {"chosen": True})
        assert await kept(found) == (1, 1, ["note.told"])


async def test_a_module_that_answers_a_refusal_by_itself_leaves_nothing():
    async with bench() as found:
        assert (await found.request("POST", "/cases", body={"id": "7"})).status == 201
        before = await kept(found)
        refused = await found.request("PUT", "/cases/7/transition", body={"transition": "end"})
        assert refused.status == 400
        assert (before, await kept(found)) == ((0, 0, before[2]), before)


async def test_a_refused_request_gives_its_rows_back():
    async with bench() as found:
        for _ in range(2):
            assert (await found.request("POST", "/refused", body={"id": "1"})).status == 422
        assert len(found.host.locks) == 0


def test_a_problem_is_a_refusal_and_a_plain_answer_is_none():
    assert not Response.problem(400, "x", "Bad").keeps_writes
    assert Response.json({}, 400).keeps_writes
    assert not Response.json({}, 500).keeps_writes
