"""Writes down what the runs of the document tell of themselves: that they began, how they ended.

Each event is taken in by a run of the logger, in whose log it stands with its level: failures are errors, the events
of single steps are for debugging, everything else is information. `eventTypeFilters` are the topics to listen to
(`workflow.**` without any), `eventTypeBlacklist` those to leave out; both may hold `*` and `**`.

A target has a `type`, a `level` and a `format`. `console` is the log of runs, which every event is written into. Under
`wfctl run` there are also

- `file` `{path, maxSize 100, maxBackups 5, maxAge 30, compress true}` (MiB, files, days): a full file is put beside as
  `path.1`, `path.2`, ..., with `.gz` when compressed
- `syslog` `{network unix|tcp|udp, address, tag modular, facility user}`

In the hosted product there are no files and no system log: these targets are told and not written to. Nothing is
buffered: an event is written with its run, a second time when the process died in between.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field, ValidationError, field_validator

from apps.engine.config_types import IS_LATE, Seconds, SettingsModel, WholeNumber, Words
from apps.engine.expressions import BadExpression
from apps.engine.late_text import LateText
from apps.engine.log_targets import MODELS, faults_of, read_target
from apps.engine.module import Category, Context, Links, Module, ModulePort
from apps.engine.placeholders import OPENING
from apps.engine.topics import TopicTable

LEVELS = {"DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40, "FATAL": 50}
LOG_LEVELS = {"DEBUG": "debug", "INFO": "info", "ERROR": "error"}
EVERYTHING = ("workflow.**",)
LONGEST_LINE = 4_000
LONGEST_IN_FILE = 1_048_576
Settings = dict[str, Any]  # of a target; a host that has it reads them (`engine/log_targets.py`)
Level = Literal["DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
Format = Literal["structured", "text", "json"]
SPELLINGS: dict[str, Any] = {"enum": [*LEVELS, "WARNING", *(name.lower() for name in LEVELS), "warning"]}


def _level(value: Any) -> Any:
    upper = value.upper() if isinstance(value, str) else value
    return "WARN" if upper == "WARNING" else upper


class OutputTarget(SettingsModel):
    """Where lines are to go."""

    type: Literal["console", "file", "syslog"] = Field(
        "console", description="Where to; hosted, only `console` is there."
    )
    level: Level = Field("DEBUG", description="Events below this level are left out.", json_schema_extra=SPELLINGS)
    format: Format | None = Field(None, description="How its lines look; else as the logger says.")
    console: Settings = Field(default_factory=dict, description="Settings of a console.", json_schema_extra=IS_LATE)
    file: Settings = Field(default_factory=dict, description="Settings of a file.", json_schema_extra=IS_LATE)
    syslog: Settings = Field(default_factory=dict, description="Settings of a system log.", json_schema_extra=IS_LATE)

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
        self._least = self._least_of(consoles)
        self._format = next((target.format for target in consoles if target.format), config.format)
        self._elsewhere: tuple[tuple[OutputTarget, LateText], ...] = ()

    def link(self, links: Links) -> None:
        """Take the files and system logs in where the document has a machine around it."""
        if links.read_file is not None:
            self._least = self._least_of(self.config.output_targets)
            self._elsewhere = tuple(
                (target, LateText(_settings(target)))
                for target in self.config.output_targets
                if target.type != "console"
            )

    def _least_of(self, targets: Iterable[OutputTarget]) -> int:
        return max(LEVELS[self.config.log_level], min((LEVELS[target.level] for target in targets), default=0))

    def placed_problems(self, *, has_files: bool) -> list[tuple[str, str, str]]:
        """Say which targets are not there, or where they are what is wrong with them."""
        elsewhere = [each for each in enumerate(self.config.output_targets) if each[1].type != "console"]
        if not has_files:
            told = "There are no files and no system log here: events are written to the log of runs."
            return [(f"outputTargets.{index}.type", "key.ignored", told) for index, _ in elsewhere]
        return [found for index, target in elsewhere for found in _faults(index, target)]

    def listens(self) -> tuple[str, ...]:
        """Return the topics of the events to be told."""
        return (self.config.event_type_filters or EVERYTHING) if self.config.enabled else ()

    def hears(self, topic: str, payload: Any) -> bool:
        """Whether an event is to be written down."""
        return LEVELS[level_of(topic)] >= self._least and not self._unwanted.find(topic)

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Write one event, given as `{topic, event}`, into the log of this run and elsewhere; return its level.

        Raises `StepFailed` code `log.target` for a file that cannot be written or settings that cannot be used, and
        `TryAgain` when no system log takes it in.
        """
        topic, event = str(payload["topic"]), payload["event"]
        level = level_of(topic)
        fields = _fields(topic, event) if self._format == "structured" else {}
        context.log(_line(self._format, topic, event)[:LONGEST_LINE], LOG_LEVELS[level], **fields)
        for target, settings in self._elsewhere:
            if LEVELS[level] >= LEVELS[target.level]:
                wanted = read_target(target.type, await settings.fill(context))
                at = context.unit.clock.now()
                line = _whole_line(target, target.format or self.config.format, (topic, event), level, at)
                longest = LONGEST_IN_FILE if target.type == "file" else LONGEST_LINE
                await context.unit.log_targets.write(wanted, line[:longest], level, at)
        return {"topic": topic, "level": level}


def _settings(target: OutputTarget) -> Settings:
    return target.file if target.type == "file" else target.syslog


def _faults(index: int, target: OutputTarget) -> list[tuple[str, str, str]]:
    """Say what is wrong with settings that are known before anything runs."""
    settings = _settings(target)
    at, begun = f"outputTargets.{index}.{target.type if settings else 'type'}", "This target cannot be written to:"
    try:
        LateText(settings)
        if OPENING not in str(settings):
            MODELS[target.type].model_validate(settings)
    except BadExpression as error:
        return [(at, "config.invalid", f"{begun} {error}")]
    except ValidationError as error:
        return [(at, "config.invalid", f"{begun} {faults_of(error)}")]
    return []


def _line(form: Format, topic: str, event: Any) -> str:
    if form == "json":
        return orjson.dumps({"topic": topic, "event": event}, default=str).decode()
    said = event if isinstance(event, dict) else {}
    parts = (topic, said.get("workflow"), said.get("action"), said.get("error"))
    return " ".join(str(part) for part in parts if part)


def _fields(topic: str, event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        return {}
    keys = ("workflowType", "workflow", "action", "status", "timestamp", "duration", "error")
    return {"topic": topic, **{key: event[key] for key in keys if key in event}}


def _whole_line(target: OutputTarget, form: Format, told: tuple[str, Any], level: Level, at: datetime) -> str:
    """Return a line that stands alone: a system log adds time and level itself, a file has them in its lines."""
    topic, event = told
    stamp = at.isoformat(timespec="milliseconds")
    if form == "json":
        whole = {"time": stamp, "level": level, "topic": topic, "event": event}
        return orjson.dumps(whole, default=str).decode()
    line = _line(form, topic, event)
    if form == "structured" and (fields := _fields(topic, event)):
        named = [f"{name}={orjson.dumps(value, default=str).decode()}" for name, value in fields.items()]
        line = " ".join([topic, *named[1:]])
    return f"{stamp} {level} {line}" if target.type == "file" else line


def level_of(topic: str) -> Level:
    """Return how serious an event is."""
    if topic.endswith(".failed"):
        return "ERROR"
    return "DEBUG" if ".step." in topic else "INFO"
