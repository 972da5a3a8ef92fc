"""What every way out must do: one suite for the guarded one (`core/outbound`) and for `wfctl run` (`engine/local`).

Subclass `HttpPortSuite` and give it the fixture `http`: an `Http` that may reach 127.0.0.1. The other side is real.
"""

import asyncio
import socket

import pytest

from apps.engine.outcome import StepFailed, TryAgain
from tests.support.upstream import Said, upstream


@pytest.fixture
def partner():
    """Open a server to call."""
    with upstream() as opened:
        yield opened


class HttpPortSuite:
    """The tests."""

    async def test_an_exchange_carries_method_headers_and_body(self, http, partner):
        partner.say("POST /a", Said(201, b"yes", (("X-Mark", "1"),)))
        answer = await http.request("post", f"{partner.url}/a?b=c", headers={"X-Id": "7", "Host": "evil"}, body=b"{}")
        assert (answer.status, answer.body, answer.headers["x-mark"]) == (201, b"yes", "1")
        (asked,) = partner.calls
        assert (asked.method, asked.path, asked.body) == ("POST", "/a?b=c", b"{}")
        assert (asked.headers["x-id"], asked.headers["host"]) == ("7", partner.address)

    async def test_nothing_is_sent_along_that_the_caller_did_not_say(self, http, partner):
        await http.request("GET", f"{partner.url}/a")
        assert partner.calls[0].headers.keys() <= {"host", "connection"}

    async def test_the_other_side_may_be_called_by_another_name(self, http, partner):
        await http.request("GET", f"{partner.url}/a", host="shop.example")
        assert partner.calls[0].headers["host"] == "shop.example"

    async def test_repeated_headers_come_back_one_by_one(self, http, partner):
        partner.say("GET /a", Said(200, b"", (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))))
        answer = await http.request("GET", f"{partner.url}/a")
        assert [value for name, value in answer.lines if name == "set-cookie"] == ["a=1", "b=2"]
        await http.request("GET", f"{partner.url}/a")
        assert "cookie" not in partner.calls[1].headers

    async def test_a_body_comes_as_it_was_sent(self, http, partner):
        partner.say("GET /a", Said(200, b"\x1f\x8b no gzip at all", (("Content-Encoding", "gzip"),)))
        assert (await http.request("GET", f"{partner.url}/a")).body == b"\x1f\x8b no gzip at all"

    async def test_redirects_are_followed_or_not_as_asked(self, http, partner):
        partner.say("POST /a", Said(303, b"", (("Location", "/b"),)))
        followed = await http.request("POST", f"{partner.url}/a", body=b"x")
        left = await http.request("POST", f"{partner.url}/a", body=b"x", redirects=False)
        assert (followed.status, left.status, left.headers["location"]) == (200, 303, "/b")
        assert [(asked.method, asked.path) for asked in partner.calls] == [
            ("POST", "/a"),
            ("GET", "/b"),
            ("POST", "/a"),
        ]

    async def test_a_call_for_public_targets_never_reaches_a_private_one(self, http, partner):
        await http.request("GET", f"{partner.url}/open")
        for host in ("127.0.0.1", "localhost", "2130706433", "127.1"):
            with pytest.raises((StepFailed, TryAgain)) as refused:
                await http.request("GET", f"http://{host}:{partner.server_port}/", public_only=True)
        assert refused.value.code == "http.forbidden_target"
        assert [asked.path for asked in partner.calls] == ["/open"]

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "nonsense", "http://", "http://user:pw@example.test/"])
    async def test_what_is_no_plain_web_address_is_refused(self, http, url):
        with pytest.raises(StepFailed) as refused:
            await http.request("GET", url)
        assert refused.value.code == "http.bad_url"

    async def test_a_server_that_is_not_there_may_be_tried_again(self, http):
        with pytest.raises(TryAgain) as failed:
            await http.request("GET", "http://127.0.0.1:1/")
        assert failed.value.code == "http.unreachable"

    async def test_a_server_that_says_nothing_is_left_in_time(self, http):
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TryAgain):
            await http.request("GET", f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)

    async def test_an_answer_that_is_too_large_is_refused(self, http, partner):
        partner.say("GET /a", Said(200, b"x" * (11 * 1024 * 1024)))
        with pytest.raises(StepFailed) as refused:
            await http.request("GET", f"{partner.url}/a")
        assert refused.value.code == "http.reply_too_large"

    async def test_an_opened_answer_is_read_as_it_comes_whole_or_not_at_all(self, http, partner):
        large = b"x" * 300_000
        partner.say("POST /a", Said(201, large, (("X-Mark", "1"), ("Location", "/b"))))
        read = await http.open("POST", f"{partner.url}/a", headers={"X-Id": "7"}, body=b"{}", host="shop.example")
        assert (read.status, read.headers["x-mark"], ("location", "/b") in read.lines) == (201, "1", True)
        assert b"".join([chunk async for chunk in read.chunks()]) == large
        await read.close()
        whole = await (await http.open("POST", f"{partner.url}/a")).whole()
        assert (whole.status, whole.body) == (201, large)
        left = await http.open("POST", f"{partner.url}/a")
        await left.close()
        await left.close()
        (asked, _, _) = partner.calls
        assert (asked.body, asked.headers["x-id"], asked.headers["host"]) == (b"{}", "7", "shop.example")

    async def test_an_opened_answer_that_is_taken_whole_is_bounded(self, http, partner):
        partner.say("GET /a", Said(200, b"x" * (11 * 1024 * 1024)))
        with pytest.raises(StepFailed) as refused:
            await (await http.open("GET", f"{partner.url}/a")).whole()
        assert refused.value.code == "http.reply_too_large"

    async def test_an_opened_answer_that_breaks_off_says_so(self, http):
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            for read, code in ((_chunks, "http.broken_off"), (_whole, "http.unreachable")):
                with pytest.raises(TryAgain) as broken:
                    await read(await http.open("GET", url))
                assert broken.value.code == code

    async def test_trailers_of_an_opened_answer_are_no_part_of_it(self, http):
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n")
            writer.write(b"4\r\nbody\r\n0\r\nx-sum: 1\r\n\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            opened = await http.open("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            assert await _chunks(opened) == b"body"
            assert "x-sum" not in opened.headers

    async def test_an_opened_answer_that_is_dropped_gives_its_connection_up(self, http):
        gone = asyncio.Event()

        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n")
            await reader.read()
            gone.set()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            await http.open("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            await asyncio.wait_for(gone.wait(), 10)

    async def test_what_may_not_be_asked_may_not_be_opened(self, http):
        for url, code in (("nonsense", "http.bad_url"), ("http://127.0.0.1:1/", "http.unreachable")):
            with pytest.raises((StepFailed, TryAgain)) as refused:
                await http.open("GET", url)
            assert refused.value.code == code


async def _chunks(opened):
    return b"".join([chunk async for chunk in opened.chunks()])


async def _whole(opened):
    return (await opened.whole()).body
