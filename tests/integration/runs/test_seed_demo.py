"""The demo can be seeded again and again, and leaves both tenants with the example live."""

import pytest
from django.core.management import call_command

from apps.core.management.local.demo import CAST, WORKFLOW
from apps.workflows.queries.live import deployment_live


@pytest.mark.spec("SPINE-B10", "SPINE-1", "SPINE-B10.5")
def test_seeding_twice_leaves_each_demo_tenant_with_one_live_version(database):
    call_command("seed_demo")
    call_command("seed_demo")
    for tenant in CAST:
        live = deployment_live(tenant_slug=tenant.slug, environment="prod", workflow_slug=WORKFLOW)
        assert live is not None
        assert live.version == 1
