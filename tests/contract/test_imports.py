"""The layers hold, and the contracts that say so see a break."""

import subprocess
import sys

import pytest

from tests.support.checkout import ROOT

pytestmark = pytest.mark.spec("SPINE-B1")

LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


@pytest.mark.spec("SPINE-B1.1", "SPINE-8.2")
def test_every_import_contract_is_kept():
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
