"""The file name is the identity: no drawers for odds and ends, one file per module type under its own name."""

import pytest

from tests.support.checkout import ROOT, project_files

pytestmark = pytest.mark.spec("SPINE-B1")

DRAWERS = frozenset({"util", "utils", "helper", "helpers", "common", "misc", "stuff", "lib", "shared", "tools"})
CATALOG = "apps/modules/catalog"
STEMS = sorted(
    path.stem
    for path in project_files()
    if path.match(f"{CATALOG}/*/*.py") and path.parent.name != "components" and not path.stem.startswith("_")
)
EMPTY_BY_RULE = "__init__.py"


def is_drawer(name: str) -> bool:
    """Whether a file or folder name says nothing about what is inside."""
    return name.partition(".")[0].strip("_").lower() in DRAWERS


@pytest.mark.spec("SPINE-B1.5")
def test_no_file_or_folder_is_a_drawer_for_odds_and_ends():
    assert [str(path) for path in project_files() if any(is_drawer(part) for part in path.parts)] == []


@pytest.mark.spec("SPINE-B1.5")
@pytest.mark.parametrize("name", ["utils.py", "helpers", "common.ts", "_misc.py"])
def test_a_planted_drawer_would_be_seen(name):
    assert is_drawer(name)


def test_packages_export_nothing():
    python = [path for path in project_files() if path.name == EMPTY_BY_RULE]
    assert [str(path) for path in python if (ROOT / path).read_text(encoding="utf-8").strip()] == []


@pytest.mark.spec("SPINE-B1.2")
def test_no_room_is_empty():
    files = [path for path in project_files() if path.suffix == ".py"]
    inhabited = {room for path in files if path.name != EMPTY_BY_RULE for room in path.parents}
    assert [str(path) for path in files if path.parts[0] == "apps" and path.parent not in inhabited] == []


@pytest.mark.spec("SPINE-B1.5", "SPINE-B4.23")
@pytest.mark.parametrize("stem", STEMS)
def test_a_module_type_has_its_tests_and_its_example_under_its_own_name(stem):
    files = {str(path) for path in project_files()}
    assert [name for name in files if name.startswith("tests/") and name.endswith(f"/test_{stem}.py")]
    assert f"examples/modules/{stem}.yaml" in files
