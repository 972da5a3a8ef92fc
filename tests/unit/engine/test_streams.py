"""Answers that are passed on as they come: what bounds them, and what is told of them."""

import asyncio

import orjson
import pytest

from apps.engine.outcome import TryAgain
from apps.engine.streams import LIMITS, Limits, Passage, StreamedResponse, pass_on

pytestmark = pytest.mark.spec("http.proxy")


class Source:
    """An answer made of pieces: bytes, None for one that never comes, an exception for the end of the connection."""

    status, headers, lines = 200, {}, ()

    def __init__(self, *pieces):
        self._pieces = pieces
        self.is_closed = False

    async def chunks(self):
        for piece in self._pieces:
            if piece is None:
                await asyncio.Future()
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def close(self):
        self.is_closed = True


class Caller:
    """Takes what it is sent; `stops_at` is how many chunks it takes, `hangs_up` whether it goes away then."""

    def __init__(self, stops_at=99, *, hangs_up=False, raises=None):
        self.sent = []
        self._stops_at = stops_at
        self._raises = raises
        self._has_enough = asyncio.Event()
        self._hangs_up = hangs_up

    async def receive(self):
        await self._has_enough.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if sum(1 for each in self.sent if each.get("body")) == self._stops_at:
            if self._hangs_up:
                self._has_enough.set()
            if self._raises:
                raise self._raises
            await asyncio.Future()
        self.sent.append(message)

    @property
    def is_whole(self):
        return not self.sent[-1].get("more_body", False) and self.sent[-1]["type"] == "http.response.body"

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent)


async def passed(source, caller, *, limits=LIMITS, method="GET", headers=()):
    response = StreamedResponse(source, b"text/plain", list(headers))
    told = []

    async def finish(passage):
        told.append(passage)

    response.finish = finish
    passage = await pass_on(response, method, [], caller.receive, caller.send, limits)
    assert told == [passage]
    assert source.is_closed
    return passage, response


async def test_every_chunk_goes_on_by_itself_and_the_end_follows():
    caller = Caller()
    passage, _ = await passed(Source(b"a", b"", b"bc"), caller)
    assert passage == Passage(3, "complete")
    assert [message.get("body") for message in caller.sent] == [None, b"a", b"bc", b""]
    assert caller.is_whole


@pytest.mark.parametrize(
    ("source", "caller", "limits", "ended", "size"),
    [
        (Source(b"a", None), Caller(), Limits(silent=0.01), "upstream.silent", 1),
        (Source(b"a", TryAgain("gone", code="http.broken_off")), Caller(), LIMITS, "upstream.broken_off", 1),
        (Source(b"a", b"b"), Caller(1), Limits(slow=0.01), "caller.slow", 1),
        (Source(b"a", None), Caller(), Limits(longest=0.01), "stream.too_long", 1),
        (Source(b"abc", b"d"), Caller(), Limits(largest=3), "stream.too_large", 3),
    ],
)
async def test_what_is_broken_off_has_no_end_and_has_failed(source, caller, limits, ended, size):
    passage, _ = await passed(source, caller, limits=limits)
    assert (passage, passage.has_failed) == (Passage(size, ended), True)
    assert not caller.is_whole


@pytest.mark.parametrize("caller", [Caller(1, hangs_up=True), Caller(1, raises=ConnectionResetError())])
async def test_a_caller_who_goes_away_ends_it_and_nothing_has_failed(caller):
    passage, _ = await passed(Source(b"a", b"b"), caller)
    assert (passage, passage.has_failed) == (Passage(1, "caller.gone"), False)


async def test_a_server_that_stops_closes_the_source_and_has_it_written_down():
    source, caller = Source(b"a", None), Caller()
    passing = asyncio.create_task(passed(source, caller))
    while not caller.body:
        await asyncio.sleep(0)
    passing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await passing
    assert source.is_closed


async def test_a_head_has_no_body_and_reads_none():
    caller = Caller()
    passage, _ = await passed(Source(b"a"), caller, method="HEAD")
    assert (passage.size, caller.body, caller.is_whole) == (0, b"", True)


async def test_what_is_kept_tells_the_headers_and_the_size_and_nothing_that_lets_anybody_in():
    headers = [(b"etag", b'"1"'), (b"set-cookie", b"session=s3cret"), (b"location", b"/?token=s3cret")]
    _, response = await passed(Source(b"content"), Caller(), headers=headers)
    assert orjson.loads(response.body) == {
        "streamed": {"bytes": 7, "ended": "complete", "headers": {"content-type": "text/plain", "etag": '"1"'}}
    }


async def test_a_row_that_cannot_be_written_is_not_the_callers_trouble():
    source, caller = Source(b"a"), Caller()
    response = StreamedResponse(source, b"text/plain", [])

    async def finish(passage):
        raise OSError("no disk")

    response.finish = finish
    assert (await pass_on(response, "GET", [], caller.receive, caller.send)).ended == "complete"
    assert caller.is_whole
