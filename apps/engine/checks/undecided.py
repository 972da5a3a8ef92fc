"""Places that nothing can be said of yet: config texts that hold secrets, as long as the values are not known."""

from collections.abc import Iterable

from apps.engine.checks.known import FRAMEWORK_KEYS
from apps.engine.document import DocumentPath

# Config keys whose values are names: until they are known, nobody can tell that some name means nothing.
NAMING = frozenset({"provides", "componentId", "topic", "jobs"})
ABOUT_NAMES = frozenset({"integration.target.unknown", "reference.unknown", "trigger.workflow.unknown"})
# True whatever the value is.
CERTAIN = frozenset(
    {"key.ignored", "key.unknown", "section.unknown", "trigger.unknown", "secret.misplaced", "secret.missing"}
)


def is_in_config(path: DocumentPath) -> bool:
    """Whether a place is inside the config of a module or connector, or the settings of a framework module."""
    match path:
        case ("modules", int(), "config", *_) | ("workflows", "integration", "connectors", int(), "config", *_):
            return True
    return bool(path) and path[0] in FRAMEWORK_KEYS


class Undecided:
    """The places of such texts in one document."""

    def __init__(self, places: Iterable[DocumentPath] = ()) -> None:
        self._places = frozenset(places)
        around = (place[:length] for place in self._places for length in range(1, len(place)))
        self._around = frozenset(path for path in around if is_in_config(path))
        self._has_names = any(NAMING & set(place) for place in self._places)

    def __bool__(self) -> bool:
        return bool(self._places)

    def has(self, code: str, path: DocumentPath) -> bool:
        """Whether a finding may be due to such a text: it stands there, inside of it or around it, or is of names."""
        if not self._places or code in CERTAIN:
            return False
        if self._has_names and code in ABOUT_NAMES:
            return True
        return path in self._around or any(path[:length] in self._places for length in range(1, len(path) + 1))

    def is_within(self, path: DocumentPath) -> bool:
        """Whether such a text stands at a place or inside of it."""
        return path in self._places or path in self._around
