"""What the checker says about a document: all findings at once, each located."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is: `error` unusable, `blocked` editable but not deployable, `warning` told and ignored."""

    ERROR = "error"
    BLOCKED = "blocked"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One remark about a document.

    `path` reads like `modules[3].config.url`; `line` and `column` count from 1 and are 0 when the remark has no
    place in the text. `code` is stable: tools and tests may compare it.
    """

    line: int
    column: int
    path: str
    severity: Severity
    code: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form used by the API and `wfctl validate --json`."""
        return asdict(self) | {"severity": self.severity.value}


class DocumentRefused(Exception):
    """A document cannot be used as asked; `findings` says why, completely."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("; ".join(f"{f.path}: {f.message}" for f in self.findings))


class SecretsRefused(DocumentRefused):
    """A document cannot be used because of secrets in its config: they are not known, or no config comes of them.

    `references` names all secrets that its settled texts hold, as `NAME` or `NAME#version`.
    """

    def __init__(self, findings: Iterable[Finding], references: Iterable[str]) -> None:
        super().__init__(findings)
        self.references = frozenset(references)


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Count findings by severity; every severity is present."""
    result = {severity.value: 0 for severity in Severity}
    for finding in findings:
        result[finding.severity.value] += 1
    return result
