"""Values come from the environment with their type; lists are split at commas; files are read line by line."""

import pytest
from pydantic import ValidationError

from config.env import Environment, read_file
from config.settings.database import database, databases
from config.settings.mail import mail

pytestmark = pytest.mark.spec("SPINE-B2")


def test_a_list_is_split_at_commas(monkeypatch):
    monkeypatch.setenv("OUTBOUND_ALLOW", "127.0.0.1:9000, 10.0.0.0/8,")
    assert Environment().outbound_allow == ["127.0.0.1:9000", "10.0.0.0/8"]


@pytest.mark.spec("SPINE-B2.15")
def test_a_value_of_the_wrong_type_is_refused(monkeypatch):
    monkeypatch.setenv("WEB_PORT", "eighty")
    with pytest.raises(ValidationError, match="web_port"):
        Environment()


def test_the_broker_is_redis_unless_another_is_named():
    assert Environment(redis_url="redis://r/0").broker == "redis://r/0"
    assert Environment(redis_url="redis://r/0", broker_url="amqp://q").broker == "amqp://q"


def test_a_database_url_is_taken_apart_and_unquoted():
    found = database("postgresql://weft_app:p%40ss@db.internal:6432/we%20ft?sslmode=require")
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("we ft", "weft_app", "p@ss")
    assert (found["HOST"], found["PORT"], found["OPTIONS"]["sslmode"]) == ("db.internal", "6432", "require")


def test_the_owner_is_known_only_where_its_url_is_given():
    assert set(databases(Environment(database_owner_url=""))) == {"default", "ops"}
    assert set(databases(Environment(database_owner_url="postgresql://o@db/w"))) == {"default", "ops", "owner"}


def test_a_pooler_in_transaction_mode_finds_nothing_to_refuse():
    found = databases(Environment(database_url="postgresql://app@pooler/weft"))["default"]
    assert found["DISABLE_SERVER_SIDE_CURSORS"]
    assert set(found["OPTIONS"]) == {"application_name", "pool"}


@pytest.mark.spec("SPINE-B3.9")
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://u:p@mail:2525", {"EMAIL_HOST": "mail", "EMAIL_PORT": 2525, "EMAIL_USE_TLS": True}),
        ("smtps://mail", {"EMAIL_HOST": "mail", "EMAIL_PORT": 465, "EMAIL_USE_SSL": True}),
        ("file:/var/mail", {"EMAIL_FILE_PATH": "/var/mail"}),
    ],
)
def test_mail_goes_where_its_url_says(url, expected):
    assert expected.items() <= mail(Environment(email_url=url)).items()


@pytest.mark.spec("SPINE-B3.9")
def test_mail_to_an_unknown_kind_of_place_is_refused():
    with pytest.raises(ValueError, match="EMAIL_URL"):
        mail(Environment(email_url="pigeon:home"))


def test_a_remembered_environment_is_read_line_by_line(tmp_path):
    (tmp_path / "env").write_text("# kept by dev\nA=1\nB=x=y\n\n")
    assert read_file(tmp_path / "env") == {"A": "1", "B": "x=y"}
    assert read_file(tmp_path / "missing") == {}
