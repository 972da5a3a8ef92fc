"""The templates of `wfctl new-module`; `$words` are filled in by `scaffold.py`."""

SOURCE = '''\
"""Marks what goes through it: adds one field, which the document may name.

This text is the help page of the type, and its first paragraph the line in the palette. As a step it takes an object
and returns it with the field added.
"""

from typing import Any

from pydantic import Field

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import Rejected


class ${Class}Config(SettingsModel):
    """Settings of `$kind`."""

    field: str = Field("marked", min_length=1, max_length=200, description="Name of the field that is added.")


class ${Class}(Module[${Class}Config]):
    """$title."""

    kind = "$kind"
    title = "$title"
    category = Category.$CATEGORY
    Config = ${Class}Config
    inputs = (ModulePort("input", "data", "An object."),)
    outputs = (ModulePort("result", "data", "The object with the field added."),)

    def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Return the object with the field added; refuse what is no object."""
        if not isinstance(payload, dict):
            raise Rejected("The input must be an object.", errors=[{"pointer": "", "message": "must be an object"}])
        return {**payload, self.config.field: True}
'''

TEST = '''\
"""`$kind`: what it does, what it refuses, and that its example is true."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.outcome import Rejected
from apps.engine.testing import Bench
from apps.modules.catalog.$category.$stem import $Class
from apps.modules.queries import registry
from tests.unit.modules.making import make

EXAMPLE = Path(__file__).parents[5] / "examples" / "modules" / "$stem.yaml"

pytestmark = pytest.mark.spec("$kind")


def test_an_object_is_marked_with_the_field_that_the_document_names(unit):
    assert make($Class, {"field": "seen"}).run({"id": 1}, unit.context()) == {"id": 1, "seen": True}


@pytest.mark.shows("$kind", "failure")
def test_what_is_no_object_is_refused(unit):
    with pytest.raises(Rejected):
        make($Class).run([], unit.context())


def test_a_key_that_it_does_not_have_is_refused():
    with pytest.raises(ValidationError):
        make($Class, {"feild": "seen"})


@pytest.mark.shows("$kind", "example")
async def test_the_example_does_what_it_says():
    async with Bench(compile_document(load(EXAMPLE.read_text()).document, registry())) as bench:
        answer = await bench.request("POST", "/things", body={"id": 1})
        assert (answer.status, answer.json()) == (200, {"id": 1, "seen": True})
'''

EXAMPLE = """\
# A pipeline whose step marks what goes through it.
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router, dependsOn: [server]}
  - {name: mark, type: $kind, config: {field: seen}}
workflows:
  http:
    routes:
      - {method: POST, path: /things, handler: marked}
  pipelines:
    marked:
      steps:
        - {uses: mark, into: data}
"""
