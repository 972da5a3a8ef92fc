"""Everything ``manage.py test`` runs, each as a process of its own with the terminal to itself."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from apps.core.management.local.frontend import Frontend, FrontendFailed, node_environment, npm_command

Say = Callable[[str], None]

UNTIMED = ("unit", "contract", "integration", "acceptance", "e2e", "chaos")
TIMED = ("load",)
CHECKS: Mapping[str, Sequence[str]] = {
    "ruff": ("-m", "ruff", "check", "--quiet", "."),
    "mypy": ("-m", "mypy", "--no-error-summary", "."),
    "import contracts": (
        "-c", "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())",
    ),
}  # fmt: skip


class Suites:
    """Runs checks and tests of one checkout."""

    def __init__(self, root: Path, folder: Path, environment: Mapping[str, str], say: Say) -> None:
        self._root = root
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self._say = say
        folder.mkdir(parents=True, exist_ok=True)

    def check(self, name: str) -> bool:
        """One static check; its findings are printed by itself."""
        return self._run(name, [sys.executable, *CHECKS[name]]) == 0

    def pytest(self, name: str, arguments: Sequence[str], *, covered: bool) -> tuple[int, Path]:
        """One run of pytest; returns its exit code and where its report is."""
        report = self._folder / f"{name}.json"
        report.unlink(missing_ok=True)
        measured = ["-m", "coverage", "run"] if covered else []
        pytest = ["-m", "pytest", "-c", "pyproject.toml", "-p", "tests.support.spec_plugin", f"--weft-report={report}"]
        command = [sys.executable, *measured, *pytest, *arguments]
        return self._run(name, command), report

    def folders(self, names: Sequence[str]) -> list[str]:
        """The test folders that hold tests."""
        return [f"tests/{name}" for name in names if any((self._root / "tests" / name).rglob("test_*.py"))]

    def coverage_report(self) -> Path | None:
        """Combine what all processes measured; None when nothing was."""
        report = self._folder / "coverage.json"
        report.unlink(missing_ok=True)
        for arguments in (["combine", "--quiet"], ["json", "--quiet", "-o", str(report)]):
            self._run("coverage", [sys.executable, "-m", "coverage", *arguments], aloud=False)
        return report if report.is_file() else None

    def forget_coverage(self) -> None:
        """Begin measuring afresh."""
        folder = self._root / ".weft" / "coverage"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def vitest(self, frontend: Frontend) -> tuple[bool, Path]:
        """The frontend's types and tests; false when npm itself failed."""
        report = self._folder / "vitest.json"
        report.unlink(missing_ok=True)
        try:
            frontend.install()
            frontend.npm("run", "check")
        except FrontendFailed as problem:
            self._say(str(problem))
            return False, report
        reporters = ["--reporter=default", "--reporter=json", f"--outputFile.json={report}"]
        command = [*npm_command(), "run", "test", "--", *reporters]
        return self._run("vitest", command, frontend.folder, node_environment()) == 0, report

    def _run(
        self,
        name: str,
        command: Sequence[str],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        aloud: bool = True,
    ) -> int:
        began = time.monotonic()
        if aloud:
            self._say(f"{name} ...")
        done = subprocess.run(
            command, cwd=folder or self._root, env={**self._environment, **(environment or {})}, check=False
        )
        if aloud:
            self._say(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'} ({time.monotonic() - began:.0f} s)")
        return done.returncode
