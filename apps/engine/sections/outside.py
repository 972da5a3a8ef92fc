"""Brokers outside: what of a document goes to them and comes from them.

The broker of the document's messages is the one that `messaging.broker` names, else the first one there is. Where that
is one outside, everything that the document publishes goes there, and its subscriptions and `event` triggers take in
what comes from there; adapters of the `event` section name their own. Topics under `workflow.` and `statemachine.` are
the product's and always come from the bus.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from apps.engine.checks.known import BROKERS, OUTSIDE
from apps.engine.document import DocumentPath, path_text
from apps.engine.feeds import SECTION, Feed, OutsideBroker, refusing_entry
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.private_topics import come_from, sent_to
from apps.engine.run.assembly import Assembler, Call, Plain, Scope
from apps.engine.run.program import Program, RetryPolicy, StepCall, Variables
from apps.engine.run.target import module_target
from apps.engine.subscription import STARTING, Arrived, Subscription

OF_THE_PRODUCT = ("workflow.", "statemachine.")
# A broker that is away is waited for, for a day at least; what cannot be sent then is a dead letter. Pauses are 30 s in
# the mean (anything up to 60 s), so 3,000 tries are 25 h, give or take a quarter of an hour, and what the tries take.
PATIENCE = RetryPolicy(attempts=3_000)


@dataclass(slots=True)
class Outside:
    """The brokers outside of one document, by module.

    `usual_of_all` is the broker of its messages, and `usual` the same where it is outside: empty for the bus.
    """

    brokers: Mapping[str, Any] = field(default_factory=dict)
    usual: str = ""
    usual_of_all: str = ""
    _heard: dict[str, dict[str, None]] = field(default_factory=dict)

    def adopted(self, subscription: Subscription, broker: str | None = None) -> Subscription:
        """Return a subscription to what comes from a broker, the usual one unless named; the bus's stay as they are."""
        name = self.usual if broker is None else broker
        if name not in self.brokers or subscription.topic.startswith(OF_THE_PRODUCT):
            return subscription
        self._heard.setdefault(name, {})[subscription.topic] = None
        return replace(subscription, topic=come_from(name, subscription.topic))

    def feeds(self) -> tuple[Feed, ...]:
        """Return what all adopted subscriptions need."""
        return tuple(Feed(self.brokers[name], tuple(topics)) for name, topics in self._heard.items())

    def programs(self) -> list[Program]:
        """Return the programs that send messages to each broker, and that tell of those which cannot be taken in."""
        return [program for name in self.brokers for program in (self._sending(name), _refusing(name))]

    def subscriptions(self, places: Mapping[str, DocumentPath]) -> list[Subscription]:
        """Return what takes published messages to each broker, in order per key."""
        return [
            Subscription(
                name=f"broker: {name}",
                topic=sent_to(name, "**"),
                entry=f"{STARTING}broker",
                handler=name,
                path=path_text(places[name]),
                starts=partial(_sent, name),
            )
            for name in self.brokers
        ]

    def _sending(self, name: str) -> Program:
        target = module_target(self.brokers[name])
        if target is None:
            raise TypeError(f"{name} cannot publish")
        return Assembler(_entry(name), SECTION).program(
            [Call(target, "publish", kind="publish", as_data=True, retry=PATIENCE)]
        )


def outside_of(modules: Mapping[str, Any], section: Mapping[str, Any], meant: Mapping[str, str]) -> Outside:
    """Return the brokers outside of a document with this `messaging` section; `meant` are names for other names."""
    named = section.get("broker")
    if isinstance(named, str) and named:
        usual = meant.get(named, named)
    else:  # the one that the checker names as meant (`checks/references.one_module`)
        usual = next((name for kind in BROKERS for name, each in modules.items() if each.kind == kind), "")
    outside: dict[str, OutsideBroker] = {name: each for name, each in modules.items() if each.kind in OUTSIDE}
    return Outside(outside, usual if usual in outside else "", usual)


def _entry(name: str) -> str:
    return f"publish:{name}"


def _sent(name: str, arrived: Arrived) -> NewRun:
    """Return the run that sends one message; its id is the message's, over all tries and replays."""
    return NewRun(
        entry=_entry(name),
        data={"topic": arrived.topic, "message": arrived.payload, "key": arrived.key, "id": arrived.id},
        section=SECTION,
        action=arrived.topic,
        workflow=name,
        source="message",
        correlation=arrived.id,
    )


def _refusing(name: str) -> Program:
    def build(scope: Scope, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            error = variables.input["error"]
            raise StepFailed(error["message"], code=error["code"])

        return call

    return Assembler(refusing_entry(name), SECTION).program([Plain("take", build, "take")])
