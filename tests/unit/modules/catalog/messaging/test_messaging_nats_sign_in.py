"""`messaging.nats` signs in by password or token, and speaks TLS, with Debian's nats-server over real connections."""

import pytest

from apps.engine.local.wiring import LiveWires
from apps.engine.outcome import TryAgain
from apps.modules.catalog.messaging.messaging_nats import MessagingNats
from tests.support.certificates import make_certificates
from tests.support.nats_server import nats_server
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("messaging.nats"), pytest.mark.proven("messaging.nats", "nats-server")]

MESSAGE = {"topic": "parcels.new", "message": {"n": 1}}


@pytest.fixture
async def wires(unit):
    unit.wires = LiveWires(lambda host, port, address: True)
    yield unit.wires
    await unit.wires.close()


@pytest.fixture
def certificates(tmp_path, monkeypatch):
    """Return a server's certificate for this machine, from an authority that is trusted."""
    made = make_certificates(tmp_path, "localhost", "127.0.0.1")
    for name, value in made.trusted.items():
        monkeypatch.setenv(name, value)
    return made


async def heard_back(wires, unit, url):
    """Publish and return what a listener at the same address hears."""
    post = make(MessagingNats, {"url": url})
    async with wires.listen(await post.wire(unit.context()), ["parcels.*"], group="g") as line:
        assert await post.run(MESSAGE, unit.context()) == {"topic": "parcels.new"}
        assert await post.health(unit.context()) == ("healthy", "")
        return [message.body for message in await line.receive()]


async def refusal(unit, url):
    """Return why a publication does not come about; a server that refuses is waited for like one that is away."""
    with pytest.raises(TryAgain) as failure:
        await make(MessagingNats, {"url": url}).run(MESSAGE, unit.context())
    assert failure.value.code == "broker.unreachable"
    return failure.value.message


async def test_a_password_lets_in_and_a_wrong_one_or_none_does_not(wires, unit):
    with nats_server(password="p@ss") as address:
        assert await heard_back(wires, unit, f"nats://tester:p%40ss@{address}") == [b'{"n":1}']
        for url in (f"nats://tester:wr0ng@{address}", f"nats://other:p%40ss@{address}", f"nats://{address}"):
            assert "wr0ng" not in await refusal(unit, url)


async def test_a_token_lets_in_and_a_wrong_one_or_none_does_not(wires, unit):
    with nats_server(token="s3cr3t") as address:
        assert await heard_back(wires, unit, f"nats://s3cr3t@{address}") == [b'{"n":1}']
        for url in (f"nats://wr0ng@{address}", f"nats://{address}"):
            assert "wr0ng" not in await refusal(unit, url)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_tls_is_spoken_with_a_server_whose_certificate_is_trusted(wires, unit, certificates, name):
    with nats_server(certificates=certificates, password="pass") as address:
        port = address.rpartition(":")[2]
        assert await heard_back(wires, unit, f"tls://tester:pass@{name}:{port}") == [b'{"n":1}']


async def test_a_certificate_of_another_authority_or_name_is_refused(wires, unit, certificates, tmp_path_factory):
    elsewhere = make_certificates(tmp_path_factory.mktemp("elsewhere"), "127.0.0.1")
    with nats_server(certificates=elsewhere) as address:
        assert "CERTIFICATE_VERIFY_FAILED" in await refusal(unit, f"tls://{address}")
    with nats_server(certificates=make_certificates(certificates.authority.parent, "other.example")) as address:
        assert "127.0.0.1" in await refusal(unit, f"tls://{address}")


async def test_a_server_without_tls_gets_no_password_where_tls_was_asked_for(wires, unit, tmp_path):
    with nats_server(password="pass") as address:
        assert "does not speak TLS" in await refusal(unit, f"tls://tester:pass@{address}")
