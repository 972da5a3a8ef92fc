"""The doctor looks at the machine and says what is wrong with it."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.core.management.local import diagnosis

pytestmark = pytest.mark.spec("SPINE-B2")

KEY = "b25seS1mb3ItdGVzdHMtYnV0LTMyLWJ5dGVzLWxvbmc="


@pytest.mark.spec("SPINE-B2.16")
def test_a_machine_that_runs_the_tests_is_fine():
    output = StringIO()
    call_command("doctor", stdout=output)
    assert "WRONG" not in output.getvalue()
    assert [line.split()[1] for line in output.getvalue().splitlines()][:4] == [
        "python",
        "disk",
        "checkout",
        "postgres",
    ]


@pytest.mark.spec("SPINE-B2.16")
def test_what_is_wrong_is_named_and_the_command_fails(monkeypatch):
    monkeypatch.setattr(diagnosis, "LEAST_FREE_BYTES", 1024**6)
    output = StringIO()
    with pytest.raises(CommandError, match="cannot run the product"):
        call_command("doctor", stdout=output)
    assert "WRONG  disk" in output.getvalue()


@pytest.mark.parametrize(
    ("given", "is_fine"),
    [
        ({}, True),
        ({"DATABASE_URL": "postgresql://app@db/weft"}, False),
        ({"DATABASE_URL": "postgresql://app@db/weft", "ENCRYPTION_KEYS": "c2hvcnQ="}, False),
        ({"DATABASE_URL": "postgresql://app@db/weft", "ENCRYPTION_KEYS": "no base64"}, False),
        ({"DATABASE_URL": "postgresql://app@db/weft", "ENCRYPTION_KEYS": KEY}, True),
        ({"ENCRYPTION_KEYS": f"{KEY}, {KEY}"}, True),
    ],
)
def test_outside_development_there_must_be_encryption_keys(tmp_path, given, is_fine):
    (found,) = [each for each in diagnosis.diagnose(tmp_path, 0, given) if each.name == "keys"]
    assert found.fine is is_fine
    assert found.needed
    assert is_fine or "ENCRYPTION_KEYS" in found.text
