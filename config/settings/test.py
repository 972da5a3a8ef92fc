"""Tests: nothing remembered, cheap passwords, mail in memory; the database fixtures fill in the URLs."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-and-long-enough-to-be-a-signing-key")
os.environ.setdefault("ENCRYPTION_KEYS", "b25seS1mb3ItdGVzdHMtYnV0LTMyLWJ5dGVzLWxvbmc=")
if "WEFT_TEST_REDIS_URL" in os.environ:
    os.environ["REDIS_URL"] = os.environ["WEFT_TEST_REDIS_URL"]
os.environ.setdefault("TLS", "false")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from config.settings.base import *  # noqa: F403
from config.settings.base import ENV

TESTING = True
ALLOWED_HOSTS = ["testserver", "localhost", ".localhost", "127.0.0.1", "[::1]"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = ENV.broker_url or "memory://"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
