"""The product's OpenAPI 3.1 file, `deploy/openapi.yaml`: made from the routes there are by `manage.py openapi`.

drf-spectacular knows the extensions once they are imported; its settings name a hook of this file, so whatever makes a
schema imports it, and processes that make none, such as workers, are spared a tenth of their imports.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

PREFIX = "/api/v1/"


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a program says who it is."""

    target_class = "apps.core.api.authentication.ScopeAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI form."""
        description = "An API key, weft_<tenant>_<key id>_<secret>; it names its tenant."
        return {"type": "http", "scheme": "bearer", "description": description}


class TakenShape(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Bodies are described as they are taken: with no key beyond those of the shape."""

    target_class = "apps.core.api.shapes.Taken"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the OpenAPI form."""
        described: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return described | {"additionalProperties": False}


def only_for_keys(endpoints: list[Any], **_: Any) -> list[Any]:
    """Keep the mount for API keys; the one for signed-in people, under `/t/<tenant>/`, is the same."""
    return [entry for entry in endpoints if entry[0].startswith(PREFIX)]


def openapi_text() -> str:
    """Return the file's content, made afresh."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    document = generator.get_schema(request=None, public=True)
    text: bytes = OpenApiYamlRenderer().render(document, renderer_context={})  # type: ignore[no-untyped-call]
    return text.decode()


def openapi_path() -> Path:
    """Return where the checked-in file is."""
    return Path(settings.BASE_DIR) / "deploy" / "openapi.yaml"
