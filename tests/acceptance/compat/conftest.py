"""The reference system's documents, in the folder that WEFT_COMPAT_DIR names.

Without the variable these tests are not collected; with a folder that is not there they fail.
"""

import os
from pathlib import Path

import pytest

FOLDER = os.environ.get("WEFT_COMPAT_DIR", "")
collect_ignore_glob = [] if FOLDER else ["test_*.py"]


@pytest.fixture
def document():
    """Return the path of a document by its stem."""

    def find(stem):
        path = Path(FOLDER) / f"{stem}.yaml"
        assert path.is_file(), f"WEFT_COMPAT_DIR has no {path.name}"
        return path

    return find
