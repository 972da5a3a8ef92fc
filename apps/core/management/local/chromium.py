"""The browser for end-to-end tests and screenshots: Debian's Chromium."""

import os
import shutil

from apps.core.management.local.debian import Say, install

SHELL = "chromium-headless-shell"  # the engine without a browser's own windows, for half the processor time
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "chrome")
FONTS = "fonts-liberation"
MISSING = f"no Chromium: install Debian's package {SHELL} or chromium, or name a browser in E2E_CHROMIUM"


def find() -> str | None:
    """The browser that is there, named by E2E_CHROMIUM or on PATH."""
    named = os.environ.get("E2E_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def ensure(say: Say) -> str | None:
    """The browser, installed first when that is possible; None with a message when it is not."""
    found = find() or (find() if install(SHELL, say, FONTS) or install("chromium", say, FONTS) else None)
    if found is None:
        say(MISSING)
    return found
