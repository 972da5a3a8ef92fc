"""What a caller may ask of the checker."""

from dataclasses import dataclass

from apps.engine.secret_values import SecretValues


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """`strict` wants at least one module; `secrets` are the names that are set, None when that is not checked; `files`
    says that the document is a file, so that it may name others beside it; `filled` wants something to run; `values`
    are of secrets in settled texts, as far as they are known: such a text is then checked as what it becomes."""

    strict: bool = False
    allow_placeholders: bool = False
    files: bool = False
    filled: bool = False
    secrets: frozenset[str] | None = None
    values: SecretValues | None = None


# For texts whose deployment was accepted: what needs permission had it then.
DEPLOYED = CheckOptions(allow_placeholders=True)
