"""The environment is filled when its stamp says something else than the requirement files."""

import os
import sys

import pytest

from config import bootstrap

pytestmark = pytest.mark.spec("SPINE-B2")


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment with an interpreter, and requirement files, in a folder of the test's own."""
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    for name in ("python", "run.txt", "test.txt"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.spec("SPINE-B2.1")
def test_an_environment_without_a_stamp_is_not_filled(environment):
    assert not bootstrap._is_filled("run")


@pytest.mark.spec("SPINE-B2.1")
def test_a_stamp_of_the_same_requirements_is_enough(environment):
    bootstrap.remember("run")
    assert bootstrap._is_filled("run")


def test_the_test_requirements_serve_every_command(environment):
    bootstrap.remember("test")
    assert bootstrap._is_filled("run")
    assert bootstrap._is_filled("test")


@pytest.mark.spec("SPINE-B2.1")
def test_the_running_requirements_do_not_serve_the_tests(environment):
    bootstrap.remember("run")
    assert not bootstrap._is_filled("test")


@pytest.mark.spec("SPINE-B2.1")
def test_a_changed_requirement_file_makes_the_stamp_old(environment):
    bootstrap.remember("run")
    (environment / "run.txt").write_text("another version")
    assert not bootstrap._is_filled("run")


@pytest.mark.spec("SPINE-B2.1")
def test_a_stamp_without_an_interpreter_counts_for_nothing(environment):
    bootstrap.remember("run")
    (environment / "python").unlink()
    assert not bootstrap._is_filled("run")


def test_a_command_and_its_children_keep_compiled_code_in_a_folder_of_the_checkout(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    bootstrap.ensure_environment(["manage.py", "check"])
    assert os.environ["PYTHONPYCACHEPREFIX"] == str(bootstrap.ROOT / ".weft" / "cache" / "bytecode")
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


@pytest.fixture
def debian(tmp_path, monkeypatch):
    """A machine whose `apt-get` writes down what it was asked for."""
    said = tmp_path / "said"
    program = tmp_path / "apt-get"
    program.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return said


PACKAGE = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


@pytest.mark.spec("SPINE-B2.2")
def test_root_gets_what_debian_leaves_out(debian, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    bootstrap._install_venv_support()
    assert debian.read_text().splitlines()[-1] == f"install -y -qq {PACKAGE}"


@pytest.mark.spec("SPINE-B2.2")
def test_anybody_else_is_told_what_to_install(debian, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match=PACKAGE):
        bootstrap._install_venv_support()
    assert not debian.exists()
