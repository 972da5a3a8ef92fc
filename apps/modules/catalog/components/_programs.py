"""The programs of the example documents, and what leads to them (spec/modules.md 7.4, 8.4).

They stand here for the documents of the format that name these components; the chat product keeps its own as data.
"""

import re
from collections.abc import Mapping
from typing import Any

WORD = re.compile(r"\w+")
KEYWORDS = {
    "HELLO": "prog-001",
    "HELP": "prog-001",
    "CRISIS": "prog-001",
    "TEEN": "prog-002",
    "WELLNESS": "prog-003",
    "PARTNER": "prog-004",
}
NUMBERS = {"741741": "prog-001", "741742": "prog-002"}
PROVIDERS = {"twilio": "prog-001", "webchat": "prog-001", "aws": "prog-003", "partner": "prog-004"}
NAMES = {
    "prog-001": "Crisis Text Line",
    "prog-002": "Teen Support",
    "prog-003": "Wellness Chat",
    "prog-004": "Partner Assist",
}
AFFILIATES = {"prog-001": "aff-001", "prog-002": "aff-001", "prog-003": "aff-002", "prog-004": "aff-003"}
FALLBACK = "prog-001"


def keyword_of(body: Any) -> str:
    """Return the first word of a text in capitals, "" when there is none."""
    found = WORD.search(body) if isinstance(body, str) else None
    return found[0].upper() if found else ""


def program_of(params: Mapping[str, Any], numbers: tuple[Any, ...]) -> str:
    """Return the program that a first message belongs to: by keyword, number, provider, else the first one."""
    by_word = KEYWORDS.get(keyword_of(params.get("body")))
    by_number = next((NUMBERS[str(number)] for number in numbers if str(number) in NUMBERS), None)
    return by_word or by_number or PROVIDERS.get(str(params.get("provider")), FALLBACK)
