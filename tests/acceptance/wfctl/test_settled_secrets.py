"""Secrets in settings that are settled when a document is read: `wfctl` takes them from the environment."""

import pytest

from apps.core.management.local.ports import any_free
from tests.support.wfctl import Serving, wfctl

pytestmark = pytest.mark.spec("CAT-B2.15")

DOCUMENT = """\
modules:
  - {name: server, type: http.server, config: {address: "127.0.0.1:${PORT}"}}
  - {name: router, type: http.router}
  - {name: answer, type: http.handler, config: {status: secret://answer.status, body: {said: "<${SAID}>"}}}
workflows:
  http:
    routes:
      - {method: GET, path: /, handler: answer}
"""


@pytest.fixture
def file(tmp_path):
    found = tmp_path / "document.yaml"
    found.write_text(DOCUMENT)
    return found


def test_address_status_and_body_are_those_of_the_environment(file):
    port = str(any_free())
    with Serving(file, address=None, PORT=port, ANSWER_STATUS="201", SAID="${PORT}") as served:
        reply = served.call("GET", "/")
        assert served.url.endswith(f":{port}")
        assert (reply.status, reply.json) == (201, {"said": "<${PORT}>"})


def test_one_that_is_not_set_stops_it_and_says_where(file):
    done = wfctl("run", file, PORT="1", SAID="a")
    assert done.code == 1
    assert "secret.missing" in done.out
    assert "The secret ANSWER_STATUS is not set" in done.out
    assert "modules[2].config.status" in done.out


def test_one_that_does_not_fit_stops_it_and_is_not_shown(file):
    for values in ({"ANSWER_STATUS": "nonsense-status"}, {"ANSWER_STATUS": "200", "PORT": "nonsense-port"}):
        done = wfctl("run", file, **({"PORT": "0", "SAID": "a"} | values))
        assert done.code == 1
        assert "nonsense" not in done.out + done.err


def test_validating_looks_at_the_values_that_there_are(file):
    assert wfctl("validate", file).code == 0
    assert wfctl("validate", file, ANSWER_STATUS="201").code == 0
    found = wfctl("validate", "--json", file, ANSWER_STATUS="odd-status")
    assert found.code == 3
    assert [(each["code"], each["path"]) for each in found.json["findings"]] == [
        ("config.invalid", "modules[2].config.status")
    ]
    assert "odd-status" not in found.out
