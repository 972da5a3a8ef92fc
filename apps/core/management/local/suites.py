"""Everything ``manage.py test`` runs, each as a process of its own with the terminal to itself."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from apps.core.management.local.frontend import Frontend, FrontendFailed, node_environment, npm_command

Say = Callable[[str], None]
REDIS = "WEFT_TEST_REDIS_URL"

# Runs side by side, one more than there are cores: each waits for servers and processes now and then. What drives
# browsers and kills processes comes last in the first one, when most of the others is over.
UNTIMED: Mapping[str, Sequence[str]] = {
    "tests": ("unit", "contract", "e2e", "chaos"),
    "integration": ("integration",),
    "stories": ("acceptance",),
}
TIMED = ("load",)
SLOWEST = ("--durations=25", "--durations-min=5")  # said at the end of each run: where time may be won
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
        command, report = self._pytest(name, arguments, covered=covered)
        return self._run(name, command), report

    def pytests(self, runs: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, Path]]:
        """Several runs of pytest side by side, with coverage; as `pytest`, by name.

        The first one has the terminal to itself; what the others said follows when all are done. Each has a Redis
        database of its own, and makes a Postgres database of its own as every run does.
        """
        first, *others = [(name, *self._pytest(name, chosen, covered=True)) for name, chosen in runs.items()]
        began = time.monotonic()
        beside = [self._start(name, command, place) for place, (name, command, _) in enumerate(others, 1)]
        codes = [self._run(first[0], first[1])]
        for (name, _, _), (process, log) in zip(others, beside, strict=True):
            codes.append(process.wait())
            self._say(f"{name}:")
            sys.stdout.write(log.read_text(encoding="utf-8", errors="replace"))
            self._say(f"{name}: {'ok' if codes[-1] == 0 else 'FAILED'} ({time.monotonic() - began:.0f} s)")
        return {name: (code, report) for code, (name, _, report) in zip(codes, [first, *others], strict=True)}

    def _pytest(self, name: str, arguments: Sequence[str], *, covered: bool) -> tuple[list[str], Path]:
        report = self._folder / f"{name}.json"
        report.unlink(missing_ok=True)
        self._measured(name).unlink(missing_ok=True)
        measured = ["tests.support.measured", str(self._measured(name))]
        pytest = [
            "-m",
            *(measured if covered else ["pytest"]),
            "-c",
            "pyproject.toml",
            "-p",
            "tests.support.spec_plugin",
            f"--weft-report={report}",
            *SLOWEST,
        ]
        return [sys.executable, *pytest, *arguments], report

    def _start(self, name: str, command: Sequence[str], redis_database: int) -> tuple[subprocess.Popen[bytes], Path]:
        log = self._folder / f"{name}.log"
        redis = urlsplit(self._environment[REDIS])._replace(path=f"/{redis_database}").geturl()
        self._say(f"{name} beside it ...")
        with log.open("wb") as output:
            environment = {**self._environment, REDIS: redis}
            process = subprocess.Popen(command, cwd=self._root, env=environment, stdout=output, stderr=output)
        return process, log

    def folders(self, names: Sequence[str]) -> list[str]:
        """The test folders that hold tests."""
        return [f"tests/{name}" for name in names if any((self._root / "tests" / name).rglob("test_*.py"))]

    def coverage_report(self, names: Sequence[str]) -> Path | None:
        """Merge what those runs measured; None when one of them left nothing."""
        report = self._folder / "coverage.json"
        report.unlink(missing_ok=True)
        runs = [self._measured(name) for name in names]
        programs = [path for run in runs for path in sorted(run.with_suffix("").glob("*.json"))]
        measured = [str(path) for path in (*runs, *programs)]
        merge = ["-m", "slipcover", "--branch", "--silent", "--out", str(report), "--json", "--merge", *measured]
        self._run("coverage", [sys.executable, *merge], aloud=False)
        return report if report.is_file() else None

    def _measured(self, name: str) -> Path:
        return self._folder / f"{name}-measured.json"

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
