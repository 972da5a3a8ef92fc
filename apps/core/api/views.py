"""The base of every view of the API: named permissions, one call inward, problems as answers."""

from typing import Any, ClassVar, NoReturn, TypeVar, cast
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core import audit
from apps.core.api.authentication import ScopeAuthentication
from apps.core.api.permissions import allowed
from apps.core.api.problems import MethodNotAllowed
from apps.core.api.shapes import Taken
from apps.core.api.throttling import Allowance, buckets
from apps.core.errors import Forbidden, Invalid, TooManyRequests, Unauthenticated
from apps.core.scope import Actor

Shape = TypeVar("Shape", bound=Taken)


class ApiView(APIView):
    """A view of one address; `permissions` names what each method needs, and what it does not name is refused."""

    permissions: ClassVar[dict[str, str]] = {}
    authentication_classes = [ScopeAuthentication]
    permission_classes = []
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    _allowance: Allowance | None = None

    @property
    def actor(self) -> Actor:
        """Who calls."""
        return cast(Actor, self.request.auth)

    def body(self, shape: type[Shape]) -> dict[str, Any]:
        """Return the body checked by `shape`; raise `Invalid` or `UnknownKeys` with a pointer to each fault."""
        if not isinstance(self.request.data, dict):
            raise Invalid("The body is a JSON object.", errors=[{"pointer": "", "message": "not an object"}])
        serializer = shape(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Serve the address under both of its mounts: the tenant in it has been dealt with by the middleware."""
        kwargs.pop("tenant", None)
        return super().dispatch(request, *args, **kwargs)

    def check_permissions(self, request: Request) -> None:
        """Refuse strangers, unnamed methods and actors without the named permission; note the last."""
        method = "GET" if request.method == "HEAD" else str(request.method)
        if not hasattr(self, method.lower()):
            self.http_method_not_allowed(request)
        if request.auth is None:
            raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
        permission = self.permissions.get(method)
        if permission is None or not allowed(self.actor, permission):
            self._refuse(permission or "nothing that exists")

    def check_throttles(self, request: Request) -> None:
        """Take one call from the actor's allowance."""
        actor = self.actor
        self._allowance = buckets.take((actor.kind, actor.id))
        if self._allowance.wait:
            raise TooManyRequests(retry_after=round(self._allowance.wait + 0.5), headers=self._allowance.headers())

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell the caller what is left of the allowance, and keep answers out of shared caches."""
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, value in (self._allowance.headers() if self._allowance else {}).items():
            final[name] = value
        final.setdefault("Cache-Control", "private, no-store")
        return final

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[override]
        """Refuse with the methods that are taken."""
        raise MethodNotAllowed(headers={"Allow": ", ".join(self.allowed_methods)})

    def _refuse(self, permission: str) -> NoReturn:
        target_id = next((value for value in self.kwargs.values() if isinstance(value, UUID)), None)
        audit.record_refusal(
            verb=permission, target=type(self).__name__, target_id=target_id, details={"method": self.request.method}
        )
        raise Forbidden(f"This needs the permission {permission}.")
