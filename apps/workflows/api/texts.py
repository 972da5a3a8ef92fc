"""Documents as bodies: YAML as it is, or JSON `{"text": "..."}`; for imports the JSON is the document itself."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps.core.api.bodies import JsonParser, content_of


class YamlParser(BaseParser):
    """Takes the body itself as the text; what it means is the checker's business."""

    media_type = "application/yaml"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, str]:
        """Return the body in the form that the JSON variant has."""
        content = content_of(stream)
        try:
            return {"text": content.decode()}
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8 at byte {error.start}.") from None


class OldYamlParser(YamlParser):
    """The name that YAML had before RFC 9512."""

    media_type = "application/x-yaml"


class TextYamlParser(YamlParser):
    """The name that some editors send."""

    media_type = "text/yaml"


class JsonTextParser(YamlParser):
    """Takes JSON as the text it is, so that faults have a line and a column."""

    media_type = "application/json"


DOCUMENT_PARSERS = (JsonParser, YamlParser, OldYamlParser, TextYamlParser)
PLAIN_TEXT_PARSERS = (JsonTextParser, YamlParser, OldYamlParser, TextYamlParser)
