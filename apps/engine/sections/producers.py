"""`messaging.producers`: what a handler has taken in goes on to the topics that name it (spec/modules.md 4.2).

Topics ending in `-errors` get the payload only when the handler failed, with `error` added; the others only when it
succeeded.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import Outcome
from apps.engine.run.assembly import Node, Plain, unwind
from apps.engine.run.program import StepCall, Variables

ERRORS = "-errors"


@dataclass(frozen=True, slots=True)
class Producers:
    """The topics by handler name. `transforming` handlers pass on what they made of the payload, others the payload."""

    topics: Mapping[str, tuple[str, ...]]
    transforming: frozenset[str] = frozenset()

    @classmethod
    def read(
        cls, written: Iterable[Any], transforming: Iterable[str], heard: Collection[tuple[Any, Any]] = ()
    ) -> "Producers":
        """Read the list of `{name, topic?, forwardTo[]?}`; `heard` are the (handler, topic) that are subscribed."""
        topics: dict[str, dict[str, None]] = {}
        for producer in written:
            if isinstance(producer, dict) and isinstance(producer.get("name"), str):
                topics.setdefault(producer["name"], {}).update(dict.fromkeys(_named(producer, heard)))
        return cls({name: tuple(found) for name, found in topics.items()}, frozenset(transforming))

    def has(self, handler: str) -> bool:
        """Whether anything is forwarded for this handler."""
        return bool(self.topics.get(handler))

    def forward(
        self, context: Context, handler: str, payload: Any, answer: Any = None, error: dict[str, Any] | None = None
    ) -> int:
        """Publish and return the number of messages."""
        topics = [topic for topic in self.topics.get(handler, ()) if topic.endswith(ERRORS) is (error is not None)]
        message = payload if error is None else {**_as_object(payload), "error": error["message"]}
        if error is None and handler in self.transforming:
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


def _named(producer: Mapping[str, Any], heard: Collection[tuple[Any, Any]]) -> Iterable[str]:
    """Return the topics of an entry: those of `forwardTo`, else its `topic` where the handler does not hear that."""
    one = producer.get("topic")
    if producer.get("forwardTo") or not isinstance(one, str) or not one or (producer["name"], one) in heard:
        return producer.get("forwardTo") or ()
    return (one,)


def _as_object(payload: Any) -> dict[str, Any]:
    return payload if isinstance(payload, dict) else {"payload": payload}
