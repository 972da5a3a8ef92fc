"""What the isolation sweeps need to know of each app: how a row is made, which ids a route takes, how a task is called.

Each app adds its own in `tests/support/examples/<app>.py`, through `row`, `parameter`, `body`, `form`, `task`
and `socket`.
Whatever an inventory (pg_class, the URL conf, Celery, the socket routes) holds and no example covers is a failure.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from tests.support.tenants import TenantFixture

Maker = Callable[[TenantFixture], None]
Value = Callable[[TenantFixture], Any]


@dataclass(frozen=True)
class Parameter:
    """A value for one name in an address; `is_id` when another tenant's value means 404 and nothing else."""

    value: Value
    is_id: bool


@dataclass(frozen=True)
class SocketExample:
    """One message that a socket takes, aimed at a tenant's row."""

    pattern: str
    message: Value


@dataclass
class Examples:
    """Everything that the apps have registered."""

    rows: dict[str, Maker] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    bodies: dict[tuple[str, str], Value] = field(default_factory=dict)
    forms: dict[str, list[Value]] = field(default_factory=dict)
    tasks: dict[str, Value] = field(default_factory=dict)
    tasks_without_tenant: set[str] = field(default_factory=set)
    sockets: dict[tuple[str, str], SocketExample] = field(default_factory=dict)

    def parameter(self, pattern: str, name: str) -> Parameter | None:
        """Return the value of `<...:name>` in addresses of `pattern`."""
        special = [key for key in self.parameters if key.endswith(f"#{name}")]
        chosen = next((key for key in special if pattern.endswith(key.rpartition("#")[0])), name)
        return self.parameters.get(chosen)

    def body(self, method: str, pattern: str) -> Value | None:
        """Return the valid body of a call of the API."""
        fitting = [key for key in self.bodies if key[0] == method and f"/{pattern}".endswith(f"/{key[1]}")]
        longest = max(fitting, key=lambda key: len(key[1]), default=None)
        return self.bodies[longest] if longest else None


registered = Examples()


def row(*tables: str) -> Callable[[Maker], Maker]:
    """Register how a row of each of `tables` is made for a tenant; called once per tenant, outside of a scope."""

    def register(maker: Maker) -> Maker:
        registered.rows.update(dict.fromkeys(tables, maker))
        return maker

    return register


def parameter(name: str, value: Value, *, is_id: bool = True) -> None:
    """Register the value of `<...:name>` in addresses, asked for after the rows were made.

    Where two routes use one name for different things, register "`<pattern's last words>#name`", as in
    `secrets/<str:name>#name`.
    """
    registered.parameters[name] = Parameter(value, is_id)


def body(method: str, pattern: str, value: Value | None = None) -> None:
    """Register a valid JSON body for a method of the route whose pattern ends in `pattern`."""
    registered.bodies[method, pattern] = value or (lambda tenant: {})


def form(pattern: str, *values: Value) -> None:
    """Register what is posted, once with each of `values`, to the page at exactly `pattern`."""
    registered.forms.setdefault(pattern, []).extend(values)


def task(name: str, ids: Value) -> None:
    """Register the ids with which a task of a tenant is called."""
    registered.tasks[name] = ids


def task_without_tenant(name: str) -> None:
    """Register a task that takes no ids and touches no tenant by itself, such as the bell."""
    registered.tasks_without_tenant.add(name)


def socket(pattern: str, kind: str, message: Value) -> None:
    """Register a message of type `kind` for the socket at `pattern`, aimed at a tenant's row."""
    registered.sockets[pattern, kind] = SocketExample(pattern, message)


def examples() -> Examples:
    """Import every app's examples and return them together."""
    package = import_module("tests.support.examples")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return registered


@dataclass
class Sweep:
    """What one sweep found: how many things it looked at, what no example covers, what let another tenant in."""

    what: str
    count: int = 0
    uncovered: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    def faults(self) -> str:
        """Return one line per fault, empty when there is none."""
        lines = [f"uncovered: {text}" for text in sorted(set(self.uncovered))]
        return "\n".join(lines + [f"BREACH: {text}" for text in self.breaches])


def demand_clean(*sweeps: Sweep) -> None:
    """Fail with every fault of every sweep, one a line."""
    faults = "\n".join(filter(None, (sweep.faults() for sweep in sweeps)))
    if faults:
        raise AssertionError(f"another tenant may get in:\n{faults}")
