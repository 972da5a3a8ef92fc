"""Tests of very many generated examples run without the tracer of coverage, which would double their time.

What they prove about lines is nothing that the ordinary tests beside them do not reach as well.
"""

import sys
from collections.abc import Iterator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Put the tracer aside, if there is one, while a test marked `untraced` runs."""
    tracer = sys.gettrace() if item.get_closest_marker("untraced") else None
    if tracer is None:
        return (yield)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
