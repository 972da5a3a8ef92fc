"""A DSN says which server to ask, and as whom; what it leaves out comes from nowhere else."""

import asyncio
import ssl

import pytest
from psycopg.conninfo import conninfo_to_dict

from apps.engine.local.postgres import PostgresDatabase
from apps.engine.local.postgres_dsn import LONGEST, address_in
from apps.engine.outcome import StepFailed, TryAgain
from tests.support.asking import Asking, asking_server
from tests.support.certificates import make_certificates

pytestmark = pytest.mark.spec("CAT-B1", "database.workflow", "database.modular")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgres://ann:s%40cret%20@db.example:6543/shop?sslmode=disable&application_name=a%26b",
        "postgresql://ann@[::1]:6543/shop",
        "postgresql://ann@[::1]/shop",
        "postgres://ann:a:b@db.example",
        "postgres:///shop?user=ann&host=/run/postgresql&port=5433",
        "postgres://ann@%2Frun%2Fpostgresql/shop",
        "host=db.example port=6543 user=ann password='it\\'s a \\\\ b' dbname = shop",
        "user=ann  host=db.example password=a\\ b sslmode=verify-full sslrootcert=system",
        "user=ann password=''",
    ],
)
def test_a_dsn_says_what_libpq_reads_in_it(dsn):
    found, said = address_in(dsn), conninfo_to_dict(dsn)
    assert (found.host, found.user, found.password) == (
        said.get("host", "localhost"),
        "ann",
        said.get("password") or None,
    )
    assert (found.port, found.database) == (int(said.get("port", 5432)), said.get("dbname", "ann"))
    assert (found.tls, found.application) == (said.get("sslmode", "prefer"), said.get("application_name"))


@pytest.mark.parametrize(
    "dsn",
    [
        "",
        "no dsn",
        "host=db.example user",
        "host='db.example user=ann",
        "postgres://ann@db.example:1,2/shop",
        "postgres://ann@db.example/shop?sslmode",
        "postgres://ann@db.example/shop?sslmode=maybe",
        "postgres://ann@db.example/shop?passfile=/etc/passwd",
        "postgres://ann@db.example/shop?service=product",
        "postgres://ann@db.example/shop?hostaddr=127.0.0.1",
        "postgres://ann@db.example/shop?channel_binding=require",
        "postgres://ann@/shop?host=@abstract",
        "postgres://ann@db.example,127.0.0.1/shop",
        "postgres://ann:%ff@db.example/shop",
        "postgres://ann@[::1/shop",
        "host=db.example port=soon user=ann",
        "host=db.example port=70000 user=ann",
        "postgres://db.example/shop",
        "user=ann password=a\0b",
        "user=ann password=" + "x" * LONGEST,
    ],
)
def test_a_dsn_that_cannot_be_followed_is_refused_without_repeating_it(dsn):
    with pytest.raises(StepFailed) as refused:
        address_in(dsn)
    assert refused.value.code == "database.dsn"
    assert "db.example" not in str(refused.value)


async def tried(dsn, folder=None):
    """Try a statement with a DSN; a server that asks for passwords never answers it."""
    with pytest.raises(TryAgain) as refused:
        await PostgresDatabase(dsn, folder).query("select 1")
    assert refused.value.code == "database.busy"


@pytest.fixture
async def asking():
    async with asking_server() as server:
        yield server


async def test_the_server_is_told_what_the_dsn_says(asking):
    await tried(f"postgres://ann:of-the-dsn@127.0.0.1:{asking.port}/shop?application_name=till")
    assert asking.passwords == ["of-the-dsn"]
    told = asking.names[0]
    assert (told["user"], told["database"], told["application_name"]) == ("ann", "shop", "till")


async def test_nothing_of_the_environment_is_told_to_a_server(asking, monkeypatch, tmp_path):
    kept = tmp_path / ".pgpass"
    kept.write_text("*:*:*:*:of-the-home\n")
    kept.chmod(0o600)
    for name, value in {
        "PGPASSWORD": "of-the-host",
        "PGPASSFILE": str(kept),
        "HOME": str(tmp_path),
        "PGDATABASE": "host",
        "PGUSER": "host",
        "PGHOST": "127.0.0.2",
        "PGAPPNAME": "host",
        "PGTZ": "Asia/Tokyo",
    }.items():
        monkeypatch.setenv(name, value)
    await tried(f"postgres://ann@127.0.0.1:{asking.port}")
    assert asking.passwords == []
    assert (asking.names[0]["user"], asking.names[0]["database"]) == ("ann", "ann")
    assert "host" not in str(asking.names[0]).replace("options", "")
    assert "Tokyo" not in str(asking.names[0])


async def test_no_password_goes_in_clear_to_a_server_without_the_encryption_that_the_dsn_wants(asking):
    for mode in ("require", "verify-ca", "verify-full"):
        await tried(f"postgres://ann:of-the-dsn@127.0.0.1:{asking.port}/shop?sslmode={mode}")
    assert (asking.names, asking.passwords) == ([], [])


async def test_a_server_may_be_at_a_socket_of_this_machine(tmp_path):
    server = Asking()
    async with await asyncio.start_unix_server(server.meet, tmp_path / ".s.PGSQL.5433"):
        await tried(f"postgres://ann:of-the-dsn@/shop?host={tmp_path}&port=5433")
    assert server.passwords == ["of-the-dsn"]
    await tried(f"postgres://ann:of-the-dsn@/shop?host={tmp_path}/nowhere")


async def test_a_server_that_says_nothing_is_left_after_a_while(monkeypatch):
    monkeypatch.setattr("apps.engine.local.postgres.DEADLINE_SECONDS", 0.05)
    left = asyncio.Event()

    async def meet(reader, writer):
        while await reader.read(4096):
            pass
        left.set()
        writer.close()

    silent = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with silent:
        await tried(f"host=127.0.0.1 port={silent.sockets[0].getsockname()[1]} user=ann sslmode=disable")
        await asyncio.wait_for(left.wait(), 5)


async def test_a_server_s_certificate_is_verified_by_whom_the_dsn_says(tmp_path, monkeypatch):
    made = make_certificates(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    async with asking_server(context) as server:

        async def trusted(mode, host="127.0.0.1", **more):
            server.passwords.clear()
            where = f"host={host} port={server.port} user=ann password=p sslmode={mode}"
            await tried(" ".join([where, *(f"{name}={value}" for name, value in more.items())]), tmp_path)
            return server.passwords == ["p"]

        assert [await trusted(mode) for mode in ("prefer", "allow", "require")] == [True, True, True]
        for mode in ("verify-ca", "verify-full"):
            assert not await trusted(mode)
            assert not await trusted(mode, sslrootcert="system")
            assert await trusted(mode, sslrootcert=made.authority.name)
            assert await trusted(mode, sslrootcert=made.authority)
            assert await trusted(mode, "localhost", sslrootcert=made.authority) is (mode == "verify-ca")
        with pytest.raises(StepFailed) as refused:
            await PostgresDatabase(
                f"host=127.0.0.1 port={server.port} user=ann sslmode=verify-full sslrootcert=no.pem", tmp_path
            ).query("select 1")
        assert refused.value.code == "database.dsn"
