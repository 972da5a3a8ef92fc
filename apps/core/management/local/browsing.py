"""What the screenshots show: the pages of a tenant, found by walking the portal as a signed-in person."""

from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page

SETTLE_MS = 700
WIDTHS = {"wide": (1440, 900), "narrow": (375, 812)}
THEMES = ("light", "dark")
FIRST_ROW = "main a[data-row-link]"


@dataclass(frozen=True, slots=True)
class Shot:
    """One page: its name, its address, and what to do there before the picture is taken."""

    name: str
    path: str
    press: tuple[str, ...] = ()
    click: str = ""


def public_shots() -> list[Shot]:
    """Pages that need nobody signed in."""
    return [Shot("sign-in", "/sign-in"), Shot("invitation-over", "/invitations/none")]


def tenant_shots(page: Page, tenant: str) -> Iterator[Shot]:
    """Pages of a tenant; those about one thing show the first of its list."""
    base = f"/t/{tenant}"
    yield Shot("home", f"{base}/")
    yield Shot("workflows", f"{base}/workflows")
    workflow = _first(page, f"{base}/workflows?archived=0", "order") or _first(page, f"{base}/workflows")
    if workflow:
        yield Shot("workflow", workflow)
        yield Shot("workflow-runs", f"{workflow}#runs")
        yield Shot("workflow-links", f"{workflow}/links")
        yield Shot("workflow-versions", f"{workflow}#versions")
        yield Shot("workflow-call", f"{workflow}#call")
        yield Shot("workflow-publish", workflow, click="text=Publish")
    yield Shot("runs", f"{base}/runs")
    yield Shot("runs-failed", f"{base}/runs?state=failed")
    for name, path in (("run", f"{base}/runs?state=done"), ("run-failed", f"{base}/runs?state=failed")):
        if found := _first(page, path):
            yield Shot(name, found)
    for plural, one in (("instances", "instance"), ("messages", "message"), ("modules", "module")):
        yield Shot(plural, f"{base}/{plural}")
        if found := _first(page, f"{base}/{plural}"):
            yield Shot(one, found)
    yield Shot("schedules", f"{base}/schedules")
    yield Shot("dead-letters", f"{base}/messages?dead=1")
    for part in ("", "/keys", "/secrets", "/projects"):
        yield Shot(f"settings{part.replace('/', '-')}", f"{base}/settings{part}")
    yield Shot("tenants", "/?choose=1")
    yield Shot("not-here", f"{base}/runs/00000000-0000-7000-8000-000000000000")
    yield Shot("find", f"{base}/", press=("Control+k",))
    yield Shot("keys", f"{base}/", press=("?",))


def contexts(browser: Browser, base_url: str, cookies: list[dict[str, str]]) -> Iterator[tuple[str, BrowserContext]]:
    """One browser context for each theme and width, with the session of whoever signed in."""
    for theme in THEMES:
        for width, (across, down) in WIDTHS.items():
            context = browser.new_context(
                base_url=base_url,
                color_scheme="dark" if theme == "dark" else "light",
                viewport={"width": across, "height": down},
                reduced_motion="reduce",
                is_mobile=width == "narrow",
                has_touch=width == "narrow",
            )
            context.add_cookies(cookies)  # type: ignore[arg-type]
            yield f"{theme}-{width}", context
            context.close()


def take(page: Page, shot: Shot, file: str) -> None:
    """Open the page, let it settle, and take the picture."""
    page.goto("about:blank")
    page.goto(shot.path, wait_until="load")
    page.wait_for_timeout(SETTLE_MS)
    if shot.click:
        page.locator(shot.click).first.click()
        page.wait_for_timeout(SETTLE_MS)
    for key in shot.press:
        page.keyboard.press(key)
        page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=file)


def sign_in(page: Page, email: str, password: str) -> None:
    """Sign in through the form."""
    page.goto("/sign-in")
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def _first(page: Page, path: str, word: str = "") -> str | None:
    page.goto(path)
    links = page.locator(FIRST_ROW)
    addresses = [str(link.get_attribute("href")) for link in links.all()]
    fitting = [address for address in addresses if word in address]
    return fitting[0] if fitting else None
