"""What the tests measure: the same lines and branches as SlipCover alone, with the probes gone from every function."""

import importlib
import sys
from types import FunctionType

import pytest
from slipcover import ImportManager, Slipcover

from tests.support.measuring import Below
from tests.support.probes import Probes, functions_in

TEXT = """
from functools import cached_property, lru_cache, wraps


def twice(function):
    @wraps(function)
    def both(number):
        return function(function(number))

    return both


@twice
def halved(number):
    if number < 0:
        return 0
    if number % 2:
        return number
    return number // 2


@lru_cache
def kept(number):
    return number


class Shop:
    open = True

    @property
    def till(self):
        return 1 if self.open else 0

    @cached_property
    def stock(self):
        return [number for number in range(3)]

    @staticmethod
    def price(number):
        return halved(number) + kept(number)

    @classmethod
    def of(cls):
        return cls()


def run():
    shop = Shop.of()
    return [shop.till + Shop.price(number) + len(Shop().stock) for number in range(200)]
"""


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """Import the module afresh under one kind of cover, run it, and tell what was measured."""
    (tmp_path / "measured_shop.py").write_text(TEXT)
    monkeypatch.syspath_prepend(str(tmp_path))

    def told(kind):
        monkeypatch.delitem(sys.modules, "measured_shop", raising=False)
        cover = kind(branch=True, source=[str(tmp_path)])
        with ImportManager(cover, Below(str(tmp_path))):
            module = importlib.import_module("measured_shop")
        loaded = [function.__code__ for function in functions_in([module])]
        first = module.run()
        assert module.run() == first
        (measured,) = cover.get_coverage()["files"].values()
        return module, measured, loaded

    yield told
    sys.modules.pop("measured_shop", None)


def test_the_same_is_measured_as_by_slipcover_itself(measure):
    _, expected, _ = measure(Slipcover)
    _, found, _ = measure(Probes)
    assert found == expected
    assert found["executed_branches"]
    assert found["missing_branches"]


def test_the_functions_of_a_module_are_found_wherever_they_are_kept(measure):
    module, _, loaded = measure(Probes)
    assert len(loaded) == 9
    found = {function.__qualname__ for function in functions_in([module])}
    assert found == {
        "twice", "halved", "kept", "run", "Shop.till", "Shop.stock", "Shop.price", "Shop.of",
    }  # fmt: skip
    assert sum(function.__qualname__ == "halved" for function in functions_in([module])) == 2
    assert all(type(function) is FunctionType for function in functions_in([module]))


def test_functions_run_without_the_probes_that_have_told_what_they_know(measure):
    module, _, loaded = measure(Probes)
    assert [each.__qualname__ for each in functions_in([module]) if each.__code__ in loaded] == []
