"""The JSON of the catalogue, for its description."""

from typing import Any

from rest_framework import serializers

from apps.engine.module import Category, Effect


class Output(serializers.Serializer[Any]):
    """Base of everything that is only ever written out."""


class PortOut(Output):
    """A point where an edge may be drawn."""

    name = serializers.CharField()
    type = serializers.CharField(help_text="http, message, data, event or service.")
    description = serializers.CharField()


class ModuleTypeOut(Output):
    """One module type."""

    kind = serializers.CharField(help_text="What a document writes under `type:`.")
    title = serializers.CharField()
    category = serializers.ChoiceField(choices=[category.value for category in Category])
    aliases = serializers.ListField(child=serializers.CharField())
    summary = serializers.CharField()
    help = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField(), help_text="What it can be used as.")
    effect = serializers.ChoiceField(choices=[effect.value for effect in Effect])
    writes = serializers.BooleanField(help_text="Whether it changes something within the transaction of its caller.")
    inputs = PortOut(many=True)
    outputs = PortOut(many=True)
    schema = serializers.DictField(help_text="JSON Schema of its config.")


class ComponentOut(Output):
    """One bundled component."""

    name = serializers.CharField()
    title = serializers.CharField()
    help = serializers.CharField()
    inputs = serializers.DictField(help_text="Fields by name: type, description, required, default.")
    outputs = serializers.DictField(help_text="Fields by name: type, description.")


class CatalogueOut(Output):
    """All module types and bundled components of this build."""

    items = ModuleTypeOut(many=True)
    components = ComponentOut(many=True)
