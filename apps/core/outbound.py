"""The one way out of the product: HTTP that cannot be turned against the product's own network.

What is resolved, checked and capped stands in `engine/local/outbound.py`; here is which private targets may be reached:
those with an entry in `OUTBOUND_ALLOW`: a host, host:port, address or network.
"""

from collections.abc import Iterable

from django.conf import settings

from apps.engine.addresses import AllowList
from apps.engine.local.outbound import HttpClient

LARGEST_REPLY = 5 * 1024 * 1024


class Outbound(HttpClient):
    """The `Http` port of the hosted product; keeps its connections, so one belongs to one event loop."""

    def __init__(self, allow: Iterable[str] | None = None) -> None:
        allowed = AllowList(settings.OUTBOUND_ALLOW if allow is None else allow)
        super().__init__(allowed.admits, largest=LARGEST_REPLY)
