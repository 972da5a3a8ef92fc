"""An S3 service of its own process: `moto_server`, which keeps objects in memory and here checks every signature."""

import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from apps.core.management.local.ports import any_free
from tests.support.waiting import wait_for

START_SECONDS = 60.0
FREE_ACTIONS = "4"  # a user, its policy, its key, the bucket: after these the service wants signatures
FOR_IAM = {"Authorization": "AWS4-HMAC-SHA256 Credential=none/20300101/us-east-1/iam/aws4_request, Signature=none"}
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


@dataclass(frozen=True)
class ObjectStore:
    """A running service; `keys` are those of a user who may do everything, as a config of `storage.s3` says them."""

    url: str
    keys: dict[str, str]


@contextmanager
def object_store(bucket: str) -> Iterator[ObjectStore]:
    """Start a service with an empty bucket, and end it."""
    port = any_free()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": FREE_ACTIONS}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            wait_for(lambda: process.poll() is not None or _is_there(url), timeout=START_SECONDS, what="moto_server")
            if process.poll() is not None:
                output.seek(0)
                raise AssertionError(output.read().decode(errors="replace"))
            keys = _make_user(url)
            urllib.request.urlopen(urllib.request.Request(f"{url}/{bucket}", method="PUT"), timeout=10).close()
            yield ObjectStore(url, keys)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _is_there(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def _make_user(url: str) -> dict[str, str]:
    _ask(url, Action="CreateUser", UserName="tester")
    _ask(url, Action="PutUserPolicy", UserName="tester", PolicyName="everything", PolicyDocument=POLICY)
    made = _ask(url, Action="CreateAccessKey", UserName="tester")
    found = dict(re.findall("<(AccessKeyId|SecretAccessKey)>([^<]+)<", made))
    return {"accessKeyId": found["AccessKeyId"], "secretAccessKey": found["SecretAccessKey"]}


def _ask(url: str, **query: str) -> str:
    request = urllib.request.Request(
        f"{url}/", data=urlencode(query | {"Version": "2010-05-08"}).encode(), headers=FOR_IAM
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()
