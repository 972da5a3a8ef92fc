"""What the engine does with one document, and whether that is what it must do."""

import gc
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.engine.check import check
from apps.engine.codes import CODES
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused, Finding, Severity
from apps.engine.graph import graph
from apps.engine.memory import settle
from apps.engine.registry import Registry
from apps.modules.management.fuzzing.case import Case, Wanted

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
TRIES = 5  # of a document that seems to take too long: what else the machine does must not speak against it
HANGS = 60.0  # seconds after which a document counts as one that never ends


class Hangs(BaseException):
    """A document did not come to an end; no `except Exception` of the engine takes it for its own."""


@dataclass(frozen=True)
class Bounds:
    """What a document may cost: seconds of the processor for each stage, megabytes above the start."""

    seconds: float = 1.0
    megabytes: float = 200.0


@dataclass(slots=True)
class Verdict:
    """What one document did: `problem` is empty when that was right."""

    is_valid: bool = False
    seconds: float = 0.0  # of its slowest stage
    megabytes: float = 0.0
    problem: str = ""


@dataclass(slots=True)
class _Stages:
    """The stages of one document as they go by."""

    seconds: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure one stage in seconds of the processor."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = time.process_time() - began


class Judge:
    """Judges documents one after the other; memory counts from where the process stood when the judge was made."""

    def __init__(self, types: Registry, bounds: Bounds) -> None:
        self._types = types
        self._bounds = bounds
        self._run(b"modules: [{name: a, type: http.handler}]")  # what the first one would pay for all
        settle()  # what is there already is not looked through before every document
        self._start = _resident("VmRSS")

    def judge(self, case: Case) -> Verdict:
        """Return what a document did; nothing that the engine does in answer is raised."""
        verdict = self._once(case)
        for _ in range(TRIES - 1):
            if verdict.problem or verdict.seconds <= self._bounds.seconds:
                break
            again = self._once(case)
            verdict = min(verdict, again, key=lambda each: each.seconds)
        if not verdict.problem:
            verdict.problem = self._cost(verdict)
        return verdict

    def _cost(self, verdict: Verdict) -> str:
        if verdict.seconds > self._bounds.seconds:
            return f"a stage took {verdict.seconds:.2f} s; {self._bounds.seconds:g} are allowed"
        if verdict.megabytes > self._bounds.megabytes:
            return f"took {verdict.megabytes:.0f} MB; {self._bounds.megabytes:g} are allowed"
        return ""

    def _once(self, case: Case) -> Verdict:
        gc.collect()
        _forget_peak()
        verdict = Verdict()
        stages = _Stages()
        try:
            with _ended_after(HANGS):
                stages = self._run(case.content)
        except Hangs:
            verdict.problem = f"did not end within {HANGS:g} s"
        except Exception as crash:  # the very thing that is looked for
            verdict.problem = f"crashed: {type(crash).__name__}: {str(crash)[:200]}"
        else:
            verdict.is_valid = not any(each.severity is not Severity.WARNING for each in stages.findings)
            verdict.problem = _fault(case, stages.findings, is_valid=verdict.is_valid)
        verdict.seconds = max(stages.seconds.values(), default=0.0)
        verdict.megabytes = max(0.0, _resident("VmHWM") - self._start)
        return verdict

    def _run(self, content: bytes) -> _Stages:
        """Load, check, draw and compile as the product does."""
        stages = _Stages()
        with stages.timed("load"):
            loaded = load(content)
        stages.findings = list(loaded.findings)
        document = loaded.document
        if document is None:
            return stages
        with stages.timed("check"):
            stages.findings += check(document, self._types)
        with stages.timed("draw"):
            graph(document, self._types, stages.findings)
        try:
            with stages.timed("compile"):
                compile_document(document, self._types)
        except DocumentRefused as refused:
            stages.findings += refused.findings
        stages.seconds["compile"] -= stages.seconds["check"]  # which compiling begins with
        return stages


def _fault(case: Case, findings: list[Finding], *, is_valid: bool) -> str:
    ends = (b"\n", b"\r", b"\xe2\x80", b"\xc2\x85")  # of lines; of some the first bytes
    lines = sum(case.content.count(end) for end in ends) + 2
    for each in findings:
        if each.code not in CODES or not each.message or each.line < 1 or each.column < 1:
            return f"a finding without code, words or place: {each}"
        if each.line > lines:
            return f"a finding beyond the end: {each}"
    if case.wanted is Wanted.CLEAN and not is_valid:
        return f"a good document is refused: {findings[0].path}: {findings[0].message[:200]}"
    if case.wanted is Wanted.FINDING and is_valid:
        return "a bad document has no finding"
    return ""


def _resident(name: str) -> float:
    """Return the megabytes that the system tells of this process, 0 where it does not."""
    try:
        line = next(each for each in STATUS.read_text(encoding="ascii").splitlines() if each.startswith(f"{name}:"))
    except (OSError, StopIteration):
        return 0.0
    return int(line.split()[1]) / 1024


def _forget_peak() -> None:
    """Have the system measure the peak afresh, where it can."""
    try:
        CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer than this; only the main thread can be interrupted."""

    def interrupt(*_: Any) -> None:
        raise Hangs

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
