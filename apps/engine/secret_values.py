"""Values of secrets for the texts of a document that are settled when it is compiled."""

from collections.abc import Collection, Mapping

from apps.engine.redaction import KnownSecrets
from apps.engine.run.program import HIDDEN


class SecretValues:
    """Values by reference (`NAME` or `NAME#version`); equal to another that holds the same, and never printed.

    So compiled documents may be kept by it: what was compiled with one tenant's values is found by the same only.
    """

    __slots__ = ("_hash", "_values")

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._hash = hash(frozenset(self._values.items()))

    def get(self, reference: str) -> str | None:
        """Return one value, None when it is not known."""
        return self._values.get(reference)

    def only(self, references: Collection[str]) -> "SecretValues":
        """Return those of some references."""
        return SecretValues({name: self._values[name] for name in references if name in self._values})

    def use(self, known: KnownSecrets) -> None:
        """Note that the values are handed out: they stand in settings from now on, and may be in what is answered."""
        for value in self._values.values():
            known.use(value)

    def hidden_in(self, text: str) -> str:
        """Return a text without the values, wherever and however short they are."""
        for value in sorted(filter(None, self._values.values()), key=len, reverse=True):
            text = HIDDEN.join(each.replace(value, HIDDEN) for each in text.split(HIDDEN))
        return text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValues) and self._values == other._values

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"SecretValues({', '.join(sorted(self._values))})"
