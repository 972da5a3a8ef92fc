import orjson
import pytest
from pydantic import ValidationError

from apps.engine.module import Effect
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.wires import MESSAGE_ID, Wire, WireMessage
from apps.modules.catalog.messaging.messaging_kafka import MessagingKafka
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("messaging.kafka"), pytest.mark.spec("CAT-B1")]

PLANTED = "planted-4111-1111"


async def wire(unit, **config):
    return await make(MessagingKafka, config, "bank").wire(unit.context())


async def sent(unit, **asked):
    await make(MessagingKafka).run({"topic": "payments", **asked}, unit.context())
    return unit.wires.sent[-1][1]


@pytest.mark.shows("messaging.kafka", "description")
async def test_without_settings_it_is_the_usual_cluster_and_group(unit):
    assert await wire(unit) == Wire("kafka", ("localhost:9092",))
    assert make(MessagingKafka).group("usual") == "workflow-group"


@pytest.mark.parametrize("brokers", ["a:1, b", ["a:1", "b"], ["a:1", "${MORE}"]])
async def test_brokers_are_a_list_or_one_text(unit, brokers):
    unit.secrets.values["MORE"] = "b"
    assert (await wire(unit, brokers=brokers)).addresses == ("a:1", "b:9092")


@pytest.mark.parametrize("key", ["groupId", "groupID"])
def test_the_group_has_two_spellings(key):
    assert make(MessagingKafka, {key: "books"}).group("usual") == "books"


async def test_it_signs_in_with_a_secret_over_tls(unit):
    unit.secrets.values["BANK_PASSWORD"] = "hunter2"
    config = {"username": "me", "password": "${BANK_PASSWORD}", "mechanism": "SCRAM-SHA-256", "tls": True}
    found = await wire(unit, **config)
    assert (found.username, found.password, found.mechanism) == ("me", "hunter2", "SCRAM-SHA-256")
    assert found.is_encrypted
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("brokers", [[], "", ["a b"], ["http://a"], ["a:"], [""]])
def test_brokers_that_are_none_are_refused(brokers):
    with pytest.raises(ValidationError):
        make(MessagingKafka, {"brokers": brokers})


async def test_a_secret_that_is_no_broker_fails_the_step(unit):
    unit.secrets.values["MORE"] = "not a broker"
    with pytest.raises(StepFailed) as failure:
        await wire(unit, brokers=["${MORE}"])
    assert failure.value.code == "broker.bad_address"


async def test_a_record_says_the_id_of_its_message_and_the_key(unit):
    record = await sent(unit, message={"n": 1}, key="k", id="m-1")
    assert (record.body, record.key, record.headers[MESSAGE_ID]) == (b'{"n":1}', "k", "m-1")
    assert MessagingKafka.effect is Effect.IDEMPOTENT


@pytest.mark.spec("CAT-B2")
async def test_with_a_key_a_record_shows_no_planted_value_and_is_read_back(unit):
    unit.secrets.values["ENCRYPTION_KEY"] = "k3y"
    record = await sent(unit, message={"card": PLANTED}, key=PLANTED)
    assert PLANTED not in f"{record.body!r} {record.key!r} {record.headers!r}"
    assert list(orjson.loads(record.body)) == ["_encrypted"]
    assert orjson.loads(record.body)["_encrypted"].startswith("enc::")
    assert await make(MessagingKafka).opened(record, unit.context()) == {"card": PLANTED}


async def test_with_a_key_the_same_key_stays_in_the_same_partition(unit):
    unit.secrets.values["ENCRYPTION_KEY"] = "k3y"
    keys = [(await sent(unit, key=key)).key for key in ("a", "a", "b", None)]
    assert keys[0] == keys[1] != keys[2]
    assert keys[3] is None


@pytest.mark.shows("messaging.kafka", "failure")
async def test_what_another_key_encrypted_is_refused_and_a_silent_cluster_is_degraded(unit):
    unit.secrets.values["ENCRYPTION_KEY"] = "k3y"
    record = await sent(unit, message=1)
    unit.secrets.values["ENCRYPTION_KEY"] = "another"
    with pytest.raises(StepFailed) as failure:
        await make(MessagingKafka).opened(record, unit.context())
    assert failure.value.code == "broker.undecipherable"
    unit.wires.script.append(TryAgain("nobody answers", code="broker.unreachable"))
    assert await make(MessagingKafka).health(unit.context()) == ("degraded", "nobody answers")


@pytest.mark.parametrize("body", [b'{"n":1}', b"plain", b'{"_encrypted":1}', b'{"_encrypted":"enc::AAAA"}'])
async def test_without_a_key_what_comes_is_taken_as_it_is(unit, body):
    found = await make(MessagingKafka).opened(WireMessage("payments", body), unit.context())
    assert found == (orjson.loads(body) if body.startswith(b"{") else body.decode())


@pytest.mark.spec("CAT-B2.15")
async def test_all_brokers_may_be_one_secret(unit):
    unit.secrets.values["KAFKA_BROKERS"] = "a:1, b"
    assert (await wire(unit, brokers="secret://kafka.brokers")).addresses == ("a:1", "b:9092")
