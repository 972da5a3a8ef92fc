"""Changing a tenant's secrets from a test's event loop."""

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.tenants.operations.secrets import secret_delete, secret_set
from tests.support.tenants import TenantFixture


async def put_secrets(tenant: TenantFixture, **values: str | None) -> None:
    """Set secrets of `prod` by name; None takes one away."""

    def change() -> None:
        with scope(tenant.id, tenant.actor):
            for name, value in values.items():
                if value is None:
                    secret_delete(environment="prod", name=name, actor=tenant.actor)
                else:
                    secret_set(environment="prod", name=name, value=value, actor=tenant.actor)

    await in_thread(change)
