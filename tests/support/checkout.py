"""The files of this checkout as a contract test looks at them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = frozenset(
    {".git", ".venv", ".weft", "node_modules", "staticfiles", "screenshots", "build", "__pycache__"}
    | {".mypy_cache", ".ruff_cache", ".import_linter_cache", ".hypothesis", ".pytest_cache"}
)


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that belongs to the project, relative to its root: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        found = [Path(name) for name in listed.stdout.split("\0") if name]
        return tuple(sorted(path for path in found if (ROOT / path).is_file()))
    everything = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return tuple(sorted(path for path in everything if not LEFT_OUT & set(path.parts)))


def text_of(path: Path) -> str:
    """A file's text; empty for pictures and fonts."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
