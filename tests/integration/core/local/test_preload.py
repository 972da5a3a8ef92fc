"""A program out of a preloaded process is as one that was started the ordinary way, and is lost with none of them."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from dataclasses import replace

import pytest

from apps.core.management.local.children import Identity, Program, is_running, spawn
from apps.core.management.local.forked import Forked
from apps.core.management.local.preload import Preloaded, Streams
from tests.support.checkout import ROOT
from tests.support.preloaded_packages import preloaded_packages
from tests.support.waiting import wait_for

pytestmark = pytest.mark.spec("SPINE-B2")

PROBE = """
import json, os, random, signal, sys
import colorsys
print(json.dumps({
    "argv": sys.argv, "path": sys.path, "name": __name__, "environment": dict(os.environ), "folder": os.getcwd(),
    "session": os.getsid(0) == os.getpid(), "parent": os.getppid(), "umask": os.umask(0), "chance": random.random(),
    "open": sorted(int(each) for each in os.listdir("/proc/self/fd"))[:-1],
    "blocked": list(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))),
    "handled": [int(each) for each in signal.valid_signals() if callable(signal.getsignal(each))],
    "streams": [
        [each.name, each.mode, each.encoding, each.errors, each.line_buffering, each.write_through, each.isatty()]
        for each in (sys.stdin, sys.stdout, sys.stderr)
    ],
}))
"""
SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
LOOKS = """
import json, sys
import django.conf, django.apps
print(json.dumps({
    "held": {"apps.modules.catalog.storage.storage_s3", "apps.runs.adapters.unit"} <= sys.modules.keys(),
    "settings": [name for name in sys.modules if name.startswith("config.settings")],
    "configured": django.conf.settings.configured, "apps": django.apps.apps.apps_ready,
    "reactor": "twisted.internet.reactor" in sys.modules, "celery": "celery.apps.worker" in sys.modules,
}))
"""
OWNS = """
import subprocess, sys
from pathlib import Path
from apps.core.management.local.children import Program, spawn
from apps.core.management.local.preload import Preloaded
root, folder = Path(sys.argv[1]), Path(sys.argv[2])
preloaded = Preloaded(["colorsys"], root, {})
server = spawn(preloaded.program(), subprocess.DEVNULL)
assert preloaded.is_ready(60)
program = Program([sys.executable, str(folder / "sleeps.py")], {}, folder, preloaded=preloaded)
print(server.pid, spawn(program, subprocess.DEVNULL).pid, flush=True)
sys.stdin.read()
"""


class Stage:
    """A preloaded process and a folder of scripts."""

    def __init__(self, folder, *modules):
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        self.preloaded = Preloaded(modules, ROOT, self.environment, ["DECISIVE"])
        self.server = spawn(self.preloaded.program(), subprocess.DEVNULL)
        self.is_ready = self.preloaded.is_ready(60)

    def program(self, source, *arguments, preloaded=True, **environment):
        """Return a script with its arguments as a program."""
        script = self.folder / "script.py"
        script.write_text(source)
        command = [sys.executable, str(script), *arguments]
        given = {**self.environment, **environment}
        return Program(command, given, self.folder, preloaded=self.preloaded if preloaded else None)

    def end(self):
        """Let the process end, and wait for it."""
        self.preloaded.close()
        return self.server.wait(10)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """One that serves all tests of this file which leave it as it is."""
    made = Stage(tmp_path_factory.mktemp("stage"), "colorsys")
    assert made.is_ready
    yield made
    assert made.end() == 0


@pytest.fixture
def own(tmp_path):
    """One that the test may end."""
    made = Stage(tmp_path, "colorsys")
    yield made
    made.end()


def printed(child):
    """Return all that a program prints, once it has ended well."""
    with child.stdout as output:
        said = output.read().decode()
    assert child.wait(20) == 0, said
    return said


@pytest.mark.parametrize("settings", [{}, {"PYTHONUNBUFFERED": "1", "SHOP": "a"}])
def test_a_program_finds_what_it_would_find_after_an_ordinary_start(stage, settings):
    given = stage.program(PROBE, "one", "two", **settings)
    child = spawn(given, subprocess.PIPE)
    assert isinstance(child, Forked)
    found = json.loads(printed(child))
    ordinary = json.loads(printed(spawn(replace(given, preloaded=None), subprocess.PIPE)))
    assert found.pop("chance") != ordinary.pop("chance")
    assert found == ordinary
    assert found["parent"] == os.getpid()


def test_a_module_is_run_as_the_interpreter_would_run_it(stage, tmp_path):
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool/__main__.py").write_text(PROBE)
    found = []
    for preloaded in (stage.preloaded, None):
        given = Program([sys.executable, "-m", "tool", "--wide"], stage.environment, tmp_path, preloaded=preloaded)
        found.append(json.loads(printed(spawn(given, subprocess.PIPE))))
        found[-1].pop("chance")
    assert found[0] == found[1]


def test_no_two_programs_draw_the_same_numbers(stage):
    drawn = [json.loads(printed(spawn(stage.program(PROBE), subprocess.PIPE)))["chance"] for _ in range(3)]
    assert len(set(drawn)) == 3


def test_a_preloaded_module_is_there_already(stage):
    source = "import sys; print('colorsys' in sys.modules)"
    assert printed(spawn(stage.program(source), subprocess.PIPE)) == "True\n"
    assert printed(spawn(stage.program(source, preloaded=False), subprocess.PIPE)) == "False\n"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("raise SystemExit(7)", 7),
        ("import sys; sys.exit('no')", 1),
        ("1 / 0", 1),
        ("import os; os._exit(9)", 9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import atexit, threading; atexit.register(print, 'bye'); threading.Thread(target=print).start()", 0),
    ],
)
def test_a_program_ends_as_it_would_after_an_ordinary_start(stage, source, code):
    given = stage.program(source)
    child = spawn(given, subprocess.PIPE)
    ordinary = spawn(replace(given, preloaded=None), subprocess.PIPE)
    said = []
    for each in (child, ordinary):
        with each.stdout as output:
            said.append(output.read().decode().strip().rpartition("\n")[2])
        assert each.wait(20) == code
    assert said[0] == said[1]


def test_its_owner_can_wait_ask_and_end_it(stage):
    child = spawn(stage.program(SLEEPS), subprocess.PIPE)
    assert child.stdout.readline() == b"up\n"
    assert child.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.01)
    child.terminate()
    assert (child.wait(10), child.returncode, child.poll()) == (-signal.SIGTERM, *[-signal.SIGTERM] * 2)
    child.kill()
    child.stdout.close()


def test_files_that_it_is_to_keep_have_the_same_numbers(stage):
    ours, theirs = os.pipe()
    source = f"import os; os.write({theirs}, b'hello'); print(os.get_inheritable({theirs}))"
    given = stage.program(source)
    child = spawn(
        Program(given.command, given.environment, given.folder, inherited=(theirs,), preloaded=stage.preloaded),
        subprocess.PIPE,
    )
    assert isinstance(child, Forked)
    assert printed(child) == "True\n"
    os.close(theirs)
    assert os.read(ours, 100) == b"hello"
    os.close(ours)


def test_in_a_terminal_it_writes_line_by_line_and_reads_what_is_typed(stage):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (20, 77))
    source = "import os, sys; print(os.get_terminal_size().columns, sys.stdout.line_buffering, input())"
    child = stage.preloaded.fork_on(stage.program(source), Streams(theirs, theirs, theirs))
    os.close(theirs)
    os.write(ours, b"typed\n")
    assert child.wait(20) == 0
    assert b"77 True typed" in os.read(ours, 1000)
    os.close(ours)


@pytest.mark.parametrize("name", ["DECISIVE", "PYTHONHASHSEED", "LC_ALL"])
def test_who_is_told_otherwise_what_was_read_while_loading_starts_the_ordinary_way(stage, name):
    value = "C" if name == "LC_ALL" else "1"
    child = spawn(stage.program(f"import os; print(os.environ['{name}'])", **{name: value}), subprocess.PIPE)
    assert not isinstance(child, Forked)
    assert printed(child) == f"{value}\n"


def test_another_program_and_another_user_start_the_ordinary_way(stage):
    for given in (
        Program(["true"], {}, ROOT, preloaded=stage.preloaded),
        Program([sys.executable, "-c", ""], stage.environment, ROOT, preloaded=stage.preloaded),
        Program([sys.executable, "-c", ""], stage.environment, ROOT, Identity(("env",)), preloaded=stage.preloaded),
    ):
        child = spawn(given, subprocess.DEVNULL)
        assert not isinstance(child, Forked)
        assert child.wait(20) == 0


def test_a_folder_that_is_not_there_is_told_as_by_an_ordinary_start(stage):
    with pytest.raises(FileNotFoundError):
        spawn(
            Program([sys.executable, "-m", "this"], stage.environment, stage.folder / "no", preloaded=stage.preloaded),
            -1,
        )


def test_a_program_goes_on_when_the_preloaded_process_is_killed_and_the_next_one_starts_all_the_same(own):
    child = spawn(own.program(SLEEPS), subprocess.PIPE)
    assert isinstance(child, Forked)
    assert child.stdout.readline() == b"up\n"
    own.server.kill()
    own.server.wait()
    other = spawn(own.program("print('there')"), subprocess.PIPE)
    assert not isinstance(other, Forked)
    assert printed(other) == "there\n"
    assert child.poll() is None
    child.kill()
    child.wait(10)
    child.stdout.close()


def test_a_preloaded_process_that_hangs_is_let_go_and_the_program_starts_once(own, monkeypatch):
    monkeypatch.setattr("apps.core.management.local.preload.ANSWER_SECONDS", 0.2)
    own.server.send_signal(signal.SIGSTOP)
    told = own.folder / "told"
    given = own.program(f"open({str(told)!r}, 'a').write('once ')")
    child = spawn(given, subprocess.DEVNULL)
    assert not isinstance(child, Forked)
    assert child.wait(20) == 0
    own.server.send_signal(signal.SIGCONT)
    assert own.server.wait(20) == 0
    assert told.read_text() == "once "


def test_many_threads_may_ask_at_once(own):
    codes = {}

    def ask(number):
        script = own.folder / f"{number}.py"
        script.write_text(f"raise SystemExit({number})")
        program = Program([sys.executable, str(script)], own.environment, own.folder, preloaded=own.preloaded)
        codes[number] = spawn(program, subprocess.DEVNULL).wait(20)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 9)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert codes == {number: number for number in range(1, 9)}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_all_of_it_ends_with_its_owner(tmp_path, how):
    (tmp_path / "sleeps.py").write_text(SLEEPS)
    command = [sys.executable, "-c", OWNS, str(ROOT), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        processes = list(map(int, owner.stdout.readline().split()))
        assert [is_running(pid) for pid in processes] == [True, True]
        owner.send_signal(how)
        owner.wait(10)
    wait_for(lambda: not any(map(is_running, processes)), what="the end of all")


@pytest.mark.parametrize(
    "source", ["import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "1 / 0"]
)
def test_modules_that_start_threads_or_fail_are_not_preloaded(tmp_path, monkeypatch, source):
    (tmp_path / "unfit.py").write_text(source)
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    preloaded = Preloaded(["unfit"], ROOT, environment)
    server = spawn(preloaded.program(), subprocess.DEVNULL)
    assert not preloaded.is_ready(30)
    assert server.wait(10) == 1
    child = spawn(
        Program([sys.executable, "-m", "colorsys"], environment, ROOT, preloaded=preloaded), subprocess.DEVNULL
    )
    assert child.wait(20) == 0
    preloaded.close()


def test_what_programs_are_given_brings_no_settings_no_app_and_no_event_loop(tmp_path):
    script = tmp_path / "looks.py"
    script.write_text(LOOKS)
    program = Program([sys.executable, str(script)], dict(os.environ), ROOT, preloaded=preloaded_packages())
    child = spawn(program, subprocess.PIPE)
    assert isinstance(child, Forked)
    assert json.loads(printed(child)) == {
        "held": True,
        "settings": [],
        "configured": False,
        "apps": False,
        "reactor": False,
        "celery": True,
    }
