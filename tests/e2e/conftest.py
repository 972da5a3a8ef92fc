"""A running product, Debian's Chromium driven by playwright, and people who sign in.

The browser ends with this folder: while playwright's loop runs, neither async tests nor the ORM would work elsewhere.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Cookie, expect, sync_playwright

from apps.core.management.local import browsing, chromium
from apps.core.management.local.demo import CAST, PASSWORD, DemoTenant
from apps.core.management.local.ports import any_free
from tests.e2e.partner import Partner
from tests.e2e.visit import Visit, Visits
from tests.e2e.wire import Wire
from tests.support.checkout import ROOT
from tests.support.hosted import HostedTenant, open_tenants
from tests.support.prepared_product import prepared_product
from tests.support.running_product import RunningProduct
from tests.support.shop import Partners, bank_and_carrier

PICTURES = ROOT / "screenshots" / "e2e"
PATIENCE_MS = 30_000
WIDE, PHONE = (1440, 900), (375, 812)
LOST = "WebSocket connection to .* failed|ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)"
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-gpu",  # there is none: without this the drawing of one costs a sixth more
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
)
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser."""
    for item in items:
        if "tests/e2e/" in item.nodeid:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="package")
def partner() -> Iterator[Partner]:
    """The one whom workflows call."""
    with Partner() as one:
        yield one


@pytest.fixture(scope="package")
def shop_partners() -> Iterator[Partners]:
    """The bank and the carrier of the shop."""
    with bank_and_carrier() as partners:
        yield partners


@pytest.fixture(scope="package")
def product(
    tmp_path_factory: pytest.TempPathFactory, partner: Partner, shop_partners: Partners
) -> Iterator[RunningProduct]:
    """The product without demo traffic; its workflows may call the partners."""
    folder = tmp_path_factory.mktemp("e2e") / "product"
    allowed = {"OUTBOUND_ALLOW": f"{partner.address},{shop_partners.address}"}
    with prepared_product(folder, "--quiet", "--port", str(any_free()), environment=allowed) as running:
        yield running


@pytest.fixture(scope="package")
def tenants(product: RunningProduct) -> tuple[HostedTenant, HostedTenant]:
    """Acme and Globex as programs with an owner's key see them."""
    return open_tenants(product.url)


@pytest.fixture(scope="package")
def chrome() -> Iterator[Browser]:
    """Chromium; E2E_CHROMIUM names another than the one on PATH."""
    executable = chromium.find()
    assert executable is not None, chromium.MISSING
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        started = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="package")
def cookies_of(chrome: Browser, product: RunningProduct) -> Callable[[DemoTenant], list[Cookie]]:
    """Sign a person in once and return the cookies."""
    known: dict[str, list[Cookie]] = {}

    def sign_in(person: DemoTenant) -> list[Cookie]:
        if person.email not in known:
            context = chrome.new_context(base_url=product.url)
            browsing.sign_in(context.new_page(), person.email, PASSWORD)
            known[person.email] = context.cookies()
            context.close()
        return known[person.email]

    return sign_in


@pytest.fixture
def visit(
    request: pytest.FixtureRequest,
    chrome: Browser,
    product: RunningProduct,
    cookies_of: Callable[[DemoTenant], list[Cookie]],
) -> Iterator[Visits]:
    """Open a window for somebody signed in, or for a stranger; at the end none may have complained."""
    opened: list[Visit] = []

    def window(person: DemoTenant | None = None, *, url: str = "", size: tuple[int, int] = WIDE) -> Visit:
        context: BrowserContext = chrome.new_context(
            base_url=url or product.url,
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        if person is not None:
            context.add_cookies(cookies_of(person))
        opened.append(Visit(context))
        return opened[-1]

    yield window
    troubles = [trouble for one in opened for trouble in one.troubles()]
    if troubles or _has_failed(request.node):
        for number, one in enumerate(opened):
            picture(one, f"failed-{request.node.name}-{number}")
    for one in opened:
        one.context.close()
    assert troubles == []


@pytest.fixture
def wire(product: RunningProduct) -> Iterator[Wire]:
    """The cable between browser and product, to be pulled out."""
    with Wire(int(product.url.rpartition(":")[2])) as made:
        yield made


@pytest.fixture
def olive(visit: Visits) -> Visit:
    """Acme's owner, signed in."""
    return visit(CAST[0])


@pytest.fixture
def omar(visit: Visits) -> Visit:
    """Globex's owner, signed in."""
    return visit(CAST[1])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember on the test how its call ended, for those who tidy up behind it."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


def _has_failed(item: pytest.Item) -> bool:
    return item.stash.get(FAILED, True)


def picture(visit: Visit, name: str) -> None:
    """Take a picture into the folder that git does not see."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    visit.page.screenshot(path=str(PICTURES / f"{name}.png"))
