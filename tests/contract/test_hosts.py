"""What is committed works anywhere: no registry's host in what is pinned, no path of somebody's machine."""

import re

import pytest

from tests.support.checkout import project_files, text_of

pytestmark = pytest.mark.spec("SPINE-B1")

PINNED = re.compile(r"(^|/)(package-lock\.json|\.npmrc|uv\.lock|pyproject\.toml|package\.json)$|^deploy/requirements/")
ADDRESS = re.compile(r"(?:https?|git|ssh|file)(?:\+\w+)?:/+[^\s\"']+")
NOT_A_REGISTRY = re.compile(r"\S*(?:opencollective|tidelift|paulmillr|sponsor|fund)")
INDEX = re.compile(r"--(?:extra-)?index-url|--find-links|index-url\s*=|^registry\s*=", re.MULTILINE)
MACHINE = re.compile(r"(?<![\w.])/(?:home|Users|root|work|mnt)/[A-Za-z0-9_.-]+")


def addresses_in(text):
    """Every address a pinned file names, except where people are asked for money."""
    return [found for found in ADDRESS.findall(text) if not NOT_A_REGISTRY.match(found)]


@pytest.mark.spec("SPINE-B1.3")
def test_no_pinned_file_names_a_host():
    pinned = [path for path in project_files() if PINNED.search(path.as_posix())]
    assert pinned
    assert {str(path): found for path in pinned if (found := addresses_in(text_of(path)))} == {}


@pytest.mark.spec("SPINE-B1.3")
def test_no_pinned_file_chooses_an_index():
    pinned = [path for path in project_files() if PINNED.search(path.as_posix())]
    assert [str(path) for path in pinned if INDEX.search(text_of(path))] == []


@pytest.mark.spec("SPINE-B1.3")
def test_a_planted_host_would_be_seen():
    assert addresses_in('"resolved": "https://registry.example/left-pad.tgz"')


@pytest.mark.spec("SPINE-B1.3")
def test_npm_leaves_hosts_out_of_its_lock():
    assert "omit-lockfile-registry-resolved=true" in text_of(next(p for p in project_files() if p.name == ".npmrc"))


@pytest.mark.spec("SPINE-B1.3")
def test_every_python_requirement_is_pinned_and_hashed():
    for name in ("bootstrap", "run", "test"):
        blocks = re.split(r"\n(?=[a-z0-9])", text_of(next(p for p in project_files() if p.name == f"{name}.txt")))
        assert [block.splitlines()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


def test_no_file_holds_a_path_of_somebody_s_machine():
    found = {str(path): MACHINE.findall(text_of(path)) for path in project_files()}
    assert {path: paths for path, paths in found.items() if paths and path != "tests/contract/test_hosts.py"} == {}
