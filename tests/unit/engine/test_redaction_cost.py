"""What redaction costs, counted in calls and not by a clock: in proportion to texts, whatever the secrets."""

import sys

import orjson
import pytest

from apps.engine.redaction import KnownSecrets, Redactor

pytestmark = pytest.mark.spec("CAT-B2.15")


def values(count, start=0):
    return [f"value-{number:06}-of-a-secret" for number in range(start, start + count)]


def calls_of(work):
    """Return how many functions, those of C included, a piece of work calls."""
    counted = 0

    def note(frame, event, arg):
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def payload(items, *said):
    return orjson.dumps([{"n": number, "note": f"note {number}"} for number in range(items)] + list(said))


def test_looking_for_a_hundred_times_the_secrets_takes_no_more_calls():
    few, many = Redactor(values(10)), Redactor(values(1_000))
    clean = payload(200)
    assert calls_of(lambda: many.payload(clean)) <= calls_of(lambda: few.payload(clean))


def test_hiding_one_of_a_hundred_times_the_secrets_takes_no_more_calls():
    few, many = Redactor(values(10)), Redactor(values(1_000))
    found = payload(200, f"Bearer {values(1)[0]}")
    few.payload(found)
    many.payload(found)  # patterns are compiled when they are needed first
    assert calls_of(lambda: many.payload(found)) <= 1.5 * calls_of(lambda: few.payload(found))


def test_hiding_in_ten_times_the_texts_takes_about_ten_times_the_calls():
    redactor = Redactor(values(1_000))
    small, large = (payload(items, f"Bearer {values(1)[0]}") for items in (100, 1_000))
    redactor.payload(small)
    assert calls_of(lambda: redactor.payload(large)) <= 12 * calls_of(lambda: redactor.payload(small))


def test_hiding_all_of_ten_times_the_secrets_takes_about_ten_times_the_calls():
    few, many = Redactor(values(50)), Redactor(values(500))
    for redactor, count in ((few, 50), (many, 500)):
        redactor.payload(payload(0, *values(count)))
    of_few = calls_of(lambda: few.payload(payload(0, *values(50))))
    assert calls_of(lambda: many.payload(payload(0, *values(500)))) <= 15 * of_few


def test_getting_to_know_ten_times_the_secrets_one_by_one_takes_about_ten_times_the_calls():
    def use(count):
        known = KnownSecrets()
        for value in values(count):
            known.use(value)
            known.redactor.text("between two uses something is shown")

    assert calls_of(lambda: use(1_000)) <= 12 * calls_of(lambda: use(100))
