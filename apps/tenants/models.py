"""People, tenants, and what a tenant holds before its first workflow."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from apps.core.clock import WeftNow
from apps.core.models import TenantForeignKey, TenantModel
from apps.engine.ids import uuid7


class UserManager(BaseUserManager["User"]):
    """Finds people by their e-mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user who signs in with this address."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person, signing in by e-mail; belongs to tenants through memberships. Not a tenant table."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.TextField(blank=True, default="")
    is_operator = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=WeftNow())

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        db_table = "tenants_user"
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="tenants_user_email_lower")
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """Only operators may enter the admin."""
        return self.is_operator

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Operators look at everything in the admin and change nothing there."""
        return self.is_active and self.is_operator and perm.partition(".")[2].startswith("view_")

    def has_module_perms(self, app_label: str) -> bool:
        """Operators see every section of the admin."""
        return self.is_active and self.is_operator


class Role(models.TextChoices):
    """What a member or an API key may do; each role includes those after it."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class TenantStatus(models.TextChoices):
    """A suspended tenant is found by nobody."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class TenantDirectory(models.Model):
    """Which tenant an address means. Not a tenant table: it is read before the tenant is known."""

    tenant_id = models.UUIDField(primary_key=True)
    slug = models.TextField(unique=True)
    host = models.TextField(unique=True, null=True)  # noqa: DJ001 - unique, so absent is not the empty string
    status = models.TextField(choices=TenantStatus.choices, default=TenantStatus.ACTIVE)

    class Meta:
        db_table = "tenant_directory"

    def __str__(self) -> str:
        return self.slug


class SignInThrottle(models.Model):
    """Failed sign-ins counted by address, account and both. Not a tenant table: nobody is signed in yet."""

    key = models.TextField(primary_key=True)
    failures = models.IntegerField(default=0)
    window_started_at = models.DateTimeField(db_default=WeftNow())
    locked_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_sign_in_throttle"

    def __str__(self) -> str:
        return self.key


class Tenant(models.Model):
    """A customer; every tenant table's rows belong to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.TextField(unique=True)
    name = models.TextField()
    status = models.TextField(choices=TenantStatus.choices, default=TenantStatus.ACTIVE)
    revision = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=WeftNow())

    class Meta:
        db_table = "tenants_tenant"

    def __str__(self) -> str:
        return self.slug


class Membership(TenantModel):
    """A person's role in a tenant."""

    user = models.ForeignKey(User, on_delete=models.RESTRICT, related_name="+")
    role = models.TextField(choices=Role.choices)
    revision = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=WeftNow())

    class Meta:
        db_table = "tenants_membership"
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="tenants_membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class Invitation(TenantModel):
    """An offer of membership to whoever reads mail at an address; its link is signed, not stored."""

    email = models.EmailField()
    role = models.TextField(choices=Role.choices)
    invited_by = models.TextField()
    created_at = models.DateTimeField(db_default=WeftNow())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_invitation"
        indexes = [models.Index(fields=["tenant", "-id"], name="tenants_invitation_tenant")]

    def __str__(self) -> str:
        return self.email


class Project(TenantModel):
    """A folder of workflows."""

    slug = models.TextField()
    name = models.TextField()
    description = models.TextField(blank=True, default="")
    revision = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=WeftNow())
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_project"
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="tenants_project_slug")]

    def __str__(self) -> str:
        return self.slug


class Environment(TenantModel):
    """Where versions are deployed: dev, staging, prod, in this order."""

    name = models.TextField()
    position = models.SmallIntegerField()
    is_production = models.BooleanField(default=False)
    secrets_version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=WeftNow())

    class Meta:
        db_table = "tenants_environment"
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="tenants_environment_name")]

    def __str__(self) -> str:
        return self.name


class ApiKey(TenantModel):
    """A program's way in: the secret is shown once, its hash is kept."""

    name = models.TextField()
    role = models.TextField(choices=Role.choices)
    secret_hash = models.BinaryField(max_length=32)
    hint = models.TextField()
    created_by = models.TextField()
    created_at = models.DateTimeField(db_default=WeftNow())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_api_key"
        verbose_name = "API key"
        indexes = [models.Index(fields=["tenant", "-id"], name="tenants_api_key_tenant")]

    def __str__(self) -> str:
        return self.name


class Secret(TenantModel):
    """A value that documents name as `${NAME}`; encrypted, never returned by any door."""

    environment = TenantForeignKey(Environment, on_delete=models.CASCADE)
    name = models.TextField()
    ciphertext = models.BinaryField()
    key_id = models.TextField()
    version = models.IntegerField(db_default=1)  # counts how often the name was given a value
    updated_at = models.DateTimeField(db_default=WeftNow())
    updated_by = models.TextField()

    class Meta:
        db_table = "tenants_secret"
        constraints = [models.UniqueConstraint(fields=["tenant", "environment", "name"], name="tenants_secret_name")]

    def __str__(self) -> str:
        return self.name


class SecretVersion(TenantModel):
    """An earlier value of a secret, sealed as the secret was; documents name it as `secret://name#number`.

    A retired one can be used no more and is there to be recognised, so that it can be kept out of what is shown.
    """

    environment = TenantForeignKey(Environment, on_delete=models.CASCADE)
    name = models.TextField()
    number = models.IntegerField()
    ciphertext = models.BinaryField()
    key_id = models.TextField()
    set_at = models.DateTimeField()
    set_by = models.TextField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_secret_version"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "environment", "name", "number"], name="tenants_secret_version_number"
            )
        ]
        indexes = [
            models.Index(
                fields=["retired_at"],
                name="tenants_secret_version_retired",
                condition=models.Q(retired_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}#{self.number}"
