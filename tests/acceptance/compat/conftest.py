"""The reference system's documents, in the folder that WEFT_COMPAT_DIR names.

Without the variable these tests are not collected; with a folder that is not there they fail.
"""

import os
from pathlib import Path

import pytest

FOLDER = os.environ.get("WEFT_COMPAT_DIR", "")
collect_ignore_glob = [] if FOLDER else ["test_*.py"]


@pytest.fixture(scope="session")
def folder():
    """Return the folder; it must be there once it is named."""
    found = Path(FOLDER)
    assert FOLDER, "WEFT_COMPAT_DIR is not set"
    assert found.is_dir(), f"WEFT_COMPAT_DIR names {FOLDER}, which is not a folder"
    return found


@pytest.fixture
def document(folder):
    """Return the path of a document by its stem."""

    def find(stem):
        path = folder / f"{stem}.yaml"
        assert path.is_file(), f"WEFT_COMPAT_DIR has no {path.name}"
        return path

    return find
