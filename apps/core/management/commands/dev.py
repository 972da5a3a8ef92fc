"""``manage.py dev``: the whole product on this machine, from one command."""

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.management.local.banner import banner
from apps.core.management.local.binaries import NoBinaries
from apps.core.management.local.frontend import FrontendFailed
from apps.core.management.local.output import Output
from apps.core.management.local.postgres import PostgresFailed
from apps.core.management.local.product import Choices, NotConfigured, Product
from apps.core.management.local.remembered import AlreadyRunning, Lock
from apps.core.management.local.supervisor import StartFailed, Stopped, Supervisor

EXPECTED = (NoBinaries, FrontendFailed, PostgresFailed, NotConfigured, StartFailed)


class Command(BaseCommand):
    """Starts Postgres, Redis, web, worker and beat, seeds two tenants, and keeps everything running."""

    help = "Run the whole product on this machine until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """What a person may want differently."""
        parser.add_argument("--quiet", action="store_true", help="no demo traffic")
        parser.add_argument("--host", default=settings.ENV.web_host)
        parser.add_argument("--port", type=int, default=settings.ENV.web_port)
        parser.add_argument("--server", choices=("uvicorn", "daphne"), default=settings.ENV.server)
        parser.add_argument("--folder", type=Path, default=settings.BASE_DIR / ".weft" / "dev", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Own the folder, start, watch, stop."""
        output = Output()
        folder: Path = options["folder"].resolve()
        lock = Lock(folder / "lock")
        try:
            lock.take()
        except AlreadyRunning as owner:
            raise CommandError(f"the product of this checkout is already running (process {owner})") from None
        choices = Choices(
            root=settings.BASE_DIR,
            folder=folder,
            host=options["host"],
            port=options["port"],
            quiet=options["quiet"],
            server=options["server"],
            given=settings.GIVEN,
        )
        try:
            _run(choices, output)
        finally:
            lock.release()


def _run(choices: Choices, output: Output) -> None:
    supervisor = Supervisor(output)
    supervisor.listen()
    product = Product(choices, supervisor, output)
    try:
        product.start()
        product.note_state()
        output.plain(banner(product.url, product.environment))
        supervisor.watch(product.note_state)
    except Stopped:
        output.say("stopped while starting")
    except EXPECTED as problem:
        raise CommandError(str(problem)) from None
    finally:
        output.say("stopping ...")
        product.close_door()
        supervisor.stop()
        product.forget_state()
        output.say("stopped; nothing is left running")
