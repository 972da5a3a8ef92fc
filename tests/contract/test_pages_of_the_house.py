"""The pages that a newcomer reads are there and say what they must."""

from pathlib import Path

import pytest

from tests.support.checkout import ROOT, text_of

pytestmark = pytest.mark.spec("SPINE-B1")

APPS = sorted(path.name for path in (ROOT / "apps").iterdir() if (path / "__init__.py").is_file())
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "ROADMAP.md", "LICENSE", "CODE_OF_CONDUCT.md")


@pytest.mark.spec("SPINE-B1.4")
@pytest.mark.parametrize("app", APPS)
def test_an_app_has_a_page_that_says_what_it_is_for_and_where_to_change_what(app):
    page = text_of(Path("apps") / app / "README.md")
    assert page.startswith("# ")
    assert "To change" in page


@pytest.mark.spec("SPINE-B1.4")
@pytest.mark.parametrize("name", TOP)
def test_the_top_level_has_its_pages(name):
    assert len(text_of(Path(name))) > 200


@pytest.mark.spec("SPINE-B1.4")
def test_the_readme_shows_both_commands_a_picture_and_every_app():
    page = text_of(Path("README.md"))
    assert "python3 manage.py dev" in page
    assert "python3 manage.py test" in page
    assert "```mermaid" in page
    assert [app for app in APPS if f"apps/{app}/" not in page] == []


@pytest.mark.spec("SPINE-B1.4")
def test_ci_runs_the_test_command():
    script = text_of(Path(".ci/run"))
    assert "python3 manage.py test" in script
    assert "WEFT_COMPAT_DIR" in script
