"""P5 and the compile-cost curve: the engine in process, no server and no database.

    .venv/bin/python -m tests.load.bench_engine

P5's baseline is the same work written by hand as three Python functions with timings and a record (performance.md 1:
closures + events + timings + record is the in-process limit); the target 300,000 runs a second is quoted as the ratio
300,000 : 620,000 of that limit. Compile cost must grow linearly: the cost per module at 10,000 modules is compared with
that at 100.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from apps.engine.compile import compile_document
from apps.engine.document import Document, load
from apps.engine.ids import uuid7
from apps.engine.local.host import LOCAL
from apps.engine.module import Context
from apps.engine.registry import Registry, discover
from apps.engine.run.driver import run_in_place
from apps.engine.run.program import Variables
from apps.engine.testing import Bench
from apps.modules import catalog
from tests.load.baseline_app import three_steps
from tests.load.figures import Figure, alternate, rate

BATCH = 2_000
SIZES = (10, 100, 1_000, 10_000)  # modules of the documents that are compiled
LIMIT_PER_SECOND = 620_000  # performance.md 1, last but two row
TARGET_PER_SECOND = 300_000  # performance.md 2, P5


def document_of(text: str) -> Document:
    """Load a document that is known to be sound."""
    loaded = load(text)
    if loaded.document is None:
        raise SystemExit(f"the benchmark's own document is refused: {loaded.findings}")
    return loaded.document


def measure_p5(registry: Registry, seconds: float, rounds: int) -> Figure:
    """Runs a second through a compiled three-step pipeline, step timings and record kept."""
    text = (Path(__file__).parent / "three_steps.yaml").read_text(encoding="utf-8")
    program = compile_document(document_of(text), registry).programs["pipeline:three-steps"]
    bench = Bench()
    unit = bench.host.new_unit(LOCAL)
    body = {"orderId": 1, "amount": 12.5}

    def ours() -> None:
        record: list[Any] = []
        for _ in range(BATCH):
            trace: list[Any] = []
            context = Context(unit, run_id=uuid7())
            record.append((run_in_place(program, Variables(body), context, trace), trace))

    def by_hand() -> None:
        record: list[Any] = []
        for _ in range(BATCH):
            record.append((uuid7(), three_steps(body)))

    mine, theirs, single = alternate(
        lambda: rate(ours, per_call=BATCH, seconds=seconds),
        lambda: rate(by_hand, per_call=BATCH, seconds=seconds),
        rounds=rounds,
    )
    return Figure(
        "P5 engine in process",
        round(mine),
        round(theirs),
        target=round(TARGET_PER_SECOND / LIMIT_PER_SECOND, 3),
        details={"rounds": [round(value) for value in single], "absolute_target": TARGET_PER_SECOND},
    )


def document_with(modules: int) -> str:
    """Return a document of about `modules` modules in short dependency chains, with a route for every tenth."""
    lines = ["modules:", "  - {name: server, type: http.server, config: {address: ':8080'}}"]
    lines.append("  - {name: router, type: http.router, dependsOn: [server]}")
    for number in range(modules):
        after = f"m{number - 1}" if number % 10 else "router"
        lines.append(f"  - {{name: m{number}, type: http.handler, dependsOn: [{after}]}}")
    lines += ["workflows:", "  http:", "    routes:"]
    lines += [
        f"      - {{method: GET, path: '/r/{number}', handler: m{number}}}" for number in range(0, max(modules, 1), 10)
    ]
    return "\n".join(lines) + "\n"


def compile_seconds(modules: int, registry: Registry, rounds: int) -> float:
    """Return the best processor time of load + check + compile, in seconds."""
    text = document_with(modules)
    times = []
    for _ in range(rounds):
        began = time.process_time()
        compile_document(document_of(text), registry)
        times.append(time.process_time() - began)
    return min(times)


def measure_compile(registry: Registry, sizes: tuple[int, ...], rounds: int) -> Figure:
    """The cost per module at the largest size against that at 100 modules; 1.5 x counts as linear."""
    curve = {size: compile_seconds(size, registry, rounds) for size in sizes}
    per_module = {size: seconds / size for size, seconds in curve.items()}
    return Figure(
        "compile cost per module, 100 modules : largest",
        ours=per_module[100],
        baseline=per_module[max(sizes)],
        target=round(1 / 1.5, 3),
        details={"milliseconds": {size: round(seconds * 1000, 2) for size, seconds in curve.items()}},
    )


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--modules", type=int, default=max(SIZES), help="no larger document is compiled")
    options = parser.parse_args()
    registry = discover(catalog)
    measure_p5(registry, options.seconds, options.rounds).emit()
    measure_compile(registry, tuple(size for size in SIZES if size <= options.modules), options.rounds).emit()


if __name__ == "__main__":
    main()
