"""The JSON of workflows: `...In` is what a caller sends, `...Out` what it gets."""

from typing import Any

from rest_framework import serializers

from apps.core.api.shapes import Taken
from apps.engine.findings import Severity

MOST = 2**31 - 1  # what the columns hold
SLUG = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"


class Output(serializers.Serializer[Any]):
    """Base of everything that is only ever written out."""


class FindingOut(Output):
    """One remark about a document, at its place in the text."""

    severity = serializers.ChoiceField(choices=[severity.value for severity in Severity])
    code = serializers.CharField(help_text="Stable and dotted: tools may compare it.")
    path = serializers.CharField(help_text="Such as modules[3].config.url.")
    line = serializers.IntegerField(help_text="From 1; 0 when the remark has no place in the text.")
    column = serializers.IntegerField()
    message = serializers.CharField()


class CountsOut(Output):
    """Findings by severity."""

    error = serializers.IntegerField()
    blocked = serializers.IntegerField()
    warning = serializers.IntegerField()


class GraphNodeOut(Output):
    """One thing to draw."""

    id = serializers.CharField()
    kind = serializers.CharField()
    category = serializers.CharField()
    title = serializers.CharField()
    path = serializers.CharField()
    line = serializers.IntegerField()
    findings = serializers.IntegerField(required=False, help_text="How many findings are about it.")
    severity = serializers.CharField(required=False, help_text="The worst of them.")


class GraphOut(Output):
    """The document as nodes and edges; an edge is `{from, to, kind, label}`."""

    nodes = GraphNodeOut(many=True)
    edges = serializers.ListField(child=serializers.DictField(child=serializers.CharField(allow_blank=True)))


class CheckOut(Output):
    """Everything the checker says; `graph` is null when the text does not parse."""

    sha256 = serializers.CharField()
    findings = FindingOut(many=True)
    counts = CountsOut()
    graph = GraphOut(allow_null=True)


class WorkflowIn(Taken):
    """A new workflow; without a slug one is made from the name."""

    name = serializers.CharField(max_length=120)
    slug = serializers.RegexField(SLUG, required=False, default="")
    description = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    text = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="The first draft.",
    )


class WorkflowPatchIn(Taken):
    """What may be changed about a workflow; the slug is part of addresses and stays."""

    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class WorkflowOut(Output):
    """A workflow without its texts."""

    id = serializers.UUIDField()
    project_id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    revision = serializers.IntegerField(help_text="Also the ETag: send it in If-Match to change the workflow.")
    draft_revision = serializers.IntegerField()
    last_version = serializers.IntegerField(help_text="0 before the first publish.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True)


class WorkflowsImportIn(Taken):
    """Several workflows as JSON; a document with a map under `workflows` is one."""

    workflows = serializers.ListField(
        child=serializers.DictField(), help_text="Each {name, description, modules, workflows, triggers}."
    )


class WorkflowsImportOut(Output):
    """The workflows that an import made, in the order of the text."""

    created = WorkflowOut(many=True)


class TextIn(Taken):
    """A document as JSON; or send the YAML itself as application/yaml."""

    text = serializers.CharField(allow_blank=True, trim_whitespace=False)


class DraftOut(Output):
    """The text being edited."""

    workflow_id = serializers.UUIDField()
    text = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField()
    revision = serializers.IntegerField(help_text="Also the ETag: send it in If-Match to save.")
    saved_at = serializers.DateTimeField()
    saved_by = serializers.CharField()


class PublishIn(Taken):
    """What to say about a version; with `draft_revision` only that state of the draft is published."""

    note = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    draft_revision = serializers.IntegerField(
        min_value=1, max_value=MOST, required=False, allow_null=True, default=None
    )


class VersionOut(Output):
    """A published version without its text; `findings` are those it was published with."""

    id = serializers.UUIDField()
    workflow_id = serializers.UUIDField()
    number = serializers.IntegerField()
    sha256 = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    findings = FindingOut(many=True)
    published_at = serializers.DateTimeField()
    published_by = serializers.CharField()


class DeploymentIn(Taken):
    """Which version to make live where, and what becomes of instances whose state it lacks."""

    environment = serializers.CharField(max_length=63)
    version = serializers.IntegerField(min_value=1, max_value=MOST)
    confirm_orphans = serializers.BooleanField(required=False, default=False)
    allow_placeholders = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Deploy placeholder types (core.config, core.logger, ...) as services that do nothing.",
    )
    state_map = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField()),
        required=False,
        default=dict,
        help_text='By machine, the state that each lost state becomes: {"order": {"packed": "ready"}}.',
    )


class DeploymentOut(Output):
    """One line of the deployment history; live while `ended_at` is null."""

    id = serializers.UUIDField()
    workflow_id = serializers.UUIDField()
    workflow_slug = serializers.CharField()
    environment_id = serializers.UUIDField()
    environment = serializers.CharField()
    version_id = serializers.UUIDField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField()
    is_live = serializers.BooleanField()
    deployed_at = serializers.DateTimeField()
    deployed_by = serializers.CharField()
    ended_at = serializers.DateTimeField(allow_null=True)
    are_orphans_confirmed = serializers.BooleanField()
    state_map = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))
