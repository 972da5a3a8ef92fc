"""What the triggers `event` and `eventbus` share: a subscription whose messages become the runs they name (spec 5)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from apps.engine.document import DocumentPath, path_text
from apps.engine.ports import NewRun
from apps.engine.subscription import STARTING, Arrived, Subscription
from apps.engine.trigger import Resolver

Read = Callable[[Any], dict[str, Any]]  # from a payload to the run's data, before `params`; raises `StepFailed`
Takes = Callable[[str, Any], bool]


def subscription_of(
    kind: str, written: dict[str, Any], path: DocumentPath, resolver: Resolver, *, topic: str, read: Read, takes: Takes
) -> Subscription:
    """Return the subscription of one entry of a trigger.

    Its name is made of what it says, so that messages which wait over a deployment find it again in any place.
    """
    workflow, action, event = (str(written.get(key) or "") for key in ("workflow", "action", "event"))
    params = dict(written.get("params") or {})

    def starts(arrived: Arrived) -> NewRun:
        run = resolver.resolve(workflow, action, {**read(arrived.payload), **params})
        return replace(run, correlation=run.correlation or arrived.id)

    told = f"{written['topic']} ({event})" if event else str(written["topic"])
    return Subscription(
        name=f"{kind}: {told} -> {workflow} {action}",
        topic=topic,
        entry=f"{STARTING}{kind}",
        handler=f"{workflow} {action}",
        ordering="none" if written.get("async") is True else "key",
        path=path_text(path),
        takes=takes if event else None,
        starts=starts,
    )


def without_twins(found: list[Subscription]) -> list[Subscription]:
    """Return subscriptions with names of their own, where a document says the same more than once."""
    seen: dict[str, int] = {}
    named = []
    for each in found:
        count = seen[each.name] = seen.get(each.name, 0) + 1
        named.append(each if count == 1 else replace(each, name=f"{each.name} #{count}"))
    return named


def entries_of(triggers: dict[str, Any], kind: str) -> list[tuple[DocumentPath, dict[str, Any]]]:
    """Return the entries of a trigger with their places, none when it is switched off."""
    trigger = triggers.get(kind) or {}
    if trigger.get("enabled") is False:
        return []
    return [
        (("triggers", kind, "subscriptions", index), said)
        for index, said in enumerate(trigger.get("subscriptions") or [])
    ]
