"""`static.fileserver`: files of a folder, and nothing outside of it."""

import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused
from apps.engine.testing import Bench
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("static.fileserver")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "public" / "docs").mkdir(parents=True)
    (tmp_path / "public" / "index.html").write_text("home")
    (tmp_path / "public" / "docs" / "index.html").write_text("the docs")
    (tmp_path / "public" / "app.js").write_text("let a = 1;")
    (tmp_path / "public" / "data.weft-unknown").write_bytes(b"\x00")
    (tmp_path / "secret.txt").write_text("not yours")
    return tmp_path


def bench(folder, config="root: public", more=""):
    document = load(f"modules: [{{name: files, type: static.fileserver, config: {{{config}}}}}]\n{more}").document
    return Bench(compile_document(document, registry(), read_file=lambda name: (folder / name).read_bytes()))


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("/", "home", "text/html; charset=utf-8"),
        ("/app.js", "let a = 1;", "text/javascript; charset=utf-8"),
        ("/docs", "the docs", "text/html; charset=utf-8"),
        ("/docs/", "the docs", "text/html; charset=utf-8"),
        ("/data.weft-unknown", "\x00", "application/octet-stream"),
        ("/any/address/of/the/app", "home", "text/html; charset=utf-8"),
    ],
)
async def test_a_path_gets_its_file_or_the_page_of_the_application(folder, path, content, kind):
    async with bench(folder) as found:
        answer = await found.request("GET", path)
        assert (answer.status, answer.body.decode(), answer.headers["content-type"]) == (200, content, kind)
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/../secret.txt", "/docs/../../secret.txt", "/docs/./x", "/..\\secret.txt", "/a\0b"])
@pytest.mark.shows("static.fileserver", "failure")
async def test_a_path_out_of_the_folder_is_refused(folder, path):
    async with bench(folder) as found:
        answer = await found.request("GET", path)
        assert (answer.status, b"not yours" in answer.body) == (403, False)


async def test_without_the_fallback_an_unknown_path_is_unknown_and_only_get_is_served(folder):
    async with bench(folder, "root: public/, prefix: /files/, spaFallback: false, cacheMaxAge: '60'") as found:
        assert (await found.request("GET", "/files/app.js")).headers["cache-control"] == "public, max-age=60"
        assert (await found.request("HEAD", "/files/app.js")).body == b""
        assert (await found.request("GET", "/files/none")).status == 404
        assert (await found.request("GET", "/app.js")).status == 404
        assert (await found.request("POST", "/files/app.js")).status == 405


@pytest.mark.parametrize("age", [0, -5])
async def test_no_age_is_an_hour(folder, age):
    async with bench(folder, f"root: public, cacheMaxAge: {age}") as found:
        assert (await found.request("GET", "/")).headers["cache-control"] == "public, max-age=3600"


@pytest.mark.parametrize("root", ["nowhere", "secret.txt"])
@pytest.mark.shows("static.fileserver", "failure")
def test_a_root_that_is_no_folder_refuses_the_document_at_its_place(folder, root):
    with pytest.raises(DocumentRefused) as refused:
        bench(folder, f"root: {root}")
    assert [(found.code, found.path) for found in refused.value.findings] == [("file.unavailable", "modules[0].config")]


async def test_where_documents_have_no_folder_it_is_told_and_serves_nothing():
    document = load("modules: [{name: files, type: static.fileserver, config: {root: public}}]").document
    application = compile_document(document, registry())
    assert [(each.code, each.path) for each in application.findings] == [("file.left_out", "modules[0].config.root")]
    async with Bench(application) as found:
        assert (await found.request("GET", "/index.html")).status == 404


@pytest.mark.parametrize(
    ("config", "code"),
    [("{}", "config.required"), ("{root: ''}", "config.required"), ("{root: a, prefix: x}", "config.invalid")],
)
def test_what_the_config_lacks_is_told(config, code):
    document = load(f"modules: [{{name: files, type: static.fileserver, config: {config}}}]").document
    assert code in [each.code for each in check(document, registry(), CheckOptions(files=True))]
