"""Makes the Python environment that every command needs, with the standard library alone.

The environment is ``.venv`` beside ``manage.py``, filled by uv from the pinned and hashed requirement files. A stamp
remembers what it was filled from, so that a start with nothing to do costs one hash.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / ".weft-stamp"
BYTECODE = ROOT / ".weft" / "cache" / "bytecode"
LOCK = ROOT / ".weft" / "bootstrap.lock"
REQUIREMENTS = ROOT / "deploy" / "requirements"
COMMANDS_THAT_TEST = frozenset({"test", "screenshots", "fuzz"})


def ensure_environment(argv: list[str]) -> None:
    """Return when this interpreter can run the command; otherwise prepare the environment and start again in it."""
    inside = Path(sys.prefix).resolve() == ENVIRONMENT.resolve()
    if not inside and not PYTHON.exists() and importlib.util.find_spec("django"):
        return
    _keep_bytecode()
    wanted = "test" if argv[1:2] and argv[1] in COMMANDS_THAT_TEST else "run"
    if not _is_filled(wanted):
        with _one_at_a_time():
            if not _is_filled(wanted):
                _prepare(wanted)
                inside = False
    if not inside:
        os.execv(PYTHON, [str(PYTHON), str(ROOT / "manage.py"), *argv[1:]])


def _keep_bytecode() -> None:
    """Have this command and its children compile each module once, into a folder of ours.

    A product is half a dozen processes; where nothing may be written beside the sources each would compile all of
    Django again, half of its start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(BYTECODE))


def remember(name: str) -> None:
    """Write down that the environment holds requirement set ``name`` as it is now."""
    STAMP.write_text(_fingerprint(name), encoding="utf-8")


def _fingerprint(name: str) -> str:
    pinned = (REQUIREMENTS / f"{name}.txt").read_bytes()
    return f"{name} {hashlib.sha256(pinned).hexdigest()}"


def _is_filled(wanted: str) -> bool:
    """The larger test set serves every command."""
    if not (PYTHON.exists() and STAMP.is_file()):
        return False
    found = STAMP.read_text(encoding="utf-8")
    return found in {_fingerprint(wanted), _fingerprint("test")}


def _prepare(wanted: str) -> None:
    began = time.monotonic()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8").startswith("test "):
        wanted = "test"
    STAMP.unlink(missing_ok=True)
    if not _interpreter_works():
        _make_environment()
    _install_uv()
    _say(f"installing the pinned requirements ({wanted}) ...")
    _fill(wanted)
    remember(wanted)
    _say(f"environment ready in {time.monotonic() - began:.0f} s")


def _interpreter_works() -> bool:
    if not PYTHON.exists():
        return False
    probe = subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False)
    return probe.returncode == 0


def _make_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        _install_venv_support()
    _say(f"making {ENVIRONMENT.name} with Python {sys.version.split()[0]} ...")
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(ENVIRONMENT)


def _install_venv_support() -> None:
    """Debian ships Python without what ``venv`` needs; put it there when we may, else name it."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"This Python cannot make environments. Install the package {package} and run the command again.")
    _say(f"installing the Debian package {package} ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
    installed = subprocess.run(["apt-get", "install", "-y", "-qq", package], env=environment, check=False)
    if installed.returncode != 0:
        sys.exit(f"Could not install {package}. Install it by hand and run the command again.")


def _install_uv() -> None:
    pinned = REQUIREMENTS / "bootstrap.txt"
    _say("installing uv ...")
    _run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", pinned])


def _fill(name: str) -> None:
    environment = {**os.environ, "UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never"}
    if not os.environ.get("HOME"):
        environment.setdefault("UV_CACHE_DIR", str(ROOT / ".weft" / "cache" / "uv"))
    uv, pinned = ENVIRONMENT / "bin" / "uv", REQUIREMENTS / f"{name}.txt"
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", PYTHON, pinned], environment)


def _run(command: list[str | Path], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run([str(part) for part in command], env=environment, cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit(f"weft: {Path(command[0]).name} failed ({done.returncode}); what it said is above.")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another command that is preparing the environment ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"weft: {text}", file=sys.stderr, flush=True)
