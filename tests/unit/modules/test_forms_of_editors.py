"""What builders send for a field that was left empty, or as a text of JSON (spec/modules.md 3.9)."""

import jsonschema_rs
import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.document import load
from apps.engine.schema import document_schema
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("CAT-B1")


def checked(kind, config):
    document = load(f"modules: [{{name: m, type: {kind}, config: {config}}}]").document
    return [(each.code, each.message) for each in check(document, registry(), CheckOptions())], document.data


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("jsonschema.modular", "{schema: ''}"),
        ("jsonschema.modular", """{schema: '{"type": "object"}'}"""),
        ("data.transformer", "{pipelines: ''}"),
        ("data.transformer", "{pipelines: '[]'}"),
        ("data.transformer", """{pipelines: '{"p": [{"type": "filter", "config": {"fields": ["a"]}}]}'}"""),
        ("scheduler.modular", "{interval: 1m, cron: ''}"),
        ("http.proxy", "{target: '', pathRewrite: ''}"),
        ("notification.slack", "{webhookURL: '', channel: '', username: ''}"),
        ("httpclient.modular", "{baseURL: '', timeout: 30s}"),
    ],
)
def test_an_empty_field_says_nothing_and_a_text_of_json_is_read(kind, config):
    found, written = checked(kind, config)
    assert [code for code, _ in found if code != "key.ignored"] == []
    assert jsonschema_rs.validator_for(document_schema(registry())).is_valid(written)


@pytest.mark.parametrize(
    ("kind", "config", "said"),
    [
        ("jsonschema.modular", "{schema: 'no json'}", "schema: the text is no JSON"),
        ("jsonschema.modular", "{schema: '[1]'}", "schema: the text holds no object"),
        ("data.transformer", "{pipelines: '{'}", "pipelines: the text is no JSON"),
        ("http.proxy", "{target: nowhere}", "target: 'nowhere' is no URL"),
        ("scheduler.modular", "{cron: 'x'}", "cron: A cron expression has five fields"),
    ],
)
def test_a_text_that_holds_nothing_usable_says_so(kind, config, said):
    ((code, message),) = checked(kind, config)[0]
    assert (code, message[: len(said)]) == ("config.invalid", said)
