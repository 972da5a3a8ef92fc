"""Which addresses the product may call for a tenant; the servers called are real ones on loopback."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from apps.core.outbound import LARGEST_REPLY, Outbound
from apps.engine.addresses import AllowList, is_public
from apps.engine.outcome import StepFailed, TryAgain


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_address_of_our_own_network_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_an_address_out_in_the_world_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_the_allow_list_takes_hosts_ports_addresses_and_networks() -> None:
    allow = AllowList(["hooks.internal", "db.internal:8080", "10.0.0.0/8", "192.168.1.5"])
    assert allow.names("HOOKS.internal", 443)
    assert [allow.names("db.internal", port) for port in (8080, 22)] == [True, False]
    held = [allow.holds(ipaddress.ip_address(text)) for text in ("10.9.9.9", "192.168.1.5", "192.168.1.6", "::1")]
    assert held == [True, True, False, False]


Answer = Callable[[bytes], bytes]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[tuple[int, list[bytes]]]:
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        writer.write(answer(head))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], seen


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def outbound(*allow: str) -> AsyncIterator[Outbound]:
    made = Outbound(allow)
    yield made
    await made.close()


async def test_an_exchange_carries_method_headers_and_body() -> None:
    async with (
        server(lambda head: reply("201 Created", b"yes", "X-Mark: 1")) as (port, seen),
        outbound("127.0.0.1") as http,
    ):
        answer = await http.request(
            "post", f"http://127.0.0.1:{port}/a?b=c", headers={"X-Id": "7", "Host": "evil"}, body=b"{}"
        )
    assert (answer.status, answer.body, answer.headers["x-mark"]) == (201, b"yes", "1")
    assert seen[0].startswith(b"POST /a?b=c HTTP/1.1")
    assert b"x-id: 7" in seen[0].lower()
    assert f"host: 127.0.0.1:{port}".encode() in seen[0].lower()
    assert b"evil" not in seen[0]


@pytest.mark.spec("D29")
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    async with server(lambda head: reply("200 OK")) as (port, seen), outbound() as http:
        with pytest.raises((StepFailed, TryAgain)):
            await http.request("GET", f"http://{host}:{port}/")
    assert seen == []


@pytest.mark.spec("D29")
async def test_a_private_target_is_a_final_failure() -> None:
    async with outbound() as http:
        with pytest.raises(StepFailed) as refused:
            await http.request("GET", "http://169.254.169.254/latest/meta-data/")
    assert refused.value.code == "http.forbidden_target"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.test/", "http://", "http://user:pw@example.test/", "http://x:99999/"]
)
async def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    async with outbound() as http:
        with pytest.raises(StepFailed) as refused:
            await http.request("GET", url)
    assert refused.value.code == "http.bad_url"


@pytest.mark.spec("D29")
async def test_a_redirect_into_our_network_is_refused() -> None:
    location = "Location: http://169.254.169.254/"
    async with server(lambda head: reply("302 Found", b"", location)) as (port, _), outbound("127.0.0.1") as http:
        with pytest.raises(StepFailed) as refused:
            await http.request("GET", f"http://127.0.0.1:{port}/")
    assert refused.value.code == "http.forbidden_target"


async def test_credentials_do_not_follow_a_redirect_to_another_host() -> None:
    async with server(lambda head: reply("200 OK")) as (other, seen):
        location = f"Location: http://localhost:{other}/b"
        async with (
            server(lambda head: reply("307 Temporary Redirect", b"", location)) as (port, _),
            outbound("127.0.0.1", "localhost", "::1") as http,
        ):
            await http.request("GET", f"http://127.0.0.1:{port}/", headers={"Authorization": "Bearer x", "X-Keep": "1"})
    assert b"authorization" not in seen[0].lower()
    assert b"x-keep: 1" in seen[0].lower()


async def test_endless_redirects_end() -> None:
    async with (
        server(lambda head: reply("302 Found", b"", "Location: /again")) as (port, seen),
        outbound("127.0.0.1") as http,
    ):
        with pytest.raises(StepFailed) as refused:
            await http.request("GET", f"http://127.0.0.1:{port}/")
    assert (refused.value.code, len(seen)) == ("http.too_many_redirects", 6)


async def test_a_reply_without_end_is_cut_off() -> None:
    body = b"x" * (LARGEST_REPLY + 1)
    async with server(lambda head: reply("200 OK", body)) as (port, _), outbound("127.0.0.1") as http:
        with pytest.raises(StepFailed) as refused:
            await http.request("GET", f"http://127.0.0.1:{port}/")
    assert refused.value.code == "http.reply_too_large"


async def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    async with outbound("127.0.0.1") as http:
        with pytest.raises(TryAgain) as failed:
            await http.request("GET", "http://127.0.0.1:1/")
    assert failed.value.code == "http.unreachable"


async def test_a_server_that_says_nothing_is_left_in_time() -> None:
    async with outbound("127.0.0.1") as http:
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TryAgain):
            await http.request("GET", f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)
