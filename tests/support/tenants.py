"""A tenant for a test, and the people in it; `tenant_copies` makes fresh ones of it."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from apps.core.scope import SYSTEM, Actor, scope
from apps.tenants.models import User
from apps.tenants.operations.keys import api_key_create
from apps.tenants.operations.members import membership_create
from apps.tenants.operations.projects import project_create
from apps.tenants.operations.tenants import tenant_create
from apps.tenants.operations.users import user_create
from apps.tenants.queries import EnvironmentView, ProjectView, environment_list, user_actor

PASSWORD = "correct horse battery"


@dataclass
class TenantFixture:
    """A tenant with an owner, an owner's API key, a project and its environments by name."""

    id: UUID
    slug: str
    owner: User
    key: str
    key_id: UUID
    project: ProjectView
    environments: dict[str, EnvironmentView]
    password: str = PASSWORD
    people: dict[str, User] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Return the owner as an actor."""
        return user_actor(self.owner, "owner")

    def person(self, role: str) -> User:
        """Return a member with `role`, made on first use."""
        if role not in self.people:
            self.people[role] = make_person()
            with scope(self.id, SYSTEM):
                membership_create(user=self.people[role], role=role, actor=SYSTEM)
        return self.people[role]

    def actor_as(self, role: str) -> Actor:
        """Return a member with `role` as an actor."""
        return user_actor(self.person(role), role)

    def key_as(self, role: str) -> str:
        """Return the text of a new API key with `role`."""
        with scope(self.id, SYSTEM):
            return api_key_create(name=f"{role} key", role=role, actor=SYSTEM).text


def make_person(*, is_operator: bool = False) -> User:
    """Make somebody who belongs to no tenant."""
    return user_create(email=email_of_nobody(), name="Test Person", password=PASSWORD, is_operator=is_operator)


def email_of_nobody() -> str:
    """Return an address that nobody has yet."""
    return f"{uuid4().hex[:12]}@example.test"


def make_tenant(letter: str) -> TenantFixture:
    """Make a fresh tenant whose name begins with `letter`, through the product's own operations."""
    made = tenant_create(slug=f"{letter}-{uuid4().hex[:12]}", name=f"Tenant {letter.upper()}", actor=SYSTEM)
    owner = make_person()
    with scope(made.id, SYSTEM):
        membership_create(user=owner, role="owner", actor=SYSTEM)
        key = api_key_create(name="test", role="owner", actor=SYSTEM)
        project = project_create(slug="main", name="Main", actor=SYSTEM)
        environments = {found.name: found for found in environment_list()}
    return TenantFixture(
        made.id, made.slug, owner, key.text, key.row.id, project, environments, people={"owner": owner}
    )
