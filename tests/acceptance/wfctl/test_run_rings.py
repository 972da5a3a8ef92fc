"""A ring on the bus comes to an end under `wfctl run`, from a request to the last message that is delivered."""

import pytest

from apps.engine.hops import MOST_DEEP
from tests.support.waiting import wait_for
from tests.support.wfctl import Serving

pytestmark = [pytest.mark.spec("CAT-B2"), pytest.mark.slow]

RING = """\
modules:
- {{name: server, type: http.server, config: {{address: ":8080"}}}}
- {{name: router, type: http.router}}
- {{name: broker, type: messaging.broker}}
workflows:
  http: {{routes: [{{method: POST, path: /begin, handler: again}}, {{method: POST, path: /alone, handler: alone}}]}}
  pipelines:
    again: {{steps: [{{emit: ring.{to}}}, {{respond: {{status: 202}}}}]}}
    alone: {{steps: [{{emit: elsewhere}}, {{respond: {{status: 202}}}}]}}
  messaging:
    subscriptions:
    - {{topic: ring.{of}, handler: again}}
"""
PATIENCE = 120.0


def test_two_documents_that_answer_each_other_on_one_bus_stop(tmp_path):
    files = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    for file, of, to in zip(files, "ab", "ba", strict=True):
        file.write_text(RING.format(of=of, to=to))
    with Serving(*files) as served:
        one, two = served.at("one"), served.at("two")
        assert one.call("POST", "/begin", {}).status == 202

        def ended():
            return [run for each in (one, two) for run in each.runs(status="failed")]

        (end,) = wait_for(ended, timeout=PATIENCE, what="the end of the ring")
        assert end["error"]["code"] == "message.loop"
        passages = sum(len(each.runs(source="message")) for each in (one, two))
        assert passages == MOST_DEEP + 1
        assert one.call("POST", "/alone", {}).status == 202
