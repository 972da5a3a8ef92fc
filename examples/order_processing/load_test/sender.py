"""Send orders in parallel; what got no answer is sent again with the same key."""

import http.client
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from examples.order_processing.load_test.orders import Order
from examples.order_processing.load_test.product import Product

PAUSE_SECONDS = 0.3
GIVE_UP_SECONDS = 120.0  # one order's patience: several restarts of the product fit in
RETRIED_STATUSES = {409, 429, 502, 503, 504}  # 409: the first try of this key is still under way


@dataclass(frozen=True, slots=True)
class Reply:
    """The final answer to one order; `status` 0 when none came in time."""

    status: int
    body: bytes
    tries: int


class Client:
    """One connection to the product, opened again whenever it breaks."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._connection: http.client.HTTPConnection | None = None

    def send(self, order: Order) -> Reply:
        """Send one order until it is answered, with the same key each time."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        tries = 0
        while time.monotonic() < deadline:
            tries += 1
            try:
                status, body = self.once(order)
            except (OSError, http.client.HTTPException):
                self.close()
                time.sleep(PAUSE_SECONDS)
                continue
            if status not in RETRIED_STATUSES:
                return Reply(status, body, tries)
            time.sleep(PAUSE_SECONDS)
        return Reply(0, b"", tries)

    def close(self) -> None:
        """Hang up; the next order opens the connection again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def once(self, order: Order) -> tuple[int, bytes]:
        """Send one order and return status and body of the answer."""
        if self._connection is None:
            address = self._product.address
            self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        headers = {"content-type": "application/json", "idempotency-key": order.key}
        self._connection.request("POST", self._product.path(order.tenant), body=order.body, headers=headers)
        response = self._connection.getresponse()
        return response.status, response.read()


def send_all(
    product: Product,
    orders: Sequence[Order],
    parallel: int,
    *,
    on_progress: Callable[[int], None],
    client: type[Client] = Client,
) -> list[Reply]:
    """Send every order; `on_progress(n)` is called from one thread each time n orders have been answered.

    Each of the `parallel` threads has a `client` of its own.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    answered: queue.SimpleQueue[int] = queue.SimpleQueue()
    replies: list[Reply] = [Reply(0, b"", 0)] * len(orders)
    for number in range(len(orders)):
        waiting.put(number)

    def work() -> None:
        sender = client(product)
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                sender.close()
                return
            replies[number] = sender.send(orders[number])
            answered.put(number)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(parallel)]
    for thread in threads:
        thread.start()
    for done in range(1, len(orders) + 1):
        answered.get()
        on_progress(done)
    for thread in threads:
        thread.join()
    return replies
