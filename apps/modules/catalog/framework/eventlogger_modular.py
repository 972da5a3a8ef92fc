"""Writes down what the runs of the document tell of themselves: that they began, how they ended.

Each event is taken in by a run of the logger, in whose log it stands with its level: failures are errors, the events
of single steps are for debugging, everything else is information. `eventTypeFilters` are the topics to listen to
(`workflow.**` without any), `eventTypeBlacklist` those to leave out; both may hold `*` and `**`.

There are no files and no system log here, only the log of runs: other targets are told and not written to. Nothing is
buffered: an event is written once, with its run.
"""

from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field, field_validator

from apps.engine.config_types import IS_LATE, Seconds, SettingsModel, WholeNumber, Words
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.topics import TopicTable

LEVELS = {"DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40, "FATAL": 50}
LOG_LEVELS = {"DEBUG": "debug", "INFO": "info", "ERROR": "error"}
EVERYTHING = ("workflow.**",)
LONGEST_LINE = 4_000
Settings = dict[str, Any]  # of a target; nothing reads them
Level = Literal["DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
Format = Literal["structured", "text", "json"]
SPELLINGS: dict[str, Any] = {"enum": [*LEVELS, "WARNING", *(name.lower() for name in LEVELS), "warning"]}


def _level(value: Any) -> Any:
    upper = value.upper() if isinstance(value, str) else value
    return "WARN" if upper == "WARNING" else upper


class OutputTarget(SettingsModel):
    """Where lines are to go."""

    type: Literal["console", "file", "syslog"] = Field("console", description="Only `console`, the log, is there.")
    level: Level = Field("DEBUG", description="Events below this level are left out.", json_schema_extra=SPELLINGS)
    format: Format | None = Field(None, description="How its lines look; else as the logger says.")
    console: dict[str, Any] = Field(
        default_factory=dict, description="Settings of a console.", json_schema_extra=IS_LATE
    )
    file: Settings = Field(default_factory=dict, description="Settings of a file.", json_schema_extra=IS_LATE)
    syslog: dict[str, Any] = Field(
        default_factory=dict, description="Settings of a system log.", json_schema_extra=IS_LATE
    )

    _spelling = field_validator("level", mode="before")(_level)


class EventloggerModularConfig(SettingsModel):
    """Settings of `eventlogger.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"output", "description"})

    enabled: bool = Field(True, description="Whether anything is written.")
    log_level: Level = Field("INFO", description="Events below this level are left out.", json_schema_extra=SPELLINGS)
    format: Format = Field("structured", description="A line with fields, plain text, or one JSON object.")
    output_targets: tuple[OutputTarget, ...] = Field((), description="Where lines go: `console` is the log of runs.")
    event_type_filters: Words = Field((), description="Topics to listen to; all of the document's runs without any.")
    event_type_blacklist: Words = Field((), description="Topics to leave out.")
    buffer_size: WholeNumber = Field(100, ge=0, description="Accepted; nothing is buffered.")
    flush_interval: Seconds = Field(5.0, description="Accepted; a line is written at once.")

    _spelling = field_validator("log_level", mode="before")(_level)


class EventloggerModular(Module[EventloggerModularConfig]):
    """The log of lifecycle events."""

    kind = "eventlogger.modular"
    aliases = ("eventlogger",)
    title = "Event log"
    category = Category.FRAMEWORK
    Config = EventloggerModularConfig
    inputs = (ModulePort("events", "event", "Lifecycle events of runs."),)
    outputs = (ModulePort("lines", "event", "Lines in the log of the logger's runs."),)

    def __init__(self, name: str, config: EventloggerModularConfig) -> None:
        super().__init__(name, config)
        self._unwanted = TopicTable((topic, True) for topic in config.event_type_blacklist)
        consoles = [target for target in config.output_targets if target.type == "console"]
        wanted = min((LEVELS[target.level] for target in consoles), default=0)
        self._least = max(LEVELS[config.log_level], wanted)
        self._format = next((target.format for target in consoles if target.format), config.format)

    def problems(self) -> list[tuple[str, str, str]]:
        """Say which targets are not there."""
        told = "There are no files and no system log here: events are written to the log of runs."
        return [
            (f"outputTargets.{index}.type", "key.ignored", told)
            for index, target in enumerate(self.config.output_targets)
            if target.type != "console"
        ]

    def listens(self) -> tuple[str, ...]:
        """Return the topics of the events to be told."""
        return (self.config.event_type_filters or EVERYTHING) if self.config.enabled else ()

    def hears(self, topic: str, payload: Any) -> bool:
        """Whether an event is to be written down."""
        return LEVELS[level_of(topic)] >= self._least and not self._unwanted.find(topic)

    def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Write one event, given as `{topic, event}`, into the log of this run; return its level."""
        topic, event = str(payload["topic"]), payload["event"]
        level = level_of(topic)
        context.log(self._line(topic, event)[:LONGEST_LINE], LOG_LEVELS[level], **self._fields(topic, event))
        return {"topic": topic, "level": level}

    def _line(self, topic: str, event: Any) -> str:
        if self._format == "json":
            return orjson.dumps({"topic": topic, "event": event}, default=str).decode()
        said = event if isinstance(event, dict) else {}
        parts = (topic, said.get("workflow"), said.get("action"), said.get("error"))
        return " ".join(str(part) for part in parts if part)

    def _fields(self, topic: str, event: Any) -> dict[str, Any]:
        if self._format != "structured" or not isinstance(event, dict):
            return {}
        keys = ("workflowType", "workflow", "action", "status", "timestamp", "duration", "error")
        return {"topic": topic, **{key: event[key] for key in keys if key in event}}


def level_of(topic: str) -> Level:
    """Return how serious an event is."""
    if topic.endswith(".failed"):
        return "ERROR"
    return "DEBUG" if ".step." in topic else "INFO"
