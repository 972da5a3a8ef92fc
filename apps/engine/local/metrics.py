"""The `Metrics` port of one process: its own samples, and the runs that are unfinished when somebody looks."""

from collections.abc import Callable, Mapping

from apps.engine.samples import Samples


class LocalMetrics(Samples):
    """The samples of one scope; `unfinished` counts its runs that have not ended, by section."""

    def __init__(self, unfinished: Callable[[], Mapping[str, int]]) -> None:
        super().__init__()
        self._unfinished = unfinished

    async def page(self, prefix: str = "") -> str:
        """Return all samples."""
        self.show_active(self._unfinished())
        return self.render(prefix)
