"""The shape of a module type: one class, one file, discovered by the registry.

A type declares what it is (`kind`, `category`, `effect`, ports) and implements one or more roles:

- *target*: `run(payload, context)` - a step, subscription handler, hook or job. Plain `def` when it does no I/O,
  `async def` when it does; the compiler knows which and calls it directly.
- *taker*: `take(message, context)` - what subscriptions, flows, hooks and jobs call instead of `run`, where a message
  is not the request that a step makes; same rule.
- *handler*: `handle(request, context)` - the handler of an http route; same rule.
- *middleware*: `before(request, context)` returning a Response to stop, and `after(request, response, context)`.
- *auth provider*: `authenticate(token, context)` returning claims or None.
- *mounted*: `mounts()` names routes that `handle` serves when the document's sections leave them free.
- *fixed answer*: `answer()` gives {status, headers, body}; in a flow (`engine/flows.py`) the message passes on
- *branch node*: `ways` are the names of its ways out, `choose(names)` gives one, `roots` says which names it looks at
- *listener*: `listens()` names topics of which `run` is given every message that `hears`, as `{topic, event}`.
- *job recorder*: `async record_run(told, context)` - is told of every ended run of a job of the `scheduler` section.
- *reporter*: `async health(context)` returning (`healthy` | `degraded` | `unhealthy`, message) for `health.checker`.

Instances are built at compile time from checked config and hold no state of a tenant: one compiled application
serves many units of work. State lives behind `context.unit`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from apps.engine.ports import Unit
from apps.engine.schedules import Jobs

if TYPE_CHECKING:
    from apps.engine.run.program import RetryPolicy


class Effect(StrEnum):
    """What repeating a call would do (engine.md law 5)."""

    PURE = "pure"
    IDEMPOTENT = "idempotent"
    CHECKABLE = "checkable"
    ONCE = "once"
    COMPENSABLE = "compensable"


class Category(StrEnum):
    """The folder of a type and its colour on the canvas."""

    HTTP = "http"
    MESSAGING = "messaging"
    STATEMACHINE = "statemachine"
    FRAMEWORK = "framework"
    STORAGE = "storage"
    DATA = "data"
    OBSERVABILITY = "observability"
    INTEGRATION = "integration"
    AUTH = "auth"
    SCHEDULING = "scheduling"
    BRANCHING = "branching"


class ModuleConfig(BaseModel):
    """Base of every config model: unknown keys are findings, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    # Keys that documents of the reference system carry and that mean nothing: accepted, reported as warnings.
    ignored_keys: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe what is really accepted: every spelling of a key, ignored keys, and `x-` keys."""
        schema = handler(core)
        described = handler.resolve_ref_schema(schema)
        properties = described.setdefault("properties", {})
        for field in cls.model_fields.values():
            if isinstance(field.validation_alias, AliasChoices):
                first, *others = (str(choice) for choice in field.validation_alias.choices)
                for other in others:
                    told = {"description": f"The same as {first}.", "x-same-as": first}
                    properties[other] = properties[first] | told
                if first in described.get("required", ()):
                    require_one_of(described, first, first, *others)
        for key in sorted(cls.ignored_keys):
            properties[key] = {"description": "Accepted, without effect.", "x-ignored": True}
        described["patternProperties"] = {"^x-": {}}
        return schema


@dataclass(frozen=True, slots=True)
class ModulePort:
    """A named, typed point where an edge may be drawn; `type` is one of http, message, data, event, service."""

    name: str
    type: str
    description: str = ""


def require_one_of(schema: dict[str, Any], key: str, *enough: str) -> None:
    """Have a schema require any of the keys in `enough` instead of `key`."""
    schema["required"] = [required for required in schema["required"] if required != key]
    schema.setdefault("allOf", []).append({"anyOf": [{"required": [each]} for each in enough]})


C = TypeVar("C", bound=ModuleConfig)
# A target as `handle` calls it: `await called(payload, context)` returns its result or raises what it raised.
Called = Callable[[Any, "Context"], Awaitable[Any]]


class Context:
    """What a module may use while it runs: the unit's ports and who is asking."""

    __slots__ = ("action", "attempt", "logs", "request_id", "run_id", "state", "step_id", "unit")

    def __init__(
        self,
        unit: Unit,
        run_id: UUID,
        request_id: str = "",
        *,
        step_id: UUID | None = None,
        attempt: int = 1,
        action: str = "",
    ) -> None:
        self.unit = unit
        self.run_id = run_id
        self.request_id = request_id
        self.step_id = step_id  # stable over all attempts: the idempotency key of anything that leaves
        self.attempt = attempt
        self.action = action  # what began the run: the topic of a message, the name of a job; empty within a request
        self.logs: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}  # scratch space of middlewares, dropped with the request

    def log(self, message: str, level: str = "info", **fields: Any) -> None:
        """Add a line to the run's log; shown on the run page."""
        self.logs.append({"level": level, "message": message, **fields})


class Links:
    """Reference resolution at compile time: explicit name, legacy name, the only one of its kind (spec 2 [T])."""

    def __init__(
        self,
        modules: Mapping[str, "Module[Any]"],
        legacy: Mapping[str, str] | None = None,
        *,
        machines: Mapping[str, Any] | None = None,
        components: Mapping[str, Any] | None = None,
        targets: Mapping[str, "Called"] | None = None,
        jobs: Jobs | None = None,
        read_file: Callable[[str], bytes] | None = None,
    ) -> None:
        self.modules = modules
        self.legacy = legacy or {}
        self.machines: Mapping[str, Any] = machines if machines is not None else {}  # by definition; filled later
        self.components: Mapping[str, Any] = components or {}  # bundled, by stem (`engine/component.py`)
        self.targets: Mapping[str, Called] = targets if targets is not None else {}  # see `Module.calls`; filled later
        self.jobs = jobs or Jobs()  # of the `scheduler` section; filled later
        self.read_file = read_file  # a file beside the document; None where documents have no folder (hosted)
        self._of_kind: dict[tuple[str, ...], list[Module[Any]]] = {}

    def of_kind(self, *kinds: str) -> list["Module[Any]"]:
        """Return every module of the given kinds, in compile order."""
        if kinds not in self._of_kind:
            self._of_kind[kinds] = [module for module in self.modules.values() if module.kind in kinds]
        return self._of_kind[kinds]

    def find(self, name: str | None, *kinds: str) -> "Module[Any] | None":
        """Return the named module, else the only one of these kinds, else None."""
        if name:
            found = self.modules.get(name) or self.modules.get(self.legacy.get(name, ""))
            if found is not None:
                return found
        candidates = self.of_kind(*kinds)
        return candidates[0] if len(candidates) == 1 else None


class Module(Generic[C]):
    """Base of every module type."""

    kind: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[Category]
    Config: ClassVar[type[ModuleConfig]]
    effect: Effect = Effect.PURE  # an instance may narrow it (`dynamic.component`)
    retry: "RetryPolicy | None" = None  # how its steps are retried where the document does not say
    retry_keys: ClassVar[frozenset[str]] = frozenset()  # fields of its config by which a document does say it
    writes: bool = False  # changes something through the unit: undone with it, so it needs no intent
    aliases: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[tuple[ModulePort, ...]] = ()
    outputs: ClassVar[tuple[ModulePort, ...]] = ()

    config: C

    def __init__(self, name: str, config: C) -> None:
        self.name = name
        self.config = config

    @property
    def says_retry(self) -> bool:
        """Whether `retry` is what the document wrote, and not this type's own habit."""
        return bool(self.retry_keys & self.config.model_fields_set)

    def link(self, links: Links) -> None:
        """Resolve what this module refers to; called once, after all modules exist, in dependency order."""

    def follows(self) -> tuple[str, str] | None:
        """Return (state-machine definition, resource kind) when resources of that kind carry an instance's state.

        The instance's data says the resource's key as `id`.
        """
        return None

    def calls(self) -> dict[str, str]:
        """Return, by config key, what `handle` calls in the transaction of its request: it is in `links.targets` then.

        Only what stays inside: modules, pipelines and components that are pure or write through the unit.
        """
        return {}

    def mounts(self) -> list[tuple[str, str]]:
        """Return the (method, pattern) pairs that `handle` serves without a route of the document."""
        return []

    def listens(self) -> tuple[str, ...]:
        """Return the topics whose messages this module is told by itself, without a subscription of the document."""
        return ()

    def hears(self, topic: str, payload: Any) -> bool:
        """Whether a message of those topics is wanted."""
        return True

    def problems(self) -> list[tuple[str, str, str]]:
        """Return extra findings of a valid config as (key path inside config, code, message); all are blocked."""
        return []

    def placed_problems(self, *, has_files: bool) -> list[tuple[str, str, str]]:
        """Return findings, as `problems` does, of what the document's place has or has not.

        `has_files` where it is a file of a machine (`wfctl`), not where it is a tenant's.
        """
        return []
