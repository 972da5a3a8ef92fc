"""Development: what ``manage.py dev`` remembered under ``.weft/`` fills in what the environment leaves open."""

import os
import sys
from pathlib import Path

from config.env import ROOT, read_file

OWNERS_COMMANDS = {"migrate", "showmigrations", "sqlmigrate"}
REMEMBERED = ROOT / ".weft" / "dev" / "env"


def recall(path: Path) -> None:
    """Take remembered values as defaults; a database given from outside takes none of the embedded one's."""
    known = read_file(path)
    if "DATABASE_URL" in os.environ:
        known = {name: value for name, value in known.items() if not name.startswith("DATABASE_")}
    if sys.argv[1:2] and sys.argv[1] not in OWNERS_COMMANDS:
        known.pop("DATABASE_OWNER_URL", None)
    for name, value in known.items():
        os.environ.setdefault(name, value)


given = dict(os.environ)
recall(REMEMBERED)
os.environ.setdefault("SECRET_KEY", "development-only-until-dev-has-made-one")
os.environ.setdefault("TLS", "false")
os.environ.setdefault("LOG_FORMAT", "console")

from config.settings.base import *  # noqa: E402, F403

GIVEN = given
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
