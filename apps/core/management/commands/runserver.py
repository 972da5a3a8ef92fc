"""``manage.py runserver``: one web process on daphne that starts again when a file changes."""

from typing import Any

from daphne.management.commands.runserver import Command as DaphneCommand

from apps.core.management.daphne_server import DrainingServer


class Command(DaphneCommand):  # type: ignore[misc]
    """Daphne's own, but what it has accepted is finished before it ends or starts again."""

    _server: DrainingServer | None = None

    def server_cls(self, **options: Any) -> DrainingServer:
        """Make the server; called where daphne instantiates the class."""
        self._server = DrainingServer(**options)
        return self._server

    def run(self, **options: Any) -> None:
        """Serve; with the reloader in a thread, which does not outlive this one."""
        try:
            super().run(**options)
        finally:
            if self._server is not None:
                self._server.end()
