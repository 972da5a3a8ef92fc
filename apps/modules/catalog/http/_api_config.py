"""The settings of `api.handler` and what they default to."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from apps.engine.config_types import A_FILE, NUMERIC, SettingsModel, Words

PROGRAM = "programId"

DEFAULT_TRANSITIONS = {
    "assign": "assign_responder",
    "transfer": "transfer_to_responder",
    "escalate": "escalate_to_medical",
    "wrap-up": "begin_wrap_up",
    "close": "close_from_active",
    "follow-up": "schedule_follow_up",
    "survey": "send_entry_survey",
}
MOST_THRESHOLD = 1e9
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


def as_number(value: Any) -> float | None:
    """Return a number that is not negative, numeric text read as one; None for anything else."""
    if isinstance(value, str) and NUMERIC.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MOST_THRESHOLD:
        return None
    return int(value) if value == int(value) else value


def _threshold(value: Any) -> Any:
    if isinstance(value, str) and value.strip() and not NUMERIC.fullmatch(value):
        return value
    number = as_number(value)
    if number is None:
        raise PydanticCustomError("threshold", "must be a number that is not negative, or the path of a field")
    return number


class QueueHealth(SettingsModel):
    """How the health of a queue is told: by which group, and from which depth on one alerts."""

    group_by: str = Field(
        PROGRAM, min_length=1, max_length=200, description="Field of the data, or path into it, that names the group."
    )
    threshold: Annotated[float | str, BeforeValidator(_threshold)] = Field(
        "settings.queueAlertThreshold",
        description="Depth above which a group alerts: a number, or the path of a field in the group's record (10 when "
        "it is not there).",
    )
    group_resource: str = Field(
        "programs", min_length=1, max_length=200, description="Collection that holds the groups' records, by id."
    )


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
        default_factory=DEFAULT_TRANSITIONS.copy,
        description="Transition by sub-action; an address .../{id}/<sub-action> fires it.",
    )
    health: QueueHealth | None = Field(
        None, description="Answer .../health with what waits, per group; a view of another collection always does."
    )
    on_create: str = Field(
        "",
        max_length=200,
        description="Component, pipeline or module that is called with a new object, in the same transaction; what it "
        "returns is merged into the data.",
    )
    on_append: str = Field(
        "",
        max_length=200,
        description="The same for a message that .../{id}/messages adds: it is called with the object and `message`.",
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
