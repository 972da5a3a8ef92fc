"""Which environment a page is about."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from django.http import HttpRequest


class Named(Protocol):
    """Anything with a name, such as an environment."""

    @property
    def name(self) -> str:
        """Return the name that addresses use."""


Environment = TypeVar("Environment", bound=Named)


def environment_of(request: HttpRequest, environments: Sequence[Environment]) -> Environment | None:
    """Return the environment that a page is about: its own, else that of the address, else the remembered one.

    A page about one environment's thing sets `request.environment_name`. Without any the last one counts, production.
    """
    tenant = request.tenant.slug  # type: ignore[attr-defined]
    wanted = (
        getattr(request, "environment_name", None),
        request.GET.get("environment"),
        request.COOKIES.get(f"weft_environment_{tenant}"),
    )
    by_name = {one.name: one for one in environments}
    known = [by_name[name] for name in wanted if name in by_name]
    return known[0] if known else (environments[-1] if environments else None)
