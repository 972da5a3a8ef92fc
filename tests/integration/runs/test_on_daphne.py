"""The ingress suite, the socket suite and the tests of servers, over real connections to a web process on daphne."""

import pytest

from tests.integration.runs.test_ingress import *  # noqa: F403
from tests.integration.runs.test_live import *  # noqa: F403
from tests.integration.runs.test_servers import *  # noqa: F403
from tests.support.web_server import kept_server

pytestmark = [pytest.mark.spec("SPINE-B1", "SPINE-B1.10"), pytest.mark.slow]


@pytest.fixture(scope="module")
def kept(django_db_setup, tmp_path_factory):
    """Keep one web process on daphne."""
    with kept_server(django_db_setup, tmp_path_factory.mktemp("web"), "daphne") as one:
        yield one


@pytest.fixture
def ingress(wire):
    """Stand in for the ingress in the test's own loop."""
    return wire


@pytest.fixture
def sockets(wire):
    """Stand in for the sockets in the test's own loop."""
    return wire
