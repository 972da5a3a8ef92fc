"""The product on one machine: what ``manage.py dev`` starts, in which order, and with which settings."""

import hashlib
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from apps.core.management.local.children import Program
from apps.core.management.local.demo import RECEIVER_VARIABLE, TENANTS
from apps.core.management.local.embedded import start_postgres, start_redis
from apps.core.management.local.frontend import Frontend
from apps.core.management.local.output import Output
from apps.core.management.local.packages import PRELOADED
from apps.core.management.local.ports import Ports, listen
from apps.core.management.local.preload import Preloaded, can_fork
from apps.core.management.local.remembered import Remembered, write_state
from apps.core.management.local.roles import VARIABLES, provision, read_mark, write_mark
from apps.core.management.local.supervisor import Part, StartFailed, Supervisor, python

DATABASE = "weft"
READY_SECONDS = 90.0
PROBE_SECONDS = 2.0
EXAMPLE = Path("examples/order_processing")
AS_ROOT = "ignore:You're running the worker with superuser privileges"
CELERY = python("-m", "celery", "--app", "config.celery:app", "--skip-checks", "--quiet")
DELIVERIES = "deliveries.jsonl"


@dataclass(frozen=True)
class Choices:
    """What the person at the keyboard asked for."""

    root: Path
    folder: Path
    host: str
    port: int
    quiet: bool
    server: str
    given: Mapping[str, str]


class NotConfigured(Exception):
    """The environment names one real database URL but not the others."""


class Product:
    """Starts everything; afterwards the supervisor keeps it running."""

    def __init__(self, choices: Choices, supervisor: Supervisor, output: Output) -> None:
        self._choices = choices
        self._supervisor = supervisor
        self._output = output
        self._remembered = Remembered(choices.folder / "env")
        self._ports = Ports(choices.folder / "ports.json", output.say)
        self._door: socket.socket | None = None
        self._shown: dict[str, int] = {}
        self._preloaded = Preloaded(PRELOADED, choices.root, self._inherited())
        self.environment: dict[str, str] = {}
        self.url = ""

    def start(self) -> None:
        """From nothing to a product that is ready."""
        Frontend(self._choices.root, self._output.say).build_if_stale()
        preload = Part("preload", self._preloaded.program)
        if can_fork():
            self._supervisor.launch(preload)  # first: it loads while the servers start
        owner_url = self._data_services()
        self._supervisor.wait_until(self._preloaded.is_ready, preload)
        done = read_mark(owner_url).split()
        migrated = self._migrate(owner_url, done)
        self._receiver()
        self._serving()
        seeded = self._seed(done)
        if done != [migrated, seeded]:
            write_mark(owner_url, f"{migrated} {seeded}")
        for name in ("web", "worker"):
            self._supervisor.wait_for(self._supervisor.part(name))
        self._beat()  # last, because until then it would only take processor time from those that people wait for
        if not self._choices.quiet:
            self._supervisor.launch(Part("traffic", lambda: self._command("demo_traffic", "--url", self.url)))

    def close_door(self) -> None:
        """Take no more connections: from here on only web's own process holds the port, until it has drained."""
        if self._door is not None:
            self._door.close()

    def note_state(self) -> None:
        """Write down what runs where whenever it has changed."""
        running = self._supervisor.process_ids()
        if running != self._shown:
            self._shown = running
            write_state(self._state_file, self._state(running))

    def forget_state(self) -> None:
        """Nothing runs any more."""
        self._state_file.unlink(missing_ok=True)

    @property
    def _state_file(self) -> Path:
        return self._choices.folder.with_suffix(".json")

    def _state(self, running: Mapping[str, int]) -> dict[str, Any]:
        return {
            "base_url": self.url,
            "demo_tenants": list(TENANTS),
            "deliveries_file": str(self._choices.folder / DELIVERIES),
            "database_url": self.environment["DATABASE_URL"],
            "encryption_keys": self.environment["ENCRYPTION_KEYS"].split(","),
            "database_relay_url": self.environment["DATABASE_RELAY_URL"],
            "process": os.getpid(),
            "processes": dict(running),
        }

    def _data_services(self) -> str:
        """Start or find Postgres and Redis; fills in the environment and returns the owner's URL."""
        known, outside = self._remembered.read(), self._choices.given
        chosen = {**self._remembered.keys(), "TLS": "false", "LOG_FORMAT": outside.get("LOG_FORMAT", "console")}
        embedded: dict[str, str] = {}
        if outside.get("DATABASE_URL"):
            owner_url = self._real_database(outside, chosen)
        else:
            admin_url = start_postgres(self._supervisor, self._choices.folder, self._ports)
            made = provision(admin_url, DATABASE, passwords=_passwords(known)).environment()
            owner_url = made["DATABASE_OWNER_URL"]
            embedded |= made
        if outside.get("REDIS_URL"):
            chosen["REDIS_URL"] = outside["REDIS_URL"]
        else:
            embedded["REDIS_URL"] = start_redis(self._supervisor, self._choices.folder, self._ports, self._output)
        serving = {name: value for name, value in embedded.items() if name != "DATABASE_OWNER_URL"}
        self._settle({**chosen, **serving})
        self._remembered.write({**self._remembered.keys(), **embedded_only(known), **embedded, **self._addresses()})
        return owner_url

    def _real_database(self, outside: Mapping[str, str], chosen: dict[str, str]) -> str:
        missing = [name for name in VARIABLES.values() if not outside.get(name)]
        if missing:
            raise NotConfigured(
                f"DATABASE_URL names a real server, so {', '.join(missing)} must be set as well; "
                "python3 manage.py provision --admin-url <superuser's URL> makes the roles and prints all of them"
            )
        names = [*VARIABLES.values(), "DATABASE_DIRECT_URL"]
        chosen.update({name: outside[name] for name in names if outside.get(name)})
        return chosen.pop("DATABASE_OWNER_URL")

    def _settle(self, chosen: Mapping[str, str]) -> None:
        port = self._ports.choose("web", self._choices.port, self._choices.host)
        self._door = listen(port, self._choices.host)  # held while web is started again: nobody is refused or put out
        self.url = f"http://localhost:{port}"
        if self._choices.host not in {"127.0.0.1", "localhost", "0.0.0.0"}:  # noqa: S104 - compared, not bound
            self.url = f"http://{self._choices.host}:{port}"
        self.environment = {**chosen, "WEB_PORT": str(port), "WEB_HOST": self._choices.host}
        self.environment |= {"PUBLIC_URL": self._choices.given.get("PUBLIC_URL", self.url)}
        self.environment |= {"DATA_DIR": self._choices.given.get("DATA_DIR", str(self._choices.folder / "data"))}
        self.environment |= {"SERVER": self._choices.server}

    def _addresses(self) -> dict[str, str]:
        return {name: self.environment[name] for name in ("PUBLIC_URL", "DATA_DIR")}

    def _migrate(self, owner_url: str, done: Sequence[str]) -> str:
        """Bring the tables up to date unless the database is marked with these very migrations."""
        root = self._choices.root
        wanted = _fingerprint([*root.glob("apps/*/migrations/*.py"), root / "deploy/requirements/run.txt"])
        if wanted not in done:
            self._output.say("migrating the database ...")
            owner = {"DATABASE_OWNER_URL": owner_url}
            self._run_once("migrate", "migrate", "--database", "owner", "--noinput", "--verbosity", "0", extra=owner)
        return wanted

    def _seed(self, done: Sequence[str]) -> str:
        """Fill in the demo unless the database is marked with this very one."""
        root, receiver = self._choices.root, self.environment.get(RECEIVER_VARIABLE, "")
        seeds = [root / EXAMPLE / "workflow.yaml", *root.glob("apps/*/management/commands/seed_demo.py")]
        wanted = _fingerprint(seeds, receiver)
        if wanted not in done:
            self._output.say("seeding the demo tenants ...")
            self._run_once("seed", "seed_demo", "--skip-checks")  # migrate has made them, and nobody else makes them
        return wanted

    def _receiver(self) -> None:
        script = self._choices.root / EXAMPLE / "receiver.py"
        if not script.is_file():
            return
        port = self._ports.choose("receiver")
        received = self._choices.folder / DELIVERIES
        command = python(str(script), "--port", str(port), "--out", str(received))
        self.environment["OUTBOUND_ALLOW"] = ",".join(
            filter(None, [self._choices.given.get("OUTBOUND_ALLOW"), f"127.0.0.1:{port}"])
        )
        self.environment[RECEIVER_VARIABLE] = f"http://127.0.0.1:{port}/"
        self._supervisor.launch(Part("receiver", lambda: self._program(command)))

    def _serving(self) -> None:
        worker = [*CELERY, "worker", "--pool", "threads", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
        self._supervisor.launch(Part("web", self._web, self._is_ready, READY_SECONDS))
        self._supervisor.launch(Part("worker", lambda: self._program(worker)))

    def _web(self) -> Program:
        door = self._door.fileno() if self._door is not None else -1
        return replace(self._command("serve", "--fd", str(door)), inherited=(door,))

    def _beat(self) -> None:
        beat = [*CELERY, "beat", "--pidfile=", "--loglevel", "WARNING"]
        self._supervisor.start(Part("beat", lambda: self._program(beat)))

    def _is_ready(self, _pid: int) -> bool:
        address = f"http://127.0.0.1:{self.environment['WEB_PORT']}/ready"
        try:
            with urllib.request.urlopen(address, timeout=PROBE_SECONDS) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _run_once(self, part: str, *arguments: str, extra: Mapping[str, str] | None = None) -> None:
        code = self._supervisor.run_once(part, self._command(*arguments, extra=extra))
        if code != 0:
            raise StartFailed(f"manage.py {arguments[0]} failed ({code})")

    def _command(self, *arguments: str, extra: Mapping[str, str] | None = None) -> Program:
        return self._program(python("manage.py", *arguments), extra)

    def _program(self, command: list[str], extra: Mapping[str, str] | None = None) -> Program:
        environment = {**self._inherited(), **self.environment, **(extra or {})}
        return Program(command, environment, self._choices.root, preloaded=self._preloaded)

    def _inherited(self) -> dict[str, str]:
        """What programs have of our environment; to an interpreter it says the same in all of them."""
        given = self._choices.given
        inherited = {name: value for name, value in given.items() if not name.startswith("DATABASE_")}
        warnings = ",".join(filter(None, [given.get("PYTHONWARNINGS"), AS_ROOT]))
        return {**inherited, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": warnings}


def embedded_only(known: Mapping[str, str]) -> dict[str, str]:
    """What the embedded servers left behind, kept while a real server stands in for them."""
    return {name: value for name, value in known.items() if name.startswith("DATABASE_") or name == "REDIS_URL"}


def _passwords(known: Mapping[str, str]) -> dict[str, str]:
    found = {role: urlsplit(known[variable]).password for role, variable in VARIABLES.items() if variable in known}
    return {role: unquote(password) for role, password in found.items() if password}


def _fingerprint(paths: Iterable[Path], also: str = "") -> str:
    digest = hashlib.sha256(also.encode())
    for path in sorted(paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()
