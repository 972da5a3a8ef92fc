"""Debian packages that the machine lacks: installed when we are root, otherwise named."""

import os
import shutil
import subprocess
from collections.abc import Callable

Say = Callable[[str], None]


def may_install() -> bool:
    """Whether this process may add packages to the machine."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str, say: Say, *also: str) -> bool:
    """Install one package and what it needs, and others beside it; false when it may not or could not be done.

    What Debian only recommends is left out: with Chromium that would be a hundred packages of a desktop.
    """
    if not may_install():
        return False
    say(f"installing the Debian package {package} ...")
    packages = ("install", "-y", "-qq", "--no-install-recommends", package, *also)
    return _apt("update", "-qq") == 0 and _apt(*packages) == 0


def _apt(*arguments: str) -> int:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # servers are not started
    done = subprocess.run(["apt-get", *arguments], env=environment, stdout=subprocess.DEVNULL, check=False)
    return done.returncode
