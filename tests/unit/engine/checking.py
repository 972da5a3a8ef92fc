"""A small catalogue and short ways to check a text against it."""

from typing import Any, ClassVar

from pydantic import AliasChoices, Field

from apps.engine.check import CheckOptions, check
from apps.engine.component import Component, Contract
from apps.engine.config_types import TemplateText
from apps.engine.document import load
from apps.engine.module import Category, Effect, Module, ModuleConfig
from apps.engine.registry import Registry


class NoConfig(ModuleConfig):
    """No settings."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "prefix"})


class Server(Module[NoConfig]):
    """A server whose address is required."""

    class Settings(ModuleConfig):
        """Its settings."""

        address: str = Field(min_length=1)
        read_timeout: int = Field(5, validation_alias=AliasChoices("readTimeout", "read_timeout"))

    kind, title, category, Config = "http.server", "Server", Category.HTTP, Settings


class Router(Module[NoConfig]):
    kind, title, category, Config = "http.router", "Router", Category.HTTP, NoConfig


class Answer(Module[NoConfig]):
    """Answers requests and can be called."""

    kind, title, category, Config = "http.handler", "Answer", Category.HTTP, NoConfig

    def handle(self, request: Any, context: Any) -> Any:
        return None

    def run(self, payload: Any, context: Any) -> Any:
        return payload


class Writer(Module[NoConfig]):
    """Answers requests and leaves something behind."""

    kind, title, category, writes = "api.handler", "Writer", Category.HTTP, True

    class Config(ModuleConfig):
        workflow_type: str = Field("", alias="workflowType")
        workflow_engine: str = Field("", alias="workflowEngine")
        initial_transition: str = Field("", alias="initialTransition")

    def handle(self, request: Any, context: Any) -> Any:
        return None


class Middleware(Module[NoConfig]):
    kind, title, category, Config = "http.middleware.logging", "Log", Category.HTTP, NoConfig

    def after(self, request: Any, response: Any, context: Any) -> None:
        return None


class Broker(Module[NoConfig]):
    kind, title, category, Config = "messaging.broker", "Broker", Category.MESSAGING, NoConfig


class Inbox(Module[NoConfig]):
    kind, title, category, Config = "messaging.handler", "Inbox", Category.MESSAGING, NoConfig

    def run(self, payload: Any, context: Any) -> Any:
        return payload


class Engine(Module[NoConfig]):
    kind, title, category, Config = "statemachine.engine", "Engine", Category.STATEMACHINE, NoConfig


class Sender(Module[NoConfig]):
    """Has effects, and nested settings."""

    class Settings(ModuleConfig):
        """Its settings."""

        class Retry(ModuleConfig):
            """Nested settings."""

            attempts: int = 3

        url: TemplateText = ""
        retry: Retry | None = None
        more: list[Retry] = []

    kind, title, category, Config, effect = "webhook.sender", "Sender", Category.INTEGRATION, Settings, Effect.ONCE

    def run(self, payload: Any, context: Any) -> Any:
        return payload

    def problems(self) -> list[tuple[str, str, str]]:
        """Object to one address."""
        if self.config.url == "explode":
            raise RuntimeError("it went off")
        if self.config.url == "odd":
            return [("url", "made.up", "This address is odd."), ("more.0", "config.invalid", "And this.")]
        return []


class Step(Module[NoConfig]):
    class Config(ModuleConfig):
        component_id: str = Field("", alias="componentId")
        success_transition: str = Field("", alias="successTransition")
        compensate_transition: str = Field("", alias="compensateTransition")

    kind, title, category = "processing.step", "Step", Category.STATEMACHINE

    def run(self, payload: Any, context: Any) -> Any:
        return payload


class Store(Module[NoConfig]):
    class Config(ModuleConfig):
        database: str = ""

    kind, title, category = "persistence.store", "Store", Category.STORAGE


class Database(Module[NoConfig]):
    kind, title, category, Config = "database.workflow", "Database", Category.STORAGE, NoConfig


class Jwt(Module[NoConfig]):
    class Config(ModuleConfig):
        secret: TemplateText

    kind, title, category = "auth.jwt", "JWT", Category.AUTH

    def handle(self, request: Any, context: Any) -> Any:
        return None


TYPES = [Server, Router, Answer, Writer, Middleware, Broker, Inbox, Engine, Sender, Step, Store, Database, Jwt]


def registry() -> Registry:
    """The small catalogue, with two bundled components."""
    made = Registry()
    for module_type in TYPES:
        made.add(module_type)
    for name, effect in (("stock", Effect.PURE), ("payment", Effect.ONCE)):
        made.components[name] = Component(name, name, Contract({}), lambda params, context: params, False, effect)
    return made


def findings_of(text: str, **options: Any):
    """Every finding of a text that loads."""
    loaded = load(text)
    assert loaded.findings == (), loaded.findings
    return check(loaded.document, registry(), CheckOptions(**options))


def told(text: str, **options: Any) -> list[tuple[str, str, int]]:
    """Code, path and line of every finding."""
    return [(found.code, found.path, found.line) for found in findings_of(text, **options)]


def codes(text: str, **options: Any) -> list[str]:
    """The codes alone."""
    return [found.code for found in findings_of(text, **options)]


HTTP_PARTS = """\
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- {name: answer, type: http.handler}
- {name: writer, type: api.handler}
- {name: log, type: http.middleware.logging}
- {name: broker, type: messaging.broker}
- {name: inbox, type: messaging.handler}
- {name: engine, type: statemachine.engine}
- {name: sender, type: webhook.sender}
"""


def with_parts(sections: str) -> str:
    """A document with one module of each kind that sections need, and these sections from line 11 on."""
    return f"modules:\n{HTTP_PARTS}{sections}"
