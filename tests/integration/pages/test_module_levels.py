"""The reference page of a module type shows the level that the marks of its tests amount to, once they have passed."""

import pytest

from apps.engine.levels import write_levels
from apps.modules.queries import registry
from tests.contract.test_levels import COUNTERPARTS, shown
from tests.integration.pages.browsing import reader_of, text_of

pytestmark = pytest.mark.spec("CAT-B1.2", "CAT-6")


def ended(kind, what, outcome="passed"):
    """Return how a test that shows one thing of a type ended, as the report of a run has it."""
    return {"outcome": outcome, "spec": [kind] if what == "test" else [], "shows": [[kind, what]]}


@pytest.fixture
def report(settings, tmp_path):
    """Return a function that writes the levels of a run in which every test ended well, with the changes given."""
    settings.MODULE_LEVELS = tmp_path / "levels.json"
    met = {(kind, "counterpart") for kind in COUNTERPARTS}
    good = {f"{kind} {what}": ended(kind, what) for kind, what in shown() | met}

    def write(**changes):
        write_levels(settings.MODULE_LEVELS, registry(), good | changes, "2026-01-01")

    return write


def level_on(reader, kind):
    return text_of(reader.get(f"/modules/{kind}")).partition("Level")[2].split()[0]


def test_a_page_says_proven_where_a_counterpart_was_met_and_ready_elsewhere(two_tenants, report):
    a, b = two_tenants
    assert text_of(reader_of(a).get("/modules/storage.s3")).count("not measured") == 1
    report()
    for tenant in (a, b):
        found = {kind: level_on(reader_of(tenant), kind) for kind in ("storage.s3", "auth.jwt", "http.router")}
        assert found == {"storage.s3": "proven", "auth.jwt": "proven", "http.router": "ready"}
    assert "not tested against the real counterpart" in text_of(reader_of(a).get("/modules/http.router"))


@pytest.mark.parametrize(
    ("outcome", "what", "level", "reason"),
    [
        ("skipped", "counterpart", "ready", "not tested against the real counterpart"),
        ("failed", "counterpart", "ready", "not tested against the real counterpart"),
        ("failed", "failure", "draft", "no test shows how it fails"),
        ("failed", "test", "failing", "its own tests have not passed"),
    ],
)
def test_a_page_says_what_one_bad_test_takes_away(two_tenants, report, outcome, what, level, reason):
    report(bad=ended("storage.s3", what, outcome))
    page = text_of(reader_of(two_tenants[0]).get("/modules/storage.s3"))
    assert (page.partition("Level")[2].split()[0], reason in page) == (level, True)
