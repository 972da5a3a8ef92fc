"""Which Redis server a text means."""

import pytest

from apps.engine.redis_address import RedisServer, server_at

pytestmark = pytest.mark.spec("cache.modular")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("redis://shelf", RedisServer("shelf")),
        ("shelf:7000", RedisServer("shelf", 7000)),
        (" redis://shelf:7000/2 ", RedisServer("shelf", 7000, 2)),
        ("rediss://[::1]/", RedisServer("::1", is_encrypted=True)),
        ("redis://:p%40ss@shelf/0", RedisServer("shelf", password="p@ss")),
        ("redis://ann:secret@shelf", RedisServer("shelf", username="ann", password="secret")),
    ],
)
def test_an_address_is_read_as_other_clients_read_it(url, server):
    assert server_at(url, connection_seconds=0) == server


def test_what_is_said_beside_the_address_wins():
    found = server_at("redis://:old@shelf/2", password="new", database=0, connection_seconds=60)
    assert found == RedisServer("shelf", 6379, 0, password="new", connection_seconds=60)


@pytest.mark.parametrize(
    "url",
    ["", "http://:p4ss@shelf", "redis://:p4ss@shelf/a", "http://shelf", "redis://", "redis://shelf:x", "redis://shelf:0",
     "redis://shelf:99999", "redis://shelf/1/2", "redis://shelf/-1", "redis://shelf/99999999999", "redis://[shelf"],
)  # fmt: skip
def test_an_address_of_no_server_is_refused_without_being_repeated(url):
    with pytest.raises(ValueError, match="the redisURL") as refused:
        server_at(url, connection_seconds=0)
    assert "p4ss" not in str(refused.value)


def test_credentials_are_not_shown():
    assert "secret" not in repr(server_at("redis://ann:secret@shelf", connection_seconds=0))
