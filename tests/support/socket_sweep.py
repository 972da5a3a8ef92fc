"""Every socket and every message that it takes, aimed at one tenant's rows from another tenant's session.

A consumer names the permission of each message in `permissions: dict[str, str]`, as views do for methods.
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from apps.runs.adapters.threads import in_thread
from apps.runs.consumers.urls import urlpatterns
from tests.support.database import TestDatabase
from tests.support.isolation import Examples, Sweep
from tests.support.table_sweep import Witness
from tests.support.tenants import TenantFixture

PLACE = re.compile(r"<(?:\w+:)?tenant>")
ANSWER_SECONDS = 1.0


@dataclass(frozen=True)
class Socket:
    """One socket route with the permission of each message type."""

    pattern: str
    callback: Any
    permissions: dict[str, str | None]


def sockets(patterns: list[Any] | None = None) -> list[Socket]:
    """List the product's sockets, or those of `patterns`."""
    found = []
    for entry in urlpatterns if patterns is None else patterns:
        consumer = getattr(entry.callback, "consumer_class", entry.callback)
        found.append(Socket(str(entry.pattern), entry.callback, getattr(consumer, "permissions", {"": None})))
    return found


async def sweep_sockets(
    database: TestDatabase, a: TenantFixture, b: TenantFixture, known: Examples, patterns: list[Any] | None = None
) -> Sweep:
    """Open each socket at A's address, then at B's own with messages that carry A's ids."""
    sweep = Sweep("sockets")
    listed = sockets(patterns)
    application = URLRouter(urlpatterns if patterns is None else patterns)
    witness = Witness(database, a.id)
    for socket in listed:
        sweep.count += 1
        if await _opens(application, _path(socket, a), b):
            sweep.breaches.append(f"socket {socket.pattern} opens at another tenant's address")
        for kind, permission in socket.permissions.items():
            if permission is None:
                sweep.uncovered.append(f"socket {socket.pattern} message {kind!r} names no permission")
                continue
            example = known.sockets.get((socket.pattern, kind))
            if example is None:
                sweep.uncovered.append(f"socket {socket.pattern} message {kind!r}: no example")
                continue
            message = await in_thread(example.message, a)
            answers = await _talk(application, _path(socket, b), b, message)
            if tell := [mark for mark in (a.slug, str(a.id), a.owner.email) if mark in answers]:
                sweep.breaches.append(f"socket {socket.pattern} message {kind!r} tells {tell}")
    sweep.breaches += [f"sockets changed {table}" for table in witness.changed()]
    witness.close()
    return sweep


def _path(socket: Socket, tenant: TenantFixture) -> str:
    return "/" + PLACE.sub(tenant.slug, socket.pattern)


def _communicator(application: Any, path: str, tenant: TenantFixture) -> WebsocketCommunicator:
    made = WebsocketCommunicator(application, path)
    made.scope["user"] = tenant.owner
    return made


async def _opens(application: Any, path: str, tenant: TenantFixture) -> bool:
    communicator = _communicator(application, path, tenant)
    accepted, _ = await communicator.connect(timeout=5)
    await communicator.disconnect()
    return bool(accepted)


async def _talk(application: Any, path: str, tenant: TenantFixture, message: Any) -> str:
    """Send one message and return everything that comes back within a second of quiet, as text."""
    communicator = _communicator(application, path, tenant)
    accepted, _ = await communicator.connect(timeout=5)
    assert accepted, f"{path} refuses its own tenant"
    await communicator.send_to(text_data=orjson.dumps(message).decode())
    heard = ""
    while not await communicator.receive_nothing(timeout=ANSWER_SECONDS):
        heard += str(await communicator.receive_output(timeout=ANSWER_SECONDS))
    await communicator.disconnect()
    return heard
