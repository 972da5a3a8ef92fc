"""What a published message becomes: a run for each subscription that hears it, and for each link that leads on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.engine.application import Application
from apps.engine.events import QUIET_HEADER, is_quiet
from apps.engine.hops import BEGINNING, Way, refuse_ring, way_of
from apps.engine.links.following import FORWARDED_HEADER
from apps.engine.local.joined import Joined, LocalLink
from apps.engine.local.message import Message
from apps.engine.local.store import decode, encode
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.private_topics import own_topic
from apps.engine.run.effects import error_of
from apps.engine.subscription import Arrived, Subscription
from apps.engine.topics import PRIVATE


@dataclass(frozen=True, slots=True)
class Due:
    """A run to accept in a scope; with an error it has failed at once, since nothing can be done with the message."""

    scope: str
    run: NewRun
    lane: str | None = None
    quiet: bool = False
    way: Way = BEGINNING
    error: dict[str, Any] | None = None


def runs_due(joined: Joined, scope: str, message: Message) -> Iterator[Due]:
    """Return the runs of a message that a scope has published."""
    payload, headers = decode(message.payload), decode(message.headers)
    # Forwarded under its own topic: subscriptions have heard it already, but for those that take it to a broker.
    if FORWARDED_HEADER not in headers or message.topic.startswith(PRIVATE):
        for name, application in joined.hearers(scope, message.topic):
            for subscription in application.subscriptions_for(message.topic):
                if subscription.hears(message.topic, payload):
                    yield _heard(name, subscription, message, payload, headers)
    for link in joined.links_for(scope, message.topic):
        target = joined.application(link.target)
        if target is not None:
            yield _led_on(link, target, message, payload, headers)


def _heard(scope: str, subscription: Subscription, message: Message, payload: Any, headers: dict[str, str]) -> Due:
    key = subscription.key(payload, message.key)
    lane = None if subscription.ordering == "none" else encode([subscription.name, key]).decode()
    way = way_of(headers)
    run, error = _run_of(subscription, message, payload, way)
    quiet = way.is_too_deep or is_quiet(message.topic, headers)  # of an end that is told of there is no end
    return Due(scope, run, lane, quiet, way, error)


def _run_of(
    subscription: Subscription, message: Message, payload: Any, way: Way
) -> tuple[NewRun, dict[str, Any] | None]:
    """Return the run of a message, and the error it ends with at once when nothing can be done with the message."""
    run = _telling(subscription.entry, subscription.handler, message, payload)
    try:
        refuse_ring(way)
        if subscription.starts is None:
            return run, None
        return subscription.starts(Arrived(str(message.id), own_topic(message.topic), payload, message.key)), None
    except StepFailed as refused:
        return run, error_of(refused)


def _led_on(each: LocalLink, target: Application, message: Message, payload: Any, headers: dict[str, str]) -> Due:
    """Return the run at a link's target, which has lifecycle events even where the message is one.

    What ends the way of a message has none: links may take those in too, and would go round with them.
    """
    link, quiet = each.link, QUIET_HEADER in headers
    lane = encode([f"link:{link.id}", message.key or ""]).decode()
    arrived = Arrived(str(message.id), own_topic(message.topic), payload)
    try:
        way = link.passed(headers)
        run = link.run(target, arrived, message.key, headers)
    except StepFailed as refused:
        run = _telling("start:link", each.name, message, payload)
        return Due(each.target, run, lane, True, way_of(headers), error_of(refused))
    return Due(each.target, run, lane, quiet, way)


def _telling(entry: str, workflow: str, message: Message, payload: Any) -> NewRun:
    return NewRun(
        entry=entry,
        data=payload,
        section="messaging",
        action=own_topic(message.topic),
        workflow=workflow,
        source="message",
        correlation=str(message.id),
    )
