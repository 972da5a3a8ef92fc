"""Passes requests on to another server: `target`, with `pathRewrite`, or several backends.

`target` is the address of the only backend; `pathRewrite` is a path to put in front, or a map of new beginnings by old
ones (`{"/api": "/v1"}`). Everything that `reverseproxy` knows may be said too: it is the same proxy under another name.
Long answers and events are passed on as they come.
Settings stand in `config` or at the document's top under `reverseproxy`.
"""

from apps.modules.catalog.http._proxy import ReverseProxyModule


class HttpProxy(ReverseProxyModule):
    """The reverse proxy as the builder's palette names it."""

    kind = "http.proxy"
    title = "HTTP proxy"
