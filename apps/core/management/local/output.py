"""What ``dev`` shows: our own lines, and every part's lines under its name."""

import sys
from typing import TextIO

COLOURS = {"postgres": "34", "redis": "31", "web": "32", "worker": "35", "beat": "33", "traffic": "36"}
WIDTH = 8
LONGEST_LINE = 64 * 1024


class Output:
    """One stream that everybody writes whole lines to."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._coloured = self._stream.isatty()

    def say(self, text: str) -> None:
        """A line of our own."""
        self.line("weft", text)

    def line(self, name: str, text: str) -> None:
        """A line of a part."""
        label = f"{name:<{WIDTH}}"
        if self._coloured:
            label = f"\x1b[{COLOURS.get(name, '1')}m{label}\x1b[0m"
        self._stream.write(f"{label} | {text}\n")
        self._stream.flush()

    def plain(self, text: str) -> None:
        """Text as it is, for what people copy."""
        self._stream.write(f"{text}\n")
        self._stream.flush()


class Prefixed:
    """Cuts a part's bytes into lines."""

    def __init__(self, name: str, output: Output) -> None:
        self._name = name
        self._output = output
        self._rest = b""
        self.fed = 0

    def feed(self, chunk: bytes) -> None:
        """Show the lines that are complete."""
        self.fed += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._output.line(self._name, line.decode(errors="replace").rstrip("\r"))

    def finish(self) -> None:
        """Show what was left without an end of line."""
        if self._rest:
            self._output.line(self._name, self._rest.decode(errors="replace"))
            self._rest = b""
