"""Statements by name: each adapter keeps its SQL in one file, `adapters/sql/<adapter>.sql`.

A statement starts with a line `-- name: <name>`; comment lines below it belong to it and are left out.
"""

from pathlib import Path

FOLDER = Path(__file__).parent / "sql"
MARK = "-- name: "


class Statements:
    """The named statements of one file, as attributes of this object."""

    def __init__(self, adapter: str) -> None:
        self._adapter = adapter
        self._texts = _parse((FOLDER / f"{adapter}.sql").read_text(encoding="utf-8"))

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(f"adapters/sql/{self._adapter}.sql has no statement {name!r}") from None

    def names(self) -> list[str]:
        """Return the names in file order."""
        return list(self._texts)


def _parse(text: str) -> dict[str, str]:
    statements: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(MARK):
            lines = statements.setdefault(line.removeprefix(MARK).strip(), [])
        elif not line.lstrip().startswith("--"):
            lines.append(line)
    return {name: "\n".join(body).strip().rstrip(";") for name, body in statements.items()}
