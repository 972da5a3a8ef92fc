"""The settings of `auth.modular`, part by part."""

from typing import ClassVar, Literal

from pydantic import AliasChoices, ConfigDict, Field
from pydantic.alias_generators import to_camel

from apps.engine.config_types import Seconds, SettingsModel, TemplateText, WholeNumber
from apps.engine.module import ModuleConfig
from apps.modules.catalog.auth._oauth2_config import OAuth2Settings


def _spelled(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


class _Part(ModuleConfig):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenSettings(_Part):
    """Settings under `jwt`."""

    secret: TemplateText = Field(min_length=1, description="Signs the tokens; best a secret: ${JWT_SECRET}.")
    expiration: Seconds = Field(86_400.0, gt=0, description="How long a token is valid.")
    refresh_expiration: Seconds = Field(
        604_800.0, gt=0, validation_alias=_spelled("refresh_expiration"), description="How long one can be refreshed."
    )
    issuer: TemplateText = Field("workflow", description="Who gave the token out, as its `iss` says.")
    algorithm: Literal["HS256", "HS384", "HS512"] = Field("HS256", description="How tokens are signed.")


class SessionSettings(_Part):
    """Settings under `session`."""

    store: Literal["memory", "redis", "database"] = Field(
        "memory", description="Any of these; Weft keeps sessions with the workflow's data."
    )
    cookie_name: str = Field(
        "session_id",
        pattern=r"^[A-Za-z0-9_.-]+$",
        validation_alias=_spelled("cookie_name"),
        description="Name of the session cookie.",
    )
    max_age: Seconds = Field(
        86_400.0, gt=0, validation_alias=_spelled("max_age"), description="How long a session lives."
    )
    secure: bool = Field(True, description="Whether the cookie is for HTTPS only.")
    http_only: bool = Field(
        True, validation_alias=_spelled("http_only"), description="Whether the cookie is hidden from scripts."
    )
    same_site: Literal["strict", "lax", "none"] = Field(
        "strict", validation_alias=_spelled("same_site"), description="Whether other sites' links carry the cookie."
    )


class PasswordPolicy(_Part):
    """Settings under `password`."""

    algorithm: Literal["bcrypt", "argon2", "argon2id"] = Field(
        "bcrypt", description="Any of these; passwords are always kept as Argon2id hashes."
    )
    bcrypt_cost: WholeNumber = Field(
        12, ge=4, le=31, validation_alias=_spelled("bcrypt_cost"), description="Accepted for bcrypt; Argon2id has none."
    )
    min_length: WholeNumber = Field(
        8, ge=1, le=1024, validation_alias=_spelled("min_length"), description="Characters at least."
    )
    require_upper: bool = Field(
        True, validation_alias=_spelled("require_upper"), description="Whether a capital letter is needed."
    )
    require_lower: bool = Field(
        True, validation_alias=_spelled("require_lower"), description="Whether a small letter is needed."
    )
    require_digit: bool = Field(
        True, validation_alias=_spelled("require_digit"), description="Whether a digit is needed."
    )
    require_special: bool = Field(
        False, validation_alias=_spelled("require_special"), description="Whether another character is needed."
    )

    def faults(self, password: str) -> list[str]:
        """Return what a password lacks."""
        asked = (
            (len(password) >= self.min_length, f"at least {self.min_length} characters"),
            (not self.require_upper or any(each.isupper() for each in password), "a capital letter"),
            (not self.require_lower or any(each.islower() for each in password), "a small letter"),
            (not self.require_digit or any(each.isdigit() for each in password), "a digit"),
            (not self.require_special or any(not each.isalnum() for each in password), "a character that is neither"),
        )
        return [what for is_met, what in asked if not is_met]


class AuthModularConfig(SettingsModel):
    """Settings of `auth.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "provider"})

    jwt: TokenSettings = Field(description="How tokens are made.")
    session: SessionSettings = Field(SessionSettings(), description="How sessions and their cookie are.")
    password: PasswordPolicy = Field(PasswordPolicy(), description="What a new password must have.")
    oauth2: OAuth2Settings = Field(OAuth2Settings(), description="Other services that people sign in with.")
