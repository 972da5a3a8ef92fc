"""Who may do what."""

import pytest

from apps.core.errors import Forbidden
from apps.core.scope import SYSTEM, Actor
from apps.tenants.policy import EDITOR, OWNER, ROLES, VIEWER, may, may_grant, require


def somebody(role: str | None, kind: str = "user") -> Actor:
    return Actor(kind=kind, id=None, label="x", role=role)


@pytest.mark.spec("SPINE-B3.10")
def test_each_role_includes_the_next() -> None:
    assert VIEWER < EDITOR < OWNER


@pytest.mark.spec("SPINE-B3.10")
def test_a_viewer_only_reads() -> None:
    assert {permission.partition(".")[2] for permission in VIEWER} == {"read"}


def test_without_a_role_nothing_is_allowed() -> None:
    assert not any(may(somebody(role), permission) for role in (None, "admin", "") for permission in OWNER)


def test_a_permission_that_nobody_defined_is_allowed_to_nobody() -> None:
    assert not any(may(actor, "tenants.destroy") for actor in (somebody("owner"), SYSTEM, somebody(None, "operator")))


@pytest.mark.spec("SPINE-B3.10")
def test_nobody_hands_out_more_than_they_have() -> None:
    granted = {role: [given for given in ROLES if may_grant(somebody(role), given)] for role in ROLES}
    assert granted == {"owner": ["owner", "editor", "viewer"], "editor": ["editor", "viewer"], "viewer": ["viewer"]}
    assert not may_grant(SYSTEM, "god")


def test_a_refusal_names_the_permission() -> None:
    with pytest.raises(Forbidden, match=r"keys\.edit"):
        require(somebody("editor", "key"), "keys.edit")
