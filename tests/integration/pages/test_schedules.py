"""The page of schedules shows what is live, in the environment that is chosen."""

import pytest

from tests.integration.pages.browsing import reader_of, text_of
from tests.support.serving import deploy

DOCUMENT = """\
modules:
  - {name: hours, type: scheduler, config: {cronExpression: "0 * * * *"}}
  - {name: clean, type: messaging.handler}
  - {name: bus, type: messaging.broker}
workflows:
  scheduler: {jobs: [{scheduler: hours, job: clean}]}
"""
pytestmark = pytest.mark.spec("scheduler.cron")


def test_a_tenant_sees_its_own_schedules_in_the_chosen_environment(two_tenants):
    tenant, other = two_tenants
    deploy(tenant, "clock", DOCUMENT)
    deploy(tenant, "other-clock", DOCUMENT.replace("hours", "ticks"))
    shown = text_of(reader_of(tenant).get("/schedules"))
    assert "hours:clean 0 * * * *" in shown
    assert "ticks:clean" in shown
    assert "never in " in shown
    narrowed = text_of(reader_of(tenant).get("/schedules?workflow=clock"))
    assert ("hours:clean" in narrowed, "ticks:clean" in narrowed) == (True, False)
    assert "Nothing is done by the clock" in text_of(reader_of(tenant).get("/schedules?environment=dev"))
    assert "hours:clean" not in text_of(reader_of(other).get("/schedules"))
    assert reader_of(tenant).get("/schedules?workflow=unknown").status_code == 404
