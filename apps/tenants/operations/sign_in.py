"""Check a sign-in, throttled by address, by account and by both; too many failures lock for a while.

An attempt is counted before the password is looked at, so that many at once gain nothing, and the count is taken back
when the password was right. Unknown addresses are counted and take as long as known ones. What is stored of addresses
and accounts is a keyed hash.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection
from django.db.models import F

from apps.core.clock import now
from apps.core.errors import TooManyRequests
from apps.tenants.errors import SignInRefused
from apps.tenants.models import SignInThrottle, User

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures within how many seconds lock for how many seconds."""

    failures: int
    window: int
    lock: int


LIMITS = {
    "address": Limit(failures=50, window=900, lock=900),
    "account": Limit(failures=10, window=900, lock=900),
    "both": Limit(failures=5, window=300, lock=300),
}

CHARGE = """
insert into tenants_sign_in_throttle as t (key, failures, window_started_at, locked_until)
select key, 1, weft_now(), null from unnest(%s::text[]) key order by key
on conflict (key) do update set
    failures = case when t.window_started_at < weft_now() - make_interval(secs => (%s::jsonb ->> t.key)::int)
        then 1 else t.failures + 1 end,
    window_started_at = case when t.window_started_at < weft_now() - make_interval(secs => (%s::jsonb ->> t.key)::int)
        then weft_now() else t.window_started_at end
returning key, failures, locked_until
"""


def sign_in_check(*, email: str, password: str, address: str) -> User:
    """Return the person whose password this is; raise `SignInRefused`, or `TooManyRequests` while locked."""
    account = email.strip().lower()
    keys = {
        _key("address", address): LIMITS["address"],
        _key("account", account): LIMITS["account"],
        _key("both", f"{address} {account}"): LIMITS["both"],
    }
    _charge(keys)
    user = User.objects.filter(email=account).first()
    stored = user.password if user and user.is_active else _decoy()
    if not check_password(password, stored) or user is None or not user.is_active:
        log.warning("sign_in.refused", account=_key("account", account))
        raise SignInRefused
    _take_back(keys)
    return user


def _charge(keys: dict[str, Limit]) -> None:
    """Count one attempt under each key; lock those that are over their limit, and refuse while any is locked."""
    windows = json.dumps({key: limit.window for key, limit in keys.items()})
    with connection.cursor() as cursor:
        cursor.execute(CHARGE, [sorted(keys), windows, windows])
        rows: list[tuple[str, int, datetime | None]] = cursor.fetchall()
        moment = now()
        over = {key: keys[key].lock for key, failures, _ in rows if failures > keys[key].failures}
        for key, seconds in sorted(over.items()):
            cursor.execute(
                "update tenants_sign_in_throttle set failures = 0, "
                "locked_until = weft_now() + make_interval(secs => %s) where key = %s",
                [seconds, key],
            )
    waits = [int((until - moment).total_seconds()) + 1 for _, _, until in rows if until and until > moment]
    waits += over.values()
    if waits:
        raise TooManyRequests("Too many failed sign-ins. Wait, then try again.", retry_after=max(waits))


def _take_back(keys: dict[str, Limit]) -> None:
    """Forget the account's failures; the address keeps its own, or one good account would hide attacks on others."""
    address = next(key for key in keys if key.startswith("address:"))
    SignInThrottle.objects.filter(key__in=keys).exclude(key=address).delete()
    SignInThrottle.objects.filter(key=address, failures__gt=0).update(failures=F("failures") - 1)


def _key(kind: str, value: str) -> str:
    digest = hmac.new(settings.SECRET_KEY.encode(), f"{kind} {value}".encode(), hashlib.sha256).hexdigest()
    return f"{kind}:{digest[:40]}"


def _decoy() -> str:
    """Return a hash that no password opens, made once, so that unknown addresses take as long as known ones."""
    if not _decoys:
        _decoys.append(make_password(secrets.token_urlsafe(32)))
    return _decoys[0]


_decoys: list[str] = []
