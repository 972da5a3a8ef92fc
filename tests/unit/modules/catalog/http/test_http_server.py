import pytest
from pydantic import ValidationError

from apps.modules.catalog.http.http_server import HttpServer
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.server")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"address": ":8080"}, ("", 8080)),
        ({"address": "127.0.0.1:9000"}, ("127.0.0.1", 9000)),
        ({"address": "[::1]:9000"}, ("::1", 9000)),
        ({"port": 8085}, ("", 8085)),
        ({"port": "8085"}, ("", 8085)),
        ({"port": 8085, "address": "localhost:1"}, ("localhost", 1)),
    ],
)
def test_the_address_or_the_port_says_where_to_listen(config, expected):
    assert make(HttpServer, config).host_and_port == expected


@pytest.mark.parametrize(
    ("config", "place", "kind"),
    [
        ({}, ("address",), "missing"),
        ({"address": ""}, ("address",), "missing"),
        ({"address": "localhost"}, ("address",), "value_error"),
        ({"address": "localhost:99999"}, ("address",), "value_error"),
        ({"port": 70000}, ("port",), "less_than_equal"),
    ],
)
@pytest.mark.shows("http.server", "failure")
def test_a_missing_or_impossible_address_is_located(config, place, kind):
    with pytest.raises(ValidationError) as refusal:
        make(HttpServer, config)
    assert (place, kind) in [(error["loc"], error["type"]) for error in refusal.value.errors()]


@pytest.mark.spec("D12")
def test_the_timeouts_are_honoured_in_either_spelling_of_a_duration():
    server = make(HttpServer, {"address": ":1", "readTimeout": "1m30s", "writeTimeout": 5})
    assert (server.config.read_timeout, server.config.write_timeout) == (90.0, 5.0)
