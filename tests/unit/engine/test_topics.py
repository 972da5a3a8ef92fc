"""Which subscriptions a topic reaches."""

import pytest

from apps.engine.topics import TopicTable, matches


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("order.created", "order.created", True),
        ("order.created", "order.created.eu", False),
        ("order.*", "order.created", True),
        ("order.*", "order", False),
        ("order.*", "order.created.eu", False),
        ("order.**", "order.created.eu", True),
        ("order.**", "order", True),
        ("**", "anything.at.all", True),
        ("*.created", "order.created", True),
        ("a.**.z", "a.b.c.z", True),
        ("a.**.z", "a.z", True),
        ("a.**.z", "a.b.c", False),
        ("a.*.c.**", "a.b.c.d", True),
        ("user/*", "user/created", True),
        ("ord*", "orders", True),
        ("ord*", "order.created", False),
        ("ord*.**", "order.created", True),
        ("ord*", "border", False),
    ],
)
def test_patterns_take_in_what_they_say(pattern, topic, expected):
    assert matches(pattern, topic) is expected


def test_subscriptions_come_in_file_order_and_once():
    topics = TopicTable([("a.**", 1), ("a.b", 2), ("x", 3), ("**", 4), ("a.*", 5), ("a.**.b", 6)])
    assert topics.find("a.b") == (1, 2, 4, 5, 6)
    assert topics.find("x") == (3, 4)


def test_without_wildcards_only_the_exact_topic_counts():
    topics = TopicTable([("a", 1), ("b", 2), ("a", 3)])
    assert topics.find("a") == (1, 3)
    assert topics.find("c") == ()


def test_many_double_stars_do_not_explode():
    topics = TopicTable([("**." * 12 + "end", 1)])
    assert topics.find(".".join(["a"] * 40)) == ()
