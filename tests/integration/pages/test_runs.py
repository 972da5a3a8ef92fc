"""The pages of runs: started for real, shown live, found by the command bar, cancelled by a form."""

import html
import re
from uuid import UUID

import pytest

from apps.core.clock import now
from apps.core.paging import USUAL_PAGE
from apps.core.scope import SYSTEM, scope
from apps.engine.run.program import step_id
from apps.runs.models import Step
from apps.runs.operations.runs import run_start
from apps.runs.rules.journal import step_row_id
from tests.integration.pages.browsing import reader_of, text_of
from tests.integration.pages.made import make_live
from tests.integration.pages.test_pages import facts_of
from tests.support.tenants import TenantFixture

Tenants = tuple[TenantFixture, TenantFixture]
ROW = re.compile(r'data-row="([0-9a-f-]+)"')
NEWEST = re.compile(r'<a class="button" href="([^"]*)"><svg.*?Newest</a>', re.DOTALL)
OLDER = re.compile(r'href="([^"]+)" rel="next"')
pytestmark = pytest.mark.spec("SPINE-B8")


def start(tenant: TenantFixture, times: int = 1) -> UUID:
    """Start runs of a new workflow and return the last one."""
    workflow = make_live(tenant)
    with scope(tenant.id, tenant.actor):
        runs = [
            run_start(
                workflow_id=workflow.id,
                environment="prod",
                workflow="greet",
                action="",
                data={"note": "</script><b>bold</b>"},
                actor=tenant.actor,
            )
            for _ in range(times)
        ]
    return UUID(runs[-1]["id"])


@pytest.mark.spec("SPINE-5", "SPINE-B8.10")
def test_a_run_page_begins_with_the_state_that_its_stream_goes_on_from(two_tenants: Tenants) -> None:
    a, b = two_tenants
    run_id = start(a)
    page = reader_of(a).get(f"/runs/{run_id}").content.decode()
    facts = facts_of(page, "run-data")
    assert facts["run"]["id"] == str(run_id)
    assert facts["run"]["sequence"] >= 1
    assert {node["id"] for node in facts["graph"]["nodes"]} == {"server", "router", "pipeline:greet"}
    assert "<b>bold</b>" not in page
    assert reader_of(b).get(f"/runs/{run_id}").status_code == 404


@pytest.mark.spec("SPINE-B8.8")
def test_a_run_page_shows_what_its_steps_were_given_without_any_script(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    run_id = start(a)
    with scope(a.id, SYSTEM):
        step = step_id(run_id, "mark")
        Step(
            id=step_row_id(run_id, step),
            run_id=run_id,
            position=0,
            name="mark",
            kind="set",
            key=step,
            state="done",
            sequence=2,
            started_at=now(),
            input=b'{"asked": {"deep": "<i>"}}',
            output=b'{"marked": true}',
        ).save(force_insert=True)
    page = reader_of(a).get(f"/runs/{run_id}").content.decode()
    values = page.partition('<details class="step-values">')[2].partition("</section></div></details>")[0]
    assert values.index("Input") < values.index("asked") < values.index("Output") < values.index("marked")
    assert "<details open" not in values
    assert "<i>" not in values


@pytest.mark.spec("SPINE-B8.8")
def test_the_list_is_narrowed_by_its_address(two_tenants: Tenants) -> None:
    a, b = two_tenants
    run_id = str(start(a))
    reader = reader_of(a)
    assert f'data-row="{run_id}"' in reader.get("/runs?source=manual&workflow=greeting").content.decode()
    for query in ("state=failed", "source=http", "environment=dev", "correlation=other"):
        assert run_id not in reader.get(f"/runs?{query}").content.decode()
    assert run_id not in reader_of(b).get("/runs").content.decode()
    assert reader.get("/runs?after=nonsense").status_code == 404


def test_the_command_bar_finds_a_run_by_its_id_or_the_end_of_it(two_tenants: Tenants) -> None:
    a, b = two_tenants
    run_id = str(start(a))
    for query in (run_id, run_id[-8:]):
        found = reader_of(a).get(f"/search?q={query}").json()["results"]
        assert [offer["href"] for offer in found] == [f"/t/{a.slug}/runs/{run_id}"]
        assert reader_of(b).get(f"/search?q={query}").json() == {"results": []}


@pytest.mark.spec("SPINE-B7.5")
def test_an_editor_cancels_a_run_and_a_viewer_may_not(two_tenants: Tenants) -> None:
    a, b = two_tenants
    run_id = start(a)
    assert reader_of(a, "viewer").post(f"/runs/{run_id}/cancel").status_code == 403
    assert reader_of(b).post(f"/runs/{run_id}/cancel").status_code == 404
    assert facts_of(reader_of(a).get(f"/runs/{run_id}").content.decode(), "run-data")["run"]["state"] != "cancelled"
    answer = reader_of(a, "editor").post(f"/runs/{run_id}/cancel")
    assert "The run is cancelled" in text_of(answer)
    again = reader_of(a, "editor").post(f"/runs/{run_id}/cancel")
    assert "The run is cancelled." in text_of(again)


def test_only_a_failed_run_is_retried_and_the_page_says_why_not(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    run_id = start(a)
    reader_of(a).post(f"/runs/{run_id}/cancel")
    assert "The run is cancelled." in text_of(reader_of(a).post(f"/runs/{run_id}/retry"))


@pytest.mark.spec("SPINE-B8.12")
def test_the_list_is_paged_and_going_back_begins_with_the_newest(two_tenants: Tenants) -> None:
    a, b = two_tenants
    last = str(start(a, USUAL_PAGE + 3))
    others = str(start(b))
    reader, address = reader_of(a), "/runs"
    pages: list[list[str]] = []
    while address:
        page = reader.get(address).content.decode()
        pages.append(ROW.findall(page))
        older = OLDER.search(page)
        address = f"/runs{html.unescape(older[1])}" if older else ""
    assert [len(rows) for rows in pages] == [USUAL_PAGE, 3]
    shown = [row for rows in pages for row in rows]
    assert shown == sorted(set(shown), reverse=True)
    assert (shown[0], others in shown) == (last, False)
    assert NEWEST.search(page)[1] in ("", "?", "/runs")
