"""HTTPS for `wfctl run`: the certificate that a document's `httpserver.modular` names, or one that is made here."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from apps.engine.checks.known import canonical
from apps.engine.codes import finding
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.findings import Finding
from apps.modules.catalog.framework.httpserver_modular import TlsConfig
from apps.wfctl.address import server_of
from apps.wfctl.made_certificates import made_certificate

KIND = "httpserver.modular"


class BadCertificate(Exception):
    """A certificate cannot be used; `finding` says where the document names it, and why."""

    def __init__(self, found: Finding) -> None:
        super().__init__(found.message)
        self.finding = found


@dataclass(frozen=True, slots=True)
class Encryption:
    """What a server needs to speak TLS; `made` is the file of a certificate that only this machine vouches for."""

    context: ssl.SSLContext
    made: Path | None = None


def encryption_of(document: Document, folder: Path) -> Encryption | None:
    """Return how a sound document is to be encrypted, None when it is not; raise `BadCertificate`."""
    server = server_of(document)
    if server is None or canonical(server.entry.kind) != KIND:
        return None
    tls = TlsConfig.model_validate(server.values.get("tls") or {})
    if not tls.enabled:
        return None
    path = (*server.place("tls")[0], "tls")
    if not tls.is_made_here:
        certificate, key = folder / tls.cert_file, folder / tls.key_file
        _readable(document, (*path, "cert_file"), certificate)
        _readable(document, (*path, "key_file"), key)
        return Encryption(_context(document, (*path, "cert_file"), certificate, key))
    try:
        made = made_certificate(tls.domains)
    except (OSError, ValueError) as problem:
        raise _refused(document, path, f"No certificate can be made: {problem}.") from None
    return Encryption(_context(document, path, made, made), made)


def _readable(document: Document, path: DocumentPath, file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as problem:
        raise _refused(document, path, f"{file} cannot be read: {problem.strerror}.") from None


def _context(document: Document, path: DocumentPath, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except ssl.SSLError as problem:
        said = (problem.reason or "not PEM").replace("_", " ").lower()
        raise _refused(document, path, f"The certificate and its key cannot be used: {said}.") from None
    except ValueError:
        raise _refused(document, path, "The key has a passphrase; name one without.") from None
    return context


def _no_passphrase() -> str:
    """Keep OpenSSL from asking the terminal."""
    raise ValueError


def _refused(document: Document, path: DocumentPath, message: str) -> BadCertificate:
    return BadCertificate(finding("file.unavailable", path_text(path), message, *document.mark_of(path)))
