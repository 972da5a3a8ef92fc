"""The address an application is served on, in the framework's words.

It does what `http.server` does: `wfctl run` listens on `host` and `port`, and the hosted product reads them as a label,
since routes are served under the tenant's own base address, over TLS already. Settings may also stand under the
top-level key `httpserver`.
"""

from typing import ClassVar

from pydantic import AliasChoices, Field, field_validator
from pydantic.alias_generators import to_camel

from apps.engine.config_types import Seconds, SettingsModel, WholeNumber
from apps.engine.module import Category, Module, ModulePort


def _spelled(name: str) -> AliasChoices:
    camel = to_camel(name)
    return AliasChoices(name, camel, f"{camel}Seconds")


class HttpserverModularConfig(SettingsModel):
    """Settings of `httpserver.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "tls"})

    address: str = Field("", description="Host and port in one, such as `:8080`, instead of both.")
    host: str = Field("", description="The host to listen on; without one it is this machine only.")
    port: WholeNumber = Field(8080, ge=0, le=65535, description="The port to listen on.")
    read_timeout: Seconds = Field(
        15.0, gt=0, validation_alias=_spelled("read_timeout"), description="How long a request may take to arrive."
    )
    write_timeout: Seconds = Field(
        15.0, gt=0, validation_alias=_spelled("write_timeout"), description="How long an answer may take."
    )
    idle_timeout: Seconds = Field(
        60.0, gt=0, validation_alias=_spelled("idle_timeout"), description="How long a connection may be idle."
    )
    shutdown_timeout: Seconds = Field(
        30.0, gt=0, validation_alias=_spelled("shutdown_timeout"), description="How long stopping may take."
    )

    @field_validator("address")
    @classmethod
    def _has_a_port(cls, value: str) -> str:
        port = value.rpartition(":")[2]
        if value and (not port.isdigit() or int(port) > 65535):
            raise ValueError("needs a port, such as :8080")
        return value


class HttpserverModular(Module[HttpserverModularConfig]):
    """The listener of the `http` section, in the framework's words."""

    kind = "httpserver.modular"
    aliases = ("httpserver",)
    title = "HTTP server (framework)"
    category = Category.FRAMEWORK
    Config = HttpserverModularConfig
    outputs = (ModulePort("requests", "http", "Requests as they arrive."),)
