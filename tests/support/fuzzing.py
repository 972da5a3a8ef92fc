"""Bodies that no caller of good will sends: odd values anywhere, keys nobody knows, bytes that are no JSON."""

import json
from typing import Any

from hypothesis import strategies as st

Body = st.SearchStrategy[bytes]

ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, -(2**63) - 1, 2**64, 10**400, 1.5, 1e308, "", "\x00", "\ud800", "a\udfffb",
    "x" * 5000, "not-a-uuid", "prod", "owner", "../..", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", [], {},
    [[]], {"": ""}, {"\x00": "\x00"}, {"\ud800": 1}, {"id": "\x00"}, {"id": {"deep": [1]}}, {"order": {"a": "\ud800"}},
]  # fmt: skip
BROKEN = [
    b"", b"{", b"\xff", b"nul", b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b"[NaN]", b"1e999", b"{'a': 1}",
    "{}".encode("utf-16"), b'{"text": "' + b"x" * (3 * 1024 * 1024) + b'"}',
]  # fmt: skip


def bodies(good: Any) -> Body:
    """Return bodies near a good one, and bodies that are nothing."""
    odd = st.sampled_from(ODD) | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=3)
        ),
        max_leaves=8,
    )
    shaped = odd
    if isinstance(good, dict) and good:
        names = st.sampled_from([*good, "environment", "data", "state_map", "expires_at", "draft_revision", "strange"])
        shaped |= st.builds(lambda name, value: {**good, name: value}, names, odd)
        shaped |= st.builds(lambda name: {key: good[key] for key in good if key != name}, st.sampled_from([*good]))
    return st.sampled_from(BROKEN) | shaped.map(lambda value: json.dumps(value).encode())
