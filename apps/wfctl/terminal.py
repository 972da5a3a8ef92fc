"""The terminal that a verb prints to: colours where somebody looks, none where `NO_COLOR` is set or a program reads."""

import os

from rich.console import Console

WIDTH_OF_A_FILE = 160


def has_no_colour() -> bool:
    """Whether the environment asks for plain text (https://no-color.org)."""
    return os.environ.get("NO_COLOR", "") != ""


def terminal(*, stderr: bool = False, at_least: int = 0) -> Console:
    """Return the console of standard output or error; `at_least` is its width where it is no terminal."""
    console = Console(stderr=stderr, highlight=False, color_system=None if has_no_colour() else "auto")
    if at_least > console.width and not console.is_terminal:
        console.width = at_least
    return console
