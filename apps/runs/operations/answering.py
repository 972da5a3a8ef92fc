"""Answer one request of a tenant: run its route, commit what it did, and record it as the route asks (data.md 5)."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import structlog

from apps.core.jobs import bell
from apps.core.sealing import opened
from apps.engine.http import Request, Response
from apps.engine.module import Context
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import AlreadyExists, Resource
from apps.engine.sampling import sample_request
from apps.engine.sections.answers import problem
from apps.engine.sections.handlers import DRIVER
from apps.engine.sections.producers import ERRORS
from apps.engine.streams import Passage, StreamedResponse, collected
from apps.runs.adapters.creates import Contended, Create
from apps.runs.adapters.idempotency import LONGEST_KEY, Caller, answer_before, keep_answer
from apps.runs.adapters.payloads import LONGEST_STATE, dumped
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import create_row
from apps.runs.adapters.services import Services
from apps.runs.adapters.session import Session
from apps.runs.adapters.sql import Statements
from apps.runs.adapters.unit import HostedUnit
from apps.runs.adapters.writer import EncodedRun
from apps.runs.operations.answered import Answered
from apps.runs.operations.served import ServedRoute
from apps.runs.operations.stepwise import DRIVEN, Stepwise
from apps.runs.rules.sealing import RUN_ERROR, RUN_OUTPUT

log = structlog.get_logger(__name__)
SQL = Statements("waiting")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LONGEST_WAIT_SECONDS = 30.0
LOOK_SECONDS = (0.02, 0.05, 0.1, 0.25)


class Answering:
    """Answers requests; one per process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stepwise = Stepwise(services)

    def start(self) -> None:
        """Begin to keep leases alive, in the running loop."""
        self._stepwise.start()

    async def close(self) -> None:
        """Give leases back."""
        await self._stepwise.close()

    def answer_now(
        self, place: Place, served: ServedRoute, request: Request, run_id: UUID
    ) -> Response | Awaitable[Response]:
        """Run a route that is no coroutine function; return its answer, or what stores all it promises and then is it.

        What is awaited raises `PayloadTooLarge` when the commit does, as `answer`.
        """
        unit: Any = HostedUnit(self._services, place, run_id, request.id)
        unit.defers = True
        context = Context(unit, run_id, request.id)
        record = Answered(served, request, run_id)
        try:
            answer: Any = served.route.call(request, context, record.trace)
        except Exception:
            answer = _fault(served, request)
        record.take(answer, context.logs)
        _heed(record, unit)
        return self._keeping(record, unit, None) or record.response

    def answer(
        self, place: Place, served: ServedRoute, request: Request, run_id: UUID, idempotency_key: str
    ) -> Awaitable[Response]:
        """Run the route; what is returned is its answer once everything it promises is stored.

        Raises `PayloadTooLarge` when the commit does: nothing was kept.
        """
        unit = HostedUnit(self._services, place, run_id, request.id)
        unit.defers = not idempotency_key
        if idempotency_key and request.method in UNSAFE:
            return self._answer_once(place, served, request, unit, run_id, idempotency_key)
        return self._answer(served, request, unit, run_id, None)

    async def _answer(
        self, served: ServedRoute, request: Request, unit: Any, run_id: UUID, caller: Caller | None
    ) -> Response:
        context = Context(unit, run_id, request.id)
        route = served.route
        is_driven = served.record == "step" and route.program is not None
        if is_driven:
            context.state[DRIVER] = partial(self._stepwise.drive, unit.place, served.origin, context)
        record = Answered(served, request, run_id)
        try:
            answer: Any = route.call(request, context, record.trace)
            if route.is_async:
                answer = await answer
        except Exception:
            answer = _fault(served, request)
        except BaseException:
            await unit.rollback()
            raise
        record.take(answer, context.logs)
        _heed(record, unit)
        if is_driven and context.state.get(DRIVEN):
            await (unit.commit() if answer.keeps_writes else unit.rollback())
            return record.response
        keeping = self._keeping(record, unit, caller)
        return record.response if keeping is None else await keeping

    def _keeping(self, record: Answered, unit: HostedUnit, caller: Caller | None) -> Awaitable[Response] | None:
        """Return what stores a request and what it did, and then gives its answer; None when nothing is to be kept."""
        served, response = record.served, record.response
        if isinstance(response, StreamedResponse):
            return self._begin_stream(record, unit, response, caller)
        tells = served.tells(response)
        if unit.is_untouched and not tells and caller is None:
            return None if served.record == "none" else self._store(record)
        created = None if tells or caller is not None or not response.keeps_writes else unit.only_create
        if created is not None:
            return self._store_create(record, unit, created)
        if tells or caller is not None or unit.has_written:
            return self._store_with_unit(record, unit, caller)
        return self._store_after(unit, record)

    async def _begin_stream(
        self, record: Answered, unit: HostedUnit, response: StreamedResponse, caller: Caller | None
    ) -> Response:
        """Commit what the request did; its row follows when the body has gone through, in a unit of its own.

        An answer that is kept for a repeat of the request is taken whole.
        """
        if caller is not None:
            record.response = await _collected(response, record.request)
            return await self._store_with_unit(record, unit, caller)
        try:
            if not response.keeps_writes:
                await unit.rollback()
                unit.keep_only(ERRORS)
            if unit.has_written and (await unit.commit()).has_work:
                bell.ring()
            await unit.rollback()
        except BaseException:
            await response.source.close()
            raise
        response.finish = partial(self._end_stream, record, unit.place)
        return response

    async def _end_stream(self, record: Answered, place: Place, passage: Passage) -> None:
        record.end(passage)
        if record.served.hears(record.state) and record.served.record != "none":
            unit = HostedUnit(self._services, place, record.run_id, record.request.id)
            if (await unit.commit(row=record.row())).has_work:
                bell.ring()
        else:
            await self._store(record)

    async def _store_after(self, unit: HostedUnit, record: Answered) -> Response:
        """Store a request that has read, once its unit is over."""
        await unit.rollback()
        return await self._store(record)

    async def _store(self, record: Answered) -> Response:
        mode = record.served.record
        if mode != "none":
            row = EncodedRun(record.served.origin.tenant_id, record.encoded())
            writer = self._services.writer
            await (writer.write_later(row) if mode == "async" else writer.write(row))
        return record.response

    async def _store_create(self, record: Answered, unit: HostedUnit, resource: Resource) -> Response:
        """Commit a request that did nothing but create one object together with others, of any tenant.

        When its key turns out to be taken, or somebody is at it, nothing of it was kept, and it is answered again, in
        its own transaction.
        """
        place = unit.place
        data, now = dumped(resource.data, LONGEST_STATE), resource.updated_at or self._services.clock.now()
        create = Create(
            place.tenant_id, record.run_id, create_row(record.encoded(), place.tenant_id, resource, data, now)
        )
        with contextlib.suppress(Contended):
            if await self._services.creates.write(create):
                return record.response
        return await self._answer_carefully(place, record)

    async def _answer_carefully(self, place: Place, record: Answered) -> Response:
        """Answer again, without putting anything off."""
        careful = HostedUnit(self._services, place, record.run_id, record.request.id)
        return await self._answer(record.served, record.request, careful, record.run_id, None)

    async def _store_with_unit(self, record: Answered, unit: HostedUnit, caller: Caller | None) -> Response:
        response = record.response
        if not response.keeps_writes:
            await unit.rollback()
            unit.keep_only(ERRORS)
        elif caller is not None:
            await keep_answer(unit.session, caller, response)
        try:
            committed = await unit.commit(row=record.row())
        except AlreadyExists:  # the create that was put off; nothing was kept
            return await self._answer_carefully(unit.place, record)
        if committed.has_work:
            bell.ring()
        return await self._waited(record, response)

    async def _answer_once(
        self, place: Place, served: ServedRoute, request: Request, unit: HostedUnit, run_id: UUID, key: str
    ) -> Response:
        if len(key) > LONGEST_KEY:
            return problem(400, "idempotency.key", f"Idempotency-Key has at most {LONGEST_KEY} characters.", request)
        scope = f"{place.environment_id}|{place.workflow_id}|{served.route.name}"
        authorization = request.headers.get("authorization", "").encode()
        caller = Caller.of(scope, authorization, key, request.body)
        try:
            stored = await answer_before(unit.session, caller, request)
            if stored is not None:
                return stored
            return await self._answer(served, request, unit, run_id, caller)
        finally:
            await unit.rollback()

    async def _waited(self, record: Answered, response: Response) -> Response:
        """Turn an accepted run into its result when the caller asked for it and it comes in time."""
        served, request = record.served, record.request
        if served.route.source != "trigger" or response.status != 202 or b"wait" not in request.query_string:
            return response
        run_id = next((value for name, value in response.headers if name == b"weft-run"), b"")
        seconds = _seconds(request.query.get("wait", ""))
        if not run_id or not seconds:
            return response
        found = await self._ended(served.origin.tenant_id, UUID(run_id.decode()), seconds)
        return response if found is None else _result(run_id.decode(), *found, response)

    async def _ended(self, tenant_id: UUID, run_id: UUID, seconds: float) -> tuple[str, Any, Any] | None:
        ends = time.monotonic() + seconds
        looks = 0
        while time.monotonic() < ends:
            session = Session(self._services.pools, tenant_id)
            try:
                rows = await session.rows(SQL.ended, (run_id,))
            finally:
                await session.rollback()
            if rows:
                state, output, error = rows[0]
                return state, opened(output, tenant_id, RUN_OUTPUT), opened(error, tenant_id, RUN_ERROR)
            await asyncio.sleep(LOOK_SECONDS[min(looks, len(LOOK_SECONDS) - 1)])
            looks += 1
        return None


def _fault(served: ServedRoute, request: Request) -> Response:
    """Answer an exception in hand that a route raised."""
    log.exception("route.bug", route=served.route.name, request_id=request.id)
    return bug(request)


def _heed(record: Answered, unit: HostedUnit) -> None:
    """Keep secrets out of a refusal, and feed the document's own samples."""
    served, response = record.served, record.response
    if response.is_refusal:
        response.body = served.known.redactor.payload(response.body)
    if unit.place.is_measured:
        sample_request(unit.place.samples, served.route, response, record.trace, record.duration_us / 1e6)


async def _collected(response: Response, request: Request) -> Response:
    """Return a streamed answer whole, or why it cannot be had."""
    try:
        return await collected(response)
    except (StepFailed, TryAgain) as failure:
        return problem(502, failure.code, failure.message, request)


def bug(request: Request) -> Response:
    """Answer a fault of the product: an id to ask about, and nothing else."""
    return problem(500, "engine.bug", "A fault in the product stopped this request; its id says which.", request)


def unavailable(request_id: str, detail: str) -> Response:
    """Answer that nothing was accepted and that the caller may come again."""
    response = Response.problem(503, "unavailable", "Not available at the moment", detail=detail, requestId=request_id)
    response.headers.append((b"retry-after", b"1"))
    return response


def _seconds(text: str) -> float:
    """Read `?wait=`: seconds, with or without the letter s, at most thirty."""
    try:
        return max(0.0, min(float(text.removesuffix("s")), LONGEST_WAIT_SECONDS))
    except ValueError:
        return 0.0


def _result(run_id: str, state: str, output: bytes | None, error: bytes | None, accepted: Response) -> Response:
    body = {
        "runId": run_id,
        "state": state,
        "output": None if output is None else orjson.Fragment(output),
        "error": None if error is None else orjson.Fragment(error),
    }
    response = Response(200 if state == "done" else 422, orjson.dumps(body))
    response.headers = accepted.headers
    return response
