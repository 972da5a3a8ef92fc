"""Names that module pages take; module types are the same for everybody."""

from tests.support.isolation import parameter

parameter("kind", lambda tenant: "http.server", is_id=False)
