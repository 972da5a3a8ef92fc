"""What one link says (spec/modules.md 11): which events of a workflow it takes in, and what they become at another.

`link_type` is `event_trigger` (a run at the target), `event_forward` (a message at the target) or, in the original
form, the pattern itself. Anything wrong is a `Fault` at the key that is wrong, never an exception.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

TRIGGER, FORWARD = "event_trigger", "event_forward"
LINK_TYPES = (TRIGGER, FORWARD)
TEXTS = {"event_pattern": 200, "target_action": 200, "description": 2000}  # key of `config` -> longest
LONGEST_TYPE = 200
MOST_PARAMS = 8 * 1024  # bytes of `params` as JSON
MOST_LINKS = 1000  # out of one workflow
MOST_SEGMENTS = 20  # of a pattern


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a link, at the keys that lead to it."""

    path: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class LinkFields:
    """What a link says besides whom it joins; `event_pattern` is empty where `link_type` is the pattern."""

    link_type: str
    event_pattern: str = ""
    target_action: str = ""
    description: str = ""
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def pattern(self) -> str:
        """The topics that it takes in: dotted, `*` for one segment, `**` for any number."""
        return self.event_pattern or self.link_type

    @property
    def config(self) -> dict[str, Any]:
        """Return the record's `config`: what is not empty."""
        said = {
            "event_pattern": self.event_pattern,
            "target_action": self.target_action,
            "description": self.description,
            "params": self.params,
        }
        return {key: value for key, value in said.items() if value}


def fields_of(said: Mapping[str, Any]) -> tuple[LinkFields | None, list[Fault]]:
    """Read `link_type` and the keys of `config`, which may stand inside `config` or beside it."""
    faults: list[Fault] = []
    config = said.get("config")
    if config is not None and not isinstance(config, dict):
        faults.append(Fault(("config",), "link.invalid", "`config` is a map."))
    where = dict(_places(said, config if isinstance(config, dict) else {}))
    link_type = _text(said.get("link_type"), ("link_type",), LONGEST_TYPE, faults)
    texts = {key: _text(*where[key], longest, faults) for key, longest in TEXTS.items() if key in where}
    params = _params(*where["params"], faults) if "params" in where else {}
    if not link_type and not faults:
        faults.append(
            Fault(("link_type",), "link.required", "`link_type` is event_trigger, event_forward or a pattern.")
        )
    if texts.get("event_pattern") == link_type:
        del texts["event_pattern"]  # the original form, said twice
    found = LinkFields(link_type, params=params, **texts)
    faults += _pattern_faults(found, where.get("event_pattern", ("", ("link_type",)))[1])
    return (None, faults) if faults else (found, [])


def _places(said: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, tuple[str, ...]]]]:
    for key in (*TEXTS, "params"):
        if config.get(key) is not None:
            yield key, (config[key], ("config", key))
        elif said.get(key) is not None:
            yield key, (said[key], (key,))


def _text(value: Any, path: tuple[str, ...], longest: int, faults: list[Fault]) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        faults.append(Fault(path, "link.invalid", f"`{path[-1]}` is a text."))
        return ""
    if len(value) > longest or "\x00" in value:
        faults.append(Fault(path, "link.invalid", f"`{path[-1]}` has at most {longest} characters and no NUL."))
        return ""
    return value.strip()


def _params(value: Any, path: tuple[str, ...], faults: list[Fault]) -> dict[str, Any]:
    if not isinstance(value, dict):
        faults.append(Fault(path, "link.invalid", "`params` is a map."))
        return {}
    try:
        size = len(orjson.dumps(value))
    except (orjson.JSONEncodeError, RecursionError):
        size = MOST_PARAMS + 1
    if size > MOST_PARAMS:
        faults.append(Fault(path, "link.invalid", f"`params` has at most {MOST_PARAMS} bytes as JSON."))
        return {}
    return value


def _pattern_faults(link: LinkFields, path: tuple[str, ...]) -> Iterator[Fault]:
    if not link.link_type:
        return
    if link.pattern in LINK_TYPES:
        yield Fault(("event_pattern",), "link.required", f"`event_pattern` says what {link.link_type} takes in.")
    elif any(character.isspace() for character in link.pattern):
        yield Fault(path, "link.invalid", "A pattern of topics holds no blanks.")
    elif len(link.pattern.replace("/", ".").split(".")) > MOST_SEGMENTS:
        yield Fault(path, "link.invalid", f"A pattern of topics has at most {MOST_SEGMENTS} segments.")
