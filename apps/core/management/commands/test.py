"""``manage.py test``: every check and every suite, with all the set-up they need.

Arguments that are not its own go to pytest; with any, only the chosen tests run, without checks and floors.
"""

import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.core.management.local import chromium, nats
from apps.core.management.local.binaries import NoBinaries
from apps.core.management.local.frontend import Frontend
from apps.core.management.local.postgres import PostgresFailed
from apps.core.management.local.services import services_for_tests
from apps.core.management.local.suites import (
    BESIDE,
    FOREGROUND,
    QUICK_CHECKS,
    RUN,
    SLOW_CHECKS,
    TIMED,
    UNTIMED,
    Suites,
)
from apps.core.management.local.tally import Tally, coverage_per_app, read_allowed
from apps.core.management.local.traceability import trace
from apps.engine.levels import write_levels
from apps.engine.registry import discover

ALLOWED_SKIPS = Path("tests/support/allowed_skips.txt")
COMPAT = "WEFT_COMPAT_DIR"


class Command(BaseCommand):
    """Tests the product; exits 0 only when everything held."""

    help = "Run all checks and tests: [--spec] [pytest arguments]."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Keep ``--spec`` and hand the rest to pytest as it is."""
        chosen = [argument for argument in argv[2:] if argument != "--spec"]
        if {"-h", "--help"} & set(chosen):
            self.print_help(argv[0], argv[1])
            return
        sys.exit(self.handle(chosen=chosen, spec="--spec" in argv))

    def handle(self, *args: Any, **options: Any) -> int:  # type: ignore[override]
        """Start the servers, run, count."""
        with ThreadPoolExecutor(max_workers=1) as beside:
            self._packages: Future[None] = beside.submit(self._install)
            try:
                return self._with_services(options["chosen"], options["spec"])
            except (NoBinaries, PostgresFailed) as problem:
                self._say(str(problem))
                return 1

    def _install(self) -> None:
        """Have the programs that only some tests need, while everything else is made ready."""
        chromium.ensure(self._say)
        nats.ensure(self._say)

    def _with_services(self, chosen: list[str], spec: bool) -> int:
        folder = settings.BASE_DIR / ".weft" / "test"
        given = os.environ.get("WEFT_TEST_ADMIN_URL"), os.environ.get("WEFT_TEST_REDIS_URL")
        if given[0] and given[1]:
            return self._run(folder, {}, chosen, spec)
        self._say("starting Postgres and Redis for the tests ...")
        with services_for_tests(folder, self._say) as services:
            urls = {"WEFT_TEST_ADMIN_URL": services.admin_url, "WEFT_TEST_REDIS_URL": services.redis_url}
            return self._run(folder, urls, chosen, spec)

    def _run(self, folder: Path, urls: dict[str, str], chosen: list[str], spec: bool) -> int:
        environment = {**urls, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="run-", dir=folder) as shared:
            suites = Suites(settings.BASE_DIR, folder, {**environment, RUN: shared}, self._say)
            return self._run_suites(suites, chosen, spec)

    def _run_suites(self, suites: Suites, chosen: list[str], spec: bool) -> int:
        tally = Tally()
        if chosen:
            self._packages.result()
            code, report = suites.pytest("chosen", chosen, covered=False)
            tally.add_pytest(report)
            return self._close(tally, [] if code == 0 else ["pytest"], spec)
        return self._close(tally, self._everything(suites, tally), spec, whole=True)

    def _everything(self, suites: Suites, tally: Tally) -> list[str]:
        """All checks and suites; returns the names of those that failed."""
        with suites.loaded():
            failed = [name for name in QUICK_CHECKS if not suites.check(name)]
            self._packages.result()
            beside = suites.beside({name: suites.folders(folders) for name, folders in BESIDE.items()})
            failed += [name for name in SLOW_CHECKS if not suites.check(name)]
            ended = {name: suites.pytest(name, suites.folders(each), covered=True) for name, each in FOREGROUND.items()}
        failed += [] if self._vitest(suites, tally) else ["vitest"]
        ended |= suites.wait(beside)
        if timed := suites.folders(TIMED):
            ended["load"] = suites.pytest("load", timed, covered=False)
        for name, (code, report) in ended.items():
            tally.add_pytest(report)
            failed += [name] if code else []
        self._write_levels(tally)
        return failed + self._floors(suites)

    def _vitest(self, suites: Suites, tally: Tally) -> bool:
        frontend = Frontend(settings.BASE_DIR, self._say)
        if not frontend.exists:
            return True
        passed, report = suites.vitest(frontend)
        tally.add_vitest(report)
        return passed

    def _write_levels(self, tally: Tally) -> None:
        """Write down what the tests showed about every module type, for the pages that tell of it."""
        types = discover(import_module(settings.MODULE_CATALOG))
        write_levels(settings.MODULE_LEVELS, types, tally.tests, datetime.now(UTC).isoformat(timespec="seconds"))

    def _floors(self, suites: Suites) -> list[str]:
        report = suites.coverage_report(tuple(UNTIMED))
        if report is None:
            return ["coverage"]
        found = coverage_per_app(report)
        for app in found:
            verdict = "" if app.enough else "   BELOW THE FLOOR"
            measured = f"{app.percent:5.1f} % of lines and branches (floor {app.floor:.0f} %)"
            self.stdout.write(f"  {app.app:<24} {measured}{verdict}")
        return [f"coverage of {app.app}" for app in found if not app.enough]

    def _close(self, tally: Tally, failed: list[str], spec: bool, *, whole: bool = False) -> int:
        """Say what was left out and what failed, then the closing line."""
        if spec and not trace(tally.tests, tally.promised, tally.lines, self.stdout.write):
            failed.append("spec lines without a passing test")
        absent = tally.absent(whole=whole)
        if os.environ.get("CI") == "true":
            refused = tally.refuse_skips(read_allowed(settings.BASE_DIR / ALLOWED_SKIPS))
            failed += [f"skipped: {node}" for node in refused]
            failed += [f"did not run: {each}" for each in absent]
        for reason, number in tally.skips().items():
            self.stdout.write(f"  skipped {number}: {reason}")
        if not os.environ.get(COMPAT):
            self.stdout.write(f"  the compatibility documents were left out: {COMPAT} is not set")
        for name in failed:
            self.stdout.write(f"  FAILED: {name}")
        self.stdout.write(tally.closing_line(absent))
        return 1 if failed or tally.failed or not tally.passed else 0

    def _say(self, text: str) -> None:
        self.stdout.write(f"weft: {text}")
        self.stdout.flush()
