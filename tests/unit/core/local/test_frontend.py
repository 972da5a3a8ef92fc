"""The frontend is built when its sources differ from those it was last built from, and only then."""

import pytest

from apps.core.management.local.frontend import Frontend, FrontendFailed

pytestmark = pytest.mark.spec("SPINE-B2")


@pytest.fixture
def checkout(tmp_path):
    """A workspace whose build counts how often it ran."""
    folder = tmp_path / "frontend"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.ts").write_text("export {}")
    (folder / "package.json").write_text(
        '{"name": "w", "version": "1.0.0", "scripts": {"build": "node build.js", "fail": "node -e process.exit(3)"}}'
    )
    (folder / "build.js").write_text("require('fs').appendFileSync('../built', 'x')")
    (folder / "package-lock.json").write_text(
        '{"name": "w", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "w", "version": "1.0.0"}}}'
    )
    return tmp_path


@pytest.mark.spec("SPINE-B2.5")
def test_it_is_built_once_and_again_after_a_change(checkout):
    frontend = Frontend(checkout, lambda _text: None)
    assert [frontend.build_if_stale(), frontend.build_if_stale()] == [True, False]
    (checkout / "frontend" / "src" / "main.ts").write_text("export const changed = 1")
    assert frontend.build_if_stale()
    assert (checkout / "built").read_text() == "xx"


def test_a_checkout_without_a_frontend_needs_no_build(tmp_path):
    frontend = Frontend(tmp_path, pytest.fail)
    assert not frontend.exists
    assert not frontend.build_if_stale()


def test_a_build_that_fails_says_which_command_it_was(checkout):
    with pytest.raises(FrontendFailed, match="npm run fail"):
        Frontend(checkout, lambda _text: None).npm("run", "fail")
