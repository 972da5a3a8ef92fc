"""`wfctl run` shows the value of a secret nowhere: not on the terminal, not in its console, not in refusals."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.support.echo import echoing
from tests.support.wfctl import Serving, wfctl

pytestmark = pytest.mark.spec("CAT-B2")

VALUE = 'sk-4f9d1c/+"={&%} \\end'
DOCUMENT = """\
modules:
  - {name: server, type: http.server, config: {address: "127.0.0.1:0"}}
  - {name: router, type: http.router}
  - {name: broker, type: messaging.broker}
  - name: partner
    type: httpclient.modular
    config: {baseURL: "http://%s", headers: {Authorization: "${TOKEN}"}}
workflows:
  http:
    routes:
      - {method: POST, path: /ask, handler: ask}
      - {method: POST, path: /refuse, handler: refuse}
  messaging:
    subscriptions:
      - {topic: asked, handler: break}
      - {topic: asked, handler: refuse}
  pipelines:
    ask:
      steps:
        - {name: ask, uses: partner, with: {path: /echo, query: {key: "${TOKEN}"}}}
        - {emit: asked, payload: "${steps.ask.body}"}
        - {respond: {body: "${steps.ask.body}"}}
    refuse:
      steps:
        - {name: refuse, uses: partner, with: {path: /refuse, query: {key: "${TOKEN}"}}}
    break:
      steps:
        - {name: check, validate: {schema: {type: object, properties: {headers: {enum: [nothing]}}}}}
"""


def found_in(text):
    cut = base64.b64encode(VALUE.encode()).decode()
    return [form for form in (VALUE, json.dumps(VALUE)[1:-1], quote(VALUE, safe=""), quote(VALUE), cut) if form in text]


def test_nothing_that_it_prints_or_answers_by_itself_shows_a_secret(tmp_path):
    file = tmp_path / "document.yaml"
    with echoing() as partner:
        file.write_text(DOCUMENT % partner)
        with Serving(file, TOKEN=VALUE) as served:
            asked = served.call("POST", "/ask", {})
            assert asked.json["headers"]["authorization"] == VALUE
            refused = served.call("POST", "/refuse", {})
            assert refused.status == 502
            served.wait_line("message asked", "break", "failed")
            served.wait_line("message asked", "refuse", "failed")
            runs, messages = (served.call("GET", f"/_weft/{what}").body.decode() for what in ("runs", "messages"))
            assert "[redacted]" in runs
            assert "[redacted]" in messages
        shown = [refused.body.decode(), runs, messages, served.output]
    assert [found_in(text) for text in shown] == [[], [], [], []]


def test_a_version_of_an_environment_variable_is_pointed_out_and_fails(tmp_path):
    file = tmp_path / "document.yaml"
    with echoing() as partner:
        file.write_text(DOCUMENT.replace("${TOKEN}", "secret://env/token#2", 1) % partner)
        with Serving(file, TOKEN=VALUE) as served:
            served.wait_line("warning The secret TOKEN has no version 2")
            refused = served.call("POST", "/ask", {})
    assert refused.json["code"] == "secret.missing"
    assert refused.json["detail"] == "The environment variable TOKEN has no version 2."


@pytest.mark.parametrize("address", ["secret://vault/token", "secret://file/token"])
def test_a_provider_that_there_is_none_of_is_a_finding_with_its_place(tmp_path, address):
    file = tmp_path / "document.yaml"
    file.write_text(DOCUMENT.replace("${TOKEN}", address, 1) % "partner.example")
    done = wfctl("validate", file)
    assert done.code != 0
    assert "7" in done.out + done.err
    assert f"There is no provider '{address.split('/')[2]}' of secrets; there are: env, tenant." in done.out + done.err
