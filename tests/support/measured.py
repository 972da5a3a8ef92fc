"""Runs pytest and measures which lines and branches of the product it runs.

``python -m tests.support.measured REPORT [pytest arguments]`` leaves SlipCover's JSON at REPORT, relative to the
checkout, and exits as pytest does. SlipCover writes its probes into the code as it is imported and takes them out once
they have told what they know, so that the tests take no longer than without. Its own command line is not used: it wraps
the loading of packages by path too, after which pytest finds no `tests` package. Programs that tests start
are measured where they are the program (`measured_child.py`).
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.measured_child import MEASURED
from tests.support.measuring import measuring_product

# Its plugin is for runs by several processes. Plugins imported before pytest cannot be rewritten, and need not be.
WITHOUT_PLUGIN = (
    *("-p", "no:slipcover"),
    *("-W", "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"),
)


def main(report: Path, arguments: list[str]) -> int:
    """Run the tests, write the report."""
    children = report.with_suffix("").resolve()
    shutil.rmtree(children, ignore_errors=True)
    children.mkdir(parents=True)
    os.environ[MEASURED] = str(children)
    cover = measuring_product()
    code = pytest.main([*WITHOUT_PLUGIN, *arguments])
    report.write_text(json.dumps(cover.get_coverage()), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
