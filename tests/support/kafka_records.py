"""Records of a test's Kafka cluster, written and read by librdkafka, which is not the product's client."""

import uuid

from confluent_kafka import Consumer, Message, Producer

PATIENCE_SECONDS = 20.0


def put_record(address: str, topic: str, value: bytes, key: bytes | None = None) -> None:
    """Write one record as somebody else does."""
    producer = Producer({"bootstrap.servers": address})
    producer.produce(topic, value=value, key=key)
    assert producer.flush(PATIENCE_SECONDS) == 0


def records_of(address: str, topic: str, count: int) -> list[Message]:
    """Return the first records of a topic, from its beginning."""
    settings = {"bootstrap.servers": address, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    try:
        consumer.subscribe([topic])
        found: list[Message] = []
        while len(found) < count:
            record = consumer.poll(PATIENCE_SECONDS)
            assert record is not None, f"{len(found)} of {count} records in {topic}"
            assert record.error() is None, record.error()
            found.append(record)
        return found
    finally:
        consumer.close()
