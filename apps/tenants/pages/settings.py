"""A tenant's settings: people, API keys, secrets, projects. Forms are posted plainly and call one operation each."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.core.clock import now
from apps.core.errors import NotFound, WeftError
from apps.core.pages.places import environment_of
from apps.core.pages.views import PageView, actor_of, may, page, tell_refusal
from apps.tenants.operations.invitations import invitation_create, invitation_revoke
from apps.tenants.operations.keys import api_key_create, api_key_revoke
from apps.tenants.operations.members import membership_change_role, membership_remove
from apps.tenants.operations.projects import project_archive, project_create
from apps.tenants.operations.secrets import secret_delete, secret_set
from apps.tenants.policy import ROLES
from apps.tenants.queries import (
    environment_list,
    invitation_list,
    key_list,
    member_list,
    project_list,
    secret_list,
)

LONGEST = 200
LIVES = {"30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365)}

Deed = Callable[[HttpRequest], str]


class SettingsPage(PageView):
    """A page of forms; `deeds` names, for each value of the field `deed`, what is done."""

    address: ClassVar[str]

    def deeds(self) -> dict[str, Deed]:
        """Return what the forms of this page can do; each deed returns the sentence to say afterwards."""
        raise NotImplementedError

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do what the form asks, say so, and show the page again."""
        deed = self.deeds().get(request.POST.get("deed", ""))
        if deed is None:
            raise NotFound
        try:
            messages.success(request, deed(request))
        except WeftError as refusal:
            tell_refusal(request, refusal)
        url = reverse(self.address, kwargs={"tenant": request.tenant.slug})  # type: ignore[attr-defined]
        environment = request.POST.get("environment", "")
        return HttpResponseRedirect(f"{url}?environment={environment}" if environment else url)


class People(SettingsPage):
    """Members, their roles, and invitations that are still open."""

    permissions: ClassVar[dict[str, str]] = {"GET": "members.read", "POST": "members.edit"}
    address = "settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show who is in and who is invited."""
        shown = may(request, "invitations.read")
        at = now()
        invitations = invitation_list(limit=LONGEST).items if shown else []
        context: dict[str, Any] = {
            "members": sorted(member_list(limit=LONGEST).items, key=lambda one: one.email),
            "invitations": [
                one for one in invitations if not one.accepted_at and not one.revoked_at and one.expires_at > at
            ],
            "roles": ROLES,
            "may_edit": may(request, "members.edit"),
            "section": "people",
        }
        return page(request, "tenants/settings_people.html", context)

    def deeds(self) -> dict[str, Deed]:
        """Invite, withdraw, change a role, remove."""
        return {"invite": self._invite, "withdraw": self._withdraw, "role": self._role, "remove": self._remove}

    def _invite(self, request: HttpRequest) -> str:
        row = invitation_create(email=_text(request, "email"), role=_text(request, "role"), actor=actor_of(request))
        return f"An invitation is on its way to {row.email}."

    def _withdraw(self, request: HttpRequest) -> str:
        invitation_revoke(invitation_id=_id(request), actor=actor_of(request))
        return "The invitation no longer works."

    def _role(self, request: HttpRequest) -> str:
        member = membership_change_role(
            membership_id=_id(request),
            role=_text(request, "role"),
            revision=_number(request, "revision"),
            actor=actor_of(request),
        )
        return f"{member.email} is now {member.role}."

    def _remove(self, request: HttpRequest) -> str:
        membership_remove(membership_id=_id(request), actor=actor_of(request))
        return "The member was removed."


@method_decorator(never_cache, name="dispatch")
class Keys(SettingsPage):
    """API keys; the secret of a new one is shown once."""

    permissions: ClassVar[dict[str, str]] = {"GET": "keys.read", "POST": "keys.edit"}
    address = "settings-keys"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the keys, newest first."""
        return self._page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make a key and show its text, or revoke one."""
        if request.POST.get("deed") != "create":
            return super().post(request)
        life = LIVES.get(request.POST.get("life", ""))
        try:
            made = api_key_create(
                name=_text(request, "name"),
                role=_text(request, "role"),
                expires_at=now() + life if life else None,
                actor=actor_of(request),
            )
        except WeftError as refusal:
            tell_refusal(request, refusal)
            return self._page(request)
        return self._page(request, made=made)

    def deeds(self) -> dict[str, Deed]:
        """Revoke."""
        return {"revoke": self._revoke}

    def _revoke(self, request: HttpRequest) -> str:
        api_key_revoke(key_id=_id(request), actor=actor_of(request))
        return "The key is refused from now on."

    def _page(self, request: HttpRequest, **more: Any) -> HttpResponse:
        context = {
            "keys": key_list(limit=LONGEST).items,
            "now": now(),
            "roles": ROLES,
            "may_edit": may(request, "keys.edit"),
            "section": "keys",
        }
        return page(request, "tenants/settings_keys.html", context | more)


@method_decorator(sensitive_post_parameters("value"), name="dispatch")
class Secrets(SettingsPage):
    """Names of an environment's secrets; their values never come back."""

    permissions: ClassVar[dict[str, str]] = {"GET": "secrets.read", "POST": "secrets.edit"}
    address = "settings-secrets"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the names, with when and by whom each was set."""
        environment = environment_of(request, environment_list())
        context = {
            "secrets": secret_list(environment_id=environment.id) if environment else [],
            "may_edit": may(request, "secrets.edit"),
            "section": "secrets",
        }
        return page(request, "tenants/settings_secrets.html", context)

    def deeds(self) -> dict[str, Deed]:
        """Set and delete."""
        return {"set": self._set, "delete": self._delete}

    def _set(self, request: HttpRequest) -> str:
        name, environment = _text(request, "name"), _text(request, "environment")
        value = request.POST.get("value", "")
        secret_set(environment=environment, name=name, value=value, actor=actor_of(request))
        return f"{name} is set in {environment}."

    def _delete(self, request: HttpRequest) -> str:
        name, environment = _text(request, "name"), _text(request, "environment")
        secret_delete(environment=environment, name=name, actor=actor_of(request))
        return f"{name} is gone from {environment}."


class Projects(SettingsPage):
    """Folders of workflows."""

    permissions: ClassVar[dict[str, str]] = {"GET": "projects.read", "POST": "projects.edit"}
    address = "settings-projects"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the projects by name."""
        found = sorted(project_list(limit=LONGEST).items, key=lambda one: one.name.lower())
        context = {"listed": found, "may_edit": may(request, "projects.edit"), "section": "projects"}
        return page(request, "tenants/settings_projects.html", context)

    def deeds(self) -> dict[str, Deed]:
        """Make and put away."""
        return {"create": self._create, "archive": self._archive}

    def _create(self, request: HttpRequest) -> str:
        made = project_create(
            slug=_text(request, "slug"),
            name=_text(request, "name"),
            description=_text(request, "description"),
            actor=actor_of(request),
        )
        return f"The project {made.name} is there."

    def _archive(self, request: HttpRequest) -> str:
        project_archive(project_id=_id(request), revision=_number(request, "revision"), actor=actor_of(request))
        return "The project is put away; its workflows stay."


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()


def _id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("id", ""))
    except ValueError:
        raise NotFound from None


def _number(request: HttpRequest, name: str) -> int:
    try:
        return int(request.POST.get(name, ""))
    except ValueError:
        raise NotFound from None
