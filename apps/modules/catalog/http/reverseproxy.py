"""Passes requests on to backends, with breakers, health checks, a cache and answers made of several.

`backend_services` names the backends, `routes` says which of them answers which paths, `default_backend` answers the
rest. The patterns of `routes` and `composite_routes` are served by themselves; as a route's `handler` it serves that
route. Settings stand in `config` or at the document's top under `reverseproxy`. A backend that cannot be reached is a
502 with `{error, backend, path}`, one that is being left alone a 503. Long answers and events are passed on as they
come; parts of a composite answer are taken whole. `${NAME}` in addresses and headers is a secret.
"""

from apps.modules.catalog.http._proxy import ReverseProxyModule


class Reverseproxy(ReverseProxyModule):
    """The reverse proxy under its framework name."""

    kind = "reverseproxy"
    title = "Reverse proxy"
