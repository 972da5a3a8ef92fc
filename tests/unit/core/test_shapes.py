"""What a caller sends has only keys that mean something."""

import pytest
from rest_framework import serializers

from apps.core.api.shapes import Taken, UnknownKeys

pytestmark = pytest.mark.spec("SPINE-B7", "SPINE-B9")


class Order(Taken):
    """A body."""

    text = serializers.CharField()
    amount = serializers.IntegerField(default=1)


def errors_of(body):
    with pytest.raises(UnknownKeys) as found:
        Order(data=body).is_valid(raise_exception=True)
    assert (found.value.status, found.value.problem_code) == (400, "body.unknown-key")
    return [(error["pointer"], error["message"]) for error in found.value.extra["errors"]]


def test_an_unknown_key_is_refused_with_the_nearest_that_there_is():
    assert errors_of({"text": "x", "amuont": 2}) == [("/amuont", "unknown key; did you mean 'amount'?")]


def test_a_key_unlike_any_gets_the_list():
    assert errors_of({"a/b": 1}) == [("/a~1b", "unknown key; there are: text, amount")]
    assert errors_of({"x" * 5000: 1})[0][1].endswith("text, amount")


def test_a_flood_of_keys_is_not_all_listed():
    assert len(errors_of({str(number): 1 for number in range(5000)})) == 20


def test_known_keys_are_taken():
    order = Order(data={"text": "x"})
    order.is_valid(raise_exception=True)
    assert order.validated_data == {"text": "x", "amount": 1}
