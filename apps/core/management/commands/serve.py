"""``manage.py serve``: one web process, as production runs it."""

import argparse
import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn
from daphne.endpoints import build_endpoint_description_strings
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from apps.core.management.lifespan import LifespanFailed

STARTUP_FAILURE = 3  # the status that uvicorn itself ends with


class Command(BaseCommand):
    """Serves portal, API, sockets and tenants' traffic until it is told to stop; then drains."""

    help = "Run one web process on WEB_HOST:WEB_PORT with the server named by SERVER."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The environment says where; the options are for trying things."""
        parser.add_argument("--host", default=settings.ENV.web_host)
        parser.add_argument("--port", type=int, default=settings.ENV.web_port)
        parser.add_argument("--fd", type=int, help="a listening socket that was inherited, instead of host and port")
        parser.add_argument("--server", choices=("uvicorn", "daphne"), default=settings.ENV.server)

    def handle(self, *args: Any, **options: Any) -> None:
        """Hand over to the chosen server."""
        serve = _uvicorn if options["server"] == "uvicorn" else _daphne
        serve(options["host"], options["port"], options["fd"])


def _uvicorn(host: str, port: int, inherited: int | None) -> None:
    config = uvicorn.Config(
        settings.ASGI_TARGET,
        host=host,
        port=port,
        loop="uvloop",
        http=settings.HTTP_PROTOCOL,
        ws="websockets-sansio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.DRAIN_SECONDS,
        h11_max_incomplete_event_size=64 * 1024,
    )
    config.load()
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=None if inherited is None else [socket.socket(fileno=inherited)])
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _daphne(host: str, port: int, inherited: int | None) -> None:
    from apps.core.management.daphne_server import DrainingServer  # noqa: PLC0415 - it installs Twisted's event loop

    server = DrainingServer(
        application=import_string(settings.ASGI_APPLICATION),
        endpoints=build_endpoint_description_strings(host=host, port=port)
        if inherited is None
        else build_endpoint_description_strings(file_descriptor=inherited),
    )
    try:
        server.run()
    except LifespanFailed as refusal:
        raise CommandError(str(refusal)) from refusal
    if server.abort_start:
        raise CommandError(f"cannot listen on {host}:{port}")
