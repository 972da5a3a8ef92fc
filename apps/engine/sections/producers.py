"""`messaging.producers`: what a handler has taken in goes on to the topics that name it (spec/modules.md 4.2).

Topics ending in `-errors` get the payload only when the handler failed, with `error` added; the others only when it
succeeded.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import Outcome
from apps.engine.run.assembly import Node, Plain, unwind
from apps.engine.run.program import StepCall, Variables

ERRORS = "-errors"


@dataclass(frozen=True, slots=True)
class Producers:
    """The topics by handler name. `transforming` handlers pass on what they made of the payload, others the payload.

    `meant` are the modules that further names stand for: a handler is the same one under each of its names.
    """

    topics: Mapping[str, tuple[str, ...]]
    transforming: frozenset[str] = frozenset()
    meant: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        written: Iterable[Any],
        transforming: Iterable[str],
        subscriptions: Iterable[Any] = (),
        meant: Mapping[str, str] | None = None,
    ) -> "Producers":
        """Read the list of `{name, topic?, forwardTo[]?}`; a handler forwards nothing to what it is subscribed to."""
        names = meant or {}
        heard = topics_heard(subscriptions, lambda name: names.get(name, name))
        topics: dict[str, dict[str, None]] = {}
        for producer in written:
            if isinstance(producer, dict) and isinstance(producer.get("name"), str):
                name = names.get(producer["name"], producer["name"])
                topics.setdefault(name, {}).update(dict.fromkeys(topics_named(producer, name, heard)))
        made = frozenset(names.get(name, name) for name in transforming)
        return cls({name: tuple(found) for name, found in topics.items()}, made, names)

    def has(self, handler: str) -> bool:
        """Whether anything is forwarded for this handler."""
        return bool(self._topics(handler))

    def is_transforming(self, handler: str) -> bool:
        """Whether what the handler made is passed on, and not what it was given."""
        return self.meant.get(handler, handler) in self.transforming

    def _topics(self, handler: str) -> tuple[str, ...]:
        return self.topics.get(self.meant.get(handler, handler), ())

    def forward(
        self, context: Context, handler: str, payload: Any, answer: Any = None, error: dict[str, Any] | None = None
    ) -> int:
        """Publish and return the number of messages."""
        topics = [topic for topic in self._topics(handler) if topic.endswith(ERRORS) is (error is not None)]
        message = payload if error is None else {**_as_object(payload), "error": error["message"]}
        if error is None and self.is_transforming(handler):
            made = answer.value if isinstance(answer, Outcome) else answer
            message = payload if made is None else made
        for topic in topics:
            context.unit.broker.publish(topic, message)
        return len(topics)

    def nodes(self, handler: str, step: str, payload: Callable[[Variables, Context], Any] | None = None) -> list[Node]:
        """Return the step that forwards after the step named `step`, none when there is nothing to forward."""
        if not self.has(handler):
            return []

        def build(scope: Any, after: int) -> StepCall:
            def call(variables: Variables, context: Context) -> tuple[Any, int]:
                unwind(variables)
                given = variables.input if payload is None else payload(variables, context)
                answer = variables.steps.get(step)
                count = self.forward(context, handler, given, answer, variables.error)
                return {"messages": count}, after

            return call

        return [Plain("producers", build, "producers", writes=True)]


def topics_heard(subscriptions: Iterable[Any], meant: Callable[[str], str]) -> set[tuple[str, str]]:
    """Return the (handler, topic) of subscriptions; `meant` returns the handler that a name stands for."""
    pairs = ((said.get("handler"), said.get("topic")) for said in subscriptions if isinstance(said, dict))
    return {(meant(handler), topic) for handler, topic in pairs if isinstance(handler, str) and isinstance(topic, str)}


def topics_named(producer: Mapping[str, Any], name: str, heard: Collection[tuple[str, str]]) -> Iterable[str]:
    """Return the topics of an entry: those of `forwardTo`, else its `topic` where the handler does not hear that."""
    one = producer.get("topic")
    if producer.get("forwardTo") or not isinstance(one, str) or not one or (name, one) in heard:
        return producer.get("forwardTo") or ()
    return (one,)


def _as_object(payload: Any) -> dict[str, Any]:
    return payload if isinstance(payload, dict) else {"payload": payload}
