"""Provisioning makes four roles of which none can bypass what keeps tenants apart, and can be run again."""

import os
import uuid
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from psycopg import sql

from apps.core.management.local.roles import NAMES, provision, read_mark, write_mark

pytestmark = pytest.mark.spec("SPINE-B3")

ADMIN_URL = os.environ.get("WEFT_TEST_ADMIN_URL", "")


@pytest.fixture
def name():
    """A database and a prefix that nobody else uses; both are gone afterwards."""
    unique = f"p{uuid.uuid4().hex[:10]}"
    yield unique
    with psycopg.connect(ADMIN_URL, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(unique)))
        for role in (*NAMES, "admin"):
            admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(f"{unique}_{role}")))


def ask(url, statement, *values):
    """The first column of the first row."""
    with psycopg.connect(url) as connection:
        return connection.execute(statement, values).fetchone()[0]


@pytest.mark.spec("SPINE-B3.1")
def test_every_role_signs_in_and_none_is_above_row_level_security(name):
    made = provision(ADMIN_URL, name, prefix=name)
    for role in NAMES:
        assert ask(made.urls[role], "select current_user") == f"{name}_{role}"
    powers = "select bool_or(rolsuper or rolbypassrls or rolcreaterole) from pg_roles where rolname like %s"
    assert ask(ADMIN_URL, powers, f"{name}%") is False
    members = "select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname like %s"
    assert ask(ADMIN_URL, members, f"{name}%") == 0


@pytest.mark.spec("SPINE-B3.1")
@pytest.mark.parametrize("role", ["app", "relay", "ops"])
def test_a_serving_role_creates_nothing(name, role):
    made = provision(ADMIN_URL, name, prefix=name)
    with psycopg.connect(made.urls[role]) as connection, pytest.raises(psycopg.Error):
        connection.execute("create table mine (n int)")


def test_the_roles_that_write_in_groups_may_make_temporary_tables_and_operators_may_not(name):
    made = provision(ADMIN_URL, name, prefix=name)
    for role in ("app", "relay"):
        with psycopg.connect(made.urls[role]) as connection:
            connection.execute("create temporary table batch (n int) on commit drop")
    with psycopg.connect(made.urls["ops"]) as connection, pytest.raises(psycopg.Error):
        connection.execute("create temporary table batch (n int) on commit drop")


def test_a_forgotten_transaction_is_ended(name):
    made = provision(ADMIN_URL, name, prefix=name)
    assert ask(made.urls["app"], "show idle_in_transaction_session_timeout") == "10s"
    assert ask(made.urls["ops"], "show default_transaction_read_only") == "on"


@pytest.mark.spec("SPINE-B3.1")
def test_running_it_again_renews_the_passwords_and_keeps_the_data(name):
    stored = "select rolpassword from pg_authid where rolname = %s"
    with psycopg.connect(provision(ADMIN_URL, name, prefix=name).urls["owner"]) as connection:
        connection.execute("create table kept (n int)")
    before = ask(ADMIN_URL, stored, f"{name}_owner")
    again = provision(ADMIN_URL, name, prefix=name)
    assert ask(again.urls["owner"], "select count(*) from kept") == 0
    assert before.startswith("SCRAM-SHA-256")
    assert ask(ADMIN_URL, stored, f"{name}_owner") != before


def test_passwords_that_are_given_are_kept(name):
    made = provision(ADMIN_URL, name, prefix=name, passwords=dict.fromkeys(NAMES, "p@ss/word"))
    assert all(":p%40ss%2Fword@" in url for url in made.urls.values())


@pytest.mark.spec("SPINE-B3.1")
def test_an_administrator_need_not_be_a_superuser(name):
    with psycopg.connect(ADMIN_URL, autocommit=True) as admin:
        role = sql.Identifier(f"{name}_admin")
        admin.execute(sql.SQL("create role {} login createrole createdb password 'only-here'").format(role))
    server = ADMIN_URL.rpartition("@")[2]
    made = provision(f"postgresql://{name}_admin:only-here@{server}", name, prefix=name)
    assert ask(made.urls["app"], "select current_database()") == name


def test_a_mark_lives_on_the_database(name):
    owner = provision(ADMIN_URL, name, prefix=name).urls["owner"]
    assert read_mark(owner) == ""
    write_mark(owner, "it's here")
    assert read_mark(owner) == "it's here"


@pytest.mark.spec("SPINE-B3.1")
def test_the_command_prints_one_line_per_variable(name):
    output, warnings = StringIO(), StringIO()
    call_command(
        "provision", "--admin-url", ADMIN_URL, "--database", name, "--prefix", name, stdout=output, stderr=warnings
    )
    lines = dict(line.split("=", 1) for line in output.getvalue().splitlines())
    assert list(lines) == [
        "DATABASE_URL", "DATABASE_RELAY_URL", "DATABASE_OPS_URL", "DATABASE_OWNER_URL", "DATABASE_DIRECT_URL",
    ]  # fmt: skip
    assert "do not serve with it" in warnings.getvalue()


def test_a_server_that_is_not_there_is_one_clear_message():
    with pytest.raises(CommandError, match="connection"):
        call_command("provision", "--admin-url", "postgresql://nobody@127.0.0.1:1/none")
