"""Documents compiled with the real catalogue."""

from apps.engine.application import Application
from apps.engine.check import check
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.modules.queries import registry
from tests.support.checkout import ROOT


def compiled_real(text: str) -> Application:
    """Return the application of a text that the product would publish."""
    document = load(text).document
    assert document is not None
    return compile_document(document, registry())


def module_example(stem: str) -> Application:
    """Return the application of an example of a module type."""
    return compiled_real((ROOT / "examples" / "modules" / f"{stem}.yaml").read_text(encoding="utf-8"))


def findings_real(text: str) -> list[tuple[str, str, int, str]]:
    """Return code, path, line and message of every finding of a text that loads."""
    document = load(text).document
    assert document is not None
    return [(found.code, found.path, found.line, found.message) for found in check(document, registry())]


def refusing(middleware: str, config: str = "{}") -> Application:
    """Return a document whose only route, POST /orders, has the middleware and refuses whatever has no `id`."""
    return compiled_real(f"""\
modules:
- {{name: server, type: http.server, config: {{port: 8080}}}}
- {{name: router, type: http.router}}
- {{name: between, type: {middleware}, config: {config}}}
workflows:
  http: {{routes: [{{method: POST, path: /orders, handler: take, middlewares: [between]}}]}}
  pipelines: {{take: {{steps: [{{validate: {{schema: {{type: object, required: [id]}}}}}}]}}}}
""")
