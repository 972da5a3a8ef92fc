"""The tenant in whose name the current code acts: one opener for transaction, context variable and database setting.

`scope()` is the only way to reach tenant tables through Django's default connection. Scopes never nest, and a scope is
never opened inside a transaction that something else began: whoever opens one decides what is committed together.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

NO_TENANT = UUID(int=0)
SCOPE_SQL = "select set_config('app.tenant', %s, true), set_config('app.user', %s, true)"
READ_ONLY_SQL = f"{SCOPE_SQL}, set_config('transaction_read_only', 'on', true)"
RELAY_SCOPE_SQL = "select set_config('app.tenants', %s, true)"


class ScopeError(RuntimeError):
    """The scope was used in a way that could mix two tenants; always a mistake in the calling code."""


class NoScope(ScopeError):
    """Tenant data was asked for and no scope is open."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in user, an API key, an operator of the product, or the product itself."""

    kind: str  # user, key, operator, system
    id: UUID | None
    label: str
    role: str | None = None  # owner, editor, viewer

    @property
    def user_id(self) -> UUID:
        """The user whose own memberships may be read, or NO_TENANT for an actor that is not a user."""
        return self.id if self.kind == "user" and self.id is not None else NO_TENANT


SYSTEM = Actor(kind="system", id=None, label="system")


@dataclass(slots=True)
class Scope:
    """An open scope; `after` holds what must be done once its transaction has ended, however it ended."""

    tenant_id: UUID
    actor: Actor
    read_only: bool
    after: list[Callable[[], None]] = field(default_factory=list)


_current: ContextVar[Scope | None] = ContextVar("weft_scope", default=None)


@contextmanager
def scope(tenant_id: UUID, actor: Actor, *, read_only: bool = False) -> Iterator[Scope]:
    """Open one transaction as `actor` in `tenant_id`; it commits on a normal exit and rolls back on an exception.

    Raises `ScopeError` inside another scope or inside a transaction begun elsewhere.
    """
    if _current.get() is not None:
        raise ScopeError("A scope is already open; scopes never nest.")
    if transaction.get_connection().in_atomic_block:
        raise ScopeError("A transaction that no scope began is open.")
    opened = Scope(tenant_id, actor, read_only)
    try:
        with transaction.atomic():
            token = _current.set(opened)
            try:
                _enter(opened)
                yield opened
            finally:
                _current.reset(token)
                _leave()
    finally:
        for callback in opened.after:
            callback()


def roll_back() -> None:
    """Undo everything written in the open scope when it ends, without an exception."""
    current_scope()
    transaction.set_rollback(True)


def current_scope() -> Scope:
    """Return the open scope; raise `NoScope` when there is none."""
    opened = _current.get()
    if opened is None:
        raise NoScope("No scope is open: tenant data is reached inside `scope(tenant, actor)` only.")
    return opened


def in_scope() -> bool:
    """Say whether a scope is open."""
    return _current.get() is not None


def current_tenant() -> UUID:
    """Return the tenant of the open scope; raise `NoScope` when there is none."""
    return current_scope().tenant_id


def current_actor() -> Actor:
    """Return who acts in the open scope; raise `NoScope` when there is none."""
    return current_scope().actor


def _enter(opened: Scope) -> None:
    with transaction.get_connection().cursor() as cursor:
        entering = READ_ONLY_SQL if opened.read_only else SCOPE_SQL
        cursor.execute(entering, [str(opened.tenant_id), str(opened.actor.user_id)])


def _leave() -> None:
    """Empty the settings while the transaction still stands: a savepoint would let them survive."""
    connection = transaction.get_connection()
    if connection.needs_rollback or connection.connection is None or connection.connection.closed:
        return
    if connection.connection.info.transaction_status.name != "INTRANS":
        return
    with connection.cursor() as cursor:
        cursor.execute(SCOPE_SQL, ["", ""])
