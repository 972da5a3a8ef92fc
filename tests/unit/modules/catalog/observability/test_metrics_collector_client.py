"""What `metrics.collector` shows, read by the parser of Prometheus' own Python client."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.engine.testing import Bench
from tests.support.documents import compiled_real

pytestmark = [
    pytest.mark.spec("metrics.collector", "D30"),
    pytest.mark.proven("metrics.collector", "prometheus_client"),
]

DOCUMENT = """
modules:
- {name: server, type: http.server, config: {port: 8080}}
- {name: router, type: http.router}
- {name: figures, type: metrics.collector, config: {namespace: shop}}
- {name: orders, type: api.handler, config: {resourceName: orders}}
workflows:
  http:
    routes:
    - {method: POST, path: '/orders', handler: orders}
    - {method: GET, path: '/orders/{id}', handler: orders}
"""


async def test_a_scrape_is_read_and_counts_what_happened():
    async with Bench(compiled_real(DOCUMENT)) as bench:
        for number in range(3):
            assert (await bench.request("POST", "/orders", body={"id": f"o{number}"})).status == 201
        await bench.request("GET", "/orders/nobody")
        page = await bench.request("GET", "/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(page.body.decode())}
    assert {name.partition("_")[0] for name in families} == {"shop"}
    requests = {
        (sample.labels["method"], sample.labels.get("status_code", sample.labels.get("status"))): sample.value
        for sample in families["shop_http_requests"].samples
        if "orders" in str(sample.labels)
    }
    assert requests == {("POST", "201"): 3.0, ("GET", "404"): 1.0}
    duration = families["shop_http_request_duration_seconds"]
    assert duration.type == "histogram"
    assert families["shop_http_requests"].type == "counter"
    for sample in duration.samples:
        if sample.name.endswith("_bucket") and sample.labels["le"] == "+Inf":
            same = {name: value for name, value in sample.labels.items() if name != "le"}
            (count,) = [each for each in duration.samples if each.name.endswith("_count") and each.labels == same]
            assert sample.value == count.value > 0
