"""The address an application is served on.

`wfctl run` listens on this address. The hosted product reads it as a label: routes are served under the tenant's own
base address, whatever it says. The timeouts bound how long one request may take to arrive and to be answered.
"""

from typing import Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from apps.engine.config_types import Seconds, SettingsModel, WholeNumber
from apps.engine.module import Category, Module, ModulePort


class HttpServerConfig(SettingsModel):
    """Settings of `http.server`."""

    port: WholeNumber | None = Field(None, ge=0, le=65535, description="A port number, instead of an address.")
    address: str = Field("", validate_default=True, description="Host and port, such as `:8080` or `127.0.0.1:8080`.")
    read_timeout: Seconds = Field(30.0, gt=0, description="How long a request may take to arrive.")
    write_timeout: Seconds = Field(30.0, gt=0, description="How long a request may take to be answered.")

    @field_validator("address", mode="before")
    @classmethod
    def _address_or_port(cls, value: Any, info: ValidationInfo) -> Any:
        if value in ("", None):
            if info.data.get("port") is None:
                raise PydanticKnownError("missing")
            return f":{info.data['port']}"
        return value

    @field_validator("address")
    @classmethod
    def _has_a_port(cls, value: str) -> str:
        port = value.rpartition(":")[2]
        if not port.isdigit() or int(port) > 65535:
            raise ValueError("needs a port, such as :8080")
        return value


class HttpServer(Module[HttpServerConfig]):
    """The listener of the `http` section."""

    kind = "http.server"
    title = "HTTP server"
    category = Category.HTTP
    Config = HttpServerConfig
    outputs = (ModulePort("requests", "http", "Requests as they arrive."),)

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Return the host (empty for all interfaces) and the port that the address names."""
        host, _, port = self.config.address.rpartition(":")
        return host.strip("[]"), int(port)
