"""Using a running product as a customer does: sign in, make a key, publish and deploy, call the tenant's addresses."""

import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import CookieJar
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from apps.core.management.local.demo import CAST, PASSWORD, DemoTenant
from tests.support.kept_connections import KeepingHandler
from tests.support.waiting import wait_for

Found = TypeVar("Found")
PATIENCE_SECONDS = 60.0
ANSWER_SECONDS = 30.0
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


class Visitor:
    """A browser without a screen: keeps cookies, sends JSON or forms."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.headers = headers or {}
        self.cookies = CookieJar()
        self._opener: OpenerDirector = build_opener(KeepingHandler(), HTTPCookieProcessor(self.cookies))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request; what is not bytes is sent as JSON, `If_Match=` is the header If-Match."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        named = {"Content-Type": "application/json"} if content is not None else {}
        named |= self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            answer = self._opener.open(Request(self.url + path, content, named, method=method), timeout=ANSWER_SECONDS)
        except HTTPError as refused:
            answer = refused
        with answer:
            names = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status, names, answer.read())

    def submit(self, path: str, fields: dict[str, str]) -> Reply:
        """Post a form and follow where it leads."""
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        return self.call("POST", path, urlencode(fields).encode(), **form)

    def cookie(self, name: str) -> str:
        """Return a cookie's value, empty when there is none."""
        return next((each.value or "" for each in self.cookies if each.name == name), "")


class HostedTenant:
    """A tenant of a running product, through its public API and with an owner's key."""

    def __init__(self, url: str, slug: str, key: str) -> None:
        self.url = url
        self.slug = slug
        self.key = key
        self._program = Visitor(url, {"Authorization": f"Bearer {key}"})

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Call the API; `path` is relative to `/api/v1/`."""
        return self._program.call(method, f"/api/v1/{path}", body, **headers)

    def get(self, path: str) -> Any:
        """Read something that is there."""
        found = self.call("GET", path)
        assert found.status == 200, (path, found.body)
        return found.json

    def items(self, path: str, *, after: str = "", **filters: str) -> list[dict[str, Any]]:
        """Return the items of a list, oldest first: all, or those made after the row `after`, as ids tell the time."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(f"{path}?{urlencode({'limit': '100', 'cursor': cursor, **filters})}")
            fresh = [item for item in page["items"] if not after or item["id"] > after]
            found += fresh
            cursor = page["next"] if len(fresh) == len(page["items"]) else None
        return found[::-1]

    def make(self, path: str, body: Any, **headers: str) -> Any:
        """Create something and return it."""
        made = self.call("POST", path, body, **headers)
        assert made.status in (201, 202), (path, made.status, made.body)
        return made.json

    def workflow(self, slug: str) -> "HostedWorkflow":
        """Return a workflow that is there already."""
        return HostedWorkflow(self, next(row for row in self.items("workflows") if row["slug"] == slug))

    @cached_property
    def _project(self) -> str:
        return str(self.get("projects?limit=1")["items"][0]["id"])

    def deploy(self, name: str, text: str, environments: Sequence[str] = ("prod",)) -> "HostedWorkflow":
        """Create a workflow with a slug of its own and the text as its draft, publish it and make it live."""
        slug = f"{name.replace('_', '-')[:40]}-{uuid.uuid4().hex[:8]}"
        made = self.make(f"projects/{self._project}/workflows", {"name": name, "slug": slug, "text": text})
        version = self.make(f"workflows/{made['id']}/versions", {"note": "first"})
        for environment in environments:
            wanted = {"environment": environment, "version": version["number"]}
            self.make(f"workflows/{made['id']}/deployments", wanted)
        return HostedWorkflow(self, made)


class HostedWorkflow:
    """One workflow of a tenant: what its addresses answer, and what the API tells of it."""

    def __init__(self, tenant: HostedTenant, row: dict[str, Any]) -> None:
        self.tenant = tenant
        self.id = str(row["id"])
        self.slug = str(row["slug"])
        self._public = Visitor(tenant.url)
        self._ended_runs: dict[tuple[str, int], dict[str, Any]] = {}  # by id and number of the latest change

    def retire(self) -> None:
        """Take it out of all environments: subscribers of one tenant hear each other's topics."""
        live = self.tenant.items(f"workflows/{self.id}/deployments", live="true")
        for deployment in live:
            assert self.tenant.call("POST", f"deployments/{deployment['id']}/end").status == 200

    # --- as the world sees it -------------------------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None, *, environment: str = "prod", **headers: str) -> Reply:
        """Call one of the workflow's own addresses."""
        place = self.slug if environment == "prod" else f"{environment}~{self.slug}"
        return self._public.call(method, f"/w/{self.tenant.slug}/{place}{path}", body, **headers)

    # --- as its owner sees it -------------------------------------------------------------------------------------

    def start(self, workflow: str, action: str, data: Any, environment: str = "prod") -> dict[str, Any]:
        """Start a run by hand and return it once it has ended."""
        wanted = {"environment": environment, "workflow": workflow, "action": action, "data": data}
        identity = self.tenant.make(f"workflows/{self.id}/runs", wanted)["id"]
        return eventually(lambda: self._ended(identity), f"the end of run {identity}")

    def publish(self, topic: str, payload: Any) -> dict[str, Any]:
        """Publish a message as the messaging section does for its owner (spec/modules.md 4.2)."""
        return self.start("messaging", topic, {"message": payload})

    def runs(self, **filters: str) -> list[dict[str, Any]]:
        """Return the workflow's runs, oldest first, without their payloads."""
        return self.tenant.items("runs", workflow_id=self.id, **filters)

    def run(self, identity: str) -> dict[str, Any]:
        """Return one run with everything it did."""
        found: dict[str, Any] = self.tenant.get(f"runs/{identity}")
        return found

    def ended_run(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return with everything it did what a list shows as ended: read once, until it changes again."""
        key = (line["id"], line["sequence"])
        if key not in self._ended_runs:
            self._ended_runs[key] = self.run(line["id"])
        return self._ended_runs[key]

    def handled(self, handler: str) -> list[dict[str, Any]]:
        """Return the ended deliveries to a message handler."""
        done = self.runs(source="message", state="done,failed")
        return [run for run in done if run["definition"].partition(" -> ")[2] == handler]

    def instances(self, **filters: str) -> list[dict[str, Any]]:
        """Return the workflow's state-machine instances."""
        return self.tenant.items("instances", workflow_id=self.id, **filters)

    def instance(self, key: str, environment: str = "prod") -> dict[str, Any] | None:
        """Return an instance by the caller's id of it."""
        return next(iter(self.instances(key=key, environment=environment)), None)

    def transition(self, instance: dict[str, Any], name: str, data: dict[str, Any] | None = None) -> Reply:
        """Move an instance through the API."""
        body = {"transition": name, "data": data or {}}
        return self.tenant.call("POST", f"instances/{instance['id']}/transitions", body)

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages that the workflow published, oldest first."""
        return [line for line in self.tenant.items("messages", after=self.id) if line["workflow_id"] == self.id]

    def paths(self, messages: list[dict[str, Any]]) -> list[str]:
        """Return the API address of everything there is of this workflow, these messages among it."""
        kinds = {"runs": self.runs(), "instances": self.instances(), "messages": messages}
        rows = [f"{kind}/{row['id']}" for kind, found in kinds.items() for row in found]
        return [f"workflows/{self.id}", f"workflows/{self.id}/draft", *rows]

    def _ended(self, identity: str) -> dict[str, Any] | None:
        run = self.run(identity)
        return run if run["state"] in ENDED else None


def eventually(probe: Callable[[], Found | None], what: str) -> Found:
    """Wait for what a worker of the product does."""
    found = wait_for(probe, timeout=PATIENCE_SECONDS, what=what)
    assert found is not None
    return found


def sign_in(url: str, person: DemoTenant) -> Visitor:
    """Fill in the sign-in form as the person and return the browser."""
    browser = Visitor(url)
    form = browser.call("GET", "/sign-in").body.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[0]
    fields = {"csrfmiddlewaretoken": token, "email": person.email, "password": PASSWORD}
    assert browser.submit("/sign-in", fields).status == 200
    assert browser.cookie("weft_session"), "the sign-in was refused"
    return browser


def open_tenant(url: str, person: DemoTenant) -> HostedTenant:
    """Sign in as a tenant's owner, make an API key, and return the tenant as a program with that key sees it."""
    browser = sign_in(url, person)
    wanted = {"name": "acceptance", "role": "owner"}
    token = {"X_CSRFToken": browser.cookie("weft_csrf")}
    made = browser.call("POST", f"/t/{person.slug}/api/v1/api-keys", wanted, **token)
    assert made.status == 201, made.body
    return HostedTenant(url, person.slug, made.json["key"])


def open_tenants(url: str) -> tuple[HostedTenant, HostedTenant]:
    """Return the two demo tenants."""
    first, second = (open_tenant(url, person) for person in CAST)
    return first, second


def assert_unseen(mine: HostedWorkflow, other: HostedTenant) -> None:
    """Check that nothing of a workflow can be read by another tenant, by id or in any list."""
    messages = mine.messages()
    paths = mine.paths(messages)
    answers = {path: other.call("GET", path).status for path in paths}
    assert set(answers.values()) == {404}, answers
    for kind in ("runs", "instances"):
        refused = other.call("GET", f"{kind}?workflow_id={mine.id}")
        assert refused.status == 404 or refused.json["items"] == [], kind
    theirs = {row["id"] for row in other.items("messages", after=mine.id)}
    assert theirs.isdisjoint(row["id"] for row in messages)
