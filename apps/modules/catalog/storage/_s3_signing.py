"""Signs requests to an object store: AWS Signature Version 4, the whole body in one piece."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "s3"
UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs, and for which region."""

    key_id: str
    secret: str
    region: str


def encoded_path(path: str) -> str:
    """Return a path as it is signed and sent: every byte but the unreserved ones and `/` is percent-encoded."""
    return quote(path, safe=UNRESERVED + "/")


def encoded_query(query: Mapping[str, str]) -> str:
    """Return a query as it is signed and sent: in the order of the encoded names."""
    pairs = sorted((quote(name, safe=UNRESERVED), quote(value, safe=UNRESERVED)) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed(
    method: str,
    host: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    at: datetime,
    credentials: Credentials,
) -> dict[str, str]:
    """Return the headers to send, names in lower case, `host` left out: the given ones, date, digest, authorization.

    All headers are signed; `path` and `query` are as they were before encoding, `at` is in UTC.
    """
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    sent = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    sent |= {"x-amz-content-sha256": digest, "x-amz-date": moment}
    covered = sorted((sent | {"host": host}).items())
    names = ";".join(name for name, _ in covered)
    lines = "".join(f"{name}:{value}\n" for name, value in covered)
    request = "\n".join((method, encoded_path(path), encoded_query(query), lines, names, digest))
    scope = f"{moment[:8]}/{credentials.region}/{SERVICE}/aws4_request"
    text = "\n".join((ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()))
    signature = hmac.new(_key(credentials, moment[:8]), text.encode(), hashlib.sha256).hexdigest()
    said = f"{ALGORITHM} Credential={credentials.key_id}/{scope},SignedHeaders={names},Signature={signature}"
    return sent | {"authorization": said}


def _key(credentials: Credentials, day: str) -> bytes:
    key = f"AWS4{credentials.secret}".encode()
    for part in (day, credentials.region, SERVICE, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
