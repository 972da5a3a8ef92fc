"""A Kafka cluster of its own process: librdkafka's mock, which speaks the wire protocol and keeps records in memory.

Run as a module it prints the address to begin with and serves until its standard input ends.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

from tests.support.checkout import ROOT

STOP_SECONDS = 10


@contextmanager
def kafka_cluster() -> Iterator[str]:
    """Start a cluster of one broker; give its host:port and end it."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.kafka_cluster"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "the cluster did not start"
            yield address
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(STOP_SECONDS)


def serve() -> None:
    """Have librdkafka serve; its cluster lives as long as the client that it was made with."""
    client = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1})
    broker = next(iter(client.list_topics(timeout=10).brokers.values()))
    sys.stdout.write(f"{broker.host}:{broker.port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    serve()
