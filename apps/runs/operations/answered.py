"""What the run's row of a request says once the request has been answered."""

import time
from uuid import UUID

import orjson

from apps.engine.http import Request, Response
from apps.engine.run.program import Trace
from apps.engine.streams import Passage
from apps.runs.adapters.payloads import LONGEST_PAYLOAD
from apps.runs.adapters.rows import NewRunRow, from_unix_us, request_row
from apps.runs.operations.served import FAILED, ServedRoute, state_of
from apps.runs.rules.redaction import redacted


class Answered:
    """What is known of a request once it has been answered."""

    __slots__ = ("_duration_us", "_started_us", "_trace", "request", "response", "run_id", "served", "state")

    def __init__(
        self,
        served: ServedRoute,
        request: Request,
        response: Response,
        trace: Trace,
        run_id: UUID,
        started_us: int,
        duration_us: int,
    ) -> None:
        self.served = served
        self.request = request
        self.response = response
        self._trace = trace
        self.run_id = run_id
        self._started_us = started_us
        self._duration_us = duration_us
        self.state = state_of(response)

    def end(self, passage: Passage) -> None:
        """Take in how the body of a streamed answer went through."""
        self._duration_us = time.time_ns() // 1000 - self._started_us
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
            duration_us=self._duration_us,
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
            finished_at=from_unix_us(self._started_us + self._duration_us),
            duration_us=self._duration_us,
        )

    def _output(self) -> bytes:
        body = self.response.body
        return self._shown(body) if len(body) <= LONGEST_PAYLOAD else b""

    def _steps(self) -> bytes:
        trace = self._trace
        if not trace:
            return b"[]"
        steps = orjson.dumps(trace, default=str, option=orjson.OPT_NON_STR_KEYS)
        if len(steps) > LONGEST_PAYLOAD:
            bare = [(index, began, ended, None, error, None) for index, began, ended, _, error, _ in trace]
            steps = orjson.dumps(bare)
        return self._shown(steps)

    def _shown(self, payload: bytes) -> bytes:
        """Return a payload as it is stored: nothing goes on from a request's row, so it holds no credentials."""
        known = self.served.known
        return redacted(known.redactor.payload(payload) if known.is_used else payload)
