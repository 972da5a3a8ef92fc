"""Size costs no more than it must: ratios of one run, with bounds that only another order of growth breaks."""

import pytest

import apps.modules.catalog
from apps.engine.registry import discover
from tests.load.bench_engine import measure_compile
from tests.load.bench_tables import (
    FEW_ROUTES,
    FEW_TOPICS,
    MANY_ROUTES,
    MANY_TOPICS,
    bytes_held,
    matching,
    measure_look_ups,
    measure_memory,
    routing,
)

pytestmark = pytest.mark.spec("CAT-7")

REGISTRY = discover(apps.modules.catalog)
SECONDS, ROUNDS = 0.05, 3
SIZES = (10, 100, 1_000, 3_000)
TIMES = 10  # a search through the whole table would be 500 times slower, and 10,000 times


@pytest.mark.parametrize(
    ("kind", "sizes"), [(routing, (FEW_ROUTES, MANY_ROUTES)), (matching, (FEW_TOPICS, MANY_TOPICS))]
)
def test_a_look_up_in_a_large_table_costs_about_what_it_costs_in_a_small_one(kind, sizes):
    figure = measure_look_ups("look-ups", kind, sizes, SECONDS, ROUNDS)
    assert figure.details["sizes"] == sizes
    assert figure.ratio > 1 / TIMES


def test_a_module_costs_as_much_to_compile_among_thousands_as_among_a_hundred():
    figure = measure_compile(REGISTRY, SIZES, 1)
    assert list(figure.details["milliseconds"]) == list(SIZES)
    assert figure.ratio > 1 / TIMES  # what is quadratic costs thirty times as much for each module


def test_what_applications_hold_grows_with_their_number_and_no_faster():
    measure_memory(REGISTRY, 1)  # what is loaded once is loaded now
    few, many = bytes_held(REGISTRY, 2), bytes_held(REGISTRY, 10)
    assert few < many < 2 * 5 * few


def test_an_application_that_serves_holds_no_more_than_its_share():
    figure = measure_memory(REGISTRY, 10)
    assert figure.ratio >= figure.target, figure.details  # performance.md 2, P9
