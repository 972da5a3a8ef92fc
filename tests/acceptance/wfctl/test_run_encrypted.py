"""`wfctl run` speaks HTTPS where the document's server says so (spec/modules.md 3.6), told from outside."""

import http.client
import json
import re
import socket
import ssl
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from tests.support.certificates import make_certificates
from tests.support.wfctl import Serving, wfctl

pytestmark = [pytest.mark.spec("httpserver.modular", "CAT-B1"), pytest.mark.slow]

DOCUMENT = """\
modules:
- {name: server, type: httpserver.modular, config: {host: 127.0.0.1, port: 8443, tls: %s}}
- {name: router, type: http.router}
workflows:
  http: {routes: [{method: GET, path: /hello, handler: hello}]}
  pipelines: {hello: {steps: [{respond: {body: {said: hello}}}]}}
"""
PLAIN = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
workflows:
  http: {routes: [{method: GET, path: /hello, handler: hello}]}
  pipelines: {hello: {steps: [{respond: {body: {said: plain}}}]}}
"""
NAMED = "{enabled: true, cert_file: keys/server.pem, key_file: keys/server.key}"


@pytest.fixture
def certificates(tmp_path):
    (tmp_path / "keys").mkdir()
    return make_certificates(tmp_path / "keys", "localhost")


@pytest.fixture
def write(tmp_path):
    def written(tls, text=DOCUMENT, name="document"):
        file = tmp_path / f"{name}.yaml"
        file.write_text(text % tls if "%s" in text else text)
        return file

    return written


def asked(url, trusted, name="localhost"):
    """Return what the server answers to a client that trusts one certificate and expects one name."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=trusted)
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as link,
    ):
        link.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = http.client.HTTPResponse(link)
        answer.begin()
        return json.loads(answer.read())


def refuses_plain(url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.request("GET", "/hello")
        connection.getresponse()
    except (http.client.HTTPException, OSError):
        return True
    finally:
        connection.close()
    return False


def test_the_certificate_beside_the_document_is_shown_and_nothing_goes_in_the_clear(write, certificates):
    with Serving(write(NAMED)) as served:
        assert served.url.startswith("https://127.0.0.1:")
        assert asked(served.url, certificates.authority) == {"said": "hello"}
        with pytest.raises(ssl.SSLCertVerificationError):
            asked(served.url, certificates.authority, "other.example")
        assert refuses_plain(served.url)
        assert asked(served.url, certificates.authority) == {"said": "hello"}


@pytest.mark.spec("CAT-B2.15")
def test_secrets_may_say_whether_it_is_encrypted_and_with_what(write, certificates):
    file = write('{enabled: "${TLS}", cert_file: "${CERTIFICATE}", key_file: keys/server.key}')
    with Serving(file, TLS="true", CERTIFICATE="keys/server.pem") as served:
        assert asked(served.url, certificates.authority) == {"said": "hello"}
    refused = wfctl("run", file, TLS="true", CERTIFICATE="keys/of-nobody.pem")
    assert (refused.code, "cert_file" in refused.err + refused.out) == (1, True)
    assert "of-nobody" not in refused.err + refused.out


def test_settings_at_the_top_encrypt_as_well_and_a_document_beside_stays_plain(write, certificates):
    top = DOCUMENT.replace(", tls: %s", "") + f"httpserver: {{tls: {NAMED}}}\n"
    with Serving(write("", top), write("", PLAIN, "plain")) as served:
        encrypted, plain = served.at("document"), served.at("plain")
        assert asked(encrypted.url, certificates.authority) == {"said": "hello"}
        assert plain.url.startswith("http://")
        assert plain.get("/hello") == {"said": "plain"}


def test_a_certificate_is_made_for_the_domains_and_kept(write, tmp_path):
    own = {"HOME": str(tmp_path / "home")}
    file = write("{enabled: true, auto_generate: true, domains: [shop.example, 127.0.0.1]}")
    kept = []
    for _ in range(2):
        with Serving(file, **own) as served:
            (made,) = re.findall(r"\S+\.pem", served.wait_line("made a certificate"))
            assert asked(served.url, made, "shop.example") == {"said": "hello"}
            assert asked(served.url, made, "127.0.0.1") == {"said": "hello"}
            with pytest.raises(ssl.SSLCertVerificationError):
                asked(served.url, made, "localhost")
            with open(made, "rb") as opened:
                kept.append(x509.load_pem_x509_certificate(opened.read()).serial_number)
    assert kept[0] == kept[1]
    (file,) = (tmp_path / "home/.local/share/weft/certificates").iterdir()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("tls", ["{enabled: true, auto_generate: true}", "{enabled: true, use_service: true}"])
def test_without_domains_it_is_made_for_this_machine(write, tmp_path, tls):
    with Serving(write(tls), HOME=str(tmp_path / "home")) as served:
        (made,) = re.findall(r"\S+\.pem", served.wait_line("made a certificate"))
        assert asked(served.url, made) == asked(served.url, made, "127.0.0.1") == {"said": "hello"}


@pytest.mark.parametrize(
    ("tls", "path", "said"),
    [
        ("{enabled: true, cert_file: keys/none.pem, key_file: keys/server.key}", "cert_file", "cannot be read"),
        ("{enabled: true, cert_file: keys/server.pem, key_file: keys}", "key_file", "cannot be read"),
        ("{enabled: true, cert_file: document.yaml, key_file: keys/server.key}", "cert_file", "cannot be used"),
        ("{enabled: true, cert_file: keys/authority.pem, key_file: keys/server.key}", "cert_file", "cannot be used"),
        ("{enabled: true, auto_generate: true, domains: [ö..example]}", "tls", "No certificate can be made"),
    ],
)
@pytest.mark.shows("httpserver.modular", "failure")
@pytest.mark.usefixtures("certificates")
def test_a_file_that_is_missing_or_no_certificate_is_told_where_it_is_named(write, tls, path, said):
    done = wfctl("run", write(tls), "--address", "127.0.0.1:0")
    assert done.code == 1
    assert "document.yaml:2:" in done.out
    assert "file.unavailable" in done.out
    assert said in re.sub(r"\s+", " ", done.out)
    assert path in done.out


@pytest.mark.shows("httpserver.modular", "failure")
def test_a_key_with_a_passphrase_is_told_and_nobody_is_asked_for_it(write, certificates):
    locked = certificates.key.read_text().replace("-----BEGIN PRIVATE KEY-----", LOCKED_HEAD)
    certificates.key.write_text(locked.replace("-----END PRIVATE KEY-----", "-----END EC PRIVATE KEY-----"))
    done = wfctl("run", write(NAMED), "--address", "127.0.0.1:0")
    assert (done.code, "passphrase" in done.out) == (1, True)


LOCKED_HEAD = """\
-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF
"""
