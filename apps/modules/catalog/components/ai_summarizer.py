"""Sum a conversation up: what it is about, how it sounds, how serious it is.

Works by word lists alone, so the same conversation always gives the same summary. Whoever answers a texter reads the
conversation itself.
"""

import re
from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components._risks import highest, risks_of, text_of

NAME = "ai_summarizer"
CONTRACT = {
    "optional_inputs": {"messages": {"type": "slice", "description": "Texts, or objects with body or content."}},
    "outputs": {
        "summary": {"type": "string", "description": "Two sentences."},
        "keyTopics": {"type": "slice", "description": "What it is about."},
        "riskLevel": {"type": "string", "description": "low, high or critical."},
        "sentiment": {"type": "string", "description": "positive, neutral or negative."},
        "suggestedTags": {"type": "slice", "description": "Categories of risk, then topics."},
        "messageCount": {"type": "int", "description": "How many messages there are."},
        "generatedAt": {"type": "string", "description": "When (RFC 3339)."},
    },
}
_TOPICS = {
    "anxiety": "anxious|anxiety|panic|worried|nervous",
    "depression": "depressed|depression|hopeless|empty|numb",
    "family": "mother|mom|father|dad|parents?|brother|sister|family",
    "relationships": "boyfriend|girlfriend|partner|breakup|divorce|husband|wife",
    "school": "school|exams?|teacher|homework|college|grades",
    "work": "job|work|boss|fired|unemployed",
    "loneliness": "alone|lonely|nobody|isolated",
    "grief": "died|funeral|grief|loss|mourning",
    "health": "sick|illness|pain|hospital|sleep",
    "bullying": "bully|bullied|bullying|harassed|teased",
}
TOPICS = {name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in _TOPICS.items()}
GOOD = re.compile(r"\b(?:thanks?|thank you|better|good|great|helped|hope|hopeful|relieved|safe)\b", re.IGNORECASE)
BAD = re.compile(
    r"\b(?:sad|bad|awful|hate|scared|afraid|hurts?|alone|die|dead|crying|worthless|hopeless)\b", re.IGNORECASE
)


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Sum up."""
    texts = [text_of(message) for message in params.get("messages") or []]
    stamp = {"messageCount": len(texts), "generatedAt": context.unit.clock.now().isoformat()}
    if not texts:
        return {"summary": "There are no messages yet.", "keyTopics": [], "riskLevel": "low"} | {
            "sentiment": "neutral",
            "suggestedTags": [],
            **stamp,
        }
    joined = "\n".join(texts)
    topics = [name for name, words in TOPICS.items() if words.search(joined)]
    risks = risks_of(texts)
    level = highest(risks.values())
    about = ", ".join(topics) if topics else "nothing that the word lists know"
    return {
        "summary": f"{len(texts)} messages about {about}. Signs of risk: {', '.join(risks) or 'none'}.",
        "keyTopics": topics,
        "riskLevel": "low" if level == "medium" else level,
        "sentiment": _sentiment(joined),
        "suggestedTags": [*risks, *topics],
        **stamp,
    }


def _sentiment(text: str) -> str:
    balance = len(GOOD.findall(text)) - len(BAD.findall(text))
    return "positive" if balance > 0 else "negative" if balance < 0 else "neutral"
