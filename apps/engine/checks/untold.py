"""What is said of a document with secrets filled in, without the values.

A message may hold a value, or a piece of one in any form. So only what is said of the document as it is written is told
in its own words; everything else is told by its code, and by a place that the text has.
"""

from collections.abc import Iterable

from apps.engine.codes import CODES, finding
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.findings import Finding

ABSENT = frozenset({"config.required", "section.required"})  # these name a key that is not there


class Untold:
    """Replaces the messages of findings that are not among those `told` of the document as it is written."""

    def __init__(self, document: Document, told: Iterable[Finding]) -> None:
        self._document = document
        self._told = frozenset(told)
        self._places: dict[str, DocumentPath] = {}

    def of(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings, those that depend on values without their own words."""
        return [each if each in self._told else self._without_value(each) for each in findings]

    def _without_value(self, found: Finding) -> Finding:
        meaning = CODES[found.code][1] if found.code in CODES else CODES["module.config"][1]
        path = self._place(found)
        message = f"With the secrets of the config filled in, {meaning}; their values are not shown."
        text = path_text(path)
        if found.code in ABSENT and found.path.rpartition(".")[0] == text:
            text = found.path
        code = found.code if found.code in CODES else "module.config"
        return finding(code, text, message, *self._document.mark_of(path))

    def _place(self, found: Finding) -> DocumentPath:
        """Return the place itself, or the nearest around it that the text has."""
        if not self._places:
            self._places = {path_text(path): path for path in self._document.marks}
        text = found.path
        while text and text not in self._places:
            text = text[: max(text.rfind("."), text.rfind("["), 0)]
        return self._places.get(text, ())
