"""Which words of a conversation tell of which risk: five categories with their levels (spec/modules.md 7.3).

Whole words only, so that "finally" is not "final". The lists stand here for the documents of the format that name
these components; what the chat product acts upon is reviewed and edited by each tenant.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

LEVELS = ("low", "medium", "high", "critical")
TEXTS = ("body", "Body", "content", "message")
_CATEGORIES = {
    "substance-abuse": ("medium", "drinking|drugs|overdosed?|alcohol|pills|substances?|high right now"),
    "domestic-violence": (
        "medium",
        r"(?:hits|abuses|beats|hurts) me|violent|domestic|partner (?:hurts|hits)",
    ),
    "self-harm": ("high", r"(?:cut|cutting|hurt|hurting|burning|hitting) myself|self[- ]harm(?:ing)?"),
    "suicidal-ideation": (
        "high",
        r"kill(?:ing)? myself|suicid(?:e|al)|end my life|(?:want|wanting) to die|better off dead|no reason to live"
        r"|(?:don'?t|do not) want to be alive",
    ),
    "crisis-immediate": (
        "critical",
        r"(?:going|plan|planning|about) to (?:do it|die|kill myself|end (?:it|my life))(?: (?:right now|tonight))?"
        r"|(?:do it|die|end it) (?:right now|tonight)|my (?:final|last) goodbye|saying goodbye",
    ),
}
CATEGORIES = {
    name: (level, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, (level, words) in _CATEGORIES.items()
}


def text_of(message: Any) -> str:
    """Return the text of a message: a text itself, or the first of `body Body content message` of an object."""
    if isinstance(message, str):
        return message
    if not isinstance(message, Mapping):
        return ""
    return next((message[name] for name in TEXTS if isinstance(message.get(name), str)), "")


def risks_of(texts: Iterable[str]) -> dict[str, str]:
    """Return the level of every category that some text tells of."""
    joined = "\n".join(texts)
    return {name: level for name, (level, words) in CATEGORIES.items() if words.search(joined)}


def highest(levels: Iterable[str]) -> str:
    """Return the most serious of some levels, `low` of none."""
    return max((level for level in levels if level in LEVELS), key=LEVELS.index, default="low")
