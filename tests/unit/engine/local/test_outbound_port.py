"""The way out of `wfctl run` passes the suite of the `Http` port."""

import pytest

from apps.engine.local.outside import OutboundHttp
from tests.support.http_port_suite import HttpPortSuite, partner

__all__ = ["partner"]
pytestmark = pytest.mark.spec("D29")


class TestTheWayOutOfWfctl(HttpPortSuite):
    @pytest.fixture
    async def http(self):
        opened = OutboundHttp()
        yield opened
        await opened.close()
