"""What is wrong with this machine for running the product, and what to do about it."""

import base64
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from apps.core.management.local import chromium
from apps.core.management.local.binaries import NoBinaries, place_postgres
from apps.core.management.local.frontend import FrontendFailed, npm_command
from apps.core.management.local.ports import is_free
from apps.core.management.local.redis import find_server

OLDEST_PYTHON = (3, 11)
KEY_BYTES = 32
LEAST_FREE_BYTES = 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``needed`` says whether the product does without it."""

    name: str
    fine: bool
    text: str
    needed: bool = True


def diagnose(root: Path, port: int, given: Mapping[str, str]) -> list[Finding]:
    """Look at everything that `dev` and `test` rely on."""
    looks: list[Callable[[], Finding]] = [
        _python,
        lambda: _disk(root),
        lambda: _writable(root),
        lambda: _postgres(root, given),
        lambda: _redis(given),
        lambda: _keys(given),
        _node,
        _chromium,
        lambda: _port(port),
    ]
    return [look() for look in looks]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= OLDEST_PYTHON, f"{found} at {sys.executable}")


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    return Finding("disk", free >= LEAST_FREE_BYTES, f"{free / 1024**3:.1f} GiB free; at least 1 is needed")


def _writable(root: Path) -> Finding:
    fine = os.access(root, os.W_OK)
    return Finding("checkout", fine, str(root) if fine else f"{root} cannot be written to; .weft and .venv go there")


def _postgres(root: Path, given: Mapping[str, str]) -> Finding:
    if given.get("DATABASE_URL"):
        return Finding("postgres", True, "a real server, by DATABASE_URL")
    try:
        place = place_postgres(root / ".weft" / "doctor")
    except (NoBinaries, OSError) as problem:
        return Finding("postgres", False, str(problem))
    finally:
        shutil.rmtree(root / ".weft" / "doctor", ignore_errors=True)
    ways = {True: "as nobody", False: "in a user namespace" if place.identity.wrapper else "as you"}
    return Finding("postgres", True, f"embedded, runs {ways[place.identity.drop]}")


def _redis(given: Mapping[str, str]) -> Finding:
    if given.get("REDIS_URL"):
        return Finding("redis", True, "a real server, by REDIS_URL")
    try:
        return Finding("redis", True, str(find_server(lambda _text: None, may_install=False)))
    except NoBinaries as problem:
        return Finding("redis", False, str(problem))


def _keys(given: Mapping[str, str]) -> Finding:
    """Development makes its own; beyond it payloads must not hang on the key that signs sessions."""
    configured = [key.strip() for key in given.get("ENCRYPTION_KEYS", "").split(",") if key.strip()]
    if not configured and not given.get("DATABASE_URL"):
        return Finding("keys", True, "dev makes its own encryption key")
    if not configured:
        said = "ENCRYPTION_KEYS is not set: what tenants store would hang on SECRET_KEY; set base64 of 32 random bytes"
        return Finding("keys", False, said)
    if not all(map(_is_key, configured)):
        return Finding("keys", False, "ENCRYPTION_KEYS must be base64 of 32 bytes each, separated by commas")
    return Finding("keys", True, f"{len(configured)} encryption keys; the first one writes")


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except ValueError:
        return False


def _node() -> Finding:
    try:
        return Finding("node", True, npm_command()[0])
    except FrontendFailed as problem:
        return Finding("node", False, str(problem))


def _chromium() -> Finding:
    found = chromium.find()
    return Finding("chromium", found is not None, found or f"{chromium.MISSING} (browser tests only)", needed=False)


def _port(port: int) -> Finding:
    fine = is_free(port)
    return Finding("port", fine, f"{port} is {'free' if fine else 'taken; dev will pick the next one'}", needed=False)
