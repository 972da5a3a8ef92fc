"""The settings of `api.handler` and what they default to."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator

from apps.engine.config_types import A_FILE, SettingsModel, Words

DEFAULT_TRANSITIONS = {
    "assign": "assign_responder",
    "transfer": "transfer_to_responder",
    "escalate": "escalate_to_medical",
    "wrap-up": "begin_wrap_up",
    "close": "close_from_active",
    "follow-up": "schedule_follow_up",
    "survey": "send_entry_survey",
}
DEFAULT_SUMMARY = (
    "programId",
    "subProgram",
    "keyword",
    "responderId",
    "tags",
    "riskLevel",
    "summary",
    "aiSummary",
    "duration",
    "messageCount",
)


def _texts_only(value: Any) -> Any:
    """Drop what is not text: entries of another type are skipped (spec 8.1)."""
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, said in value.items():
        if isinstance(said, str):
            kept[name] = [said]
        elif isinstance(said, list):
            kept[name] = [word for word in said if isinstance(word, str)]
    return kept


class ApiHandlerConfig(SettingsModel):
    """Settings of `api.handler`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"method", "path", "operations", "basePath", "resource"})

    resource_name: str = Field("resources", min_length=1, max_length=200, description="Name of the collection.")
    workflow_type: str = Field("", description="State-machine definition that the resources follow.")
    workflow_engine: str = Field("", description="Its engine; with it, every new resource starts an instance.")
    initial_transition: str = Field("", description="Transition to fire on a new resource's instance.")
    instance_id_prefix: str = Field(
        "", alias="instanceIDPrefix", max_length=100, description="Put in front of an id to name its instance."
    )
    instance_id_field: str = Field(
        "", alias="instanceIDField", description="Field of the data that names the instance; else the id."
    )
    source_resource_name: str = Field("", description="Show this other collection, read-only, as a queue.")
    state_filter: Words = Field((), description="List only resources in these states.")
    seed_file: str | None = Field(
        None, description="JSON list of first resources; only with document files.", json_schema_extra=A_FILE
    )
    field_mapping: Annotated[dict[str, list[str]], BeforeValidator(_texts_only)] = Field(
        default_factory=dict,
        description="Names that the data really uses, by logical name: one, or several in order of preference.",
    )
    transition_map: dict[str, str] = Field(
        default_factory=dict, description="Transition by sub-action; an address .../{id}/<sub-action> fires it."
    )
    summary_fields: Words = Field(DEFAULT_SUMMARY, description="Fields that .../{id}/summary shows.")

    @field_validator("transition_map", mode="after")
    @classmethod
    def _over_the_defaults(cls, value: dict[str, str]) -> dict[str, str]:
        return DEFAULT_TRANSITIONS | value

    @field_validator("summary_fields", mode="after")
    @classmethod
    def _never_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return value or DEFAULT_SUMMARY
