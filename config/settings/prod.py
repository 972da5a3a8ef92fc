"""Production: the environment says everything; what must not be left to chance is refused here."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import ENV

REQUIRED = ("secret_key", "encryption_keys", "database_url", "database_relay_url", "database_ops_url")

if missing := [name.upper() for name in REQUIRED if not getattr(ENV, name)]:
    raise ImproperlyConfigured(f"missing in the environment: {', '.join(missing)} (manage.py doctor --env lists all)")
if ENV.debug:
    raise ImproperlyConfigured("DEBUG shows internals to strangers; it is refused in production")
if "*" in ENV.allowed_hosts:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name hosts: '*' also opens the sockets to every origin")
