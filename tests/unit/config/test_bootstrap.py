"""The environment is filled when its stamp says something else than the requirement files."""

import os

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


def test_an_environment_without_a_stamp_is_not_filled(environment):
    assert not bootstrap._is_filled("run")


def test_a_stamp_of_the_same_requirements_is_enough(environment):
    bootstrap.remember("run")
    assert bootstrap._is_filled("run")


def test_the_test_requirements_serve_every_command(environment):
    bootstrap.remember("test")
    assert bootstrap._is_filled("run")
    assert bootstrap._is_filled("test")


def test_the_running_requirements_do_not_serve_the_tests(environment):
    bootstrap.remember("run")
    assert not bootstrap._is_filled("test")


def test_a_changed_requirement_file_makes_the_stamp_old(environment):
    bootstrap.remember("run")
    (environment / "run.txt").write_text("another version")
    assert not bootstrap._is_filled("run")


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
