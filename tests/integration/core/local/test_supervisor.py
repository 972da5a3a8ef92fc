"""The supervisor starts parts in order, brings back what dies, and leaves nothing behind."""

import io
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from apps.core.management.local.children import Program, is_running
from apps.core.management.local.forked import Forked
from apps.core.management.local.output import Output
from apps.core.management.local.preload import Preloaded
from apps.core.management.local.supervisor import Part, StartFailed, Supervisor
from tests.support.checkout import ROOT
from tests.support.waiting import wait_for

pytestmark = pytest.mark.spec("SPINE-B2")

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
HAS_CHILD = f"import subprocess; print('child', subprocess.Popen(['sleep', '600']).pid); {SLEEPS}"
SUPERVISES = """
import json, pathlib, sys
from apps.core.management.local.children import Program
from apps.core.management.local.output import Output
from apps.core.management.local.supervisor import Part, Supervisor, python
supervisor = Supervisor(Output()); supervisor.listen()
program = Program(python("-c", "import time; time.sleep(600)"))
for name in ("first", "second"): supervisor.start(Part(name, lambda: program))
seen = {}
def note():
    if supervisor.process_ids() != seen:
        seen.clear(); seen.update(supervisor.process_ids())
        pathlib.Path(sys.argv[1]).write_text(json.dumps(seen))
supervisor.watch(note)
supervisor.stop()
"""


@pytest.fixture
def stage():
    """A supervisor whose output is kept; whatever it started ends with the test."""
    shown = io.StringIO()
    supervisor = Supervisor(Output(shown))
    yield supervisor, shown
    supervisor.stop()


def program(source):
    """A Python one-liner."""
    return Program([sys.executable, "-c", source])


def turns(supervisor, until):
    """Let the supervisor work until a condition holds."""

    class Enough(Exception):
        """The condition holds."""

    def look():
        if until():
            raise Enough

    with pytest.raises(Enough):
        supervisor.watch(look)


@pytest.mark.spec("SPINE-B2.7")
def test_a_part_is_ready_before_the_next_one_starts(stage):
    supervisor, shown = stage
    supervisor.start(Part("first", lambda: program(SLEEPS), lambda _pid: "up" in shown.getvalue()))
    supervisor.start(Part("second", lambda: program(SLEEPS)))
    assert list(supervisor.process_ids()) == ["first", "second"]


@pytest.mark.spec("SPINE-B2.7")
def test_a_part_that_ends_while_starting_is_named_with_its_last_words(stage):
    supervisor, shown = stage
    part = Part("web", lambda: program("raise SystemExit('no port')"), lambda _pid: False)
    with pytest.raises(StartFailed, match="web ended while starting: exit code 1"):
        supervisor.start(part)
    supervisor.stop()
    assert "web      | no port" in shown.getvalue()


@pytest.mark.spec("SPINE-B2.11")
def test_a_killed_part_is_reported_and_brought_back(stage):
    supervisor, shown = stage
    part = Part("worker", lambda: program(SLEEPS))
    supervisor.start(part)
    first = part.child.pid
    os.kill(first, signal.SIGKILL)
    turns(supervisor, lambda: part.is_up and part.child.pid != first)
    assert "worker ended: killed by SIGKILL; starting it again in 0.25 s" in shown.getvalue()


@pytest.mark.spec("SPINE-B2.7")
def test_a_part_that_keeps_failing_is_tried_ever_more_slowly(stage):
    supervisor, shown = stage
    supervisor.launch(Part("beat", lambda: program("raise SystemExit(4)")))
    turns(supervisor, lambda: "again in 1 s" in shown.getvalue())
    pauses = [line.rsplit(" ", 2)[1] for line in shown.getvalue().splitlines() if "starting it again" in line]
    assert pauses == ["0.25", "0.5", "1"]


@pytest.mark.spec("SPINE-B2.11")
def test_a_part_that_others_kill_again_and_again_comes_back_as_soon_each_time(stage):
    supervisor, shown = stage
    part = Part("worker", lambda: program(SLEEPS))
    supervisor.start(part)
    for _ in range(3):
        killed = part.child.pid
        os.kill(killed, signal.SIGKILL)
        turns(supervisor, lambda killed=killed: part.is_up and part.child.pid != killed)
    assert shown.getvalue().count("killed by SIGKILL; starting it again in 0.25 s") == 3


def test_a_program_run_once_shows_its_output_and_gives_its_code(stage):
    supervisor, shown = stage
    assert supervisor.run_once("seed", program("print('made two tenants'); raise SystemExit(3)")) == 3
    assert "seed     | made two tenants" in shown.getvalue()
    assert supervisor.process_ids() == {}


@pytest.mark.spec("SPINE-B2.10")
def test_children_of_a_part_end_with_it(stage):
    supervisor, shown = stage
    part = Part("web", lambda: program(HAS_CHILD), lambda _pid: "up" in shown.getvalue())
    supervisor.start(part)
    child = int(re.search(r"child (\d+)", shown.getvalue())[1])
    assert is_running(child)
    supervisor.stop()
    wait_for(lambda: not is_running(child))


@pytest.mark.spec("SPINE-B2.10")
def test_a_part_that_ignores_the_request_to_end_is_killed(stage, monkeypatch):
    monkeypatch.setattr("apps.core.management.local.supervisor.GRACE_SECONDS", 0.2)
    supervisor, shown = stage
    part = Part("web", lambda: program(STUBBORN), lambda _pid: "up" in shown.getvalue())
    supervisor.start(part)
    supervisor.stop()
    assert not is_running(part.child.pid)
    assert "web does not end, killing it" in shown.getvalue()


@pytest.fixture
def preloaded(stage):
    """A preloaded process as a part, loaded."""
    supervisor, _ = stage
    environment = {"PYTHONPATH": str(ROOT)}
    made = Preloaded(["colorsys"], ROOT, environment)
    part = Part("preload", made.program)
    supervisor.launch(part)
    supervisor.wait_until(made.is_ready, part)
    yield made
    made.close()


@pytest.fixture
def part(preloaded, tmp_path):
    """A part that comes out of it."""
    script = tmp_path / "part.py"
    script.write_text(SLEEPS)
    forked = Program([sys.executable, str(script)], {"PYTHONPATH": str(ROOT)}, ROOT, preloaded=preloaded)
    return Part("web", lambda: forked)


@pytest.mark.spec("SPINE-B2.11")
def test_a_part_out_of_a_preloaded_process_is_shown_brought_back_and_ended_as_any_other(stage, part):
    supervisor, shown = stage
    supervisor.start(part)
    assert isinstance(part.child, Forked)
    turns(supervisor, lambda: "web      | up" in shown.getvalue())
    first = part.child.pid
    os.kill(first, signal.SIGKILL)
    turns(supervisor, lambda: part.is_up and part.child.pid != first)
    assert "web ended: killed by SIGKILL; starting it again in 0.25 s" in shown.getvalue()
    assert isinstance(part.child, Forked)
    second = part.child.pid
    supervisor.stop()
    assert not is_running(second)


@pytest.mark.spec("SPINE-B2.11")
def test_a_killed_preloaded_process_takes_nothing_with_it_and_is_brought_back(stage, preloaded, part):
    supervisor, shown = stage
    supervisor.start(part)
    web, before = part.child.pid, supervisor.process_ids()["preload"]
    os.kill(before, signal.SIGKILL)
    turns(supervisor, lambda: supervisor.process_ids().get("preload", before) != before and preloaded.is_ready())
    assert "preload ended: killed by SIGKILL" in shown.getvalue()
    assert is_running(web)
    os.kill(web, signal.SIGKILL)
    turns(supervisor, lambda: part.is_up and part.child.pid != web)
    assert isinstance(part.child, Forked)


def test_parts_start_without_a_preloaded_process_that_cannot_load(stage):
    supervisor, shown = stage
    environment = {"PYTHONPATH": str(ROOT)}
    unfit = Preloaded(["nothing_of_this_name"], ROOT, environment)
    preload = Part("preload", unfit.program)
    supervisor.launch(preload)
    supervisor.wait_until(unfit.is_ready, preload)
    given = Program([sys.executable, "-m", "this"], environment, ROOT, preloaded=unfit)
    assert supervisor.run_once("seed", given) == 0
    assert "Beautiful is better than ugly" in shown.getvalue()
    assert "No module named 'nothing_of_this_name'" in shown.getvalue()
    unfit.close()


@pytest.fixture
def supervising(tmp_path):
    """A supervisor in a process of its own; yields it and a way to ask for its parts' processes."""
    path = tmp_path / "processes.json"
    path.write_text("{}")
    with subprocess.Popen([sys.executable, "-c", SUPERVISES, str(path)], cwd=ROOT, stdout=subprocess.DEVNULL) as owner:
        wait_for(lambda: len(json.loads(path.read_text() or "{}")) == 2)
        yield owner, lambda: list(json.loads(path.read_text()).values())
        owner.kill()


@pytest.mark.spec("SPINE-B2.10")
def test_ctrl_c_leaves_no_process_behind(supervising):
    owner, processes = supervising
    parts = processes()
    owner.send_signal(signal.SIGINT)
    assert owner.wait(10) == 0
    assert [pid for pid in parts if is_running(pid)] == []


@pytest.mark.spec("SPINE-B2.10")
def test_parts_die_with_a_killed_supervisor(supervising):
    owner, processes = supervising
    parts = processes()
    owner.kill()
    owner.wait()
    wait_for(lambda: not any(is_running(pid) for pid in parts))
