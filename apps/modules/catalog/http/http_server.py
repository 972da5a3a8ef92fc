"""The address an application is served on.

`wfctl run` listens on this address. The hosted product reads it as a label: routes are served under the tenant's own
base address, whatever it says. A request that is not answered within `writeTimeout` is given up with 504, and what it
wrote is undone; of an answer that is passed on as it comes, this is the time until it begins.
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
    read_timeout: Seconds = Field(30.0, gt=0, description="Accepted; in the product a body has 30 s to arrive.")
    write_timeout: Seconds | None = Field(
        None, gt=0, description="How long a request may take to be answered; left out, there is no limit."
    )

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

    def __init__(self, name: str, config: HttpServerConfig) -> None:
        super().__init__(name, config)
        self.time_limit = config.write_timeout
