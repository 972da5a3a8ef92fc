"""Holds the routes of the `http` section.

Patterns are literal segments, `{name}` for one segment, `{name...}` for the rest and a trailing `/` for a whole
subtree; the most specific pattern wins. Routes say their full path: a prefix is never put in front of them.
"""

from typing import ClassVar

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Module, ModulePort


class HttpRouterConfig(SettingsModel):
    """`http.router` has no settings."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"prefix"})


class HttpRouter(Module[HttpRouterConfig]):
    """The router of the `http` section."""

    kind = "http.router"
    title = "Router"
    category = Category.HTTP
    Config = HttpRouterConfig
    inputs = (ModulePort("requests", "http", "Requests from the server."),)
    outputs = (ModulePort("routed", "http", "Each request, to the handler of its route."),)
