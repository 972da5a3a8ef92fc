"""Serves the files of a folder beside the document, such as a web application's pages and pictures.

Every GET below `prefix` that no route of the document answers is looked up under `root`; the type needs no route. With
`spaFallback` an unknown path gets `index.html`, so that a single-page application can have addresses of its own. Paths
that lead out of the folder are refused. A folder is beside the document only where the document is a file, as under
`wfctl run`; a hosted deployment of one serves nothing, and says so, since tenants have no folder there.
"""

from collections.abc import Callable
from mimetypes import MimeTypes

from pydantic import Field, field_validator

from apps.engine.config_types import A_FILE, SettingsModel, WholeNumber
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Links, Module, ModulePort
from apps.engine.sections.answers import problem

INDEX = "index.html"
USUAL_AGE = 3600
_types = MimeTypes(filenames=())  # the language's own table, the same on every machine
_types.add_type("text/javascript", ".js")
_types.add_type("text/javascript", ".mjs")


class StaticFileserverConfig(SettingsModel):
    """Settings of `static.fileserver`."""

    root: str = Field(min_length=1, description="The folder, relative to the document.", json_schema_extra=A_FILE)
    prefix: str = Field("/", pattern=r"^/[^{}:]*$", description="The address that the folder stands for.")
    spa_fallback: bool = Field(True, description="Whether an unknown path gets `index.html`, when there is one.")
    cache_max_age: WholeNumber = Field(
        USUAL_AGE, description="Seconds for which a browser may keep a file; 0 and less mean an hour."
    )

    @field_validator("cache_max_age")
    @classmethod
    def _positive(cls, value: int) -> int:
        return value if value > 0 else USUAL_AGE


class StaticFileserver(Module[StaticFileserverConfig]):
    """A folder of files."""

    kind = "static.fileserver"
    title = "Static files"
    category = Category.STORAGE
    Config = StaticFileserverConfig
    inputs = (ModulePort("request", "http", "Requests below the prefix that no route answers."),)
    outputs = (ModulePort("file", "http", "The file."),)

    def __init__(self, name: str, config: StaticFileserverConfig) -> None:
        super().__init__(name, config)
        self._root = config.root.rstrip("/") or "/"
        self._prefix = config.prefix.rstrip("/")
        self._read: Callable[[str], bytes] | None = None
        caching = f"public, max-age={config.cache_max_age}".encode()
        self._headers = [(b"cache-control", caching), (b"x-content-type-options", b"nosniff")]

    def link(self, links: Links) -> None:
        """Make sure that the folder is there; raise `FileNotFoundError` or `NotADirectoryError`."""
        self._read = links.read_file
        if self._read is not None:
            try:
                self._read(self._root)
            except (IsADirectoryError, PermissionError):  # what reading a folder gives, by system
                return
            raise NotADirectoryError(f"{self.config.root} is a file; root names a folder.")

    def mounts(self) -> list[tuple[str, str]]:
        """Serve everything below the prefix."""
        return [("GET", f"{self._prefix}/{{path...}}")]

    def handle(self, request: Request, context: Context) -> Response:
        """Answer with a file, the fallback, or 404."""
        path = request.path.removeprefix(self._prefix).strip("/")
        parts = path.split("/") if path else []
        if any(part in ("..", ".") or "\\" in part or "\0" in part for part in parts):
            return problem(403, "file.outside", "The path leads out of the folder.", request)
        for wanted in ("/".join(parts) or INDEX, f"{path}/{INDEX}"):
            content = self._content(wanted)
            if content is not None:
                return self._found(wanted, content)
        fallback = self._content(INDEX) if self.config.spa_fallback else None
        if fallback is not None:
            return self._found(INDEX, fallback)
        return problem(404, "file.unknown", f"There is no file at {request.path}.", request)

    def _content(self, path: str) -> bytes | None:
        if self._read is None:
            return None
        try:
            return self._read(f"{self._root}/{path}")
        except (OSError, ValueError):  # not there, a folder, or no name at all
            return None

    def _found(self, path: str, content: bytes) -> Response:
        kind = _types.guess_type(path)[0] or "application/octet-stream"
        text = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        return Response(200, content, text.encode(), list(self._headers))
