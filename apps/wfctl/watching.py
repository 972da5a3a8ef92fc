"""Saying when a file has changed, whichever way the editor saves it (in place, or a new file over the old)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import Change, awatch

QUIET_MILLISECONDS = 50
LOOK_MILLISECONDS = 500  # without news from the system, look anyway: not every file system tells


async def changes(path: Path, seen: bytes, stop: asyncio.Event) -> AsyncIterator[None]:
    """Yield whenever the file's content is no longer what was last seen, until `stop` is set."""
    target = path.resolve()

    def is_ours(change: Change, changed: str) -> bool:
        return change is not Change.deleted and Path(changed) == target

    async for _ in awatch(
        target.parent,
        watch_filter=is_ours,
        step=QUIET_MILLISECONDS,
        rust_timeout=LOOK_MILLISECONDS,
        yield_on_timeout=True,
        stop_event=stop,
        recursive=False,
    ):
        content = await asyncio.to_thread(_content, target)
        if content is not None and content != seen:
            seen = content
            yield


def _content(path: Path) -> bytes | None:
    """Return what the file holds, None while an editor has it out of the way."""
    try:
        return path.read_bytes()
    except OSError:
        return None
