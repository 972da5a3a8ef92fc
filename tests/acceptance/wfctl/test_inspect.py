"""`wfctl inspect --graph`: the graph of a document, for people and for other tools."""

import pytest

from tests.support.wfctl import wfctl

pytestmark = pytest.mark.spec("SPINE-B9", "SPINE-B9.2", "CAT-4")

DOCUMENT = """\
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router, dependsOn: [server]}
  - {name: 'odd"] --> <b>', type: http.handler}
workflows:
  http:
    routes:
      - {method: GET, path: "/a/{id}", handler: steps}
  pipelines:
    steps: {steps: [{set: {a: 1}}]}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "document.yaml"
    path.write_text(DOCUMENT)
    return path


def test_as_text_each_part_stands_above_what_it_leads_to(file):
    done = wfctl("inspect", "--graph", "text", file)
    lines = done.out.splitlines()
    at = lines.index("router (http.router)")
    assert (done.code, lines[at + 1]) == (0, "  -> pipeline:steps [http-route: GET /a/{id}]")
    assert "server (http.server)" in lines


def test_as_mermaid_it_is_a_flowchart_and_names_cannot_break_out_of_their_labels(file):
    done = wfctl("inspect", "--graph", "mermaid", file)
    first, *lines = done.out.splitlines()
    assert (done.code, first) == (0, "flowchart LR")
    assert lines == [
        '  n0["server<br/>http.server"]',
        '  n1["router<br/>http.router"]',
        '  n2["odd#34;] --#62; #60;b#62;<br/>http.handler"]',
        '  n3(["steps<br/>pipeline"])',
        "  n0 -.-> n1",
        '  n0 -->|"http"| n1',
        '  n1 -->|"GET /a/{id}"| n3',
    ]


def test_another_form_is_a_bad_call(file):
    assert wfctl("inspect", "--graph", "dot", file).code == 2


def test_text_that_does_not_parse_is_told_as_findings_in_the_form_that_was_asked_for(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("modules: [")
    done = wfctl("inspect", "--json", path)
    assert (done.code, done.json["counts"]["error"]) == (1, 1)
    assert "broken.yaml:1:" in wfctl("inspect", path).err
