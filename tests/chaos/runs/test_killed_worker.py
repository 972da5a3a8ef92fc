"""A worker that is killed with -9 in the middle of a step loses nothing: another one goes on where it stood."""

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest

from apps.core.scope import scope
from apps.runs.operations.runs import run_start
from tests.support.serving import deploy
from tests.support.waiting import wait_for
from tests.support.workers import workers

DOCUMENT = """\
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
  - {name: hook, type: webhook.sender, config: {url: "http://127.0.0.1:%d/"}}
workflows:
  pipelines:
    tell:
      steps:
        - {name: prepare, set: {prepared: true}}
        - {name: call, uses: hook, with: {order: 7}}
        - {name: finish, set: {finished: true}}
"""


class Receiver(ThreadingHTTPServer):
    """Keeps the ids it was sent; the first call gets no answer until it is let go."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.ids = []
        self.hold = threading.Event()


class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.ids.append(self.headers["webhook-id"])
        if len(self.server.ids) == 1:
            self.server.hold.wait(30)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def accepted(tenant, receiver):
    workflow = deploy(tenant, "tell", DOCUMENT % receiver.server_port)
    with scope(tenant.id, tenant.actor):
        return run_start(
            workflow_id=workflow.id, environment="prod", workflow="tell", action="", data={}, actor=tenant.actor
        )["id"]


def row(database, statement, *values):
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(statement, values).fetchone()


@pytest.mark.slow
@pytest.mark.spec("SPINE-2", "SPINE-B6", "SPINE-B6.3", "SPINE-B6.7")
def test_a_killed_worker_is_replaced_and_the_call_keeps_its_id(database, two_tenants, receiver, tmp_path):
    tenant, _ = two_tenants
    allowed = f"127.0.0.1:{receiver.server_port}"
    with workers(database, tmp_path, OUTBOUND_ALLOW=allowed) as started:
        first = started.start()
        run_id = accepted(tenant, receiver)
        wait_for(lambda: receiver.ids, timeout=15, what=f"the first call; {started.printed()}")
        claimed = row(
            database,
            "select s.state, w.epoch from runs_step s join runs_work w using (run_id)"
            " where s.run_id = %s and s.name = 'call' and w.owner is not null",
            run_id,
        )
        assert claimed == ("claimed", 1)
        started.kill(first)
        started.jump("1 minute")
        started.start()
        final = wait_for(
            lambda: row(database, "select state from runs_run where id = %s and finished_at is not null", run_id),
            timeout=30,
            what=f"the end of the run; {started.printed()}",
        )
        steps = row(
            database,
            "select array_agg(name || ' ' || state || ' ' || epoch order by position) from runs_step where run_id = %s",
            run_id,
        )
    assert final == ("done",)
    assert steps == (["prepare done 1", "call done 2", "finish done 2"],)
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


@pytest.mark.slow
@pytest.mark.spec("SPINE-B5", "SPINE-B6", "SPINE-B5.18")
def test_a_worker_that_is_asked_to_end_finishes_what_it_holds_and_gives_its_leases_back(
    database, two_tenants, receiver, tmp_path
):
    tenant, _ = two_tenants
    with workers(database, tmp_path, OUTBOUND_ALLOW=f"127.0.0.1:{receiver.server_port}") as started:
        process = started.start()
        run_id = accepted(tenant, receiver)
        wait_for(lambda: receiver.ids, timeout=15, what=f"the call; {started.printed()}")
        process.send_signal(signal.SIGTERM)
        receiver.hold.set()
        process.wait(30)
        assert row(database, "select state from runs_run where id = %s", run_id) == ("done",)
        assert row(database, "select count(*) from runs_work where run_id = %s", run_id) == (0,)
        assert row(database, "select count(*) from runs_worker") == (0,)


@pytest.mark.slow
@pytest.mark.spec("SPINE-B5", "SPINE-B6")
def test_a_worker_whose_loop_has_ended_is_no_worker_and_says_so_to_its_supervisor(database, tmp_path):
    with workers(database, tmp_path, DATABASE_DIRECT_URL="postgresql://[nowhere/x") as started:
        process = started.launch()
        assert process.wait(60) == os.EX_SOFTWARE, started.printed()
        assert "worker.loop_ended" in started.printed()
