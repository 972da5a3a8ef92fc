"""The operators' admin: look at tenants, people, keys; make a tenant, invite its owner, suspend and resume it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse

from apps.core.admin import OpsAdmin
from apps.core.errors import WeftError
from apps.core.scope import scope
from apps.tenants.models import (
    ApiKey,
    Environment,
    Invitation,
    Membership,
    Project,
    Secret,
    SecretVersion,
    Tenant,
    User,
)
from apps.tenants.operations.invitations import invitation_create, invitation_link
from apps.tenants.operations.tenants import tenant_create, tenant_resume, tenant_suspend
from apps.tenants.queries import operator_actor

admin.site.unregister(Group)  # nothing goes by groups here: what one may do is the role of a membership


class NewTenantForm(forms.Form):
    """What an operator says about a new tenant."""

    slug = forms.CharField(max_length=50, help_text="Part of addresses; small letters, digits and hyphens.")
    name = forms.CharField(max_length=200)
    owner_email = forms.EmailField(help_text="Gets the invitation link by mail.")


@admin.register(Tenant)
class TenantAdmin(OpsAdmin):
    """Tenants, with the buttons of an operator."""

    list_display = ("slug", "name", "status", "created_at")
    list_filter = ("status",)
    search_fields = ("slug", "name")
    ids = ("id",)
    ordering = ("slug",)
    actions = ("suspend", "resume")
    change_list_template = "admin/tenants/tenant/change_list.html"

    def get_urls(self) -> list[Any]:
        """Add the page that makes a tenant."""
        new = path("new/", self.admin_site.admin_view(self.new), name="tenants_tenant_new")
        return [new, *super().get_urls()]

    @admin.action(description="Suspend: nobody reaches it", permissions=["view"])
    def suspend(self, request: HttpRequest, chosen: Any) -> None:
        """Make the chosen tenants unreachable."""
        self._each(request, chosen, tenant_suspend, "suspended")

    @admin.action(description="Resume", permissions=["view"])
    def resume(self, request: HttpRequest, chosen: Any) -> None:
        """Make the chosen tenants reachable again."""
        self._each(request, chosen, tenant_resume, "resumed")

    def new(self, request: HttpRequest) -> HttpResponse:
        """Make a tenant and invite its owner."""
        form = NewTenantForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                link = _made(request, form.cleaned_data)
            except WeftError as refusal:
                form.add_error(None, _text(refusal))
            else:
                messages.success(request, f"Made {form.cleaned_data['slug']}. The owner's link was mailed: {link}")
                return HttpResponseRedirect(reverse("admin:tenants_tenant_changelist"))
        context = {**self.admin_site.each_context(request), "title": "New tenant", "form": form, "opts": Tenant._meta}
        return render(request, "admin/tenants/tenant/new.html", context, status=422 if form.errors else 200)

    def _each(self, request: HttpRequest, chosen: Any, operation: Any, word: str) -> None:
        slugs = [tenant.slug for tenant in chosen]
        for slug in slugs:
            operation(slug=slug, actor=operator_actor(_operator(request)))
        messages.success(request, f"{', '.join(slugs)}: {word}.")


@admin.register(User)
class UserAdmin(OpsAdmin):
    """People."""

    hidden = ("password",)
    list_display = ("email", "name", "is_operator", "is_active", "created_at", "last_login")
    list_filter = ("is_operator", "is_active")
    search_fields = ("email", "name")
    ids = ("id",)
    ordering = ("email",)


@admin.register(Membership)
class MembershipAdmin(OpsAdmin):
    """Who belongs where."""

    list_display = ("tenant_id", "user_id", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("tenant__slug", "user__email")
    ids = ("id", "tenant_id", "user_id")
    ordering = ("-id",)


@admin.register(Invitation)
class InvitationAdmin(OpsAdmin):
    """Who was invited."""

    list_display = ("email", "tenant_id", "role", "invited_by", "expires_at", "accepted_at", "revoked_at")
    search_fields = ("tenant__slug", "email")
    ordering = ("-id",)


@admin.register(Project)
class ProjectAdmin(OpsAdmin):
    """Projects of all tenants."""

    list_display = ("slug", "tenant_id", "name", "archived_at")
    search_fields = ("tenant__slug", "slug")
    ordering = ("-id",)


@admin.register(Environment)
class EnvironmentAdmin(OpsAdmin):
    """Environments of all tenants."""

    list_display = ("name", "tenant_id", "position", "is_production")
    search_fields = ("tenant__slug", "name")
    ordering = ("tenant_id", "position")


@admin.register(ApiKey)
class ApiKeyAdmin(OpsAdmin):
    """API keys of all tenants, without their hashes."""

    list_display = ("name", "tenant_id", "role", "hint", "created_at", "expires_at", "revoked_at")
    search_fields = ("tenant__slug", "name")
    ordering = ("-id",)


@admin.register(Secret)
class SecretAdmin(OpsAdmin):
    """Names of secrets; the ciphertext is not readable for operators."""

    list_display = ("name", "tenant_id", "environment_id", "key_id", "updated_at", "updated_by")
    search_fields = ("tenant__slug", "name")
    ordering = ("-id",)


@admin.register(SecretVersion)
class SecretVersionAdmin(OpsAdmin):
    """Earlier values of secrets; the ciphertext is not readable for operators."""

    list_display = ("name", "number", "tenant_id", "environment_id", "key_id", "set_at", "set_by", "retired_at")
    search_fields = ("tenant__slug", "name")
    ordering = ("-id",)


def _made(request: HttpRequest, given: dict[str, str]) -> str:
    actor = operator_actor(_operator(request))
    tenant = tenant_create(slug=given["slug"], name=given["name"], actor=actor)
    with scope(tenant.id, actor):
        row = invitation_create(email=given["owner_email"], role="owner", actor=actor)
    return invitation_link(tenant_id=tenant.id, invitation_id=row.id)


def _operator(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.is_operator:
        raise PermissionError("Only operators come here.")
    return user


def _text(refusal: WeftError) -> str:
    errors = refusal.extra.get("errors", [])
    return " ".join(f"{error['pointer'].strip('/')}: {error['message']}" for error in errors) or str(refusal)
