"""``manage.py fuzz documents --seed S --count N``: documents by chance, none of which may crash or cost too much."""

import argparse
import hashlib
import importlib.util
import json
import secrets
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.modules.management.fuzzing.case import Case
from apps.modules.management.fuzzing.judge import Bounds, Judge
from apps.modules.queries import registry

BATCH = 20  # documents of one seed; the next ones are of the next seed
MISSING = (
    "The documents are made with hypothesis, which is a requirement of the tests and is not installed here: "
    "run `pip install -r deploy/requirements/test.txt`, or `python3 manage.py test`, which does it."
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that the engine did not take as it must."""

    seed: int
    made_by: str
    problem: str
    file: str


@dataclass(slots=True)
class Report:
    """What is printed."""

    count: int = 0
    valid: int = 0
    broken: int = 0
    slowest_seconds: float = 0.0
    peak_mb: float = 0.0
    failing_seeds: list[int] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class Command(BaseCommand):
    """Tries documents; exits 1 when one of them was too much for the engine."""

    help = "Try documents made by chance: the engine must say what is wrong with each, in time and within memory."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """A seed gives the same documents again; those that fail are left in a folder."""
        parser.add_argument("what", choices=["documents"])
        parser.add_argument("--seed", type=int, default=None, help="of the first documents; by chance where left out")
        parser.add_argument("--count", type=int, default=200)
        parser.add_argument("--out", type=Path, default=settings.BASE_DIR / ".weft" / "fuzz", help="for what fails")
        parser.add_argument("--most-seconds", type=float, default=Bounds.seconds, help="of the processor, per stage")
        parser.add_argument("--most-mb", type=float, default=Bounds.megabytes)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make, judge, count, print."""
        if importlib.util.find_spec("hypothesis") is None:
            raise CommandError(MISSING)
        if options["count"] < 1:
            raise CommandError("--count must be 1 or more.")
        first = secrets.randbelow(2**31) if options["seed"] is None else options["seed"]
        judge = Judge(registry(), Bounds(options["most_seconds"], options["most_mb"]))
        report = _fuzz(judge, first, options["count"], options["out"])
        self.stdout.write(json.dumps(asdict(report)))
        if report.failures:
            sys.exit(1)


def _fuzz(judge: Judge, first: int, count: int, folder: Path) -> Report:
    from apps.modules.management.fuzzing.documents import cases, for_each  # noqa: PLC0415 - hypothesis may be missing

    texts = [path.read_text(encoding="utf-8") for path in sorted((settings.BASE_DIR / "examples").rglob("*.yaml"))]
    strategy, report = cases(texts), Report()
    for batch in range(-(-count // BATCH)):
        number = first + batch

        def take(case: Case, number: int = number) -> None:
            _take(report, judge, case, number, folder)

        for_each(strategy, number, min(BATCH, count - report.count), take)
    return report


def _take(report: Report, judge: Judge, case: Case, number: int, folder: Path) -> None:
    verdict = judge.judge(case)
    report.count += 1
    report.valid += verdict.is_valid
    report.broken += not verdict.is_valid
    report.slowest_seconds = max(report.slowest_seconds, round(verdict.seconds, 3))
    report.peak_mb = max(report.peak_mb, round(verdict.megabytes, 1))
    if verdict.problem:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(case.content).hexdigest()[:12]}.yaml"
        path.write_bytes(case.content)
        report.failures.append(Failure(number, case.made_by, verdict.problem, str(path)))
        if number not in report.failing_seeds:
            report.failing_seeds.append(number)
