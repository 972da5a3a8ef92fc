"""Make people; they have no tenant, so no scope is wanted."""

from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apps.core.errors import Invalid
from apps.engine.ids import uuid7
from apps.tenants.errors import AlreadyTaken
from apps.tenants.models import User


def email_normal(email: str) -> str:
    """Return the address as it is stored; raise `Invalid` when it is none."""
    normal = email.strip().lower()
    try:
        validate_email(normal)
    except ValidationError as problem:
        raise Invalid(errors=[_error("/email", problem)]) from None
    return normal


def user_create(*, email: str, name: str, password: str, **marks: Any) -> User:
    """Make a person with a password that passes the validators; `marks` may be `id` and `is_operator`.

    Raises `Invalid` and `AlreadyTaken`.
    """
    user = User(id=marks.get("id") or uuid7(), email=email_normal(email), name=name.strip())
    user.is_operator = bool(marks.get("is_operator", False))
    try:
        password_validation.validate_password(password, user)
    except ValidationError as problem:
        raise Invalid(errors=[{"pointer": "/password", "message": text} for text in problem.messages]) from None
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise AlreadyTaken("Somebody with this address has an account already.") from None
    return user


def user_ensure(*, email: str, name: str, password: str, is_operator: bool = False) -> User:
    """Return the person with that address, made with this password if there is none; for seeding."""
    found = User.objects.filter(email=email_normal(email)).first()
    return found or user_create(email=email, name=name, password=password, is_operator=is_operator)


def _error(pointer: str, problem: ValidationError) -> dict[str, str]:
    return {"pointer": pointer, "message": problem.messages[0]}
