"""What others are told of a run that workers drive: lifecycle events that say it began or ended, and samples."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.engine.events import Hearing, beginning, ending
from apps.engine.links.following import is_forwarding
from apps.engine.run.state import RunState, Status
from apps.engine.sampling import sample_run, sample_steps
from apps.runs.adapters.journal import StepLine
from apps.runs.adapters.payloads import fitting
from apps.runs.adapters.place import Place
from apps.runs.adapters.queue import ClaimedRun
from apps.runs.adapters.telling import content
from apps.runs.operations.pending import STATES

NOBODY = Hearing("", lambda topic: False)  # takes in the lifecycle events of a run


class RunTold:
    """Who hears of one run, and the words."""

    def __init__(self, place: Place, claimed: ClaimedRun) -> None:
        self._place = place
        self._claimed = claimed
        self._hearing = NOBODY if is_forwarding(claimed.source, claimed.entry) else place.hearing(claimed.section)

    def hears_beginning(self, state: RunState) -> bool:
        """Whether this is the first claim of a run of whose beginning somebody is to be told."""
        return self._claimed.sequence == 1 and bool(self._hearing.begin) and not state.quiet

    def hears_end(self, state: RunState) -> bool:
        """Whether somebody listens for the end that the run has come to."""
        return not state.quiet and self._hearing.hears_end(STATES[state.status])

    def beginning(self) -> list[dict[str, Any]]:
        """Return the event of the beginning."""
        run = self._named() | {"started_at": self._claimed.started_at}
        return [beginning(run | {"input": content(self._claimed.input, self._place.known)})]

    def end(self, state: RunState, now: datetime) -> list[dict[str, Any]]:
        """Return the events of the end."""
        run = {
            "state": STATES[state.status],
            "finished_at": now,
            "duration_us": int((now - self._claimed.started_at).total_seconds() * 1_000_000),
            "output": content(fitting(state.output), self._place.known),
            "error": self._place.known.redactor.tree(state.error),
        }
        return ending(self._named() | run)

    def sample(self, lines: Sequence[StepLine]) -> None:
        """Count steps for the document's own `metrics.collector`."""
        if self._place.is_measured:
            sample_steps(self._place.samples, [(line.module, line.state) for line in lines])

    def sample_end(self, state: RunState, now: datetime) -> None:
        """Count the run for it, which has ended."""
        if self._place.is_measured:
            seconds, is_success = (now - self._claimed.started_at).total_seconds(), state.status is Status.DONE
            section, action = self._claimed.section, self._claimed.action
            sample_run(self._place.samples, section, action, seconds, is_success=is_success)

    def _named(self) -> dict[str, Any]:
        claimed = self._claimed
        return {"section": claimed.section, "action": claimed.action, "workflow": claimed.workflow_name}
