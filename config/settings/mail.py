"""Where the product's own mail goes: a mail server by URL, or files in a folder."""

from typing import Any
from urllib.parse import unquote, urlsplit

from config.env import Environment

TIMEOUT_SECONDS = 10


def mail(env: Environment) -> dict[str, Any]:
    """Django's EMAIL_* settings for ``smtp:``, ``smtps:`` and ``file:`` URLs."""
    parts = urlsplit(env.email_url)
    if parts.scheme == "file":
        folder = unquote(parts.path) or str(env.data_dir / "mail")
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": folder,
        }
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError("EMAIL_URL must begin with smtp:, smtps: or file:")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and parts.username is not None,
        "EMAIL_TIMEOUT": TIMEOUT_SECONDS,
    }
