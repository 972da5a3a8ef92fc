"""The base of the portal's pages: every method names its permission, and one call inward does the work."""

from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views import View

from apps.core import audit
from apps.core.api.permissions import PUBLIC, SIGNED_IN, allowed
from apps.core.errors import Forbidden, NotFound, WeftError
from apps.core.scope import Actor


class PageView(View):
    """A page; `permissions` names, for every method it has, what the caller must be allowed to do."""

    permissions: ClassVar[dict[str, str]]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer when the caller may ask, send strangers to the sign-in page, refuse everybody else.

        The tenant in the address has been dealt with by the middleware, so views do not get it.
        """
        kwargs.pop("tenant", None)
        permission = self.permissions.get("GET" if request.method == "HEAD" else request.method or "")
        if permission is None:
            return self.http_method_not_allowed(request, *args, **kwargs)
        if permission != PUBLIC:
            if not request.user.is_authenticated:
                return HttpResponseRedirect(f"{settings.LOGIN_URL}?next={quote(request.get_full_path())}")
            if permission != SIGNED_IN and not allowed(actor_of(request), permission):
                audit.record_refusal(verb=permission, target=type(self).__name__, details={"method": request.method})
                raise Forbidden(f"This needs the permission {permission}.")
        return super().dispatch(request, *args, **kwargs)


def actor_of(request: HttpRequest) -> Actor:
    """Return who acts, as the tenant's middleware found out."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def may(request: HttpRequest, permission: str) -> bool:
    """Say whether to offer something to the caller; the operation behind it decides again."""
    return allowed(actor_of(request), permission)


def page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Draw a page."""
    return render(request, template, context, status=status)


def tell_refusal(request: HttpRequest, refusal: WeftError) -> None:
    """Say on the next page why something was not done, with every reason; what is not there stays a 404."""
    if isinstance(refusal, NotFound):
        raise refusal
    reasons = [str(error.get("message", "")) for error in refusal.extra.get("errors", [])]
    messages.error(request, " ".join([refusal.detail or refusal.title, *reasons]))
