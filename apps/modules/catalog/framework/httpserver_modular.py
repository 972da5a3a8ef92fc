"""The address an application is served on, in the framework's words.

It does what `http.server` does: `wfctl run` listens on `host` and `port`, and the hosted product reads them as a label,
since routes are served under the tenant's own base address, over TLS already. A request that is not answered within
`write_timeout` is given up with 504, and what it wrote is undone. Settings may also stand under the top-level key
`httpserver`.

With `tls: {enabled: true}` `wfctl run` speaks HTTPS and nothing else on that address: with the certificate in
`cert_file` (PEM, those in between behind it) and its key in `key_file`, files beside the document; or, with
`auto_generate`, with a certificate for `domains` (`localhost` without any) that it makes itself, keeps, and names when
it begins. `use_service` asks for a service of certificates; there is none here, so it means `auto_generate`.
"""

from typing import ClassVar

from pydantic import AliasChoices, Field, field_validator
from pydantic.alias_generators import to_camel

from apps.engine.config_types import Seconds, SettingsModel, WholeNumber, Words
from apps.engine.module import Category, Module, ModuleConfig, ModulePort


def _two_spellings(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


def _spelled(name: str) -> AliasChoices:
    camel = to_camel(name)
    return AliasChoices(name, camel, f"{camel}Seconds")


MOST_DOMAINS = 100


class TlsConfig(ModuleConfig):
    """How `wfctl run` encrypts."""

    enabled: bool = Field(False, description="Speak HTTPS.")
    cert_file: str = Field("", validation_alias=_two_spellings("cert_file"), description="The certificate, PEM.")
    key_file: str = Field(
        "", validation_alias=_two_spellings("key_file"), description="Its private key, PEM, without a passphrase."
    )
    use_service: bool = Field(
        False,
        validation_alias=_two_spellings("use_service"),
        description="Ask a service of certificates; Weft makes one instead.",
    )
    auto_generate: bool = Field(
        False,
        validation_alias=_two_spellings("auto_generate"),
        description="Make a certificate that only this machine vouches for.",
    )
    domains: Words = Field((), description="Names that it is made for.")

    @field_validator("domains")
    @classmethod
    def _few(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) > MOST_DOMAINS:
            raise ValueError(f"a certificate is for {MOST_DOMAINS} names at most")
        return value

    @property
    def is_made_here(self) -> bool:
        """Whether the certificate is not the document's."""
        return self.auto_generate or self.use_service


class HttpserverModularConfig(SettingsModel):
    """Settings of `httpserver.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    address: str = Field("", description="Host and port in one, such as `:8080`, instead of both.")
    host: str = Field("", description="The host to listen on; without one it is this machine only.")
    port: WholeNumber = Field(8080, ge=0, le=65535, description="The port to listen on.")
    read_timeout: Seconds = Field(
        15.0,
        gt=0,
        validation_alias=_spelled("read_timeout"),
        description="Accepted; in the product a body has 30 s to arrive.",
    )
    write_timeout: Seconds = Field(
        15.0,
        gt=0,
        validation_alias=_spelled("write_timeout"),
        description="How long a request may take to be answered; later it is given up with 504.",
    )
    idle_timeout: Seconds = Field(
        60.0,
        gt=0,
        validation_alias=_spelled("idle_timeout"),
        description="Accepted; how long a connection stays open without work is not the document's choice.",
    )
    shutdown_timeout: Seconds = Field(
        30.0,
        gt=0,
        validation_alias=_spelled("shutdown_timeout"),
        description="Accepted; how long stopping may take is not the document's choice.",
    )

    tls: TlsConfig = Field(TlsConfig(), description="Whether `wfctl run` encrypts, and with which certificate.")

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

    def __init__(self, name: str, config: HttpserverModularConfig) -> None:
        super().__init__(name, config)
        self.time_limit = config.write_timeout

    def placed_problems(self, *, has_files: bool) -> list[tuple[str, str, str]]:
        """Tell a tenant that the product encrypts; on a machine, ask for the files."""
        tls = self.config.tls
        if not tls.enabled:
            return []
        if not has_files:
            told = "Addresses are HTTPS here already, with the product's certificates; these settings change nothing."
            return [("tls", "server.encrypted", told)]
        missing = [key for key in ("cert_file", "key_file") if not getattr(tls, key)]
        if tls.is_made_here or not missing:
            return []
        told = f"tls is enabled and has no {' and no '.join(missing)}; name the files, or set auto_generate."
        return [("tls", "config.required", told)]
