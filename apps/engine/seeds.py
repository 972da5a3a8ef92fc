"""First data of a module: a JSON list of `{id, data, state?}` in a file beside the document (spec/modules.md 7.6)."""

import json
from collections.abc import Callable
from typing import Any


def read_seeds(read_file: Callable[[str], bytes], path: str) -> list[dict[str, Any]]:
    """Return the entries that are objects; raise `OSError` without the file, `ValueError` when it is no JSON list."""
    written = json.loads(read_file(path))
    if not isinstance(written, list):
        raise ValueError(f"{path} is not a JSON list")
    return [
        entry | {"data": data if isinstance(data := entry.get("data"), dict) else {}}
        for entry in written
        if isinstance(entry, dict)
    ]
