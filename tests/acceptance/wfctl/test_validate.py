"""`wfctl validate` as a user meets it."""

import json
import subprocess
import sys

import pytest

from tests.support.wfctl import ROOT, plain, wfctl, wfctl_in_a_terminal

pytestmark = pytest.mark.spec("SPINE-B9", "CAT-4")

CLEAN = """\
modules:
  - name: server
    type: http.server
    config: {address: ":8080"}
  - name: router
    type: http.router
  - name: hello
    type: http.handler
workflows:
  http:
    routes:
      - {method: GET, path: /hello, handler: hello}
"""
WARNED = CLEAN + "links: []\n"
BLOCKED = CLEAN.replace("type: http.router", "type: http.ruoter")
BROKEN = CLEAN.replace("name: router", "name: server")


@pytest.fixture
def file(tmp_path):
    def write(text, name="document.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.spec("SPINE-B9.1", "SPINE-B9.7")
@pytest.mark.parametrize(("text", "code"), [(CLEAN, 0), (WARNED, 0), (BLOCKED, 3), (BROKEN, 1)])
def test_the_exit_code_says_how_bad_it_is(file, text, code):
    assert wfctl("validate", file(text)).code == code


@pytest.mark.spec("SPINE-B9.7")
def test_an_error_outweighs_a_blocked_finding(file):
    """Started afresh, as a user does."""
    files = file(BLOCKED, "a.yaml"), file(BROKEN, "b.yaml"), file(CLEAN, "c.yaml")
    assert wfctl("validate", *files, afresh=True).code == 1


@pytest.mark.spec("SPINE-B9.6")
def test_the_json_form_has_the_document_its_findings_and_their_counts(file):
    path = file(BLOCKED)
    report = wfctl("validate", "--json", path).json
    assert report["document"] == str(path)
    assert report["counts"]["blocked"] == len([f for f in report["findings"] if f["severity"] == "blocked"]) >= 1
    assert set(report["findings"][0]) == {"severity", "code", "path", "line", "column", "message"}
    assert set(report["counts"]) == {"error", "blocked", "warning"}


@pytest.mark.spec("SPINE-B9.1")
def test_a_misspelt_type_is_shown_at_its_place_with_the_nearest_valid_name(file):
    report = wfctl("validate", "--json", file(BLOCKED)).json
    (finding,) = [found for found in report["findings"] if found["code"] == "module.type.unknown"]
    assert (finding["path"], finding["line"]) == ("modules[1].type", 6)
    assert "http.router" in finding["message"]


def test_several_documents_give_one_json_line_each(file):
    done = wfctl("validate", "--json", file(CLEAN, "a.yaml"), file(BROKEN, "b.yaml"))
    first, second = map(json.loads, done.out.splitlines())
    assert (first["counts"]["error"], second["counts"]["error"] > 0) == (0, True)


@pytest.mark.spec("SPINE-B9.1")
def test_people_see_the_line_with_a_caret_under_the_place(file):
    path = file(BLOCKED)
    done = wfctl("validate", path)
    lines = done.out.splitlines()
    shown = next(index for index, line in enumerate(lines) if "http.ruoter" in line and " | " in line)
    assert lines[shown - 1].startswith(f"{path}:6:")
    assert lines[shown + 1].strip().strip("|").strip() == "^" * len("type: http.ruoter")
    assert lines[shown + 1].index("^") == lines[shown].index("type: http.ruoter")
    assert "\x1b[" not in done.out


def test_colours_are_for_terminals_whose_owner_wants_them(file):
    """Started afresh, as a user does: whoever wants colours differs from the process that has loaded `wfctl`."""
    path = file(BLOCKED)
    code, shown = wfctl_in_a_terminal("validate", path)
    assert (code, f"{path}:6:" in plain(shown), "\x1b[" in shown) == (3, True, True)
    code, shown = wfctl_in_a_terminal("validate", path, NO_COLOR="1")
    assert (code, f"{path}:6:" in shown, "\x1b[" in shown) == (3, True, False)
    assert "\x1b[" in wfctl("validate", path, FORCE_COLOR="1", NO_COLOR="").out


def test_what_a_document_holds_does_not_reach_the_terminal_as_a_command(file):
    done = wfctl("validate", file('modules: [{name: "a\u202e\u2067b", type: http.ruoter}]\n'))
    assert (done.code, "a··b" in done.out) == (3, True)


@pytest.mark.parametrize("verb", ["validate", "inspect", "run", "schema", "new-module"])
def test_the_help_of_a_verb_tells_its_exit_codes(verb):
    done = wfctl(verb, "--help")
    assert (done.code, "Exit codes: 0 " in done.out) == (0, True)


def test_standard_input_is_a_document_too():
    done = wfctl("validate", "--json", "-", stdin=CLEAN)
    assert (done.code, done.json["document"]) == (0, "<stdin>")


def test_text_that_does_not_parse_is_a_finding_with_a_place(file):
    done = wfctl("validate", "--json", file("modules:\n  - name: [\n"))
    assert done.code == 1
    assert done.json["findings"][0]["line"] > 0


def test_a_file_that_is_not_there_is_named(tmp_path):
    done = wfctl("validate", tmp_path / "nowhere.yaml")
    assert (done.code, "nowhere.yaml" in done.err) == (2, True)


def test_strict_wants_at_least_one_module(file):
    path = file("modules: []\n")
    assert (wfctl("validate", path).code, wfctl("validate", "--strict", path).code) == (0, 1)


def test_a_document_is_checked_without_loading_servers_and_clients_of_brokers():
    asked = "import sys, apps.wfctl.cli; print(*{'uvicorn', 'aiokafka', 'nats', 'httpcore2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
