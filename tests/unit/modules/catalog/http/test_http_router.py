import pytest
from pydantic import ValidationError

from apps.modules.catalog.http.http_router import HttpRouter
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.router")


@pytest.mark.shows("http.router", "failure")
def test_a_router_has_no_settings_and_ignores_a_prefix():
    assert HttpRouter.Config.ignored_keys == {"prefix"}
    assert make(HttpRouter).mounts() == []
    with pytest.raises(ValidationError):
        make(HttpRouter, {"prefx": "/api"})
