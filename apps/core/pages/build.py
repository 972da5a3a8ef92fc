"""Finds the files that the frontend's build made, by its manifest."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage

MANIFEST = "build/manifest.json"
ENTRY = "portal/src/main.ts"


def entry_files() -> tuple[list[str], list[str]]:
    """Return the addresses of the styles and scripts of the portal's entry; none when nothing was built."""
    place = _manifest()
    if place is None:
        return [], []
    entry = _read(str(place), place.stat().st_mtime_ns).get(ENTRY)
    if entry is None:
        return [], []
    styles = [_url(name) for name in entry.get("css", [])]
    return styles, [_url(entry["file"])]


def _manifest() -> Path | None:
    found = finders.find(MANIFEST)
    if isinstance(found, str):
        return Path(found)
    collected = Path(settings.STATIC_ROOT or "", MANIFEST)
    return collected if collected.is_file() else None


@lru_cache(maxsize=2)
def _read(path: str, changed: int) -> dict[str, Any]:
    """Read the manifest; `changed` is part of the key, so that a new build is seen."""
    read: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return read


def _url(name: str) -> str:
    return staticfiles_storage.url(f"build/{name}")
