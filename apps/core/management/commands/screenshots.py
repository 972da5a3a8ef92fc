"""``manage.py screenshots OUT``: every page of the portal in both themes and two widths, to be looked at."""

import argparse
import json
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from playwright.sync_api import Browser, sync_playwright

from apps.core.management.local import browsing, chromium
from apps.core.management.local.demo import CAST, PASSWORD


class Command(BaseCommand):
    """Takes the pictures from a running product."""

    help = "Take a picture of every page of a running product, light and dark, 1440 and 375 wide."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Without options: the product that `dev` runs in this checkout, as the first demo tenant's owner."""
        first = CAST[0]
        parser.add_argument("out", type=Path)
        parser.add_argument("--url", help="address of the running product")
        parser.add_argument("--tenant", default=first.slug)
        parser.add_argument("--email", default=first.email)
        parser.add_argument("--password", default=PASSWORD)
        parser.add_argument("--only", default="", help="pages whose name begins with this")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sign in once, find the pages, take each four times."""
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        url = options["url"] or _running()
        executable = chromium.ensure(self.stderr.write)
        if executable is None:
            raise CommandError(chromium.MISSING)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable)
            cookies, shots = self._found(browser, url, options)
            for look, context in browsing.contexts(browser, url, cookies):
                page = context.new_page()
                for shot in shots:
                    browsing.take(page, shot, str(out / f"{shot.name}.{look}.png"))
            for look, context in browsing.contexts(browser, url, []):
                page = context.new_page()
                for shot in _wanted(browsing.public_shots(), options["only"]):
                    browsing.take(page, shot, str(out / f"{shot.name}.{look}.png"))
            browser.close()
        self.stdout.write(f"{len(list(out.glob('*.png')))} pictures in {out}")

    def _found(self, browser: Browser, url: str, options: dict[str, Any]) -> tuple[Any, list[browsing.Shot]]:
        context = browser.new_context(base_url=url)
        page = context.new_page()
        browsing.sign_in(page, options["email"], options["password"])
        shots = _wanted(list(browsing.tenant_shots(page, options["tenant"])), options["only"])
        cookies = context.cookies()
        context.close()
        return cookies, shots


def _wanted(shots: list[browsing.Shot], only: str) -> list[browsing.Shot]:
    return [shot for shot in shots if shot.name.startswith(only)]


def _running() -> str:
    """Return the address that `dev` wrote down, when something answers there."""
    try:
        state = json.loads((settings.BASE_DIR / ".weft" / "dev.json").read_text(encoding="utf-8"))
        url = str(state["base_url"])
        urlopen(f"{url}/live", timeout=5).close()  # noqa: S310 - an address of our own
    except (OSError, KeyError, ValueError, URLError) as problem:
        raise CommandError("Nothing runs here: start `manage.py dev` first, or give --url.") from problem
    return url
