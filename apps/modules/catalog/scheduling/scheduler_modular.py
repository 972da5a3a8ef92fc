"""A scheduler with jobs of its own: `jobs` says what runs when, beside those of the `scheduler` section that name it.

Each job has a `schedule` of five cron fields and a `command`: the name of a module, pipeline or component of the
document; without one its own `name` is meant. Nothing is ever handed to a shell: a command that the document does not
define is told as a warning, and its job does not run. Jobs of the section run by `cron`, else every `interval`.

The settings may also stand in the top-level section `scheduler`. How many workers there are, how long runs are kept
and where is the platform's business: those keys are checked and change nothing.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from apps.engine.config_types import Seconds, SettingsModel, WholeNumber
from apps.engine.module import Category, Module, ModulePort
from apps.engine.schedules import MOST_JOBS
from apps.engine.timetable import Timetable, cron, every
from apps.modules.catalog.scheduling._when import CronText, Interval, ZoneName


class ModularJob(SettingsModel):
    """One entry of `jobs`."""

    name: str = Field(min_length=1, description="Name of the job, and what it runs unless `command` says.")
    schedule: CronText = Field(description="Five cron fields.")
    enabled: bool = Field(True, description="Whether it runs at all.")
    command: str | None = Field(None, min_length=1, description="A module, pipeline or component of the document.")
    timezone: ZoneName | None = Field(None, description="Time zone of the fields, else the scheduler's.")


def _or_none(value: Any) -> Any:
    """Read an empty text, as forms send it, as nothing said."""
    return None if value == "" else value


class SchedulerModularConfig(SettingsModel):
    """Settings of `scheduler.modular`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    jobs: list[ModularJob] = Field([], max_length=MOST_JOBS, description="Jobs of its own.")
    cron: Annotated[CronText | None, BeforeValidator(_or_none)] = Field(
        None, description="When the jobs of the `scheduler` section run: five cron fields."
    )
    interval: Interval = Field(60.0, description="How often they run without `cron`, one minute or longer.")
    timezone: ZoneName = Field("UTC", description="Time zone of all cron fields, such as Europe/Berlin.")
    worker_count: WholeNumber = Field(5, ge=1, description="Workers; the platform's own are used.")
    queue_size: WholeNumber = Field(100, ge=1, description="Jobs that wait; the platform's queue has its own limits.")
    shutdown_timeout: Seconds = Field(30.0, description="Grace at the end; the platform's is used.")
    storage_type: str = Field("memory", description="Where jobs are kept: always with the tenant's rows.")
    check_interval: Seconds = Field(1.0, description="How often to look for what is due; the platform's is used.")
    retention_days: WholeNumber = Field(7, ge=1, description="How long runs are kept; the platform's is used.")
    persistence_backend: Literal["none", "memory", "custom"] = Field(
        "none", description="Where jobs outlive a restart: always with the tenant's rows."
    )


class SchedulerModular(Module[SchedulerModularConfig]):
    """A clock with jobs of its own."""

    kind = "scheduler.modular"
    title = "Scheduler with jobs"
    category = Category.SCHEDULING
    Config = SchedulerModularConfig
    outputs = (ModulePort("due", "event", "Its own jobs, and those of the `scheduler` section that name it."),)

    def __init__(self, name: str, config: SchedulerModularConfig) -> None:
        super().__init__(name, config)
        self.timetable: Timetable = cron(config.cron, config.timezone) if config.cron else every(config.interval)
        self.jobs: dict[int, tuple[str, Timetable]] = {  # by place: what to run, and when
            index: (job.command or job.name, cron(job.schedule, job.timezone or config.timezone))
            for index, job in enumerate(config.jobs)
            if job.enabled
        }
