"""Runs the jobs of the `scheduler` section that name it, whenever its time has come.

`cronExpression` has the five fields of cron: minute, hour, day of the month, month, day of the week, with `*`, lists,
ranges, steps and names (`*/15 8-18 * * MON-FRI`). Times are UTC unless `timezone` names another zone; a job may name
its own. Every time gives each of its jobs one run; times that were missed are made up for by one run together.
"""

from typing import ClassVar

from pydantic import AliasChoices, Field

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Module, ModulePort
from apps.engine.timetable import EVERY_MINUTE, Timetable, cron
from apps.modules.catalog.scheduling._when import CronText, ZoneName


class SchedulerCronConfig(SettingsModel):
    """Settings of `scheduler.cron`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    cron_expression: CronText = Field(
        EVERY_MINUTE,
        validation_alias=AliasChoices("cronExpression", "expression"),
        description="Five fields: minute, hour, day of the month, month, day of the week.",
    )
    timezone: ZoneName = Field("UTC", description="Time zone of the fields, such as Europe/Berlin.")


class SchedulerCron(Module[SchedulerCronConfig]):
    """A clock for jobs."""

    kind = "scheduler.cron"
    aliases = ("scheduler", "cron.scheduler")
    title = "Scheduler"
    category = Category.SCHEDULING
    Config = SchedulerCronConfig
    outputs = (ModulePort("due", "event", "The jobs of the `scheduler` section that name it."),)

    def __init__(self, name: str, config: SchedulerCronConfig) -> None:
        super().__init__(name, config)
        self.timetable: Timetable = cron(config.cron_expression, config.timezone)
