#!/usr/bin/env python3
"""The one door to every command: ``python3 manage.py dev`` runs the product, ``python3 manage.py test`` tests it."""

import os
import sys

WITHOUT_APPS = ("dev", "test", "doctor", "provision")  # they start quickly, and start while an app is broken


def main() -> None:
    """Make the environment when it is missing or out of date, then hand over to Django."""
    if sys.version_info < (3, 11):
        sys.exit("Weft needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])

    from config.bootstrap import ensure_environment

    ensure_environment(sys.argv)

    from apps.engine.memory import collect_rarely

    collect_rarely()
    testing = sys.argv[1:2] == ["test"]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test" if testing else "config.settings.dev")

    if sys.argv[1:2] and sys.argv[1] in WITHOUT_APPS:
        from importlib import import_module

        import_module("apps.core.management.commands." + sys.argv[1]).Command().run_from_argv(sys.argv)
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
