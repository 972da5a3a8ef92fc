"""An OpenID provider of its own process: `oidc_provider_mock`, where people sign in by naming themselves."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from apps.core.management.local.ports import any_free
from tests.support.waiting import wait_for

START_SECONDS = 60.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **named: Any) -> None:
        """Leave redirects to the test."""


@dataclass(frozen=True)
class OidcProvider:
    """A running provider."""

    address: str

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}"

    def settings(self, redirect_url: str, secret: str = "${OAUTH_SECRET}") -> dict[str, Any]:
        """Return what `oauth2.providers.<name>` says of it."""
        return {
            "client_id": "shop",
            "client_secret": secret,
            "redirect_url": redirect_url,
            "scopes": ["openid", "email", "profile"],
            "auth_url": f"{self.url}/oauth2/authorize",
            "token_url": f"{self.url}/oauth2/token",
            "user_info_url": f"{self.url}/userinfo",
        }

    def know(self, subject: str, **claims: Any) -> None:
        """Let somebody be known there."""
        request = urllib.request.Request(f"{self.url}/users/{subject}", json.dumps(claims).encode(), method="PUT")
        request.add_header("content-type", "application/json")
        urllib.request.urlopen(request, timeout=10).close()

    def sign_in(self, address: str, subject: str, action: str = "") -> str:
        """Do what somebody does at the address they were sent to; return where they are sent back to."""
        form = urlencode({"action": action} if action else {"sub": subject}).encode()
        try:
            urllib.request.build_opener(_NoRedirects).open(address, form, timeout=10).close()
        except urllib.error.HTTPError as answer:
            with answer:
                if answer.status in (302, 303):
                    return str(answer.headers["location"])
                raise
        raise AssertionError("the provider sends nobody back")


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """Start one, and end it."""
    port = any_free()
    started = OidcProvider(f"127.0.0.1:{port}")
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=dict(os.environ))
        try:
            wait_for(
                lambda: process.poll() is not None or _is_there(started), timeout=START_SECONDS, what="the provider"
            )
            if process.poll() is not None:
                output.seek(0)
                raise AssertionError(output.read().decode(errors="replace"))
            yield started
        finally:
            process.terminate()
            process.wait(10)


def _is_there(started: OidcProvider) -> bool:
    try:
        urllib.request.urlopen(f"{started.url}/.well-known/openid-configuration", timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True
