"""A tenant's Postgres server gets what the tenant's DSN says, and nothing of the process that connects to it."""

import pytest

from apps.engine.outcome import StepFailed, TryAgain
from apps.runs.adapters.databases import PostgresDatabase
from apps.runs.adapters.tenant_dsn import parameters_of
from tests.support.asking import asking_server

pytestmark = pytest.mark.spec("CAT-B1", "database.workflow", "database.modular")


@pytest.fixture
async def asking():
    async with asking_server() as server:
        yield server


async def anywhere(host, port):
    return "127.0.0.1"


async def tried(dsn):
    """Try a statement with a DSN; a server that asks for passwords never answers it."""
    with pytest.raises(TryAgain) as refused:
        await PostgresDatabase(dsn, anywhere).query("select 1")
    return refused.value


async def test_the_server_is_told_the_password_of_the_dsn(asking):
    await tried(f"postgres://ann:of-the-dsn@127.0.0.1:{asking.port}/shop")
    assert asking.passwords == ["of-the-dsn"]
    assert (asking.names[0]["user"], asking.names[0]["database"]) == ("ann", "shop")


async def test_a_dsn_without_a_password_does_not_send_the_product_s(asking, monkeypatch, tmp_path):
    kept = tmp_path / ".pgpass"
    kept.write_text("*:*:*:*:of-the-home\n")
    kept.chmod(0o600)
    for name, value in {
        "PGPASSWORD": "of-the-product",
        "PGPASSFILE": str(kept),
        "HOME": str(tmp_path),
        "PGDATABASE": "product",
        "PGUSER": "product",
        "PGHOSTADDR": "127.0.0.2",
    }.items():
        monkeypatch.setenv(name, value)
    await tried(f"postgres://ann@127.0.0.1:{asking.port}")
    assert asking.passwords == []
    assert (asking.names[0]["user"], asking.names[0]["database"]) == ("ann", "ann")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgres://ann@db.example/shop?passfile=/etc/passwd",
        "postgres://ann@db.example/shop?sslkey=/etc/ssl/private/key&sslcert=/etc/ssl/cert",
        "postgres://ann@db.example/shop?sslrootcert=/etc/passwd",
        "postgres://ann@db.example/shop?service=product",
        "postgres://ann@db.example/shop?hostaddr=127.0.0.1",
        "postgres://ann@/shop?host=/var/run/postgresql",
        "postgres://ann@/shop?host=@abstract",
        "postgres://ann@db.example,127.0.0.1/shop",
        "postgres://ann@db.example:1,2/shop",
        "host=db.example port=soon user=ann",
        "host=db.example port=70000 user=ann",
        "postgres://db.example/shop",
        "no dsn",
    ],
)
def test_a_dsn_that_names_files_sockets_services_or_several_hosts_is_refused(dsn):
    with pytest.raises(StepFailed) as refused:
        parameters_of(dsn)
    assert refused.value.code == "database.dsn"


def test_a_server_s_certificate_is_verified_by_the_system_s_roots_where_the_dsn_asks_for_it():
    dsn = "postgres://ann@db.example/shop?sslrootcert=system&sslmode="
    assert parameters_of(dsn + "verify-full")["sslrootcert"] == "system"
    assert parameters_of(dsn + "require")["sslrootcert"] != "system"
