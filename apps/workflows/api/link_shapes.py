"""The JSON of links between workflows."""

from typing import Any

from rest_framework import serializers

from apps.core.api.shapes import Taken
from apps.engine.links.record import LINK_TYPES
from apps.workflows.api.serializers import FindingOut, Output

TYPES = f"{', '.join(LINK_TYPES)}, or a pattern of topics itself."


class LinkConfigIn(Taken):
    """What a link takes in and what becomes of it."""

    event_pattern = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="Dotted topics; * is one segment, ** any number. Without it link_type is the pattern.",
    )
    target_action = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="event_trigger: workflow:action (also with / or .), or an action of the target's only workflow. "
        "event_forward: the topic, without it the event's own.",
    )
    description = serializers.CharField(required=False, allow_blank=True)
    params = serializers.DictField(required=False, help_text="event_trigger: added to the data of each run.")


class LinkIn(Taken):
    """A new link; the keys of `config` may also stand beside it."""

    target_workflow_id = serializers.CharField(required=False, allow_blank=True, help_text="Or slug, or name.")
    target = serializers.CharField(required=False, allow_blank=True, help_text="Another name of target_workflow_id.")
    link_type = serializers.CharField(required=False, allow_blank=True, help_text=TYPES)
    config = LinkConfigIn(required=False)
    event_pattern = serializers.CharField(required=False, allow_blank=True)
    target_action = serializers.CharField(required=False, allow_blank=True)
    description = serializers.CharField(required=False, allow_blank=True)
    params = serializers.DictField(required=False)


class LinkOut(Output):
    """One link; `event_pattern` is the pattern that holds."""

    id = serializers.UUIDField()
    source_workflow_id = serializers.UUIDField()
    source_slug = serializers.CharField()
    target_workflow_id = serializers.UUIDField()
    target_slug = serializers.CharField()
    link_type = serializers.CharField()
    event_pattern = serializers.CharField()
    config = serializers.DictField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class LinkMadeOut(LinkOut):
    """A new link, with what is to be said about it: whether it closes a ring."""

    findings = FindingOut(many=True)

    def to_representation(self, instance: Any) -> Any:
        """Show the link and its findings as one object."""
        shown = dict(LinkOut(instance.link).data)
        return shown | {"findings": [finding.as_dict() for finding in instance.findings]}


class LinksImportIn(Taken):
    """A links document as JSON."""

    name = serializers.CharField(required=False)
    description = serializers.CharField(required=False)

    links = serializers.ListField(
        child=serializers.DictField(),
        help_text="Each {source, target, link_type, event_pattern, target_action, description, params}, the last four "
        "also inside config; source and target are slugs, names or ids of workflows.",
    )


class LinksImportOut(Output):
    """What an import did; findings are warnings."""

    created = LinkOut(many=True)
    unchanged = LinkOut(many=True)
    removed = LinkOut(many=True)
    findings = FindingOut(many=True)
