"""Collecting findings, within bounds: a document made to be wrong everywhere costs no more than a good one."""

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Any

from apps.engine.checks.undecided import Undecided
from apps.engine.codes import CODES, finding
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.expressions import BadExpression, Expression, Note, Template, compile_condition, compile_template
from apps.engine.findings import Finding, Severity
from apps.engine.placeholders import is_template

MOST_FINDINGS = 1_000  # of one severity; what goes beyond is not told
MOST_HINTS = 50  # at the nearest valid name
MOST_NAMES = 1_000  # looked through for one hint
MOST_EXPRESSIONS = 2_000  # different ones in one document
LONGEST_SHOWN = 10  # names in one message
LIKE = 0.6  # of 1: how much a name must be like a word to be meant by it


def closest(word: str, names: Iterable[str]) -> str | None:
    """Return the name most like a word, None when none is like it.

    As `difflib.get_close_matches`, but names are compared in the order of what they can reach at most, until none that
    is left can reach more: a thousand names cost a few comparisons.
    """
    matcher = difflib.SequenceMatcher()
    matcher.set_seq2(word)
    reachable = []
    for name in names:
        matcher.set_seq1(name)
        if matcher.real_quick_ratio() >= LIKE and (most := matcher.quick_ratio()) >= LIKE:
            reachable.append((most, name))
    found: str | None = None
    likeness = 0.0
    for most, name in sorted(reachable, reverse=True):
        if most <= likeness:
            break
        matcher.set_seq1(name)
        if (ratio := matcher.ratio()) >= LIKE and ratio > likeness:
            found, likeness = name, ratio
    return found


class Report:
    """The findings of one document so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Finding] = []
        self.undecided = Undecided()
        self._counts = dict.fromkeys(Severity, 0)
        self._hints = MOST_HINTS
        self._texts: set[str] = set()  # with the expressions counted so far
        self._expressions = 0

    def report(self, code: str, path: DocumentPath, message: str) -> None:
        """Note a finding at a key or item; a code that is not in the table is a module's own."""
        known = code if code in CODES else "module.config"
        if not self.undecided.has(known, path) and self._has_room(known):
            self.findings.append(finding(known, path_text(path), message, *self.document.mark_of(path)))

    def report_text(self, code: str, path: DocumentPath, offset: int, message: str) -> None:
        """Note a finding at a character of the text at `path`."""
        if not self.undecided.has(code, path) and self._has_room(code):
            self.findings.append(finding(code, path_text(path), message, *self.document.value_mark(path, offset)))

    def _has_room(self, code: str) -> bool:
        severity = CODES[code][0]
        self._counts[severity] += 1
        return self._counts[severity] <= MOST_FINDINGS

    def unknown(self, name: str, what: str, names: Iterable[str]) -> str:
        """Word the message of a name that means nothing, with the nearest that does."""
        return f"There is no {what} {name!r}.{self.nearest(name, names)}"

    def nearest(self, name: str, names: Iterable[str]) -> str:
        """Word a hint at the nearest of the given names; empty when none is near, or after many hints."""
        self._hints -= 1
        if self._hints < 0:
            return ""
        by_lower = {known.lower(): known for known in islice(names, MOST_NAMES)}
        found = closest(name[:100].lower(), by_lower)
        return f" Did you mean {by_lower[found]!r}?" if found is not None else ""

    def expression(self, text: Any, path: DocumentPath) -> Expression | None:
        """Compile a condition or expression; report what is wrong with it, at its character."""
        if not isinstance(text, str):
            text = str(text)
        if self._is_one_too_many(text, path):
            return None
        try:
            found = compile_condition(text)
        except BadExpression as bad:
            self.report_text("expression.invalid", path, bad.offset, bad.message)
            return None
        self._notes(found.notes, path)
        return found

    def template(self, value: Any, path: DocumentPath) -> set[str]:
        """Compile every text of a tree; report each that is wrong; return the secrets they name."""
        secrets: set[str] = set()
        for inner, text in texts_in(value):
            where = (*path, *inner)
            template = self._template(text, where) if is_template(text) else None
            if template is not None:
                secrets |= template.secrets
                self._notes(template.notes, where)
        return secrets

    def _template(self, text: str, path: DocumentPath) -> Template | None:
        if self._is_one_too_many(text, path):
            return None
        try:
            return compile_template(text)
        except BadExpression as bad:
            self.report_text("expression.invalid", path, bad.offset, bad.message)
            return None

    def _is_one_too_many(self, text: str, path: DocumentPath) -> bool:
        """Whether the document has used up its expressions; said once."""
        if text in self._texts:
            return False
        before = self._expressions
        self._expressions += max(1, text.count("${"))
        if self._expressions <= MOST_EXPRESSIONS:
            self._texts.add(text)
            return False
        if before <= MOST_EXPRESSIONS:
            message = f"The document has more than {MOST_EXPRESSIONS} different expressions."
            self.report("expression.too_many", path, message)
        return True

    def _notes(self, notes: Iterable[Note], path: DocumentPath) -> None:
        for note in notes:
            self.report_text(note.code, path, note.offset, note.message)


def shown(names: list[str]) -> str:
    """Write a circle of names, a long one shortened."""
    circle = [*names, names[0]]
    if len(circle) > LONGEST_SHOWN:
        circle = [*circle[: LONGEST_SHOWN - 1], "...", circle[-1]]
    return " -> ".join(circle)


def texts_in(value: Any) -> Iterable[tuple[DocumentPath, str]]:
    """Return every text in a tree with its path, in order."""
    waiting: list[tuple[DocumentPath, Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            yield path, item
        elif isinstance(item, dict):
            waiting.extend(((*path, key), inner) for key, inner in reversed(item.items()))
        elif isinstance(item, list):
            waiting.extend(((*path, index), item[index]) for index in reversed(range(len(item))))
