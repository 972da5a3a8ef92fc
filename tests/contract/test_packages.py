"""Each package that the owner of the product named is really used, in the place that this list says."""

import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from apps.core.management.local.packages import PACKAGES
from tests.support.checkout import ROOT, text_of

pytestmark = pytest.mark.spec("SPINE-B1")

USED = {
    "django": ("config/settings/base.py", "django.contrib.admin"),
    "djangorestframework": ("apps/core/api/views.py", "rest_framework"),
    "channels": ("config/sockets.py", "from channels.routing import URLRouter"),
    "daphne": ("apps/core/management/daphne_server.py", "from daphne.server import Server"),
    "celery": ("config/celery.py", "from celery import Celery"),
    "django-celery-beat": ("config/settings/base.py", "django_celery_beat.schedulers:DatabaseScheduler"),
    "psycopg": ("apps/runs/adapters/pools.py", "psycopg"),
    "drf-spectacular": ("apps/core/api/openapi.py", "drf_spectacular"),
    "django-prometheus": ("config/metrics.py", "from django_prometheus import exports"),
    "pyyaml": ("apps/engine/yamlreader.py", "yaml"),
    "pytest-django": ("tests/conftest.py", "django_db_blocker"),
    "playwright": ("tests/e2e/conftest.py", "playwright"),
}
DAPHNE_SERVES = {
    "apps/core/management/commands/runserver.py": "from daphne.management.commands.runserver import Command",
    "apps/core/management/commands/serve.py": 'choices=("uvicorn", "daphne")',
    "tests/integration/runs/test_on_daphne.py": "from tests.integration.runs.test_ingress import *",
    "tests/integration/runs/test_servers.py": '"uvicorn", "runserver"',
}
LATER = {
    "django-guardian": "Platform",
    "mozilla-django-oidc": "Platform",
    "anthropic": "Components, plugins, assistant",
}
ONLY_FOR_TESTS = {"pytest-django", "playwright"}


def requirements(name):
    """The names asked for in one of the requirement files."""
    lines = text_of(Path("deploy/requirements") / f"{name}.in").splitlines()
    return {re.split(r"[\[<>=; ]", line, maxsplit=1)[0].lower() for line in lines if line and line[0].isalpha()}


@pytest.mark.spec("SPINE-B1.9")
def test_there_are_fifteen_of_them():
    assert len({*USED, *LATER}) == 15


@pytest.mark.spec("SPINE-B1.9")
@pytest.mark.parametrize("package", sorted(USED))
def test_a_named_package_is_required_and_used_where_the_list_says(package):
    path, evidence = USED[package]
    assert package in requirements("test" if package in ONLY_FOR_TESTS else "run")
    assert (ROOT / path).is_file()
    assert evidence in text_of(Path(path))


@pytest.mark.parametrize("path", DAPHNE_SERVES)
def test_daphne_is_behind_runserver_and_a_server_to_choose_on_which_the_suites_run(path):
    assert DAPHNE_SERVES[path] in text_of(Path(path))


@pytest.mark.spec("SPINE-B1.9")
@pytest.mark.parametrize("package", sorted(LATER))
def test_a_package_whose_room_is_not_built_yet_is_promised_and_not_installed(package):
    parts = re.split(r"\n(?=\d\. )", text_of(Path("ROADMAP.md")))
    part = next(part for part in parts if f"**{LATER[package]}**" in part)
    assert package in part
    assert package not in requirements("run") | requirements("test")


@pytest.mark.spec("SPINE-B2")
def test_what_the_product_s_programs_have_preloaded_is_there_without_the_packages_of_the_tests():
    pinned = set(re.findall(r"(?m)^([\w.-]+)==", text_of(Path("deploy/requirements/run.txt"))))
    owners = packages_distributions()
    tops = {name.partition(".")[0] for name in PACKAGES} - {"apps"}
    assert {top for top in tops if not {owner.lower().replace("_", "-") for owner in owners[top]} & pinned} == set()
