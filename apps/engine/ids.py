"""Identifiers: UUIDv7, so that ids sort by time and large tables can be partitioned by id (RFC 9562, 5.7)."""

import os
import time
import uuid


def uuid7(unix_ms: int | None = None) -> uuid.UUID:
    """Return a new UUIDv7; `unix_ms` fixes the time part (milliseconds since 1970, for tests and backfills)."""
    nanoseconds = time.time_ns()
    milliseconds = nanoseconds // 1_000_000 if unix_ms is None else unix_ms
    fraction = (nanoseconds % 1_000_000) >> 8  # 12 bits below the millisecond keep one process's ids in order
    random_bits = int.from_bytes(os.urandom(8)) & 0x3FFFFFFFFFFFFFFF
    value = (milliseconds << 80) | (7 << 76) | (fraction << 64) | (2 << 62) | random_bits
    return uuid.UUID(int=value)
