"""Short-lived values of scopes that never share, and that are forgotten when they are too much."""

import pytest

from apps.engine.process_memory import BYTES_OF_ENTRY, ProcessMemory

pytestmark = pytest.mark.spec("http.proxy")


class Seconds:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def test_a_value_lives_for_its_time_and_no_longer(seconds):
    memory = ProcessMemory(seconds).scoped("a")
    memory.put("k", 1, seconds=10)
    seconds.now = 9.9
    assert memory.get("k") == 1
    seconds.now = 10
    assert (memory.get("k"), memory.get("k"), memory.get("other")) == (None, None, None)


def test_a_value_that_is_put_again_replaces_the_first(seconds):
    memory = ProcessMemory(seconds).scoped("a")
    memory.put("k", 1, seconds=10)
    memory.put("k", 2, seconds=20)
    seconds.now = 15
    assert memory.get("k") == 2


def test_equal_keys_of_two_scopes_are_two_values(seconds):
    memory = ProcessMemory(seconds)
    memory.scoped("a").put("k", 1, seconds=10)
    assert memory.scoped("b").get("k") is None


def test_a_scope_forgets_what_it_used_least_and_never_anothers(seconds):
    room = 3 * (BYTES_OF_ENTRY + 101)
    memory = ProcessMemory(seconds, most_of_scope=room)
    memory.scoped("b").put("k", "theirs", seconds=10)
    mine = memory.scoped("a")
    for key in ("1", "2", "3"):
        mine.put(key, key, seconds=10, size=100)
    mine.get("1")
    mine.put("4", "4", seconds=10, size=100)
    assert [mine.get(key) for key in ("1", "2", "3", "4")] == ["1", None, "3", "4"]
    assert memory.scoped("b").get("k") == "theirs"
    mine.put("5", "5", seconds=10, size=room)
    assert mine.get("5") is None


def test_all_scopes_together_have_a_cap_too(seconds):
    memory = ProcessMemory(seconds, most=2 * (BYTES_OF_ENTRY + 101))
    for scope in ("a", "b", "c"):
        memory.scoped(scope).put("k", scope, seconds=10, size=100)
    assert [memory.scoped(scope).get("k") for scope in ("a", "b", "c")] == [None, "b", "c"]
