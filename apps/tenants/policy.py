"""Who may do what: each role's permissions, named `<noun>.<deed>`; a role includes those below it."""

from apps.core.errors import Forbidden
from apps.core.scope import Actor

VIEWER = frozenset(
    {
        "tenant.read",
        "members.read",
        "projects.read",
        "environments.read",
        "secrets.read",
        "workflows.read",
        "deployments.read",
        "runs.read",
        "instances.read",
        "messages.read",
        "effects.read",
        "schedules.read",
        "resources.read",
        "modules.read",
    }
)
EDITOR = VIEWER | {
    "projects.edit",
    "workflows.edit",
    "workflows.publish",
    "workflows.deploy",
    "runs.start",
    "runs.cancel",
    "runs.retry",
    "instances.edit",
    "messages.publish",
    "messages.retry",
    "effects.settle",
}
OWNER = EDITOR | {
    "tenant.edit",
    "members.edit",
    "invitations.read",
    "invitations.edit",
    "keys.read",
    "keys.edit",
    "secrets.edit",
    "audit.read",
}
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {"owner": OWNER, "editor": EDITOR, "viewer": VIEWER}
ROLES = tuple(ROLE_PERMISSIONS)


def may(actor: Actor, permission: str) -> bool:
    """Say whether `actor` has `permission`; operators and the product itself act for owners."""
    if actor.kind in {"operator", "system"}:
        return permission in OWNER
    return permission in ROLE_PERMISSIONS.get(actor.role or "", frozenset())


def require(actor: Actor, permission: str) -> None:
    """Raise `Forbidden` unless `actor` has `permission`."""
    if not may(actor, permission):
        raise Forbidden(f"This needs the permission {permission}.")


def may_grant(actor: Actor, role: str) -> bool:
    """Nobody hands out more than they have."""
    if actor.kind in {"operator", "system"}:
        return role in ROLE_PERMISSIONS
    return role in ROLE_PERMISSIONS and ROLE_PERMISSIONS[role] <= ROLE_PERMISSIONS.get(actor.role or "", frozenset())
