"""Tag a conversation with the risks that its messages tell of.

Tags that are there stay: a level never falls by itself. `high` and `critical` raise an alert. Whole words count, in any
case; the categories are substance-abuse, domestic-violence, self-harm, suicidal-ideation and crisis-immediate.
"""

from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components._risks import CATEGORIES, highest, risks_of, text_of

NAME = "risk_tagger"
CONTRACT = {
    "required_inputs": {"messages": {"type": "slice", "description": "Texts, or objects with body or content."}},
    "optional_inputs": {"currentTags": {"type": "slice", "description": "Tags the conversation has."}},
    "outputs": {
        "tags": {"type": "slice", "description": "The tags it had, then new ones."},
        "riskLevel": {"type": "string", "description": "low, medium, high or critical."},
        "alerts": {"type": "slice", "description": "What somebody must look at now: category and level."},
    },
}
ALERTING = frozenset({"high", "critical"})


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Tag."""
    risks = risks_of(text_of(message) for message in params["messages"])
    had = [str(tag) for tag in params.get("currentTags") or []]
    known = {name: CATEGORIES[name][0] for name in had if name in CATEGORIES}
    return {
        "tags": list(dict.fromkeys([*had, *risks])),
        "riskLevel": highest([*known.values(), *risks.values()]),
        "alerts": [{"category": name, "level": level} for name, level in risks.items() if level in ALERTING],
    }
