"""The guarded way out passes the suite of the `Http` port."""

import pytest

from apps.core.outbound import Outbound
from tests.support.http_port_suite import HttpPortSuite, partner

__all__ = ["partner"]
pytestmark = pytest.mark.spec("D29")


class TestTheGuardedWayOut(HttpPortSuite):
    @pytest.fixture
    async def http(self):
        opened = Outbound(["127.0.0.1"])
        yield opened
        await opened.close()
