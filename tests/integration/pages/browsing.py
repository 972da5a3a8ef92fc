"""A browser without scripts: signed in, at a tenant's address; reads pages and posts forms."""

import re
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from apps.tenants.models import User
from tests.support.tenants import TenantFixture

TAGS = re.compile(r"<[^>]+>")


class Reader:
    """Somebody who reads `/t/<tenant>/...`."""

    def __init__(self, tenant: TenantFixture, user: User) -> None:
        self.base = f"/t/{tenant.slug}"
        self.client = Client(raise_request_exception=False)
        self.client.force_login(user)

    def get(self, path: str) -> HttpResponse:
        """Open a page of the tenant."""
        return self.client.get(f"{self.base}{path}")

    def post(self, path: str, **fields: Any) -> HttpResponse:
        """Send a form and follow to the page that answers."""
        return self.client.post(f"{self.base}{path}", fields, follow=True)


def reader_of(tenant: TenantFixture, role: str = "owner") -> Reader:
    """Return a member with `role`, signed in."""
    return Reader(tenant, tenant.person(role))


def text_of(response: HttpResponse) -> str:
    """Return what a page says, without its markup."""
    return " ".join(unescape(TAGS.sub(" ", response.content.decode())).split())
