"""Every setting is one row of one typed table; production refuses what must not be left to chance."""

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


def production(**changes):
    """Load the production settings in a process of their own; returns its exit code and last words."""
    given = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.prod", **given}
    command = [sys.executable, "-c", "from django.conf import settings; settings.DEBUG"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


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


def test_production_starts_when_everything_is_given():
    assert production() == (0, "")


@pytest.mark.parametrize("name", sorted(GOOD))
def test_production_names_what_is_missing(name):
    code, words = production(**{name: None})
    assert code != 0
    assert f"missing in the environment: {name}" in words


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"DEBUG": "true"}, "DEBUG"), ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS")],
)
def test_production_refuses_what_opens_doors(changes, word):
    code, words = production(**changes)
    assert code != 0
    assert word in words
