"""The nearest of many names: as near as difflib finds, for a few comparisons."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.checks.report import LIKE, closest

pytestmark = pytest.mark.spec("SPINE-B4.2")
WORDS = st.text("abc.", max_size=8)


@given(WORDS, st.lists(WORDS, max_size=12))
def test_no_name_is_nearer_than_the_one_that_is_found(word, names):
    ratios = {name: difflib.SequenceMatcher(None, name, word).ratio() for name in names}
    near = [ratio for ratio in ratios.values() if ratio >= LIKE]
    found = closest(word, names)
    assert (None if found is None else ratios[found]) == max(near, default=None)


def test_a_thousand_names_that_are_all_alike_are_not_all_compared(monkeypatch):
    compared = []
    ratio = difflib.SequenceMatcher.ratio
    monkeypatch.setattr(difflib.SequenceMatcher, "ratio", lambda self: compared.append(self.a) or ratio(self))
    assert closest("modul-77", [f"module-{n}" for n in range(1_000)]) == "module-77"
    assert len(compared) < 10
