"""A NATS server of its own process, with JetStream."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.core.management.local.nats import MISSING, find
from apps.core.management.local.ports import any_free
from tests.support.certificates import Certificates
from tests.support.waiting import wait_for

START_SECONDS = 20.0
STOP_SECONDS = 20


@contextmanager
def nats_server(
    folder: Path | None = None,
    *,
    port: int = 0,
    password: str = "",
    token: str = "",
    certificates: Certificates | None = None,
) -> Iterator[str]:
    """Start a server and end it; give its host:port. One that is started in a folder again has its streams still.

    With a password it lets in nobody but `tester`, with a token whoever has that; with certificates it demands TLS.
    """
    program = find()
    assert program, MISSING
    with tempfile.TemporaryDirectory() as own:
        address = f"127.0.0.1:{port or any_free()}"
        kept = folder or Path(own)
        said = Path(own) / "log"
        command = [program, "-a", "127.0.0.1", "-p", address.rpartition(":")[2], "-js", "-sd", str(kept)]
        command += ["--user", "tester", "--pass", password] if password else []
        command += ["--auth", token] if token else []
        if certificates is not None:
            command += ["--tls", "--tlscert", str(certificates.certificate), "--tlskey", str(certificates.key)]
        with said.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            wait_for(
                lambda: process.poll() is not None or b"Server is ready" in said.read_bytes(),
                timeout=START_SECONDS,
                what="nats-server",
            )
            assert process.poll() is None, said.read_text()
            yield address
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
