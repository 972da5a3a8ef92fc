"""Work that this app does later."""

from uuid import UUID

from apps.core.jobs import tenant_task
from apps.tenants.operations import invitations


@tenant_task(invitations.SEND)
def invitation_send(*, invitation_id: str, **_: object) -> None:
    """Mail an invitation."""
    invitations.invitation_send(invitation_id=UUID(invitation_id))
