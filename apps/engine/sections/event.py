"""The `event` section: events come in through adapters, patterns are judged, handlers take matches in (spec 4.5).

All topics of the adapters are one ordered queue per correlation id, so events are judged in the order in which they
were published. Judging is one step: buffer, match and the runs of the handlers are committed together.
"""

from functools import partial
from typing import Any

from apps.engine.document import DocumentPath, path_text
from apps.engine.durations import duration_seconds
from apps.engine.event_buffer import Keeping
from apps.engine.module import Context
from apps.engine.patterns import Pattern
from apps.engine.run.assembly import Plain
from apps.engine.run.program import Variables
from apps.engine.run.target import Target
from apps.engine.sections.event_processor import SECTION, Adapter, Processor, judging
from apps.engine.sections.pipelines import target_nodes
from apps.engine.sections.producers import Producers
from apps.engine.sections.workspace import Workspace
from apps.engine.subscription import STARTING, Subscription, only_first
from apps.engine.topics import TopicTable

HANDLER = "handle"
BUFFER_SIZE = 1_000  # where the processor's module does not say: a build without its type
GRACE_SECONDS = 300.0
PATH: DocumentPath = ("workflows", SECTION)


def compile_event(workspace: Workspace, producers: Producers) -> Processor | None:
    """Return the processor of the section and add its programs; None when there is no such section."""
    section = workspace.section(SECTION)
    if not section:
        return None
    module = workspace.module(str(section["processor"]))
    if module is None:
        workspace.refuse("reference.unknown", (*PATH, "processor"), f"There is no module {section['processor']}.")
    patterns = tuple(_pattern(said) for said in section.get("patterns") or [])
    grace = getattr(module.config, "cleanup_interval", GRACE_SECONDS)
    longest = max((pattern.window for pattern in patterns), default=0) / 1_000_000
    processor = Processor(
        module.name,
        patterns,
        Keeping(longest + grace, getattr(module.config, "buffer_size", BUFFER_SIZE)),
        TopicTable(
            [(topic, adapter) for adapter in _adapters(section) for topic in dict.fromkeys(adapter.topics)],
        ),
    )
    for index, said in enumerate(section.get("handlers") or []):
        _add_handler(workspace, producers, processor, said, index)
    node = Plain("judge", partial(judging, processor), "judge", is_async=True, writes=True)
    workspace.assemble(processor.entry, SECTION, [node], path=PATH)
    return processor


def event_section_subscriptions(workspace: Workspace, processor: Processor | None) -> list[Subscription]:
    """Return what the adapters listen to: one ordered queue over all topics, a lane per correlation id."""
    if processor is None:
        return []
    by_topic: dict[str, tuple[int, Adapter]] = {}
    for index, adapter in enumerate(_adapters(workspace.section(SECTION))):
        for topic in adapter.topics:
            by_topic.setdefault(topic, (index, adapter))
    first = only_first(by_topic)
    written = workspace.section(SECTION).get("adapters") or []
    brokers = [getattr(workspace.module(str(said["broker"])), "name", "") for said in written]
    return [
        workspace.outside.adopted(
            Subscription(
                name=f"event section: {processor.name}",
                topic=topic,
                entry=f"{STARTING}{SECTION}",
                handler=processor.name,
                key_of=partial(processor.key_of, adapter),
                path=path_text((*PATH, "adapters", index)),
                takes=first[topic],
                starts=processor.starts,
            ),
            brokers[index],
        )
        for topic, (index, adapter) in by_topic.items()
    ]


def _add_handler(
    workspace: Workspace, producers: Producers, processor: Processor, said: dict[str, Any], index: int
) -> None:
    path: DocumentPath = (*PATH, "handlers", index)
    name, pattern = str(said["handler"]), str(said["patternId"])
    target = workspace.target(name, (*path, "handler"), takes=True)
    is_plain = isinstance(target, Target) and target.payload_form == "message"
    payload = _for_message_handlers if is_plain else None
    program = workspace.assemble(
        f"match:{processor.name}:{pattern}:{index}",
        SECTION,
        [target_nodes(workspace, target, name=HANDLER, payload=payload)],
        producers.nodes(name, HANDLER, payload),
        path,
    )
    processor.handlers.setdefault(pattern, []).append((program.entry, name))


def _for_message_handlers(variables: Variables, context: Context) -> Any:
    return {key: variables.input[key] for key in ("patternId", "eventsCount")}


def _pattern(said: dict[str, Any]) -> Pattern:
    condition = str(said.get("condition") or "count")
    return Pattern(
        id=str(said["patternId"]),
        types=tuple(str(name) for name in said.get("eventTypes") or ()),
        window=int(duration_seconds(said["windowTime"]) * 1_000_000),
        condition=condition,
        least=max(1, int(float(said.get("minOccurs") or 0))),
        most=int(float(said.get("maxOccurs") or 0)),
        is_strict=said.get("orderMatters") is True,
        repeats=said.get("repeat") is True,
    )


def _adapters(section: dict[str, Any]) -> list[Adapter]:
    return [
        Adapter(
            str(said["eventType"]),
            tuple(dict.fromkeys(str(topic) for topic in said.get("topics") or ())),
            str(said.get("sourceIdKey") or ""),
            str(said.get("correlIdKey") or ""),
        )
        for said in section.get("adapters") or []
    ]
