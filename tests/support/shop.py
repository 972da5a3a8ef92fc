"""The shop of `examples/shop/`: its partners, started for a test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from examples.shop.partners import Book, make_server
from tests.support.checkout import ROOT

SHOP = ROOT / "examples" / "shop"


@dataclass(frozen=True)
class Partners:
    """Bank and carrier, where they listen and what they have taken."""

    address: str
    book: Book

    @property
    def url(self) -> str:
        """Where they are called."""
        return f"http://{self.address}"

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of the documents that call them."""
        return {"SHOP_BANK_URL": self.url, "SHOP_CARRIER_URL": self.url}

    def taken(self, kind: str, order: str) -> list[dict[str, object]]:
        """Return the payments, refunds or parcels of one order."""
        return [entry for entry in self.book.as_dict()[kind] if entry["orderId"] == order]


@contextmanager
def bank_and_carrier() -> Iterator[Partners]:
    """Let the partners listen on a port of their own."""
    book = Book()
    server = make_server("127.0.0.1", 0, book)
    thread = threading.Thread(target=server.serve_forever, name="bank and carrier")
    thread.start()
    try:
        yield Partners(f"127.0.0.1:{server.server_port}", book)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
