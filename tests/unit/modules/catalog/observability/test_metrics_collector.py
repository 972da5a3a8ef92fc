import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from apps.engine.http import Request
from apps.engine.samples import Samples
from apps.modules.catalog.observability.metrics_collector import MetricsCollector
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "D30", "metrics.collector")


async def page(unit, config=None):
    response = await make(MetricsCollector, config).handle(Request("GET", "/metrics"), unit.context())
    assert response.content_type.startswith(b"text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(response.body.decode())}


async def test_the_samples_of_the_unit_are_shown_as_prometheus_text(unit):
    labels = {"method": "GET", "path": '/say"\n\\', "status_code": "200"}
    unit.metrics.count("http_requests_total", labels)
    unit.metrics.count("http_requests_total", labels, 2)
    unit.metrics.show_active({"http": 0})
    unit.metrics.observe("workflow_duration_seconds", {"action": "a"}, 0.004)
    unit.metrics.observe("workflow_duration_seconds", {"action": "a"}, 99.5)
    families = await page(unit)
    (sample,) = families["http_requests"].samples
    assert (sample.labels, sample.value) == (labels, 3.0)
    assert families["active_workflows"].samples[0].value == 0
    found = {
        (s.name.rpartition("_")[2], s.labels.get("le")): s.value for s in families["workflow_duration_seconds"].samples
    }
    assert found["bucket", "0.005"] == 1
    assert found["bucket", "+Inf"] == found["count", None] == 2
    assert found["sum", None] == pytest.approx(99.504)


async def test_the_namespace_goes_in_front_of_every_name(unit):
    unit.metrics.count("workflow_executions_total", {})
    assert list(await page(unit, {"namespace": "orders"})) == ["orders_workflow_executions"]


async def test_dots_and_dashes_of_a_namespace_become_underscores(unit):
    unit.metrics.count("workflow_executions_total", {})
    assert list(await page(unit, {"namespace": "orders-eu.v2"})) == ["orders_eu_v2_workflow_executions"]


async def test_it_is_mounted_and_starts_empty(unit):
    assert make(MetricsCollector).mounts() == [("GET", "/metrics")]
    assert await page(unit) == {}


@pytest.mark.shows("metrics.collector", "failure")
def test_a_namespace_must_be_a_metric_name():
    with pytest.raises(ValidationError):
        make(MetricsCollector, {"namespace": "my orders"})


def test_new_series_beyond_the_cap_are_dropped_and_known_ones_still_count():
    samples = Samples(most_series=1)
    for path in ("/a", "/b", "/a"):
        samples.count("http_requests_total", {"path": path})
        samples.observe("http_request_duration_seconds", {"path": path}, 0.1)
    text = samples.render()
    assert 'http_requests_total{path="/a"} 2' in text
    assert 'http_request_duration_seconds_count{path="/a"} 2' in text
    assert "/b" not in text


def test_what_several_processes_drained_adds_up_and_is_told_once():
    labels = {"path": "/a", "method": "GET"}
    whole = Samples()
    for seconds in (0.004, 0.3, 99.5):
        process = Samples()
        process.count("http_requests_total", labels)
        process.observe("http_request_duration_seconds", labels, seconds)
        whole.absorb(process.drain())
        assert process.drain() == []
    alone = Samples()
    for seconds in (0.004, 0.3, 99.5):
        alone.count("http_requests_total", labels)
        alone.observe("http_request_duration_seconds", labels, seconds)
    assert whole.render() == alone.render()
