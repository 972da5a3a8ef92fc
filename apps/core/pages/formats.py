"""Numbers, times and ids as people read them; the same words as `frontend/packages/kit/src/format.ts`."""

from datetime import datetime

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
SHORT = 8
ENTRY_KINDS = frozenset({"route", "pipeline", "module", "transition", "hook", "machine", "message", "step"})

STATES = {
    "ready": "Ready",
    "claimed": "Running",
    "running": "Running",
    "waiting": "Waiting",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "unknown": "Unknown",
}
FINDINGS = {"error": "error", "blocked": "blocked", "warning": "warning", "note": "note"}


def duration_words(microseconds: int | float) -> str:
    """Say a length of time with its unit."""
    if microseconds < MILLISECOND:
        return f"{round(microseconds)} µs"
    if microseconds < SECOND:
        return f"{_digits(microseconds / MILLISECOND)} ms"
    if microseconds < MINUTE:
        return f"{_digits(microseconds / SECOND)} s"
    if microseconds < HOUR:
        return f"{int(microseconds // MINUTE)} min {int(microseconds % MINUTE // SECOND):02} s"
    return f"{int(microseconds // HOUR)} h {int(microseconds % HOUR // MINUTE):02} min"


def relative_words(then: datetime, now: datetime) -> str:
    """Say how long ago, or in how long, in one unit."""
    seconds = round(abs((now - then).total_seconds()))
    amount = _amount(seconds)
    if not amount:
        return "just now"
    return f"{amount} ago" if then <= now else f"in {amount}"


def short(identity: object) -> str:
    """Return the end of an id, where neighbours differ."""
    text = str(identity)
    return text[-SHORT:] if len(text) > SHORT + 4 else text


def entry_words(entry: str) -> str:
    """Say what a run entered by, without the word for its kind: `route:POST /orders` reads `POST /orders`."""
    kind, colon, name = entry.partition(":")
    words = name if colon and kind in ENTRY_KINDS else entry
    return words.replace(" -> ", " → ")


def _digits(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _amount(seconds: int) -> str:
    for limit, size, unit in ((5, 0, ""), (60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size} {unit}" if unit else ""
    return f"{seconds // 86_400} d"
