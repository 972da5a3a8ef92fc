"""Put the shop live in a tenant, through the public API alone.

    python3 examples/shop/install.py --url http://127.0.0.1:8000 --key weft_... --partners http://127.0.0.1:9910

Makes the project and the workflows that are not there yet, saves and publishes what has changed, sets the two secrets,
deploys, imports the links, fills the shelves, and prints where the page is. May be run again at any time: what is as it
should be is left alone. Standard library only; the key (or WEFT_API_KEY) must be an owner's, since secrets are set.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

HERE = Path(__file__).resolve().parent
PROJECT = {"slug": "shop", "name": "Shop", "description": "The shop of examples/shop: five workflows and their links."}
WORKFLOWS = {
    "shop-catalogue": "catalogue",
    "shop-orders": "orders",
    "shop-shipping": "shipping",
    "shop-notices": "notices",
    "shop": "page",
}
PRODUCTS = (
    {"sku": "bowl", "name": "Stoneware bowl", "picture": "bowl", "price": 1450, "stock": 40},
    {"sku": "teapot", "name": "Ship's teapot", "picture": "teapot", "price": 3900, "stock": 25},
    {"sku": "honey", "name": "Lighthouse honey", "picture": "jar", "price": 850, "stock": 60},
    {"sku": "candle", "name": "Storm candle", "picture": "candle", "price": 600, "stock": 80},
    {"sku": "basket", "name": "Rope basket", "picture": "basket", "price": 2750, "stock": 15},
    {"sku": "compass", "name": "Brass compass", "picture": "compass", "price": 8900, "stock": 2},
)
ENDED = frozenset({"done", "failed", "cancelled"})
ANSWER_SECONDS = 30.0
RUN_SECONDS = 60.0
Item = dict[str, Any]


class Refused(Exception):
    """The product said no, or nothing."""


class Api:
    """The public API as the owner of a key sees it; paths are relative to `/api/v1/`."""

    def __init__(self, url: str, key: str) -> None:
        self._base = f"{url.rstrip('/')}/api/v1/"
        self._key = key

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[Any, Any]:
        """Return the decoded answer and its headers; raise `Refused`. Text is sent as YAML, all else as JSON."""
        is_text = isinstance(body, str)
        content = None if body is None else (body if is_text else json.dumps(body)).encode()
        named = {"Authorization": f"Bearer {self._key}"}
        named["Content-Type"] = "application/yaml" if is_text else "application/json"
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        asked = Request(self._base + path, content, named, method=method)  # noqa: S310 - the address is the caller's own
        try:
            with urlopen(asked, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                said = answer.read()
                is_json = "json" in answer.headers.get("Content-Type", "")
                return (json.loads(said) if is_json else said.decode()), answer.headers
        except HTTPError as refusal:
            said = refusal.read().decode(errors="replace")
            raise Refused(f"{method} {path} was answered {refusal.code}: {said}") from refusal
        except URLError as silence:
            raise Refused(f"{self._base} does not answer: {silence.reason}") from silence

    def get(self, path: str) -> Any:
        """Read one thing."""
        return self.call("GET", path)[0]

    def make(self, path: str, body: Any) -> Any:
        """Create one thing."""
        return self.call("POST", path, body)[0]

    def all(self, path: str, **filters: str) -> list[Item]:
        """Return all items of a list."""
        found: list[Item] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(f"{path}?{urlencode({'limit': '100', 'cursor': cursor, **filters})}")
            found += page["items"]
            cursor = page["next"]
        return found


def by_slug(items: list[Item], slug: str) -> Item | None:
    """Return the item of that slug."""
    return next((item for item in items if item["slug"] == slug), None)


def put_live(api: Api, project: Item, slug: str, text: str, environment: str) -> Item:
    """Bring one workflow to `text`, published and deployed; return the workflow."""
    workflow = by_slug(api.all("workflows"), slug)
    if workflow is None:
        workflow = api.make(f"projects/{project['id']}/workflows", {"name": slug, "slug": slug, "text": text})
    place = f"workflows/{workflow['id']}"
    draft, headers = api.call("GET", f"{place}/draft")
    if draft["text"] != text:
        api.call("PUT", f"{place}/draft", {"text": text}, If_Match=headers["ETag"])
    number = workflow["last_version"]
    if not number or api.get(f"{place}/versions/{number}/document") != text:
        number = api.make(f"{place}/versions", {"note": "examples/shop/install.py"})["number"]
    live = api.all(f"{place}/deployments", live="true", environment=environment)
    if [deployment["version"] for deployment in live] != [number]:
        api.make(f"{place}/deployments", {"environment": environment, "version": number})
    say(f"{slug}: version {number} is live in {environment}")
    return dict(workflow)


def fill_shelves(api: Api, catalogue: Item, environment: str) -> None:
    """Start the catalogue's `shelve` for each product, and wait for the ends."""
    wanted = [
        {"environment": environment, "workflow": "pipelines", "action": "shelve", "data": product}
        for product in PRODUCTS
    ]
    runs = [api.make(f"workflows/{catalogue['id']}/runs", each)["id"] for each in wanted]
    deadline = time.monotonic() + RUN_SECONDS
    for run in runs:
        while (found := api.get(f"runs/{run}"))["state"] not in ENDED:
            if time.monotonic() > deadline:
                raise Refused(f"Run {run} has not ended in {RUN_SECONDS:g} s. Is a worker running?")
            time.sleep(0.1)
        if found["state"] != "done":
            raise Refused(f"Run {run} did not fill the shelves: {found['error']}")
    say(f"{len(PRODUCTS)} products are on the shelves")


def page_address(url: str, tenant: str, environment: str) -> str:
    """Return where customers find the page: the tenant's own host, where scripts may run."""
    parts = urlsplit(url)
    host = "localhost" if parts.hostname in ("127.0.0.1", "::1") else str(parts.hostname)
    label = tenant if environment == "prod" else f"{environment}--{tenant}"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{label}.{host}{port}/shop/"


def install(api: Api, partners: str, environment: str) -> None:
    """Do all of it; every step may have been done before."""
    project = by_slug(api.all("projects"), PROJECT["slug"]) or api.make("projects", PROJECT)
    for name in ("SHOP_BANK_URL", "SHOP_CARRIER_URL"):
        api.call("PUT", f"environments/{quote(environment)}/secrets/{name}", {"value": partners.rstrip("/")})
    live = {
        slug: put_live(api, project, slug, (HERE / f"{stem}.yaml").read_text(encoding="utf-8"), environment)
        for slug, stem in WORKFLOWS.items()
    }
    api.call("POST", "links/import", (HERE / "links.yaml").read_text(encoding="utf-8"))
    say("the workflows are linked")
    fill_shelves(api, live["shop-catalogue"], environment)


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Install, and say where the page is; 1 when the product refused, 2 without a key."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the product listens")
    parser.add_argument("--key", default=os.environ.get("WEFT_API_KEY", ""), help="an API key of the tenant")
    parser.add_argument("--partners", default="http://127.0.0.1:9910", help="where partners.py listens")
    parser.add_argument("--environment", default="prod")
    options = parser.parse_args()
    if not options.key:
        parser.error("give an API key with --key or in WEFT_API_KEY")
    api = Api(options.url, options.key)
    try:
        install(api, options.partners, options.environment)
        tenant = api.get("tenant")["slug"]
    except Refused as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    say(f"the shop is open at {page_address(options.url, tenant, options.environment)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
