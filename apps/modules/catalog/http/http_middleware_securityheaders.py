"""Adds the security headers that browsers honour to every answer.

A header that the handler set itself is left alone. An empty text, or `hstsMaxAge: 0`, leaves that header out.
"""

from pydantic import Field

from apps.engine.config_types import SettingsModel, WholeNumber
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Module, ModulePort

PRINTABLE = r"^[\x20-\x7e]*$"


class HttpMiddlewareSecurityheadersConfig(SettingsModel):
    """Settings of `http.middleware.securityheaders`."""

    content_security_policy: str = Field(
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'",
        pattern=PRINTABLE,
        description="What a page may load, and from where.",
    )
    frame_options: str = Field("DENY", pattern=PRINTABLE, description="Who may show the page in a frame.")
    content_type_options: str = Field("nosniff", pattern=PRINTABLE, description="Whether a browser may guess types.")
    referrer_policy: str = Field(
        "strict-origin-when-cross-origin", pattern=PRINTABLE, description="What a link tells about where it came from."
    )
    permissions_policy: str = Field(
        "camera=(), microphone=(), geolocation=()", pattern=PRINTABLE, description="Devices a page may ask for."
    )
    hsts_max_age: WholeNumber = Field(
        31_536_000, ge=0, description="Seconds a browser insists on HTTPS; 0 leaves the header out."
    )


class HttpMiddlewareSecurityheaders(Module[HttpMiddlewareSecurityheadersConfig]):
    """The browser's guard rails of a route."""

    kind = "http.middleware.securityheaders"
    title = "Security headers"
    category = Category.HTTP
    Config = HttpMiddlewareSecurityheadersConfig
    inputs = (ModulePort("request", "http", "A request."),)
    outputs = (ModulePort("request", "http", "The same request."),)

    def __init__(self, name: str, config: HttpMiddlewareSecurityheadersConfig) -> None:
        super().__init__(name, config)
        hsts = f"max-age={config.hsts_max_age}; includeSubDomains" if config.hsts_max_age else ""
        pairs = (
            (b"content-security-policy", config.content_security_policy),
            (b"x-frame-options", config.frame_options),
            (b"x-content-type-options", config.content_type_options),
            (b"referrer-policy", config.referrer_policy),
            (b"permissions-policy", config.permissions_policy),
            (b"strict-transport-security", hsts),
        )
        self._headers = [(name, value.encode()) for name, value in pairs if value]

    def after(self, request: Request, response: Response, context: Context) -> None:
        """Add the headers that are not there."""
        present = {name for name, _ in response.headers}
        response.headers += [pair for pair in self._headers if pair[0] not in present]
