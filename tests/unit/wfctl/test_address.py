"""Where `wfctl run` listens."""

import pytest

from apps.engine.document import load
from apps.wfctl.address import Address, BadAddress, address_of, parse_address

pytestmark = pytest.mark.spec("SPINE-B9")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8080", Address("127.0.0.1", 8080)),
        ("8080", Address("127.0.0.1", 8080)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:8080", Address("::1", 8080)),
    ],
)
def test_an_address_without_a_host_is_the_loopback(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "localhost", ":http", ":70000", "::1:8080", "host:-1", ":٣"])
def test_what_cannot_be_listened_on_is_refused_by_name(text):
    with pytest.raises(BadAddress, match="is not an address"):
        parse_address(text)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (Address("0.0.0.0", 80), "http://127.0.0.1:80"),
        (Address("::1", 81), "http://[::1]:81"),
        (Address("localhost", 82), "http://localhost:82"),
    ],
)
def test_the_url_can_be_opened_on_this_machine(address, url):
    assert address.url == url


def test_the_document_s_server_says_where():
    text = "modules:\n  - {name: a, type: http.router}\n  - {name: b, type: http.server, config: {address: ':9001'}}\n"
    document = load(text).document
    assert address_of(document) == Address("127.0.0.1", 9001)


def test_a_port_is_enough_of_an_address():
    document = load("modules: [{name: a, type: http.server, config: {port: 9002}}]\n").document
    assert address_of(document) == Address("127.0.0.1", 9002)


def test_a_document_without_a_server_is_served_on_the_usual_port():
    assert address_of(load("modules: []\n").document) == Address("127.0.0.1", 8080)
