"""Tests of thousands of generated examples run without the coverage tracer, which would make them three times as long.

What they prove about lines is nothing that the ordinary tests beside them do not reach as well.
"""

import warnings
from collections.abc import Iterator

import coverage
import pytest
from coverage.exceptions import CoverageWarning


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Pause the measuring, if there is any, while a test marked `untraced` runs."""
    measuring = coverage.Coverage.current() if item.get_closest_marker("untraced") else None
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CoverageWarning)  # that our own code has been imported by now
            measuring.start()
