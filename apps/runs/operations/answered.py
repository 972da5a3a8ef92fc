"""What the run's row of a request says once the request has been answered."""

import time
from typing import Any
from uuid import UUID

import orjson

from apps.engine.http import Request, Response
from apps.engine.run.program import Trace
from apps.engine.streams import Passage
from apps.runs.adapters.payloads import LONGEST_PAYLOAD
from apps.runs.adapters.rows import NewRunRow, from_unix_us, request_row
from apps.runs.operations.served import FAILED, ServedRoute, state_of
from apps.runs.rules.journal import HANDLER_LINE
from apps.runs.rules.redaction import redacted


class Answered:
    """What is known of a request: its record, from when its route is called."""

    __slots__ = ("_began", "_started_us", "duration_us", "request", "response", "run_id", "served", "state", "trace")

    response: Response
    state: str
    duration_us: int

    def __init__(self, served: ServedRoute, request: Request, run_id: UUID) -> None:
        self.served = served
        self.request = request
        self.run_id = run_id
        self.trace: Trace = []
        self._started_us = time.time_ns() // 1000
        self._began = time.perf_counter_ns()

    def take(self, response: Response, logs: list[dict[str, Any]]) -> None:
        """Take in the answer, and what was said outside of any step."""
        ended = time.perf_counter_ns()
        self.duration_us = (ended - self._began) // 1000
        self.response = response
        self.state = state_of(response)
        if logs:
            self.trace.append((HANDLER_LINE, self._began, ended, None, None, logs))

    def end(self, passage: Passage) -> None:
        """Take in how the body of a streamed answer went through."""
        self.duration_us = time.time_ns() // 1000 - self._started_us
        if passage.has_failed:
            self.state = FAILED

    def encoded(self) -> bytes:
        """Return the row for the group writer."""
        response = self.response
        return request_row(
            self.run_id,
            self.served.encoded_origin,
            tenant_id=self.served.origin.tenant_id,
            failed=self.state == FAILED,
            status=response.status,
            request_id=self.request.id,
            input=self._shown(self.request.body),
            output=self._output(),
            steps=self._steps(),
            started_us=self._started_us,
            duration_us=self.duration_us,
        )

    def row(self) -> NewRunRow:
        """Return the row for the transaction of the request's unit."""
        response = self.response
        started_at = from_unix_us(self._started_us)
        return NewRunRow(
            self.run_id,
            self.served.origin,
            self.state,
            started_at,
            http_status=response.status,
            request_id=self.request.id,
            input=self._shown(self.request.body),
            output=self._output(),
            steps=self._steps(),
            finished_at=from_unix_us(self._started_us + self.duration_us),
            duration_us=self.duration_us,
        )

    def _output(self) -> bytes:
        body = self.response.body
        return self._shown(body) if len(body) <= LONGEST_PAYLOAD else b""

    def _steps(self) -> bytes | None:
        """Return the lines of the steps; None, which costs no envelope, where a module answered by itself."""
        trace = self.trace
        if not trace:
            return None
        steps = orjson.dumps(trace, default=str, option=orjson.OPT_NON_STR_KEYS)
        if len(steps) > LONGEST_PAYLOAD:
            bare = [(index, began, ended, None, error, None) for index, began, ended, _, error, _ in trace]
            steps = orjson.dumps(bare)
        return self._shown(steps)

    def _shown(self, payload: bytes) -> bytes:
        """Return a payload as it is stored: nothing goes on from a request's row, so it holds no credentials."""
        known = self.served.known
        return redacted(known.redactor.payload(payload) if known.is_used else payload)
