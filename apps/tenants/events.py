"""What this app publishes: names and the ids each carries."""

TENANT_CREATED = "tenant.created"  # tenant_id
TENANT_CHANGED = "tenant.changed"  # tenant_id
MEMBER_ADDED = "member.added"  # membership_id, user_id
MEMBER_CHANGED = "member.changed"  # membership_id, user_id
MEMBER_REMOVED = "member.removed"  # membership_id, user_id
INVITATION_CREATED = "invitation.created"  # invitation_id
INVITATION_REVOKED = "invitation.revoked"  # invitation_id
PROJECT_CREATED = "project.created"  # project_id
PROJECT_CHANGED = "project.changed"  # project_id
PROJECT_ARCHIVED = "project.archived"  # project_id
KEY_CREATED = "key.created"  # key_id
KEY_REVOKED = "key.revoked"  # key_id
SECRET_SET = "secret.set"  # noqa: S105 - environment_id, name
SECRET_DELETED = "secret.deleted"  # noqa: S105 - environment_id, name
