"""Move everything that is kept to the newest master key while traffic goes on (spec/modules.md 10.2: rotation)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from apps.core import audit
from apps.core.clock import now
from apps.core.scope import SYSTEM, scope
from apps.runs.adapters.rotation import KEPT, Kept, Pass, left, page_seal
from apps.runs.operations.sweeps import KEPT_DAYS
from apps.tenants.operations.secrets import secrets_encrypt_again

MOST_PASSES = 20  # over rows that somebody held each time
SECRETS = "secret"
Told = Callable[[UUID, str, int], None]  # tenant, table, rows sealed again


@dataclass(slots=True)
class Rotation:
    """What came of it: rows sealed again by table, and rows that still need an older key."""

    sealed: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether nothing that is kept needs an older key."""
        return not any(self.left.values())

    @property
    def removable_on(self) -> date:
        """From when an older key may be removed, provided no process has sealed with it since today.

        The journal is not sealed again: its days are dropped whole.
        """
        return (now() + timedelta(days=KEPT_DAYS + 1)).date()


def keys_rotate(tenants: Iterable[UUID], told: Told) -> Rotation:
    """Seal all kept rows of these tenants with the first master key; rows of earlier releases get their first seal.

    `told` hears of progress. May be stopped and begun again at any time.
    """
    rotation = Rotation()
    for tenant_id in tenants:
        counts = dict(_tables(tenant_id, rotation))
        for name, count in counts.items():
            rotation.sealed[name] = rotation.sealed.get(name, 0) + count
            if count:
                told(tenant_id, name, count)
        if any(counts.values()):
            with scope(tenant_id, SYSTEM):
                audit.record(verb="keys.rotate", target="tenant", target_id=tenant_id, details=counts)
    return rotation


def _tables(tenant_id: UUID, rotation: Rotation) -> Iterator[tuple[str, int]]:
    for kept in KEPT:
        count, remaining = _sealed(kept, tenant_id)
        rotation.left[kept.name] = rotation.left.get(kept.name, 0) + remaining
        yield kept.name, count
    with scope(tenant_id, SYSTEM):
        count, remaining = secrets_encrypt_again()
    rotation.left[SECRETS] = rotation.left.get(SECRETS, 0) + remaining
    yield SECRETS, count


def _sealed(kept: Kept, tenant_id: UUID) -> tuple[int, int]:
    """Seal one table of one tenant; return how many rows were, and how many could not be."""
    count = remaining = 0
    for _ in range(MOST_PASSES):
        passed = _pass(kept, tenant_id)
        count += passed.sealed
        with scope(tenant_id, SYSTEM, read_only=True):
            remaining = left(kept, tenant_id)
        if remaining <= passed.lost:
            break
    return count, remaining


def _pass(kept: Kept, tenant_id: UUID) -> Pass:
    passed = Pass(kept.first)
    while passed.place is not None:
        with scope(tenant_id, SYSTEM):
            page_seal(kept, tenant_id, passed)
    return passed
