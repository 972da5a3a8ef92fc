"""Find the program that a texter's first word asks for.

The first word of the text counts, in any case: `HELLO`, `HELP`, `CRISIS`, `TEEN`, `WELLNESS` or `PARTNER`. `CRISIS`
asks for the fast way in. A text without a keyword is no fault: `matched` is false.
"""

from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components._programs import KEYWORDS, NAMES, keyword_of

NAME = "keyword_matcher"
CONTRACT = {
    "required_inputs": {"body": {"type": "string", "description": "The text that came in."}},
    "outputs": {
        "matched": {"type": "bool", "description": "Whether the first word is a keyword."},
        "keyword": {"type": "string", "description": "The first word, in capitals."},
        "programId": {"type": "string", "description": "The program it asks for."},
        "subProgram": {"type": "string", "description": "general, teen-support or crisis-immediate."},
        "action": {"type": "string", "description": "route, or route_priority for CRISIS."},
        "autoResponse": {"type": "string", "description": "What to answer at once."},
        "timestamp": {"type": "string", "description": "When (RFC 3339)."},
    },
}
_SUB_PROGRAMS = {"TEEN": "teen-support", "CRISIS": "crisis-immediate"}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Look the first word up."""
    keyword = keyword_of(params["body"])
    program = KEYWORDS.get(keyword)
    answer = {
        "matched": program is not None,
        "keyword": keyword,
        "timestamp": context.unit.clock.now().isoformat(),
    }
    if program is None:
        return answer
    return answer | {
        "programId": program,
        "subProgram": _SUB_PROGRAMS.get(keyword, "general"),
        "action": "route_priority" if keyword == "CRISIS" else "route",
        "autoResponse": f"Thank you for reaching out to {NAMES[program]}. Somebody will be with you soon.",
    }
