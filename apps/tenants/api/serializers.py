"""Shapes of the tenants API; what comes in and what goes out are apart."""

from typing import Any

from rest_framework import serializers

from apps.core.api.shapes import Taken
from apps.tenants.models import Role


class Out(serializers.Serializer[Any]):
    """A shape that is only read."""


class TenantOut(Out):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


class TenantIn(Taken):
    name = serializers.CharField(max_length=200)


class MemberOut(Out):
    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField(allow_blank=True)
    role = serializers.ChoiceField(Role.choices)
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class RoleIn(Taken):
    role = serializers.ChoiceField(Role.choices)


class InvitationIn(Taken):
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.choices)


class InvitationOut(Out):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.choices)
    invited_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class ProjectIn(Taken):
    slug = serializers.CharField(max_length=50)
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=4000, allow_blank=True, default="")


class ProjectEdit(Taken):
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=4000, allow_blank=True, required=False)


class ProjectOut(Out):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True)


class EnvironmentOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()
    position = serializers.IntegerField()
    is_production = serializers.BooleanField()


class EnvironmentsOut(Out):
    items = EnvironmentOut(many=True)


class KeyIn(Taken):
    name = serializers.CharField(max_length=200)
    role = serializers.ChoiceField(Role.choices)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)


class KeyOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    hint = serializers.CharField(help_text="The last four characters of the secret.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewKeyOut(KeyOut):
    key = serializers.CharField(help_text="The whole key; it is shown this once.")


class SecretIn(Taken):
    value = serializers.CharField(max_length=32 * 1024, trim_whitespace=False)


class SecretOut(Out):
    name = serializers.CharField()
    version = serializers.IntegerField(help_text="What `secret://name#version` calls the present value.")
    updated_at = serializers.DateTimeField()
    updated_by = serializers.CharField()


class SecretsOut(Out):
    items = SecretOut(many=True)


class AuditOut(Out):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    actor_kind = serializers.CharField()
    actor_id = serializers.UUIDField(allow_null=True)
    actor_label = serializers.CharField()
    verb = serializers.CharField()
    target = serializers.CharField()
    target_id = serializers.UUIDField(allow_null=True)
    details = serializers.JSONField()
    request_id = serializers.CharField(allow_blank=True)
    is_refusal = serializers.BooleanField()
