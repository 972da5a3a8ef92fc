"""Lines of event logs go to real files and system logs of this machine."""

import contextlib
import gzip
import os
import re
import socket
from datetime import UTC, datetime

import pytest

from apps.engine.local.log_files import DAY_SECONDS, MIB, LogFiles
from apps.engine.local.log_targets import LocalLogTargets
from apps.engine.log_targets import NoLogTargets, read_target
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.redaction import KnownSecrets

pytestmark = pytest.mark.spec("CAT-B1", "eventlogger.modular")

AT = datetime(2026, 1, 3, 10, 0, tzinfo=UTC)


@pytest.fixture
def targets(tmp_path):
    known = KnownSecrets()
    known.use("s3cret-of-mine")
    return LocalLogTargets(tmp_path, LogFiles(), known)


async def write(targets, kind, line="a line", level="INFO", **settings):
    await targets.write(read_target(kind, settings), line, level, AT)


async def test_lines_are_added_to_a_file_that_is_where_the_document_says(targets, tmp_path):
    (tmp_path / "old.log").write_text("before\n")
    await write(targets, "file", path="old.log")
    await write(targets, "file", path="logs/new.log", mode="unknown keys mean nothing")
    await write(targets, "file", path=str(tmp_path / "there.log"))
    assert (tmp_path / "old.log").read_text() == "before\na line\n"
    assert (tmp_path / "logs/new.log").read_text() == (tmp_path / "there.log").read_text() == "a line\n"


async def test_an_event_is_one_line_and_shows_no_secret(targets, tmp_path):
    await write(targets, "file", "a\nforged \x1b[2J with s3cret-of-mine \u2028 end", path="x.log")
    assert (tmp_path / "x.log").read_text() == "a\\nforged \\x1b[2J with [redacted] \\u2028 end\n"


async def test_a_full_file_is_put_beside_and_the_oldest_go(targets, tmp_path):
    file = tmp_path / "x.log"
    for number in range(4):
        file.write_bytes(b"%d" % number * MIB)
        await write(targets, "file", path="x.log", maxSize="1", maxBackups=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1.gz", "x.log.2.gz"]
    assert file.read_text() == "a line\n"
    assert [gzip.decompress((tmp_path / f"x.log.{n}.gz").read_bytes())[:1] for n in (1, 2)] == [b"3", b"2"]


async def test_files_that_are_too_old_go_and_what_is_not_the_log_s_stays(targets, tmp_path):
    for name in ("x.log", "x.log.1", "x.log.7", "x.log.old", "y.log.1"):
        (tmp_path / name).write_bytes(b"z" * MIB)
    long_ago = datetime.now(UTC).timestamp() - 3 * DAY_SECONDS
    os.utime(tmp_path / "x.log.7", (long_ago, long_ago))
    await write(targets, "file", path="x.log", maxSize=1, maxBackups=9, maxAge=2, compress=False)
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["x.log", "x.log.1", "x.log.2", "x.log.old", "y.log.1"]
    (tmp_path / "y.log").write_bytes(b"z" * MIB)
    await write(targets, "file", path="y.log", maxSize=1, maxBackups=0)
    assert sorted(path.name for path in tmp_path.glob("y*")) == ["y.log"]


async def test_a_file_that_cannot_be_written_is_a_failed_step(targets, tmp_path):
    (tmp_path / "file").touch()
    for path in ("file/x.log", ".", "a\0b"):
        with pytest.raises(StepFailed) as failed:
            await write(targets, "file", path=path)
        assert failed.value.code == "log.target"
    with pytest.raises(StepFailed):
        await write(LocalLogTargets(None, LogFiles(), KnownSecrets()), "file", path="x.log")


@pytest.mark.parametrize(
    ("level", "facility", "priority"),
    [
        ("DEBUG", "kern", 7),
        ("INFO", "user", 14),
        ("WARN", "DAEMON", 28),
        ("ERROR", "local7", 187),
        ("FATAL", "ftp", 90),
    ],
)
async def test_a_system_log_is_told_level_facility_and_tag_by_datagram(targets, level, facility, priority):
    with bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)) as log:
        address = f"127.0.0.1:{log.getsockname()[1]}"
        await write(targets, "syslog", "one\ntwo", level, network="udp", address=address, tag="shop", facility=facility)
        said = log.recv(4096).decode()
    assert re.fullmatch(rf"<{priority}>2026-01-03T10:00:00\+00:00 \S+ shop\[{os.getpid()}\]: one\\ntwo\n", said)


async def test_a_system_log_may_be_a_stream_or_a_socket_of_this_machine(targets, tmp_path):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as log:
        await write(targets, "syslog", network="tcp", address=f"127.0.0.1:{log.getsockname()[1]}")
        assert taken(log).startswith("<14>2026-01-03T10:00:00+00:00 ")
    with bound(socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "datagrams")) as log:
        await write(targets, "syslog", address="datagrams")
        assert re.fullmatch(r"<14>Jan  \d \d\d:00:00 modular\[\d+\]: a line\n", log.recv(4096).decode())
    with bound(socket.AF_UNIX, socket.SOCK_STREAM, str(tmp_path / "stream")) as log:
        await write(targets, "syslog", address="stream")
        assert taken(log).endswith(": a line\n")


@pytest.mark.parametrize(
    "where",
    [{"address": "nowhere"}, {"network": "tcp", "address": "127.0.0.1:1"}, {"network": "udp", "address": "h:x"}],
)
async def test_a_system_log_that_is_not_there_is_tried_again(targets, where):
    with pytest.raises(TryAgain) as failed:
        await write(targets, "syslog", **where)
    assert failed.value.code == "log.unreachable"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("file", {}),
        ("file", {"path": ""}),
        ("file", {"path": "x", "maxSize": 0}),
        ("syslog", {"network": "carrier pigeon"}),
        ("syslog", {"facility": "none"}),
        ("syslog", None),
    ],
)
def test_settings_that_cannot_be_used_are_a_failed_step(kind, settings):
    with pytest.raises(StepFailed) as failed:
        read_target(kind, settings)
    assert failed.value.code == "log.target"


async def test_hosted_there_is_neither():
    with pytest.raises(StepFailed) as failed:
        await write(NoLogTargets(), "file", path="/tmp/x.log")
    assert failed.value.code == "log.target"


@contextlib.contextmanager
def bound(family, kind, address):
    with socket.socket(family, kind) as made:
        made.bind(address)
        made.settimeout(5)
        if kind == socket.SOCK_STREAM:
            made.listen()
        yield made


def taken(log):
    talk, _ = log.accept()
    with talk:
        return talk.recv(4096).decode()
