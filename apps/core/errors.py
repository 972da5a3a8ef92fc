"""What can go wrong, as the caller is told: each error is one problem document (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class WeftError(Exception):
    """A refusal with an HTTP status, a stable machine word and a sentence for people."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self, detail: str = "", *, code: str | None = None, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.problem_code = code or self.code
        self.headers = dict(headers or {})
        self.extra = extra

    def problem(self) -> dict[str, Any]:
        """Return the problem document without the request id."""
        body = {"type": "about:blank", "title": self.title, "status": self.status, "code": self.problem_code}
        return body | ({"detail": self.detail} if self.detail else {}) | self.extra


class BadRequest(WeftError):
    """The request cannot be understood."""

    status = 400
    code = "request.bad"
    title = "The request cannot be understood"


class Unauthenticated(WeftError):
    """Nobody is signed in and no valid key was sent."""

    status = 401
    code = "sign-in.required"
    title = "Sign in or send an API key"


class Forbidden(WeftError):
    """The actor is known here and may not do this."""

    status = 403
    code = "permission.denied"
    title = "You may not do this"


class NotFound(WeftError):
    """There is no such thing, or none that the actor may know of."""

    status = 404
    code = "not-found"
    title = "There is no such thing"


class Conflict(WeftError):
    """The state of the thing does not allow this."""

    status = 409
    code = "conflict"
    title = "The current state does not allow this"


class PreconditionFailed(WeftError):
    """Somebody else changed the thing since it was read."""

    status = 412
    code = "changed-meanwhile"
    title = "Somebody else has changed this"


class TooLarge(WeftError):
    """The body is larger than allowed."""

    status = 413
    code = "too-large"
    title = "The body is too large"


class Invalid(WeftError):
    """The content is refused; `errors` says where, as [{pointer, message}], and `findings` for documents."""

    status = 422
    code = "invalid"
    title = "The content is not valid"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        findings: Sequence[Mapping[str, Any]] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail, **extra)
        if errors:
            self.extra["errors"] = [dict(error) for error in errors]
        if findings is not None:
            self.extra["findings"] = [dict(finding) for finding in findings]


class PreconditionRequired(WeftError):
    """An edit must say which state it was made from."""

    status = 428
    code = "if-match.required"
    title = "Send If-Match with the ETag you read"


class TooManyRequests(WeftError):
    """Too often; `Retry-After` says when again."""

    status = 429
    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after: int = 1, **extra: Any) -> None:
        headers = {"Retry-After": str(max(1, retry_after)), **extra.pop("headers", {})}
        super().__init__(detail, headers=headers, **extra)


class Unavailable(WeftError):
    """Overloaded or not ready; nothing was accepted."""

    status = 503
    code = "unavailable"
    title = "Not available at the moment"
