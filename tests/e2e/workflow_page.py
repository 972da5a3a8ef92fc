"""The page of a workflow as a person uses it: editor, drawing, publishing, deploying, runs."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

WATCH_EDGES = """() => {
  const count = () => document.querySelectorAll('.react-flow__edge').length;
  window.fewestEdges = count();
  new MutationObserver(() => { window.fewestEdges = Math.min(window.fewestEdges, count()); })
    .observe(document.querySelector('[data-testid=graph]'), {childList: true, subtree: true});
}"""


class WorkflowPage:
    """An open workflow page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    # --- the document ---------------------------------------------------------------------------------------------

    def node(self, title: str) -> Locator:
        """Return a node of the drawing."""
        named = self.page.locator(".node__title", has_text=title).filter(visible=True)
        return self.page.locator("[data-testid=graph] .node", has=named)

    def watch_edges(self) -> None:
        """Count the lines between the nodes from now on, at every change of the drawing."""
        expect(self.page.locator(".react-flow__edge")).not_to_have_count(0)
        self.page.evaluate(WATCH_EDGES)

    def fewest_edges(self) -> int:
        """Return the smallest count since then."""
        return int(self.page.evaluate("window.fewestEdges"))

    def line(self, text: str) -> Locator:
        """Return the line of the editor that holds the text."""
        return self.page.locator(".cm-line", has_text=text)

    def number_of(self, line: Locator) -> int:
        """Return a line's number as the gutter shows it."""
        middle = _middle(line)
        numbers = self.page.locator(".cm-lineNumbers .cm-gutterElement").all()
        return next(int(one.inner_text()) for one in numbers if _holds(one, middle))

    def paste_before(self, text: str, addition: str) -> None:
        """Put the cursor at the first letter of a line and paste."""
        self.line(text).click()
        self.page.keyboard.press("Home")
        self.page.evaluate("text => navigator.clipboard.writeText(text)", addition)
        self.page.keyboard.press("Control+v")

    def retype_end(self, text: str, *, erase: int, typed: str) -> None:
        """Put the cursor behind the last letter of a line, erase some letters and type others."""
        self.line(text).click()
        self.page.keyboard.press("End")
        for _ in range(erase):
            self.page.keyboard.press("Backspace")
        self.page.keyboard.type(typed)

    def finding(self, message: str) -> Locator:
        """Return an entry of the list below the editor."""
        return self.page.locator(".findings__item", has_text=message)

    # --- from draft to production ---------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the draft from the keyboard."""
        self.page.locator(".cm-content").press("Control+s")
        expect(self.page.get_by_text("Saved by", exact=False)).to_be_visible()
        expect(self.page.get_by_role("button", name="Save draft")).to_be_disabled()

    def publish(self, note: str) -> int:
        """Publish the draft and return the new version's number."""
        self.page.get_by_role("button", name="Publish", exact=True).click()
        dialog = self.page.locator("dialog.dialog[open]")
        number = int(dialog.get_by_role("heading").inner_text().rpartition(" ")[2])
        dialog.get_by_label("What changed").fill(note)
        dialog.get_by_role("button", name=f"Publish version {number}").click()
        expect(dialog).to_be_hidden()
        return number

    def deploy(self, version: int, environment: str, *, name: str) -> None:
        """Make a version live in production, which asks for the workflow's name."""
        self.page.get_by_role("button", name="Deploy", exact=True).first.click()
        dialog = self.page.locator("dialog.dialog[open]")
        dialog.get_by_label("Version").select_option(str(version))
        dialog.get_by_label("Environment").select_option(environment)
        go = dialog.get_by_role("button", name=f"Deploy v{version} to {environment}")
        expect(go).to_be_disabled()
        dialog.get_by_role("textbox").fill(name)
        go.click()
        expect(dialog).to_be_hidden()
        expect(self.page.get_by_label("Live versions")).to_contain_text(f"v{version}")

    # --- runs -----------------------------------------------------------------------------------------------------

    def show(self, tab: str) -> None:
        """Choose a tab."""
        self.page.get_by_role("tab", name=tab).click()

    def take_in_hand(self, words: str, version: int) -> str:
        """Wait for a run of that kind and version in the list, look at it, and return its id."""
        line = self.page.locator(".run-line", has_text=words).filter(has_text=f"v{version}").first
        line.click()
        run = str(line.get_attribute("data-run"))
        expect(self.page.get_by_label(f"Run {run}")).to_be_visible()
        return run


def wait_for_live(page: Page, state: str) -> None:
    """Wait until the indicator in the top bar says so."""
    expect(page.locator("#live")).to_have_attribute("data-state", state)


def _middle(box: Locator) -> float:
    place: Any = box.bounding_box()
    return float(place["y"]) + min(float(place["height"]), 20.0) / 2


def _holds(box: Locator, y: float) -> bool:
    place: Any = box.bounding_box()
    return place is not None and float(place["y"]) <= y < float(place["y"]) + float(place["height"])
