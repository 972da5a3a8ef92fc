"""`httpserver.modular`: its spellings, its section at the top, and where `wfctl run` listens for it."""

import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.document import load
from apps.modules.catalog.framework.httpserver_modular import HttpserverModular
from apps.modules.queries import registry
from apps.wfctl.address import Address, address_of

pytestmark = pytest.mark.spec("httpserver.modular")


def document(config="{}", top=""):
    return load(f"modules: [{{name: s, type: httpserver.modular, config: {config}}}]\n{top}").document


def told(*given):
    return [(each.code, each.path) for each in check(document(*given), registry(), CheckOptions())]


@pytest.mark.parametrize(
    "config",
    [
        {"read_timeout": "20s", "write_timeout": 5},
        {"readTimeout": 20, "writeTimeout": "5s"},
        {"readTimeoutSeconds": "20", "writeTimeoutSeconds": 5},
    ],
)
def test_every_spelling_of_the_timeouts_is_read(config):
    found = HttpserverModular.Config.model_validate(config)
    assert (found.read_timeout, found.write_timeout, found.idle_timeout) == (20, 5, 60)


@pytest.mark.parametrize(
    ("config", "top", "address"),
    [
        ("{}", "", Address("127.0.0.1", 8080)),
        ("{port: 9001}", "", Address("127.0.0.1", 9001)),
        ("{}", "httpserver: {port: '9002', host: 0.0.0.0}", Address("0.0.0.0", 9002)),
        ("{address: ':9003'}", "httpserver: {port: 9004}", Address("127.0.0.1", 9003)),
        ("{host: '::1', port: 9005}", "", Address("::1", 9005)),
        ("{host: localhost}", "", Address("localhost", 8080)),
    ],
)
def test_where_it_says_to_listen(config, top, address):
    assert address_of(document(config, top)) == address


@pytest.mark.shows("httpserver.modular", "failure")
def test_it_is_checked_wherever_it_stands():
    assert told() == []
    assert told("{tls: {enabled: true, certfile: a}}") == [("key.unknown", "modules[0].config.tls.certfile")]
    assert told("{address: nowhere}") == [("config.invalid", "modules[0].config.address")]
    assert sorted(told("{}", "httpserver: {port: 70000, prot: 1}")) == [
        ("config.invalid", "httpserver.port"),
        ("key.ignored", "httpserver.prot"),
    ]


def test_hosted_the_product_encrypts_and_says_so():
    assert told("{tls: {enabled: true, cert_file: a, keyFile: b}}") == [("server.encrypted", "modules[0].config.tls")]
    assert told("{}", "httpserver: {tls: {enabled: true}}") == [("server.encrypted", "httpserver.tls")]
    assert told("{tls: {enabled: false, cert_file: a}}") == []


@pytest.mark.parametrize(
    ("tls", "codes"),
    [
        ("{enabled: true}", ["config.required"]),
        ("{enabled: true, cert_file: a}", ["config.required"]),
        ("{enabled: true, certFile: a, keyFile: b}", []),
        ("{enabled: true, auto_generate: true, domains: [a.example]}", []),
        ("{enabled: true, autoGenerate: true, domains: 'a.example, b.example'}", []),
        ("{enabled: true, use_service: true}", []),
        ("{enabled: maybe}", ["config.invalid"]),
    ],
)
def test_on_a_machine_it_takes_files_or_one_that_is_made(tls, codes):
    found = check(document(f"{{tls: {tls}}}"), registry(), CheckOptions(files=True))
    assert [each.code for each in found] == codes


def test_the_section_belongs_to_the_only_server_of_its_type():
    two = load("modules: [{name: a, type: httpserver}, {name: b, type: httpserver.modular}]\nhttpserver: {prot: 1}")
    found = check(two.document, registry(), CheckOptions())
    assert [(each.code, each.path) for each in found] == [("key.ignored", "httpserver")]
