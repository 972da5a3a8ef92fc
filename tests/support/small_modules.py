"""Module types that are only as big as a test needs, and the way to compile a document that uses them."""

from typing import Any

from apps.engine.application import Application
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Effect, Module, ModuleConfig, ModulePort
from apps.engine.outcome import Outcome, StepFailed, TryAgain
from apps.engine.registry import Registry
from apps.engine.run.program import RetryPolicy

DATA_IN = (ModulePort("input", "data"),)
MESSAGE_IN = (ModulePort("message", "message"),)
HTTP_IN = (ModulePort("request", "http"),)


class NoConfig(ModuleConfig):
    """No settings."""


class Engine(Module[NoConfig]):
    kind, title, category, Config = "statemachine.engine", "Engine", Category.STATEMACHINE, NoConfig


class Broker(Module[NoConfig]):
    kind, title, category, Config = "messaging.broker", "Broker", Category.MESSAGING, NoConfig


class Server(Module[NoConfig]):
    kind, title, category, Config = "http.server", "Server", Category.HTTP, NoConfig


class Router(Module[NoConfig]):
    kind, title, category, Config = "http.router", "Router", Category.HTTP, NoConfig


class TopicConfig(ModuleConfig):
    topic: str | None = None


class Inbox(Module[TopicConfig]):
    """Takes messages in."""

    kind, title, category, Config = "messaging.handler", "Inbox", Category.MESSAGING, TopicConfig
    inputs = MESSAGE_IN

    def run(self, payload: Any, context: Context) -> Any:
        context.log(f"{self.name} received a message")
        return payload


class FixedConfig(ModuleConfig):
    status: int = 200


class Fixed(Module[FixedConfig]):
    """Answers with its name."""

    kind, title, category, Config = "http.handler", "Fixed", Category.HTTP, FixedConfig
    inputs = HTTP_IN

    def handle(self, request: Request, context: Context) -> Response:
        return Response.json({"handler": self.name, "params": request.params}, self.config.status)


class AsyncFixed(Fixed):
    """The same as a coroutine, and it writes."""

    kind = "test.async_handler"
    writes = True

    async def handle(self, request: Request, context: Context) -> Response:  # type: ignore[override]
        if request.query.get("fail"):
            raise StepFailed("asked to fail", code="test.failed", status=int(request.query["fail"]), data={"why": 1})
        if request.query.get("busy"):
            raise TryAgain("busy", after=2.2, code="test.busy")
        return Response.json({"handler": self.name})


class Marking(Module[NoConfig]):
    """A middleware that leaves a trail."""

    kind, title, category, Config = "test.marking", "Marking", Category.HTTP, NoConfig
    inputs = HTTP_IN

    def before(self, request: Request, context: Context) -> Response | None:
        context.state.setdefault("trail", []).append(f"{self.name}+")
        if request.headers.get("x-stop") == self.name:
            return Response.text(f"stopped by {self.name}", 401)
        return None

    def after(self, request: Request, response: Response, context: Context) -> None:
        context.state["trail"].append(f"{self.name}-")
        response.headers.append((b"x-trail", "".join(context.state["trail"]).encode()))


class AsyncMarking(Marking):
    """The same as coroutines."""

    kind = "test.async_marking"

    async def before(self, request: Request, context: Context) -> Response | None:  # type: ignore[override]
        return super().before(request, context)

    async def after(self, request: Request, response: Response, context: Context) -> None:  # type: ignore[override]
        super().after(request, response, context)


class Cors(Module[NoConfig]):
    kind, title, category, Config = "http.middleware.cors", "Cross-origin", Category.HTTP, NoConfig
    inputs = HTTP_IN

    def before(self, request: Request, context: Context) -> Response | None:
        if request.method != "OPTIONS" or "origin" not in request.headers:
            return None
        return Response(200, headers=[(b"access-control-allow-origin", request.headers["origin"].encode())])


class SendConfig(ModuleConfig):
    url: str = "https://receiver.test/"


class Sender(Module[SendConfig]):
    """Sends its payload out; the step's id is the key."""

    kind, title, category, Config = "test.sender", "Sender", Category.INTEGRATION, SendConfig
    effect = Effect.IDEMPOTENT
    inputs = DATA_IN

    async def run(self, payload: Any, context: Context) -> Any:
        body = Response.json(payload).body
        reply = await context.unit.http.request(
            "POST", self.config.url, headers={"webhook-id": str(context.step_id)}, body=body
        )
        if reply.status >= 500:
            raise TryAgain(f"answered {reply.status}", code="sender.busy")
        if reply.status >= 400:
            raise StepFailed(f"answered {reply.status}", code="sender.refused")
        return {"sent": reply.status}


class PatientSender(Sender):
    """The same with a retry policy of its own: a single try."""

    kind = "test.patient"
    retry = RetryPolicy(attempts=1)


class OnceSender(Sender):
    """The same for something that must not be repeated."""

    kind = "test.once"
    effect = Effect.ONCE


class CheckableSender(Sender):
    """The same for something that can be asked about."""

    kind = "test.checkable"
    effect = Effect.CHECKABLE

    async def verify(self, payload: Any, context: Context) -> Outcome | None:
        reply = await context.unit.http.request("GET", f"{self.config.url}{context.step_id}")
        return Outcome({"verified": True}) if reply.status == 200 else None


class Doubler(Module[NoConfig]):
    """A pure transformation."""

    kind, title, category, Config = "data.transformer", "Doubler", Category.DATA, NoConfig
    inputs = DATA_IN

    def run(self, payload: Any, context: Context) -> Any:
        if not isinstance(payload.get("n"), int):
            raise StepFailed("n is not a number", code="doubler.no_number")
        return Outcome({"n": payload["n"] * 2})


class Refusing(Module[NoConfig]):
    """A pure target that refuses `{refuse: true}`."""

    kind, title, category, Config = "test.refusing", "Refusing", Category.DATA, NoConfig
    inputs = DATA_IN

    async def run(self, payload: Any, context: Context) -> Any:
        if payload.get("data", payload).get("refuse"):
            raise StepFailed("not today", code="test.refused")
        return None


class Buggy(Module[NoConfig]):
    """A fault of ours."""

    kind, title, category, Config = "test.buggy", "Buggy", Category.DATA, NoConfig
    inputs = DATA_IN

    def run(self, payload: Any, context: Context) -> Any:
        raise KeyError("bug")

    def handle(self, request: Request, context: Context) -> Response:
        raise KeyError("bug")


class StepConfig(ModuleConfig):
    component_id: str = ""
    success_transition: str = ""
    compensate_transition: str = ""
    max_retries: int = 2
    retry_backoff_ms: int = 1000
    success_when: str = ""


class ProcessingStep(Module[StepConfig]):
    kind, title, category, Config = "processing.step", "Processing step", Category.STATEMACHINE, StepConfig
    inputs = DATA_IN

    def __init__(self, name: str, config: StepConfig) -> None:
        super().__init__(name, config)
        self.retry = RetryPolicy(config.max_retries + 1, config.retry_backoff_ms / 1000)

    def run(self, payload: Any, context: Context) -> Any:
        raise AssertionError("the compiler runs the component in its place")


class Mounted(Module[NoConfig]):
    """Serves an address that no route names."""

    kind, title, category, Config = "test.mounted", "Mounted", Category.OBSERVABILITY, NoConfig

    def mounts(self) -> list[tuple[str, str]]:
        return [("GET", "/healthz")]

    def handle(self, request: Request, context: Context) -> Response:
        return Response.json({"status": "healthy"})


TYPES: tuple[type[Module[Any]], ...] = (
    Engine, Broker, Server, Router, Inbox, Fixed, AsyncFixed, Marking, AsyncMarking, Cors,
    Sender, PatientSender, OnceSender, CheckableSender, Doubler, Refusing, Buggy, ProcessingStep, Mounted,
)  # fmt: skip


def small_registry() -> Registry:
    """Return the types of this file as a catalogue."""
    registry = Registry()
    for module_type in TYPES:
        registry.add(module_type)
    return registry


def compiled(text: str) -> Application:
    """Load and compile a document that uses the types of this file."""
    loaded = load(text)
    assert loaded.document is not None, loaded.findings
    return compile_document(loaded.document, small_registry())
