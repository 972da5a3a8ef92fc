"""`manage.py serve` says in one sentence why it does not serve."""

import socket

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.core.changes import listener
from apps.runs.adapters.threads import in_thread

pytestmark = pytest.mark.spec("SPINE-B1", "SPINE-B3")


@pytest.fixture(autouse=True)
def _listening():
    """End what a web process leaves running until it is over."""
    yield
    listener.stop()


async def serve_on_daphne(*arguments):
    """Call the command in a thread: an event loop belongs to the server, and this one is the test's."""
    await in_thread(call_command, "serve", "--server", "daphne", *arguments)


async def test_daphne_is_not_started_over_a_database_that_would_not_keep_tenants_apart(database, two_tenants, settings):
    settings.DATABASE_OWNER_URL = database.url("owner")
    with pytest.raises(CommandError, match=r"^DATABASE_OWNER_URL is set"):
        await serve_on_daphne()


async def test_daphne_says_that_its_port_is_taken(database, two_tenants):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"^cannot listen on 127.0.0.1:{port}$"):
            await serve_on_daphne("--port", str(port))
