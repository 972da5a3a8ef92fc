"""Say which records are older than they may be.

`action: check` counts them, `enforce` names those to delete, `report` tells both of every age. It looks at `records`
(objects with `id` and `createdAt`), or at three made-up ones; it deletes nothing itself. Without an action it was
called by a transition and says so.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components._asking import asked, unknown

NAME = "data_retention"
CONTRACT = {
    "optional_inputs": {
        "action": {"type": "string", "description": "check, enforce or report."},
        "retentionDays": {"type": "int", "description": "How long records may be kept, in days.", "default": 365},
        "records": {"type": "slice", "description": "Objects with id and createdAt."},
    },
    "outputs": {
        "total": {"type": "int", "description": "Records looked at."},
        "expired": {"type": "int", "description": "Records older than allowed."},
        "expiredIds": {"type": "slice", "description": "Their ids."},
        "checkedAt": {"type": "string", "description": "When (RFC 3339)."},
    },
}
ACTIONS = ("check", "enforce", "report")
_SAMPLE_DAYS = (30, 400, 800)


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Look at the ages."""
    now = context.unit.clock.now()
    action = asked(params, "action", ACTIONS)
    if not action:
        return {"status": "recorded", "recordedAt": now.isoformat()}
    if action not in ACTIONS:
        raise unknown("action", action, ACTIONS)
    records = params.get("records") or [
        {"id": f"rec-{days}", "createdAt": (now - timedelta(days=days)).isoformat()} for days in _SAMPLE_DAYS
    ]
    ages = {str(record["id"]): _age(record, now) for record in records if isinstance(record, dict) and "id" in record}
    expired = [name for name, days in ages.items() if days is not None and days > params["retentionDays"]]
    answer = {"total": len(ages), "expired": len(expired), "checkedAt": now.isoformat()}
    if action == "check":
        return answer
    answer["expiredIds"] = expired
    return answer if action == "enforce" else answer | {"ages": ages, "retentionDays": params["retentionDays"]}


def _age(record: dict[str, Any], now: datetime) -> int | None:
    """Return the age in days, None when the record does not say since when it is."""
    try:
        made = datetime.fromisoformat(str(record.get("createdAt")))
    except ValueError:
        return None
    return (now - (made if made.tzinfo else made.replace(tzinfo=UTC))).days
