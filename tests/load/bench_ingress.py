"""P1 and P2: tenants' requests through a running product, two tenants, records on, durable before the answer.

    .venv/bin/python -m tests.load.bench_ingress

Starts the product of `manage.py dev` in a folder of its own, deploys `three_steps.yaml` for both demo tenants, and
loads it with wrk over 32 connections, in turn with a bare uvicorn application that does the same work by hand and
stores nothing. Targets are performance.md 2 as ratios of that baseline on the machine they were set on (40,300/s): P1
8,000, P2 20,000. Afterwards it checks that there is one run row per answer, then publishes and deploys fifty versions
under load: every answer must be 2xx and none may come from an old version later than one second after the deploy call
returned.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from tests.load.figures import Figure
from tests.load.wrk import Load, need_wrk, post
from tests.support.checkout import ROOT
from tests.support.hosted import HostedTenant, HostedWorkflow, open_tenants
from tests.support.prepared_product import prepared_product
from tests.support.running_product import RunningProduct, bare_environment
from tests.support.waiting import wait_for

BODY = '{"orderId": 1, "amount": 12.5}'
NOTE = '{"text": "twelve"}'
BARE_PER_SECOND = 40_300
PUBLISHES = 50
GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One measured route; `target` in answers per second on the machine the targets were set on."""

    name: str
    path: str
    body: str
    target: int


CASES = (
    Case("P1 pipeline, record end", "/durable", BODY, 8_000),
    Case("P1 api.handler POST, record end", "/notes", NOTE, 8_000),
    Case("P2 pipeline, record none", "/unrecorded", BODY, 20_000),
)


def main() -> None:
    """Measure, check the rows, publish under load; exit 1 when an answer or a row is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=1, help="seconds of load before the measured one")
    parser.add_argument("--publishes", type=int, default=PUBLISHES)
    options = parser.parse_args()
    need_wrk()
    with tempfile.TemporaryDirectory() as folder, loaded_product(Path(folder)) as product:
        text = (Path(__file__).parent / "three_steps.yaml").read_text(encoding="utf-8")
        deployed = [tenant.deploy("three-steps", text, ("prod",)) for tenant in open_tenants(product.url)]
        with bare_app() as baseline:
            for case in CASES:
                if options.warm_up:
                    warm_up(case, product, deployed, seconds=options.warm_up)
                measure(case, product, deployed, baseline, seconds=options.seconds, rounds=options.rounds).emit()
        faults = publish_under_load(product, deployed[0], text, options.publishes)
    sys.stdout.write(json.dumps(faults) + "\n")
    sys.exit(1 if faults["faults"] else 0)


@contextmanager
def loaded_product(folder: Path) -> Iterator[RunningProduct]:
    """Run the product; its limit per client counts every call and turns nobody away, as all come from one address."""
    given = {"CLIENT_RATE": "1000000"}
    with prepared_product(folder / "product", "--quiet", environment=given, keeps_ports=True) as product:
        yield product


@contextmanager
def bare_app() -> Any:
    """Serve the baseline with the same server, loop and parser."""
    command = [
        *(sys.executable, "-m", "uvicorn", "tests.load.baseline_app:app", "--port", "0", "--no-access-log"),
        *("--loop", "uvloop", "--http", "httptools", "--log-level", "info"),
    ]
    server = subprocess.Popen(
        command, cwd=ROOT, env=bare_environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stderr is not None
        lines = iter(server.stderr.readline, "")
        yield next(found[0] for line in lines if (found := re.findall(r"http://[\d.:]+", line)))
    finally:
        server.terminate()
        server.wait()


def addresses(case: Case, product: RunningProduct, deployed: list[HostedWorkflow]) -> tuple[str, list[str]]:
    """Return the product's address and the case's path in each workflow."""
    paths = [f"/w/{workflow.tenant.slug}/{workflow.slug}{case.path}" for workflow in deployed]
    return product.url.replace("localhost", "127.0.0.1"), paths


def warm_up(case: Case, product: RunningProduct, deployed: list[HostedWorkflow], *, seconds: int) -> None:
    """Load the route before it is measured."""
    address, paths = addresses(case, product, deployed)
    post(address, paths, case.body, seconds=seconds)


def measure(
    case: Case, product: RunningProduct, deployed: list[HostedWorkflow], baseline: str, *, seconds: int, rounds: int
) -> Figure:
    """Alternate ours and the baseline; the figure's details hold latencies, and rows against answers."""
    address, paths = addresses(case, product, deployed)
    before = rows(product)
    loads: list[Load] = []
    bare: list[Load] = []
    for _ in range(rounds):
        loads.append(post(address, paths, case.body, seconds=seconds))
        bare.append(post(baseline, ["/three-steps"], BODY, seconds=seconds))
    answered = sum(load.answered for load in loads)
    stored = rows(product) - before
    return Figure(
        case.name,
        round(median(load.per_second for load in loads)),
        round(median(load.per_second for load in bare)),
        target=round(case.target / BARE_PER_SECOND, 3),
        details={
            "p50_ms": median(load.p50 for load in loads),
            "p99_ms": median(load.p99 for load in loads),
            "not_2xx": sum(load.bad for load in loads),
            "answered": answered,
            "run_rows": stored,  # wrk drops the answers under way at its end, so there may be a few more rows
            "absolute_target": case.target,
        },
    )


def rows(product: RunningProduct) -> int:
    """Count the run rows of both demo tenants, each in its own scope."""
    found = 0
    with psycopg.connect(product.state["database_url"]) as connection:
        slugs = product.state["demo_tenants"]
        tenants = connection.execute("select tenant_id from tenant_directory where slug = any(%s)", (slugs,)).fetchall()
        for (tenant_id,) in tenants:
            with connection.transaction():
                connection.execute("select set_config('app.tenant', %s, true)", (str(tenant_id),))
                row = connection.execute("select count(*) from runs_run").fetchone()
                found += row[0] if row else 0
    return found


class Watcher:
    """Posts without a pause and remembers status and version of every answer with the time it was asked for."""

    def __init__(self, url: str) -> None:
        self.answers: list[tuple[float, int, int]] = []
        self._url = url
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ends.is_set():
            asked = time.monotonic()
            request = urllib.request.Request(self._url, BODY.encode(), {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    self.answers.append((asked, answer.status, int(answer.headers["weft-version"])))
            except urllib.error.HTTPError as refused:
                self.answers.append((asked, refused.code, 0))


def publish_under_load(product: RunningProduct, workflow: HostedWorkflow, text: str, publishes: int) -> dict[str, Any]:
    """Publish and deploy again and again while wrk and four watchers post; return what went wrong."""
    path = f"/w/{workflow.tenant.slug}/{workflow.slug}/durable"
    address = product.url.replace("localhost", "127.0.0.1")
    deployed_at: list[tuple[float, int]] = []
    load: list[Load] = []

    def storm() -> None:
        while len(deployed_at) < publishes:
            load.append(post(address, [path], BODY, seconds=2))

    storming = threading.Thread(target=storm)
    storming.start()
    with Watcher(address + path) as one, Watcher(address + path) as two:
        for number in range(publishes):
            deployed_at.append(redeploy(workflow.tenant, workflow.id, f"{text}# edition {number}\n"))
        latest = deployed_at[-1][1]
        wait_for(lambda: one.answers and one.answers[-1][2] == latest, timeout=10, what="the last version")
    storming.join()
    answers = one.answers + two.answers
    late = [
        (asked, version)
        for asked, _, version in answers
        if any(at + GRACE_SECONDS < asked and version < number for at, number in deployed_at)
    ]
    bad = sum(1 for _, status, _ in answers if not 200 <= status < 300) + sum(each.bad for each in load)
    faults = [f"{bad} answers were not 2xx"] * bool(bad) + [f"{len(late)} answers from an old version"] * bool(late)
    return {
        "name": "publishes under load",
        "publishes": publishes,
        "answered": len(answers) + sum(each.answered for each in load),
        "watched": len(answers),
        "versions_seen": len({version for _, _, version in answers}),
        "faults": faults,
    }


def redeploy(tenant: HostedTenant, workflow_id: str, text: str) -> tuple[float, int]:
    """Save, publish and deploy a text; return when the deploy call returned and the version's number."""
    draft = f"workflows/{workflow_id}/draft"
    saved = tenant.call("PUT", draft, {"text": text}, If_Match=tenant.call("GET", draft).headers["etag"])
    assert saved.status == 200, saved.body
    version: int = tenant.make(f"workflows/{workflow_id}/versions", {"note": "under load"})["number"]
    tenant.make(f"workflows/{workflow_id}/deployments", {"environment": "prod", "version": version})
    return time.monotonic(), version


if __name__ == "__main__":
    main()
