"""Time as the database tells it: `weft_now()` is the wall clock plus the test setting `app.clock_offset`."""

from datetime import datetime

from django.db import connection
from django.db.models import DateTimeField, Func


class WeftNow(Func):
    """`weft_now()` inside a query or as a column's default."""

    function = "weft_now"
    output_field = DateTimeField()


def now() -> datetime:
    """Ask the database for the time; inside a scope this costs one round trip."""
    with connection.cursor() as cursor:
        cursor.execute("select weft_now()")
        moment: datetime = cursor.fetchone()[0]
    return moment
