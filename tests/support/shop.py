"""The shop of `examples/shop/`: its partners, started for a test, and the shop itself, put live in tenants."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from examples.shop.partners import Book, make_server
from tests.support.checkout import ROOT
from tests.support.hosted import HostedTenant
from tests.support.serving_thread import in_a_thread

SHOP = ROOT / "examples" / "shop"
INSTALL_SECONDS = 120.0


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
    with in_a_thread(server):
        yield Partners(f"127.0.0.1:{server.server_port}", book)


def install(tenant: HostedTenant, partners: Partners) -> str:
    """Run the one command that puts the shop live in a tenant; return where the page is."""
    command = [sys.executable, str(SHOP / "install.py"), "--url", tenant.url, "--partners", partners.url]
    environment = {**os.environ, "WEFT_API_KEY": tenant.key}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].rpartition(" ")[2]


def close_shop(tenant: HostedTenant) -> None:
    """Take the shop out of all environments."""
    for row in tenant.items("workflows"):
        if row["slug"] == "shop" or row["slug"].startswith("shop-"):
            tenant.workflow(row["slug"]).retire()
