"""Keeps what became of jobs: their last runs, well or not.

Every ended run of a job of the `scheduler` section is recorded, and so is every message that it takes in: with `job`,
and where they are known `scheduler`, `status`, `runId` and `error`. On a route (its own, or that of a plain
`http.handler` that has it under `dependsOn`) GET answers `{jobs, runs, total}` with the newest run first, of one job
with `?job=`; POST runs a job at once: `{job: "name"}` or `{job: "scheduler:name"}`, its message as `data`.
"""

from typing import Any, ClassVar

from pydantic import Field

from apps.engine.config_types import SettingsModel
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Links, Module, ModulePort
from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.ports import AlreadyExists, Resource
from apps.engine.schedules import Job, Jobs
from apps.engine.sections.answers import body_of

RUNS_KEPT = 50  # of each job
LONGEST_TEXT = 500  # of what a message says
OTHERS = "(other)"  # where runs of jobs are kept that the document does not have
TOLD = ("job", "scheduler", "status", "runId", "error")


class JobStoreConfig(SettingsModel):
    """Settings of `job.store`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    store_type: str = Field(
        "memory", min_length=1, description="`memory`, `db`, `redis` or another word: runs are kept with the rest."
    )


class JobStore(Module[JobStoreConfig]):
    """The last runs of jobs."""

    kind = "job.store"
    title = "Job runs"
    category = Category.SCHEDULING
    Config = JobStoreConfig
    writes = True
    inputs = (
        ModulePort("message", "message", "How a job went, such as `job-events` tell."),
        ModulePort("request", "http", "GET shows the runs, POST runs a job."),
    )
    outputs = (ModulePort("started", "event", "The job that was asked for."),)

    def __init__(self, name: str, config: JobStoreConfig) -> None:
        super().__init__(name, config)
        self._jobs = Jobs()
        self._kind = f"{name}:jobs"

    def link(self, links: Links) -> None:
        """Remember where the jobs are found."""
        self._jobs = links.jobs

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Record what a message says of a job."""
        told = payload if isinstance(payload, dict) else {}
        return await self.record_run(told, context)

    async def record_run(self, told: dict[str, Any], context: Context) -> dict[str, Any]:
        """Record one run; what is told of one run twice is one line."""
        line = {key: str(told[key])[:LONGEST_TEXT] for key in TOLD if told.get(key) not in (None, "")}
        line.setdefault("status", "success")
        line.setdefault("runId", str(context.step_id or context.run_id))
        line["at"] = context.unit.clock.now().isoformat()
        key = line["job"] if self._jobs.find(line.get("job", "")) else OTHERS
        found = await context.unit.resources.get(self._kind, key, lock=True)
        if found is None:
            await self._begin(key, line, context)
            return line
        runs = found.data.get("runs", [])
        known = next((run for run in runs if run["runId"] == line["runId"]), None)
        if known is not None:
            line = {**known, **line, "at": known["at"]}
        others = [run for run in runs if run is not known]
        found.data = {"runs": [*others, line][-RUNS_KEPT:]}
        await context.unit.resources.save(found)
        return line

    async def _begin(self, key: str, line: dict[str, Any], context: Context) -> None:
        try:
            await context.unit.resources.create(Resource(self._kind, key, {"runs": [line]}))
        except AlreadyExists:
            raise TryAgain("Another run of the job was recorded first.", code="job.store_race") from None

    async def handle(self, request: Request, context: Context) -> Response:
        """Show the runs, or run a job."""
        if request.method == "GET":
            return Response.json(await self._shown(request.params.get("job") or request.query.get("job"), context))
        if request.method == "POST":
            return self._start(request, context)
        raise StepFailed("GET shows the runs of jobs, and POST runs one.", code="job.method", status=405)

    async def _shown(self, wanted: str | None, context: Context) -> dict[str, Any]:
        if wanted is not None:
            self._find(wanted)
        kept = await context.unit.resources.page(self._kind)
        runs = [run for resource in kept for run in resource.data.get("runs", [])]
        runs.sort(key=lambda run: run["at"], reverse=True)
        now = context.unit.clock.now()
        jobs = [job.shown(now) for job in self._jobs.all if wanted in (None, job.job, f"{job.scheduler}:{job.job}")]
        names = {job["job"] for job in jobs}
        shown = [run for run in runs if wanted is None or run.get("job") in names]
        last: dict[str, dict[str, Any]] = {}
        for run in shown:
            last.setdefault(run.get("job", ""), run)
        return {
            "jobs": [{**job, "lastRun": last.get(job["job"])} for job in jobs],
            "runs": shown,
            "total": len(shown),
        }

    def _start(self, request: Request, context: Context) -> Response:
        body = body_of(request)
        asked = body if isinstance(body, dict) else {}
        named = asked.get("job") or request.params.get("job") or request.query.get("job") or self._only()
        if not isinstance(named, str) or not named:
            names = ", ".join(job.name for job in self._jobs.all) or "there is none"
            raise Rejected(
                f"Which job? Name one as 'job': {names}.",
                errors=[{"pointer": "/job", "message": "is required"}],
                code="job.unnamed",
            )
        scheduler = asked.get("scheduler")
        job = self._find(f"{scheduler}:{named}" if isinstance(scheduler, str) and scheduler else named)
        run = context.unit.runs.start(job.start(asked.get("data")))
        told = {"status": "job started", "job": job.job, "scheduler": job.scheduler, "runId": str(run)}
        response = Response.json(told, 202)
        response.headers.append((b"weft-run", str(run).encode()))
        return response

    def _only(self) -> str:
        """Return the only job that there is."""
        return self._jobs.all[0].name if len(self._jobs.all) == 1 else ""

    def _find(self, action: str) -> Job:
        job = self._jobs.find(action)
        if job is None:
            raise StepFailed(f"There is no job {action[:LONGEST_TEXT]!r}.", code="job.unknown", status=404)
        return job
