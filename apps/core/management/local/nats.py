"""The NATS server that tests speak to: one from PATH, else Debian's."""

import os
import shutil

from apps.core.management.local.debian import Say, install

NAME = "nats-server"
PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
MISSING = "no NATS server: install Debian's package nats-server"


def find() -> str | None:
    """The server that is there."""
    return shutil.which(NAME, path=PLACES)


def ensure(say: Say) -> str | None:
    """The server, installed first when that is possible; None with a message when it is not."""
    found = find() or (find() if install(NAME, say) else None)
    if found is None:
        say(MISSING)
    return found
