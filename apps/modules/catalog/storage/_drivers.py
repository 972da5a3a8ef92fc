"""The kinds of servers that a database may be, and the names they go by."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

DRIVERS = {"sqlite": "sqlite", "sqlite3": "sqlite", "postgres": "postgres", "postgresql": "postgres", "pgx": "postgres"}


def driver_of(value: Any) -> Any:
    """Return the driver that a name stands for."""
    return DRIVERS.get(value, value) if isinstance(value, str) else value


Driver = Annotated[
    Literal["sqlite", "postgres", "mysql"],
    BeforeValidator(driver_of),
    Field(json_schema_extra={"enum": [*DRIVERS, "mysql"]}),
]
