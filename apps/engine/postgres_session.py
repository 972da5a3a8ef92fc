"""How both hosts speak to a Postgres server outside, whatever the server, a database or a role is set to.

Values come in one form only, which is what the readers of both hosts know; the client's settings go before all others.
"""

ENCODING = "UTF8"
FORMS = {"datestyle": "ISO", "intervalstyle": "postgres", "bytea_output": "hex"}


def session_options(deadline_seconds: float) -> str:
    """Return the `options` of a connection whose statements end in time."""
    said = {"statement_timeout": str(int(deadline_seconds * 1000)), **FORMS}
    return " ".join(f"-c {name}={value}" for name, value in said.items())
