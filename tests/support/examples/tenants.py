"""Rows and ids of the tenants app, for the isolation sweeps."""

from uuid import UUID

from apps.core.scope import SYSTEM, scope
from apps.tenants.models import Invitation, Membership
from apps.tenants.operations.invitations import SEND, invitation_create, invitation_link
from apps.tenants.operations.secrets import secret_set
from tests.support.isolation import body, form, parameter, row, task
from tests.support.tenants import TenantFixture

INVITED = "invited@example.test"


@row(
    "tenants_tenant", "tenants_membership", "tenants_project", "tenants_environment", "tenants_api_key",
    "core_audit_entry",
)  # fmt: skip
def made_with_the_tenant(tenant: TenantFixture) -> None:
    """The fixture has made these."""


@row("tenants_invitation", "core_outbox")
def invitation(tenant: TenantFixture) -> None:
    """Invite somebody, which also leaves a job in the outbox."""
    with scope(tenant.id, SYSTEM):
        invitation_create(email=INVITED, role="viewer", actor=SYSTEM)


@row("tenants_secret", "tenants_secret_version")
def secret(tenant: TenantFixture) -> None:
    """Store a secret, twice."""
    with scope(tenant.id, SYSTEM):
        for value in ("hush", "hushed"):
            secret_set(environment="prod", name=f"TOKEN_{tenant.id.hex[-8:].upper()}", value=value, actor=SYSTEM)


def invitation_id(tenant: TenantFixture) -> UUID:
    """Return the tenant's invitation."""
    with scope(tenant.id, SYSTEM):
        return Invitation.objects.latest("id").id


def member_id(tenant: TenantFixture) -> UUID:
    """Return the owner's membership."""
    with scope(tenant.id, SYSTEM):
        return Membership.objects.get(user_id=tenant.owner.pk).id


def token(tenant: TenantFixture) -> str:
    """Return the token in the invitation's link."""
    link = invitation_link(tenant_id=tenant.id, invitation_id=invitation_id(tenant))
    return link.rpartition("/")[2]


parameter("project_id", lambda tenant: tenant.project.id)
parameter("member_id", member_id)
parameter("invitation_id", invitation_id)
parameter("key_id", lambda tenant: tenant.key_id)
parameter("environment", lambda tenant: "prod", is_id=False)
parameter("secrets/<str:name>#name", lambda tenant: f"TOKEN_{tenant.id.hex[-8:].upper()}", is_id=False)
parameter("token", token, is_id=False)

body("PATCH", "tenant", lambda tenant: {"name": "Taken over"})
body("PATCH", "members/<uuid:member_id>", lambda tenant: {"role": "viewer"})
body("POST", "invitations", lambda tenant: {"email": "thief@example.test", "role": "owner"})
body("POST", "projects", lambda tenant: {"slug": "stolen", "name": "Stolen"})
body("PATCH", "projects/<uuid:project_id>", lambda tenant: {"name": "Stolen"})
body("POST", "api-keys", lambda tenant: {"name": "stolen", "role": "owner"})
body("PUT", "environments/<slug:environment>/secrets/<str:name>", lambda tenant: {"value": "overwritten"})

form(
    "t/<slug:tenant>/settings",
    lambda tenant: {"deed": "remove", "id": member_id(tenant)},
    lambda tenant: {"deed": "role", "id": member_id(tenant), "role": "viewer", "revision": 1},
    lambda tenant: {"deed": "withdraw", "id": invitation_id(tenant)},
    lambda tenant: {"deed": "invite", "email": "thief@example.test", "role": "owner"},
)
form(
    "t/<slug:tenant>/settings/keys",
    lambda tenant: {"deed": "revoke", "id": tenant.key_id},
    lambda tenant: {"deed": "create", "name": "stolen", "role": "owner"},
)
form(
    "t/<slug:tenant>/settings/secrets",
    lambda tenant: {"deed": "delete", "environment": "prod", "name": f"TOKEN_{tenant.id.hex[-8:].upper()}"},
    lambda tenant: {"deed": "set", "environment": "prod", "name": "MINE", "value": "x"},
)
form(
    "t/<slug:tenant>/settings/projects",
    lambda tenant: {"deed": "archive", "id": tenant.project.id, "revision": 1},
    lambda tenant: {"deed": "create", "slug": "stolen-too", "name": "Stolen"},
)

task(SEND, lambda tenant: {"invitation_id": str(invitation_id(tenant))})
