"""Run rows on their way into the database: one encoder for arrays of composite values, one tuple for a plain insert.

Text that people search is cleaned of NUL and lone surrogates here, on the way in. Payloads are sealed here, and nowhere
before: whoever holds a row that is not encoded yet sees it plain.
"""

import struct
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from os import urandom
from uuid import UUID

from apps.core.crypto import NONCE_LENGTH
from apps.core.sealing import seal, sealer
from apps.engine.ids import uuid7
from apps.engine.ports import Resource
from apps.runs.rules.sealing import RESOURCE_DATA, RUN_ERROR, RUN_INPUT, RUN_OUTPUT, RUN_PROGRESS, RUN_STEPS

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH_UNIX_US = 946_684_800_000_000
SHARDS = 64

# Types of columns by their fixed numbers; a field is its type, its length or -1, and its bytes.
UUID_TYPE, TEXT_TYPE, BYTES_TYPE, TIME_TYPE = 2950, 25, 17, 1184
INT2_TYPE, INT4_TYPE, INT8_TYPE = 21, 23, 20
_head = struct.Struct("!Ii").pack
_text_head = partial(_head, TEXT_TYPE)
_bytes_head = partial(_head, BYTES_TYPE)
_int2 = partial(struct.Struct("!Iih").pack, INT2_TYPE, 2)
_int4 = partial(struct.Struct("!Iii").pack, INT4_TYPE, 4)
_int8 = partial(struct.Struct("!Iiq").pack, INT8_TYPE, 8)
_instant = partial(struct.Struct("!Iiq").pack, TIME_TYPE, 8)
_UUID_HEAD = _head(UUID_TYPE, 16)
_NULL_UUID, _NULL_TEXT, _NULL_BYTES, _NULL_TIME, _NULL_INT2, _NULL_INT8 = (
    _head(kind, -1) for kind in (UUID_TYPE, TEXT_TYPE, BYTES_TYPE, TIME_TYPE, INT2_TYPE, INT8_TYPE)
)
_COLUMNS = struct.pack("!i", 32)
_CREATE_COLUMNS = struct.pack("!i", 38)
_FAILED, _DONE = (_text_head(len(state)) + state for state in (b"failed", b"done"))
_TAIL_OF_REQUEST = b"".join(
    (
        *(_NULL_TEXT, _NULL_TIME, _NULL_TIME, _NULL_TEXT),  # what it waits for
        *(_NULL_TEXT, _NULL_UUID, _NULL_UUID, _NULL_BYTES),  # correlation, parent, delivery, progress
        *(_NULL_TIME, _NULL_INT2),  # its work
    )
)


@dataclass(slots=True, frozen=True)
class RunOrigin:
    """What is the same for every run of one entry of one deployed version, encoded once."""

    tenant_id: UUID
    environment_id: UUID
    workflow_id: UUID
    version_id: UUID
    version_number: int
    source: str
    entry: str
    section: str
    action: str = ""
    workflow_name: str = ""
    route: str = ""

    def encoded(self) -> bytes:
        """Return the binary form of these fields."""
        ids = (self.tenant_id, self.environment_id, self.workflow_id, self.version_id)
        texts = (self.source, self.entry, self.section, self.action, self.workflow_name, self.route)
        parts = [_uuid(value) for value in ids]
        parts.append(_int4(self.version_number))
        parts += [_text(value) for value in texts]
        return b"".join(parts)


@dataclass(slots=True)
class NewRunRow:
    """One run row to insert, its payloads plain; `ready_at` also makes its work row."""

    id: UUID
    origin: RunOrigin
    state: str
    started_at: datetime
    http_status: int | None = None
    request_id: str = ""
    input: bytes | None = None
    output: bytes | None = None
    error: bytes | None = None
    steps: bytes | None = None
    finished_at: datetime | None = None
    duration_us: int | None = None
    wait_reason: str | None = None
    wait_since: datetime | None = None
    wait_until: datetime | None = None
    wait_for: str | None = None
    correlation: str | None = None
    parent_id: UUID | None = None
    delivery_id: UUID | None = None
    progress: bytes | None = None
    ready_at: datetime | None = None

    @property
    def tenant_id(self) -> UUID:
        """The tenant the row belongs to."""
        return self.origin.tenant_id

    def encoded(self) -> bytes:
        """Return the binary form of the row as one composite value."""
        return b"".join(
            (
                _COLUMNS,
                _uuid(self.id),
                self.origin.encoded(),
                _text(self.state),
                _NULL_INT2 if self.http_status is None else _int2(self.http_status),
                _text(self.request_id),
                _bytes(self._sealed("input")),
                _bytes(self._sealed("output")),
                _bytes(self._sealed("error")),
                _bytes(self._sealed("steps")),
                _time(self.started_at),
                _time(self.finished_at),
                _NULL_INT8 if self.duration_us is None else _int8(self.duration_us),
                _optional_text(self.wait_reason),
                _time(self.wait_since),
                _time(self.wait_until),
                _optional_text(self.wait_for),
                _optional_text(self.correlation),
                _optional_uuid(self.parent_id),
                _optional_uuid(self.delivery_id),
                _bytes(self._sealed("progress")),
                _time(self.ready_at),
                _int2(shard_of(self.tenant_id)),
            )
        )

    def values(self) -> tuple[object, ...]:
        """Return the values of `insert_one`, in its order."""
        origin = tuple(_cleaned(getattr(self.origin, field.name)) for field in fields(RunOrigin))
        return (
            self.id,
            *origin,
            *(self._sealed(name) if name in _SEALED else _cleaned(getattr(self, name)) for name in _AFTER_ORIGIN),
        )

    def _sealed(self, name: str) -> bytes | None:
        data: bytes | None = getattr(self, name)
        return seal(data, self.tenant_id, _SEALED[name])

    def work_values(self) -> tuple[object, ...]:
        """Return the values of `insert_one_work`, in its order."""
        return (self.id, self.tenant_id, self.id, shard_of(self.tenant_id), self.ready_at)


_AFTER_ORIGIN = (
    "state", "http_status", "request_id", "input", "output", "error", "steps", "started_at", "finished_at",
    "duration_us", "wait_reason", "wait_since", "wait_until", "wait_for", "correlation", "parent_id", "delivery_id",
    "progress",
)  # fmt: skip
_SEALED = {
    "input": RUN_INPUT, "output": RUN_OUTPUT, "error": RUN_ERROR, "steps": RUN_STEPS, "progress": RUN_PROGRESS,
}  # fmt: skip


def request_row(  # noqa: PLR0913 - the hot path passes plain values
    run_id: UUID,
    origin: bytes,
    *,
    tenant_id: UUID,
    failed: bool,
    status: int,
    request_id: str,
    input: bytes,
    output: bytes,
    steps: bytes | None,
    started_us: int,
    duration_us: int,
) -> bytes:
    """Encode the row of a finished request; times are microseconds since 1970."""
    started = started_us - EPOCH_UNIX_US
    name = request_id.encode()
    sealing, nonces = sealer(tenant_id).seal, urandom(3 * NONCE_LENGTH)
    input = sealing(input, RUN_INPUT, nonces[:NONCE_LENGTH])
    output = sealing(output, RUN_OUTPUT, nonces[NONCE_LENGTH:-NONCE_LENGTH])
    told = _NULL_BYTES if steps is None else _bytes(sealing(steps, RUN_STEPS, nonces[-NONCE_LENGTH:]))
    return b"".join(
        (
            _COLUMNS,
            _UUID_HEAD,
            run_id.bytes,
            origin,
            _FAILED if failed else _DONE,
            _int2(status),
            _text_head(len(name)),
            name,
            _bytes_head(len(input)),
            input,
            _bytes_head(len(output)),
            output,
            _NULL_BYTES,
            told,
            _instant(started),
            _instant(started + duration_us),
            _int8(duration_us),
            _TAIL_OF_REQUEST,
        )
    )


def create_row(run: bytes, tenant_id: UUID, resource: Resource, data: bytes, now: datetime) -> bytes:
    """Encode a new object behind the encoded row of the request that made it, as one composite value."""
    data = sealer(tenant_id).seal(data, RESOURCE_DATA)
    return b"".join(
        (
            _CREATE_COLUMNS,
            run[len(_COLUMNS) :],
            _UUID_HEAD,
            uuid7().bytes,
            _text(resource.kind),
            _text(resource.key),
            _bytes_head(len(data)),
            data,
            _optional_text(resource.state),
            _time(now),
        )
    )


def shard_of(tenant_id: UUID) -> int:
    """Return the shard of a tenant: stable, spread by the random part of its id."""
    return tenant_id.int % SHARDS


def clean(value: str) -> str:
    """Make text storable: no NUL, no lone surrogates."""
    if value.isascii():
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def from_unix_us(value: int) -> datetime:
    """Turn microseconds since 1970 into an aware time."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value)


def _cleaned(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def _uuid(value: UUID) -> bytes:
    return _UUID_HEAD + value.bytes


def _optional_uuid(value: UUID | None) -> bytes:
    return _NULL_UUID if value is None else _UUID_HEAD + value.bytes


def _text(value: str) -> bytes:
    data = (value if value.isascii() and "\x00" not in value else clean(value)).encode()
    return _text_head(len(data)) + data


def _optional_text(value: str | None) -> bytes:
    return _NULL_TEXT if value is None else _text(value)


def _bytes(value: bytes | None) -> bytes:
    return _NULL_BYTES if value is None else _bytes_head(len(value)) + value


def _time(value: datetime | None) -> bytes:
    if value is None:
        return _NULL_TIME
    since = value - EPOCH
    return _instant((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
