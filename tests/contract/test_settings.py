"""Every setting is one row of one typed table; production refuses what must not be left to chance."""

import json
import os
import re
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import call_command

from config.env import Environment
from tests.support.checkout import ROOT, project_files, text_of

pytestmark = pytest.mark.spec("SPINE-B2")

TABLE = {row.name: row for row in Environment.table()}
READS = re.compile(r"os\.(?:environ(?:\.get|\.setdefault)?[\[(]|getenv\()\s*[\"']([A-Z_0-9]+)[\"']")
NOT_SETTINGS = {
    "DJANGO_SETTINGS_MODULE", "PATH", "HOME", "CI", "E2E_CHROMIUM", "NO_COLOR",
    "PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED",
    "WEFT_COMPAT_DIR", "WEFT_TEST_ADMIN_URL", "WEFT_TEST_REDIS_URL",
}  # fmt: skip
GOOD = {
    "SECRET_KEY": "a-signing-key-that-is-long-enough-for-this-test",
    "ENCRYPTION_KEYS": "b25seS1mb3ItdGVzdHMtYnV0LTMyLWJ5dGVzLWxvbmc=",
    "DATABASE_URL": "postgresql://app@db/weft",
    "DATABASE_RELAY_URL": "postgresql://relay@db/weft",
    "DATABASE_OPS_URL": "postgresql://ops@db/weft",
}


OPENED = {"DEBUG": {"DEBUG": "true"}, "ALLOWED_HOSTS": {"ALLOWED_HOSTS": "*"}}
LOAD = """
import json, os, sys, traceback
from django.conf import empty, settings

told = []
for given in json.load(sys.stdin):
    for name in [name for name in sys.modules if name.partition(".")[0] == "config"]:
        del sys.modules[name]
    os.environ.clear()
    os.environ.update(given)
    settings._wrapped = empty
    try:
        told.append([settings.DEBUG, ""])
    except Exception:
        told.append([None, traceback.format_exc()])
print(json.dumps(told))
"""


def production(*changes):
    """Load the production settings in a process of their own, once with each change; returns DEBUG and last words."""
    given = [{name: value for name, value in {**GOOD, **each}.items() if value is not None} for each in changes]
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.prod"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], input=json.dumps([environment | each for each in given]),
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def loaded():
    """Return what loading says when everything is given, when one of the needed is not, and with each open door."""
    names = ["", *GOOD, *OPENED]
    return dict(zip(names, production({}, *({name: None} for name in GOOD), *OPENED.values()), strict=True))


@pytest.mark.spec("SPINE-B2.15")
def test_every_setting_has_a_type_and_a_sentence():
    assert [row.name for row in TABLE.values() if not row.type or not row.description.endswith(".")] == []


@pytest.mark.parametrize("word", ["KEY", "TOKEN", "PASSWORD", "DATABASE_URL", "REDIS_URL", "EMAIL_URL"])
def test_what_carries_a_secret_is_marked_as_one(word):
    assert [row.name for row in TABLE.values() if word in row.name and not row.secret] == []


@pytest.mark.spec("SPINE-B2.15")
def test_no_code_reads_a_variable_that_is_not_in_the_table():
    code = [path for path in project_files() if path.suffix == ".py" and path.parts[0] in {"apps", "config"}]
    read = {name: str(path) for path in code for name in READS.findall(text_of(path))}
    assert {name: path for name, path in read.items() if name not in {*TABLE, *NOT_SETTINGS}} == {}


@pytest.mark.spec("SPINE-B2.15")
def test_the_doctor_prints_every_setting_and_no_secret(settings):
    settings.ENV = Environment(metrics_token="not-to-be-printed")
    output = StringIO()
    call_command("doctor", "--env", stdout=output)
    assert [name for name in TABLE if f"{name}\n" not in output.getvalue()] == []
    assert "not-to-be-printed" not in output.getvalue()
    assert "(set)" in output.getvalue()


def test_production_starts_when_everything_is_given(loaded):
    assert loaded[""] == [False, ""]


@pytest.mark.parametrize("name", sorted(GOOD))
def test_production_names_what_is_missing(name, loaded):
    debug, words = loaded[name]
    assert debug is None
    assert f"missing in the environment: {name}" in words


@pytest.mark.parametrize("name", OPENED)
def test_production_refuses_what_opens_doors(name, loaded):
    debug, words = loaded[name]
    assert debug is None
    assert f"ImproperlyConfigured: {name}" in words
