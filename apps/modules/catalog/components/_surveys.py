"""The surveys that ship with the product: a general pair, and the five of programs (spec/chat.md 5.5)."""

from typing import Any


def _scale(key: str, text: str) -> dict[str, Any]:
    return {"id": key, "type": "scale", "text": text, "scale": [1, 5], "min": 1, "max": 5}


def _choice(key: str, text: str, *options: str) -> dict[str, Any]:
    return {"id": key, "type": "choice", "text": text, "choices": list(options), "options": list(options)}


def _text(key: str, text: str) -> dict[str, Any]:
    return {"id": key, "type": "text", "text": text}


def _survey(kind: str, title: str, *questions: dict[str, Any], program: str = "") -> dict[str, Any]:
    return {"type": kind, "title": title, **({"programId": program} if program else {}), "questions": list(questions)}


GENERAL = ("entry", "exit")  # the pair that a conversation is asked for where no survey is named
SURVEYS: dict[str, dict[str, Any]] = {
    "entry": _survey(
        "entry",
        "Before we talk",
        _scale("feeling", "How are you feeling right now?"),
        _choice("safe", "Are you somewhere safe?", "yes", "no"),
    ),
    "exit": _survey(
        "exit",
        "After we talked",
        _scale("helped", "Did this conversation help you?"),
        _choice("again", "Would you write to us again?", "yes", "no"),
    ),
    "survey-001": _survey(
        "entry",
        "First check-in",
        _scale("q1", "From 1 to 5, how is your mood?"),
        _text("q2", "What made you write to us?"),
        program="prog-001",
    ),
    "survey-002": _survey(
        "exit",
        "How it went",
        _scale("q1", "From 1 to 5, how is your mood by this point?"),
        _choice("q2", "Was this conversation of use to you?", "yes", "some", "no"),
        _text("q3", "Is there anything you want to tell us?"),
        program="prog-001",
    ),
    "survey-003": _survey(
        "entry",
        "Teen check-in",
        _scale("q1", "From 1 to 5, how is your mood?"),
        _text("q2", "What is on your mind?"),
        program="prog-002",
    ),
    "survey-004": _survey(
        "exit",
        "Teen review",
        _scale("q1", "From 1 to 5, how is your mood by this point?"),
        _choice("q2", "Would you come back to us?", "yes", "maybe", "unlikely"),
        program="prog-002",
    ),
    "survey-005": _survey(
        "exit",
        "Wellness review",
        _scale("q1", "From 1 to 5, how was it for you?"),
        _text("q2", "What should we do better?"),
        program="prog-003",
    ),
}
