"""A route of a live document as the door serves it."""

from apps.engine.application import Route
from apps.engine.http import Response
from apps.runs.adapters.payloads import LONGEST_PAYLOAD
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import RunOrigin
from apps.runs.adapters.traffic import Load, Tally, Traffic

HTTP = "http"
DONE, FAILED = "done", "failed"


class ServedRoute:
    """A route of a place with what is the same for every request to it."""

    __slots__ = (
        "_may_tell",
        "encoded_origin",
        "hearing",
        "known",
        "load",
        "max_body",
        "origin",
        "record",
        "route",
        "tally",
    )

    def __init__(self, place: Place, route: Route, traffic: Traffic) -> None:
        self.route = route
        self.record = route.record
        self.hearing = place.hearing(HTTP)
        self._may_tell = self.record != "none" and (self.hearing.begin or self.hearing.complete or self.hearing.fail)
        self.known = place.known
        self.max_body = min(route.max_body, LONGEST_PAYLOAD)
        self.origin: RunOrigin = place.origin(
            source="http",
            entry=f"route:{route.name}",
            section=HTTP,
            action=route.name,
            workflow=route.handler,
            route=route.name,
        )
        self.encoded_origin = self.origin.encoded()
        self.load: Load = traffic.load(place.tenant_slug)
        self.tally: Tally = traffic.tally((place.tenant_slug, place.environment, place.workflow_slug, route.name))

    def tells(self, response: Response) -> bool:
        """Whether somebody listens for what this answer's record says."""
        return self._may_tell and self.hears(state_of(response))

    def hears(self, state: str) -> bool:
        """Whether somebody listens for the beginning of a request, or for its end in `state`."""
        return self.hearing.begin or self.hearing.hears_end(state)


def state_of(response: Response) -> str:
    """Return what the run of an answered request is."""
    return FAILED if response.is_failure else DONE
