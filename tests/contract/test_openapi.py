"""The checked-in OpenAPI file says what the routes do, and its page needs no other server."""

import re

import pytest
import yaml
from django.conf import settings
from django.test import Client

from apps.core.api.openapi import openapi_path, openapi_text
from apps.core.api.permissions import routes

pytestmark = pytest.mark.spec("SPINE-B7")


@pytest.fixture(scope="module")
def document():
    return yaml.load(openapi_path().read_text(), yaml.CSafeLoader)


def fetched(path):
    """Return status, type and content of a file that is sent in pieces."""
    answer = Client().get(path)
    content = b"".join(answer.streaming_content)
    answer.close()
    return answer.status_code, answer["Content-Type"], content


def operations(document):
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.spec("SPINE-B7.9")
def test_the_file_is_fresh():
    assert openapi_path().read_text() == openapi_text(), "run `manage.py openapi` and commit deploy/openapi.yaml"


@pytest.mark.spec("SPINE-B7.9")
def test_every_call_of_the_api_is_in_the_file(document):
    described = {(re.sub(r"{(\w+)}", "<>", path), method.upper()) for path, method, _ in operations(document)}
    served = {
        (re.sub(r"<[^>]+>", "<>", f"/{route.pattern}"), route.method)
        for route in routes()
        if route.pattern.startswith("api/v1/")
    }
    assert described == served


def test_operations_have_names_of_their_own_and_say_what_they_do(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert all(operation["description"] for _, _, operation in operations(document))


@pytest.mark.spec("SPINE-B7.10")
def test_every_operation_declares_its_refusals_as_problems(document):
    for path, method, operation in operations(document):
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {"401", "403", "429"} <= refusals.keys(), (path, method)
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in refusals.values())


def test_every_json_body_is_described_without_further_keys(document):
    schemas = document["components"]["schemas"]
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for _, _, operation in operations(document)
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    shapes = [schemas[body["$ref"].rpartition("/")[2]] for body in bodies if "$ref" in body]
    assert len(shapes) > 10
    assert [shape for shape in shapes if shape.get("additionalProperties") is not False] == []


def test_every_answer_is_described_by_a_schema_that_exists(document):
    schemas = document["components"]["schemas"]
    named = re.findall(r"#/components/schemas/([\w.]+)", openapi_path().read_text())
    assert document["openapi"].startswith("3.1")
    assert set(named) <= schemas.keys()


@pytest.mark.spec("SPINE-B7.9")
def test_the_file_is_served_as_it_is_checked_in():
    status, kind, content = fetched("/api/openapi.yaml")
    assert (status, kind, content.decode()) == (200, "application/yaml", openapi_path().read_text())


@pytest.mark.spec("SPINE-B7.9")
def test_the_reference_page_loads_nothing_from_elsewhere():
    page = Client().get("/api/docs")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert len(sources) >= 4
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    assert not re.search(r"<script>", page.content.decode())
    assert "script-src 'self'" in page["Content-Security-Policy"]
    script = Client().get(next(source for source in sources if "script=" in source).replace("&amp;", "&"))
    assert (script.status_code, script["Content-Type"]) == (200, "application/javascript")
    assert "/api/openapi.yaml" in script.content.decode()


def test_the_files_of_the_reference_page_are_served():
    page = Client().get("/api/docs").content.decode()
    for source in re.findall(rf'(?:src|href)="({settings.STATIC_URL}[^"]+)"', page):
        assert fetched(source)[0] == 200, source
