"""Document texts on their way in: bytes as typed, within the size that a document may have."""

from apps.core.errors import Invalid, TooLarge
from apps.engine.yamlreader import Limits


def encoded(text: str) -> bytes:
    """Return the text as UTF-8; raise `Invalid` for what UTF-8 has no form for, `TooLarge` beyond the limit."""
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        message = f"The character at position {error.start} cannot be stored."
        raise Invalid("The text is not Unicode.", errors=[{"pointer": "/text", "message": message}]) from None
    if len(content) > Limits().text_bytes:
        raise TooLarge(f"A document may have at most {Limits().text_bytes} bytes; this one has {len(content)}.")
    return content
