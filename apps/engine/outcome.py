"""What one try of a step can say: a value, wait and try again, or failed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Payload = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """A finished try.

    `value` is the step's output (JSON). `failed_as_result` is set when the target answered properly but the answer
    means failure (spec/modules.md D6), so that the caller compensates instead of continuing.
    """

    value: Any = None
    failed_as_result: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


class StepFailed(Exception):
    """The step cannot succeed, however often it is tried.

    `code` is stable and dotted (`webhook.refused`), `data` is JSON for the run's error, `status` the HTTP status
    that a request ending here gets. `step` names the step of a program that failed, "" outside of programs.
    """

    step = ""

    def __init__(self, message: str, *, code: str = "step.failed", data: Any = None, status: int = 500) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.data = data
        self.status = status


class TryAgain(Exception):
    """This try failed but another may succeed; `after` is in seconds, None for the step's own back-off.

    `data` is JSON for the run's error, should it have been the last try.
    """

    def __init__(
        self, message: str, *, after: float | None = None, code: str = "step.try_again", data: Any = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.after = after
        self.code = code
        self.data = data


class Postponed(TryAgain):
    """This try was not begun: that is no fault of the step and costs it no attempt."""


class Rejected(StepFailed):
    """The input is wrong: a located 4xx for the caller, never retried.

    `errors` holds `{"pointer": "/items/0/qty", "message": "..."}` entries (JSON pointers, RFC 6901).
    """

    def __init__(
        self,
        message: str,
        *,
        errors: list[dict[str, str]] | None = None,
        code: str = "input.invalid",
        status: int = 400,
    ) -> None:
        self.errors = errors or []
        super().__init__(message, code=code, data={"errors": self.errors}, status=status)


class ExpressionFailed(Rejected):
    """An expression cannot be evaluated over the values it was given: a refusal (422) with a code `expression.*`.

    `place` leads from the value that was looked at to the part at fault.
    """

    def __init__(self, message: str, *, code: str, pointer: str | None = None) -> None:
        super().__init__(message, code=code, status=422)
        self.place: list[str | int] = []
        if pointer is not None:
            self.locate(pointer)

    def locate(self, pointer: str) -> None:
        """Say which value of the input is at fault, as a JSON pointer."""
        self.errors.append({"pointer": pointer, "message": self.message})


def pointer_of(parts: Iterable[str | int]) -> str:
    """Return a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
