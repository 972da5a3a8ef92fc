"""The doors of the portal: sign in, sign out, choose a tenant, accept an invitation."""

from typing import ClassVar, cast

from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.core.api.permissions import PUBLIC, SIGNED_IN
from apps.core.errors import Conflict, Invalid, TooManyRequests, WeftError
from apps.core.pages.views import PageView, page
from apps.tenants.errors import OtherAddress, SignInRefused
from apps.tenants.models import User
from apps.tenants.operations.invitations import invitation_accept, invitation_preview
from apps.tenants.operations.sign_in import sign_in_check
from apps.tenants.pages.visitors import client_address
from apps.tenants.queries import memberships_of


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class SignIn(PageView):
    """The sign-in form; a refusal does not say which of the two was wrong."""

    permissions: ClassVar[dict[str, str]] = {"GET": PUBLIC, "POST": PUBLIC}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form, or go on when somebody is signed in already."""
        if request.user.is_authenticated:
            return HttpResponseRedirect(_next(request))
        return page(request, "tenants/sign_in.html", {"next": _next(request)})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Sign in and go where the person wanted to go."""
        email, password = request.POST.get("email", ""), request.POST.get("password", "")
        context = {"next": _next(request), "email": email}
        try:
            user = sign_in_check(email=email, password=password, address=client_address(request))
        except SignInRefused as refusal:
            return page(request, "tenants/sign_in.html", context | {"refusal": refusal}, status=401)
        except TooManyRequests as refusal:
            wait = {"minutes": -(-int(refusal.headers["Retry-After"]) // 60)}
            response = page(request, "tenants/sign_in.html", context | {"refusal": refusal} | wait, status=429)
            response["Retry-After"] = refusal.headers["Retry-After"]
            return response
        login(request, user)
        return HttpResponseRedirect(_next(request))


class SignOut(PageView):
    """Ends the session."""

    permissions: ClassVar[dict[str, str]] = {"POST": PUBLIC}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Forget who was signed in."""
        logout(request)
        return HttpResponseRedirect(reverse("sign-in"))


@method_decorator(never_cache, name="dispatch")
class Tenants(PageView):
    """Which tenant to work in; with only one there is nothing to choose."""

    permissions: ClassVar[dict[str, str]] = {"GET": SIGNED_IN}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the tenants of the person, or go to the only one."""
        found = memberships_of(user=cast(User, request.user))
        if len(found) == 1 and "choose" not in request.GET:
            return HttpResponseRedirect(reverse("home", kwargs={"tenant": found[0].slug}))
        return page(request, "tenants/chooser.html", {"memberships": found})


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class Invitation(PageView):
    """Lets the invited person in: with the account they have, or with a new one."""

    permissions: ClassVar[dict[str, str]] = {"GET": PUBLIC, "POST": PUBLIC}

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Say what is offered."""
        return self._answer(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Accept, sign in, and go to the tenant."""
        user = request.user if request.user.is_authenticated else None
        name, password = request.POST.get("name", ""), request.POST.get("password", "")
        try:
            accepted, tenant = invitation_accept(token=token, user=user, name=name, password=password)
        except (Invalid, OtherAddress, Conflict) as refusal:
            return self._answer(request, token, refusal)
        except WeftError as refusal:
            return page(request, "tenants/invitation_over.html", {"refusal": refusal}, status=refusal.status)
        if user is None:
            login(request, accepted)
        messages.success(request, "Welcome. You are a member now.")
        return HttpResponseRedirect(reverse("home", kwargs={"tenant": tenant.slug}))

    def _answer(self, request: HttpRequest, token: str, refusal: WeftError | None = None) -> HttpResponse:
        try:
            preview = invitation_preview(token=token)
        except WeftError as over:
            return page(request, "tenants/invitation_over.html", {"refusal": over}, status=over.status)
        context = {"preview": preview, "refusal": refusal, "name": request.POST.get("name", "")}
        return page(request, "tenants/invitation.html", context, status=refusal.status if refusal else 200)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("tenants")
