"""The words of a type's reference page: its config as a table, its effect class and its level in plain language."""

from dataclasses import dataclass
from typing import Any

from apps.engine.levels import COUNTERPART, OWN, Level

EFFECTS = {
    "pure": "changes nothing: may be repeated at will",
    "idempotent": "acts outside with a key that stays the same, so that a repeat counts once",
    "checkable": "acts outside, and can ask whether it happened",
    "once": "acts outside and is never repeated on its own",
    "compensable": "acts outside, and can be undone",
}
MISSING = {
    OWN: "its own tests have not passed",
    "example": "its example has not been driven",
    "failure": "no test shows how it fails",
    "description": "a key is not described",
    COUNTERPART: "not tested against the real counterpart",
}
TONES = {"proven": "done", "ready": "running", "draft": "waiting", "": "failed"}


@dataclass(frozen=True, slots=True)
class LevelWords:
    """A level to be shown: pill, and what keeps the type from the next one."""

    name: str
    tone: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the config table."""

    name: str
    type: str
    is_required: bool
    default: str
    description: str
    others: tuple[str, ...] = ()


def level_words(level: Level | None) -> LevelWords:
    """Say a level; one that is not known is said to be that."""
    if level is None:
        return LevelWords("not measured", "unknown", "no whole test run is recorded for this version of the type")
    missing = "; ".join(MISSING.get(each, each) for each in level.missing)
    return LevelWords(level.name or "failing", TONES[level.name], missing)


def settings_of(schema: dict[str, Any]) -> list[Setting]:
    """Return the keys of a config, those of a map inside it with a dot; other spellings stand with the first one."""
    return list(_settings(schema, schema.get("$defs", {}), ""))


def ignored_keys_of(schema: dict[str, Any]) -> list[str]:
    """Return the keys that are accepted and change nothing."""
    return sorted(name for name, said in schema.get("properties", {}).items() if "x-ignored" in said)


def _settings(schema: dict[str, Any], parts: dict[str, Any], above: str) -> list[Setting]:
    spelt = [part["anyOf"][0] for part in schema.get("allOf", []) if "anyOf" in part]  # required in one of its forms
    required = {key for part in (schema, *spelt) for key in part.get("required", [])}
    properties: dict[str, Any] = schema.get("properties", {})
    rows = []
    for name, said in properties.items():
        if "x-ignored" in said or "x-same-as" in said:
            continue
        others = tuple(other for other, told in properties.items() if told.get("x-same-as") == name)
        inner = _part_of(said, parts)
        kind = "map" if inner else _type(said, parts)
        default = "" if inner else _default(said.get("default"))
        rows.append(Setting(f"{above}{name}", kind, name in required, default, said.get("description", ""), others))
        rows += _settings(inner, parts, f"{above}{name}.") if inner else []
    return rows


def _part_of(said: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a map inside the config, {} for anything else."""
    named = [one for one in (said, *said.get("anyOf", ())) if "$ref" in one]
    found: dict[str, Any] = parts.get(_last(named[0]["$ref"]), {}) if len(named) == 1 else {}
    return found if "properties" in found else {}


def _default(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return "" if value in (None, {}) else str(value).lower() if isinstance(value, bool) else str(value)


def _type(said: dict[str, Any], parts: dict[str, Any]) -> str:
    if "enum" in said:
        return " | ".join(str(value) for value in said["enum"])
    if "anyOf" in said:
        return " | ".join(dict.fromkeys(kind for one in said["anyOf"] if (kind := _type(one, parts)) != "null"))
    if "$ref" in said:
        found = parts.get(_last(said["$ref"]), {})
        return _type(found, parts) if "enum" in found else "map"
    if said.get("type") == "array":
        return f"list of {_type(said.get('items', {}), parts)}"
    kind = said.get("type", "any")
    if kind == ["array", "string"]:
        return "list | string"
    return " | ".join(map(_word, kind)) if isinstance(kind, list) else _word(str(kind))


def _word(kind: str) -> str:
    """Say what YAML calls it."""
    return {"object": "map", "array": "list"}.get(kind, kind)


def _last(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]
