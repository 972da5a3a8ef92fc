"""Everything ``manage.py test`` runs, each as a process of its own with the terminal to itself."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from apps.core.management.local.children import Process, Program, spawn, stop
from apps.core.management.local.frontend import Frontend, FrontendFailed, node_environment, npm_command
from apps.core.management.local.preload import Preloaded, Streams, can_fork

Say = Callable[[str], None]
REDIS = "WEFT_TEST_REDIS_URL"
RUN = "WEFT_TEST_RUN"  # a folder that all processes of one run share, gone at its end

# Three at a time, one more than there are cores: each waits for servers and processes now and then. What kills
# processes comes first and what drives browsers last, so that not all whole products run at once; the folders are dealt
# out so that all three end together.
FOREGROUND: Mapping[str, Sequence[str]] = {"tests": ("chaos", "unit", "contract", "integration/core")}
BESIDE: Mapping[str, Sequence[str]] = {
    "integration": ("integration", "e2e"),
    "stories": ("load", "unit/modules/catalog/messaging", "acceptance"),
}
UNTIMED: Mapping[str, Sequence[str]] = {**FOREGROUND, **BESIDE}
TIMED = ("load/test_ingress.py",)  # looks at the clock while it loads both cores, so that it runs alone
LOADED = "tests.support.loaded_product"  # what all measured runs have loaded when they begin
LOADING_SECONDS = 120.0
SLOWEST = ("--durations=25", "--durations-min=5")  # said at the end of each run: where time may be won
QUICK_CHECKS: Mapping[str, Sequence[str]] = {  # while what the runs need is loaded
    "ruff": ("-m", "ruff", "check", "--quiet", "."),
    "import contracts": (
        "-c", "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())",
    ),
}  # fmt: skip
SLOW_CHECKS: Mapping[str, Sequence[str]] = {"mypy": ("-m", "mypy", "--no-error-summary", ".")}  # beside the runs
CHECKS = {**QUICK_CHECKS, **SLOW_CHECKS}


@dataclass(frozen=True)
class Beside:
    """A run of pytest that goes on without the terminal."""

    name: str
    process: Process
    log: Path
    report: Path
    began: float  # seconds since the epoch


class Suites:
    """Runs checks and tests of one checkout."""

    def __init__(self, root: Path, folder: Path, environment: Mapping[str, str], say: Say) -> None:
        self._root = root
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self._say = say
        self._loaded = Preloaded([LOADED], root, self._environment)
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def loaded(self) -> Iterator[None]:
        """Have a process load what measured runs need, which come out of it from when it is ready."""
        if not can_fork():
            yield
            return
        loading = spawn(self._loaded.program(), subprocess.DEVNULL)
        try:
            yield
        finally:
            self._loaded.close()
            stop(loading, signal.SIGTERM, LOADING_SECONDS)

    def check(self, name: str) -> bool:
        """One static check; its findings are printed by itself."""
        return self._run(name, [sys.executable, *CHECKS[name]]) == 0

    def pytest(self, name: str, arguments: Sequence[str], *, covered: bool) -> tuple[int, Path]:
        """One run of pytest; returns its exit code and where its report is."""
        command, report = self._pytest(name, arguments, covered=covered)
        if not covered:
            return self._run(name, command), report
        with Path(os.devnull).open("rb") as nothing:
            began = self._begin(name)
            streams = Streams(nothing.fileno(), 1, 2)  # the terminal's
            code = self._measured_run(command, self._environment, streams).wait()
        return self._ended(name, code, began), report

    def beside(self, runs: Mapping[str, Sequence[str]]) -> list["Beside"]:
        """Start runs of pytest, with coverage, that go on while others have the terminal.

        Each has a Redis database of its own, and makes a Postgres database of its own as every run does.
        """
        return [self._start(name, chosen, place) for place, (name, chosen) in enumerate(runs.items(), 1)]

    def wait(self, beside: Sequence["Beside"]) -> dict[str, tuple[int, Path]]:
        """Wait for those runs and print what they said; as `pytest`, by name."""
        ended = {}
        for run in beside:
            code = run.process.wait()
            self._say(f"{run.name}:")
            sys.stdout.write(run.log.read_text(encoding="utf-8", errors="replace"))
            took = run.log.stat().st_mtime - run.began  # its last words were its closing line
            self._say(f"{run.name}: {'ok' if code == 0 else 'FAILED'} ({took:.0f} s)")
            ended[run.name] = code, run.report
        return ended

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

    def _start(self, name: str, chosen: Sequence[str], redis_database: int) -> "Beside":
        command, report = self._pytest(name, chosen, covered=True)
        log = self._folder / f"{name}.log"
        redis = urlsplit(self._environment[REDIS])._replace(path=f"/{redis_database}").geturl()
        self._say(f"{name}, beside what follows ...")
        began = time.time()
        with log.open("wb") as output, Path(os.devnull).open("rb") as nothing:
            environment = {**self._environment, REDIS: redis}
            streams = Streams(nothing.fileno(), output.fileno(), output.fileno())
            process = self._measured_run(command, environment, streams)
        return Beside(name, process, log, report, began)

    def _measured_run(self, command: Sequence[str], environment: Mapping[str, str], streams: Streams) -> Process:
        self._loaded.is_ready(LOADING_SECONDS)
        return self._loaded.start(Program(command, environment, self._root, stop_signal=signal.SIGINT), streams)

    def folders(self, names: Sequence[str]) -> list[str]:
        """The folders and files that hold tests, as arguments of pytest; what another run names below is its own."""
        found = [name for name in names if _holds_tests(self._root / "tests" / name)]
        apart = [
            each
            for run in (*UNTIMED.values(), TIMED)
            for each in run
            if each.startswith(tuple(f"{name}/" for name in found))
        ]
        return [*(f"tests/{name}" for name in found), *(f"--ignore=tests/{each}" for each in apart)]

    def coverage_report(self, names: Sequence[str]) -> Path | None:
        """Merge what those runs measured; None when one of them left nothing."""
        report = self._folder / "coverage.json"
        report.unlink(missing_ok=True)
        runs = [self._measured(name) for name in names]
        programs = [path for run in runs for path in sorted(run.with_suffix("").glob("*.json"))]
        measured = [str(path) for path in (*programs, *runs)]  # the small ones first: each adds up all that is there
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
        began = self._begin(name, aloud=aloud)
        done = subprocess.run(
            command, cwd=folder or self._root, env={**self._environment, **(environment or {})}, check=False
        )
        return self._ended(name, done.returncode, began, aloud=aloud)

    def _begin(self, name: str, *, aloud: bool = True) -> float:
        if aloud:
            self._say(f"{name} ...")
        return time.monotonic()

    def _ended(self, name: str, code: int, began: float, *, aloud: bool = True) -> int:
        if aloud:
            self._say(f"{name}: {'ok' if code == 0 else 'FAILED'} ({time.monotonic() - began:.0f} s)")
        return code


def _holds_tests(path: Path) -> bool:
    return path.is_file() or any(path.rglob("test_*.py"))
