"""Certificates that `wfctl run` makes itself and keeps: a file for each set of names, in the user's folder of data."""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

LIFETIME = datetime.timedelta(days=397)  # what browsers take at most
RENEWED = datetime.timedelta(days=30)  # before the end
USUAL = "localhost"
FOLDER = Path(".local/share/weft/certificates")


def made_certificate(domains: Sequence[str]) -> Path:
    """Return a PEM file with a key and a certificate for names and addresses, made when there is none that lasts.

    It is its own authority: a client that is given the file trusts this server and no other. Raises `OSError` where it
    cannot be kept, `ValueError` for what is no name.
    """
    names = tuple(dict.fromkeys(domains)) or (USUAL, "127.0.0.1", "::1")
    folder = Path.home() / FOLDER
    file = folder / f"{sha256(' '.join(names).encode()).hexdigest()[:16]}.pem"
    if not _lasts(file):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = _made(names)
        begun = file.with_suffix(f".{os.getpid()}")
        with suppress(FileNotFoundError):
            begun.unlink()
        descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        begun.replace(file)
    return file


def _lasts(file: Path) -> bool:
    from cryptography import x509  # noqa: PLC0415 - slow to load, and most documents do without

    try:
        found = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError):
        return False
    return found.not_valid_after_utc - datetime.datetime.now(datetime.UTC) > RENEWED


def _made(names: Sequence[str]) -> bytes:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_named(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + certificate.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> "x509.GeneralName":
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode("ascii") if not name.isascii() else name)
