"""`wfctl new-module`: the files of a type, which pass the tests of the catalogue as they are made."""

import shutil
import subprocess
import sys

import pytest

import apps.modules.catalog
from apps.engine.registry import discover
from tests.support.wfctl import ROOT, environment, wfctl

pytestmark = pytest.mark.spec("CAT-B1", "CAT-4")

LIST = "tests/contract/test_catalog.py"
LEVELS = "tests/contract/test_levels.py"


def copy_of(names, folder):
    for name in names:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def checkout(tmp_path):
    """Copy what the catalogue and its tests are made of."""
    return copy_of(("apps", "config", "tests", "examples"), tmp_path)


@pytest.fixture
def catalogue(tmp_path):
    """Copy what the verb itself looks at."""
    return copy_of(("apps/modules/catalog", "tests/contract", "tests/unit/modules/catalog", "examples"), tmp_path)


def pytest_in(checkout, *files):
    """Run what these files say about all types together and about new ones; of the others the whole run tells."""
    others = " or ".join(f"[{kind}]" for kind in discover(apps.modules.catalog).kinds())
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-q", "-k", f"not ({others})", *files]
    settings = {"PYTHONPATH": str(checkout), "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    return subprocess.run(
        command, cwd=checkout, env=environment(**settings), capture_output=True, text=True, timeout=120, check=False
    )


def test_a_new_type_passes_the_contract_and_its_own_tests_as_it_is_made(checkout):
    files = []
    for kind in ("webhook.receiver", "http.aaa_first", "scheduler.zz.last"):
        done = wfctl("new-module", kind, "--into", checkout, "--json")
        assert done.code == 0, done.err
        files += done.json["files"]
    made = pytest_in(checkout, LIST, LEVELS, *(name for name in files if name.startswith("tests/unit")))
    assert made.returncode == 0, made.stdout
    sources = [name for name in files if name.endswith(".py")]
    for verb in (("check",), ("format", "--check")):
        command = [sys.executable, "-m", "ruff", *verb, "--no-cache", *sources]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_four_files_are_named_and_the_line_stands_in_the_order_of_names(catalogue):
    done = wfctl(
        "new-module", "webhook.receiver", "--into", catalogue, "--title", "Receiver", "--category", "integration"
    )
    assert done.code == 0
    for name in (
        "apps/modules/catalog/integration/webhook_receiver.py",
        "tests/unit/modules/catalog/integration/test_webhook_receiver.py",
        "examples/modules/webhook_receiver.yaml",
    ):
        assert name in done.out
        assert (catalogue / name).is_file()
    lines = (catalogue / LIST).read_text().splitlines()
    at = lines.index('    "webhook.receiver": "field",')
    assert lines[at + 1].startswith('    "webhook.sender"')


def test_nothing_is_written_over_and_nothing_is_left_half_made(catalogue):
    before = (catalogue / LIST).read_text()
    assert wfctl("new-module", "webhook.sender", "--into", catalogue).code == 1
    (catalogue / "examples/modules/webhook_receiver.yaml").write_text("mine")
    done = wfctl("new-module", "webhook.receiver", "--into", catalogue)
    assert (done.code, "webhook_receiver.yaml" in done.err) == (1, True)
    assert (catalogue / LIST).read_text() == before
    assert not (catalogue / "apps/modules/catalog/integration/webhook_receiver.py").exists()


@pytest.mark.parametrize("kind", ["receiver", "Webhook.Receiver", "webhook.", "../x.y", "webhook.a-b", "unheard.of"])
def test_a_name_that_no_type_can_have_is_a_bad_call(kind, tmp_path):
    assert wfctl("new-module", kind, "--into", tmp_path).code == 2


def test_where_there_is_no_catalogue_nothing_is_made(tmp_path):
    done = wfctl("new-module", "webhook.receiver", "--into", tmp_path)
    assert (done.code, "no catalogue" in done.err, list(tmp_path.iterdir())) == (2, True, [])
