"""The catalogue: which module types there are, and the JSON Schema that an editor needs."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.schema import call
from apps.core.api.views import ApiView
from apps.core.errors import NotFound
from apps.engine.catalogue import TypeEntry
from apps.modules import queries
from apps.modules.api import serializers as shapes

SCHEMA_TYPE = "application/schema+json"
KIND = OpenApiParameter("kind", str, description="Only the config of this module type.")


class ModuleTypesView(ApiView):
    """The module types of this build."""

    permissions: ClassVar = {"GET": "modules.read"}

    @call("module_type_list", answers=shapes.CatalogueOut, tags=("modules",))
    def get(self, request: Request) -> Response:
        """List every module type and bundled component."""
        items = [entry.as_dict() for entry in queries.module_type_list()]
        components = [entry.as_dict() for entry in queries.component_list()]
        return Response({"items": items, "components": components})


class ModuleTypeView(ApiView):
    """One module type."""

    permissions: ClassVar = {"GET": "modules.read"}

    @call("module_type_get", answers=shapes.ModuleTypeOut, tags=("modules",))
    def get(self, request: Request, kind: str) -> Response:
        """Show a module type by its kind or an alias of it."""
        return Response(_entry(kind).as_dict())


class SchemaView(ApiView):
    """The JSON Schema of documents."""

    permissions: ClassVar = {"GET": "modules.read"}

    @call("document_schema", answers=OpenApiTypes.OBJECT, parameters=(KIND,), tags=("modules",))
    def get(self, request: Request) -> Response:
        """Return the schema (draft 2020-12) of a whole document, or of one type's config."""
        kind = request.query_params.get("kind")
        schema = queries.schema_of_documents() if kind is None else _entry(kind).schema
        return Response(schema, content_type=SCHEMA_TYPE)


def _entry(kind: str) -> TypeEntry:
    found = queries.module_type_get(kind)
    if found is None:
        raise NotFound(f"There is no module type {kind!r}.")
    return found
