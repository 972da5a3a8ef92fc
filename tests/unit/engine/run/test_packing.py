"""A run's state is stored with every value once."""

from datetime import UTC, datetime
from uuid import UUID

import orjson

from apps.engine.run.program import Variables
from apps.engine.run.state import RunState

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RUN = UUID("0190aaaa-0000-7000-8000-000000000001")
GIVEN = {"v": "x" * 1000}


def started(*, is_apart: bool = False) -> RunState:
    state = RunState.start(RUN, "pipeline:p", GIVEN, NOW)
    state.is_apart = is_apart
    return state


def written(state: RunState) -> bytes:
    return orjson.dumps(state.as_dict())


def read(stored: bytes, given=None) -> RunState:
    return RunState.from_dict(RUN, orjson.loads(stored), given)


def test_a_value_that_stands_in_several_places_is_written_once_and_comes_back_in_all_of_them():
    state = started()
    state.variables.remember("same", GIVEN)
    state.variables.frames = (dict(state.variables.names),)
    state.variables.response = {"status": 200, "headers": {}, "body": GIVEN}
    stored = written(state)
    assert stored.count(GIVEN["v"].encode()) == 1
    again = read(stored)
    assert again.variables.names == state.variables.names
    assert again.variables.frames == state.variables.frames
    assert again.variables.response == state.variables.response
    assert again.given == GIVEN
    assert written(again) == stored


def test_what_is_kept_apart_is_not_written_and_is_put_back():
    state = started(is_apart=True)
    stored = written(state)
    assert GIVEN["v"].encode() not in stored
    again = read(stored, GIVEN)
    assert (again.variables.data, again.variables.input, again.given) == (GIVEN, GIVEN, GIVEN)
    assert written(again) == stored


def test_data_that_has_replaced_what_was_given_is_written():
    state = started(is_apart=True)
    state.variables.data = {"n": 2}
    again = read(written(state), GIVEN)
    assert (again.variables.data, again.variables.input) == ({"n": 2}, GIVEN)


def test_a_state_that_an_earlier_release_wrote_in_full_is_read():
    names = Variables({"n": 1}).names
    stored = started().as_dict() | {
        "variables": {"names": names, "frames": [names], "response": None},
        "output": {"n": 1},
    }
    for key in ("values", "is_apart", "quiet"):
        del stored[key]
    again = read(orjson.dumps(stored))
    assert (again.variables.names, again.variables.frames, again.output) == (names, (names,), {"n": 1})
    assert written(read(written(again))) == written(again)
