import pytest
from pydantic import ValidationError

from apps.engine.http import Request, Response
from apps.modules.catalog.http.http_middleware_logging import HttpMiddlewareLogging
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.middleware.logging")


def test_one_line_says_method_path_status_and_duration(unit):
    middleware, context = make(HttpMiddlewareLogging, {"level": "WARN"}), unit.context()
    request = Request("POST", "/orders")
    middleware.before(request, context)
    unit.clock.pass_seconds(0.0125)
    middleware.after(request, Response(201), context)
    assert context.logs == [
        {
            "level": "warning",
            "message": "POST /orders 201",
            "method": "POST",
            "path": "/orders",
            "status": 201,
            "duration_ms": 12.5,
        }
    ]


@pytest.mark.parametrize("level", ["loud", 3])
@pytest.mark.shows("http.middleware.logging", "failure")
def test_an_unknown_level_is_refused(level):
    with pytest.raises(ValidationError):
        make(HttpMiddlewareLogging, {"logLevel": level})
