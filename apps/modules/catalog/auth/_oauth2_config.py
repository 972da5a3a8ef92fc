"""Settings under `oauth2.providers` of `auth.modular`, in the framework's own spelling (spec/modules.md 3.6)."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field
from pydantic.alias_generators import to_camel

from apps.engine.config_types import TemplateText
from apps.engine.module import ModuleConfig

MOST_PROVIDERS = 20
OPENID = "openid"


def _safe(value: str) -> str:
    """Take https, and http where it does not leave the machine: what identifies people comes over it unsigned."""
    parts = urlsplit(value)
    if parts.scheme == "https" and parts.hostname:
        return value
    if parts.scheme == "http" and parts.hostname and _is_loopback(parts.hostname):
        return value
    raise ValueError(f"{value!r} is no https address; http is for this machine only")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Address = Annotated[str, AfterValidator(_safe)]


def _spelled(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


class OAuth2Provider(ModuleConfig):
    """One service that people sign in with."""

    client_id: TemplateText = Field(
        min_length=1, validation_alias=_spelled("client_id"), description="What the service calls this application."
    )
    client_secret: TemplateText = Field(
        min_length=1, validation_alias=_spelled("client_secret"), description="Proves it; a secret: ${OAUTH_SECRET}."
    )
    redirect_url: Address = Field(
        validation_alias=AliasChoices("redirect_url", "redirectUrl", "redirectURL"),
        description="Where people come back to: the whole address of .../oauth2/<provider>/callback.",
    )
    scopes: tuple[str, ...] = Field(
        ("openid", "email", "profile"), max_length=20, description="What is asked for; openid makes it OpenID Connect."
    )
    auth_url: Address = Field(
        validation_alias=AliasChoices("auth_url", "authUrl", "authURL"), description="Where people sign in."
    )
    token_url: Address = Field(
        validation_alias=AliasChoices("token_url", "tokenUrl", "tokenURL"), description="Where codes are exchanged."
    )
    user_info_url: Address = Field(
        validation_alias=AliasChoices("user_info_url", "userInfoUrl", "userInfoURL", "userinfo_url"),
        description="Says who signed in.",
    )


class OAuth2Settings(ModuleConfig):
    """Settings under `oauth2`."""

    providers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], OAuth2Provider] = Field(
        default_factory=dict, max_length=MOST_PROVIDERS, description="Services that people sign in with, by name."
    )
