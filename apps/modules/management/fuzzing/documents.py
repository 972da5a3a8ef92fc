"""Documents by chance, made from a seed: good ones, good ones that were spoilt, trees of any shape, and hostile texts.

One seed always gives the same documents, in the same order.
"""

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from apps.modules.management.fuzzing import trees
from apps.modules.management.fuzzing.case import Case, Wanted
from apps.modules.management.fuzzing.good import good_documents
from apps.modules.management.fuzzing.hostile import hostile_cases

Cases = st.SearchStrategy[Case]
ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, 2**64, 10**400, 1.5, 1e308, float("inf"), float("nan"), "", "\x00", "\x85",
    "\u2028", "\ufeff", "${", "${data.", "${A_B}", "*", "&a", "<<", "!!int x", "1h30m", "-1s", "9" * 50, "x" * 5000, [],
    {}, [[]], {"": ""}, {"<<": 1}, [None], {"name": {}}, "2026-01-01", "yes", "0o17", ".", "a.b.c", "/{id}/{id}", "/{",
]  # fmt: skip
SCRAPS = [
    "\t", "\n", "\n\n  - ", ": ", "{", "}", "[", "]", "&a ", "*a", "<<: *a", "!!python/object:os.system ",
    "%YAML 9.9\n", "---\n", "...\n", "'", '"', "|\n", ">-\n",
    "# ", "\x00", "\ufeff", "\u2028", "\x85", "? ", "- - - ", "\\", "${", "\r",
]  # fmt: skip
CHANGES = st.lists(st.tuples(st.randoms(use_true_random=False), st.sampled_from(ODD)), max_size=3)
CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(SCRAPS)), max_size=4)


def cases(examples: Sequence[str]) -> Cases:
    """Return the strategy of all documents; `examples` are texts to spoil."""
    data = st.sampled_from([yaml.load(text, yaml.CSafeLoader) for text in examples]) if examples else good_documents()
    texts = st.sampled_from(list(examples)) if examples else good_documents().map(_dumped)
    return st.one_of(
        good_documents().map(lambda tree: Case("good", _dumped(tree).encode(), Wanted.CLEAN)),
        st.builds(_spoilt, data, CHANGES),
        st.builds(_scrapped, texts, CUTS),
        trees.documents().map(lambda tree: Case("tree", json.dumps(tree).encode())),
        st.binary(max_size=400).map(lambda content: Case("bytes", content)),
    )


def for_each(strategy: Cases, number: int, count: int, take: Callable[[Case], None]) -> None:
    """Call `take` with the `count` documents of one seed, a fifth of which are hostile."""
    hostile = count // 5
    for case in hostile_cases(number, hostile):
        take(case)
    left = count - hostile

    @seed(number)
    @settings(
        max_examples=left,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def each(case: Case) -> None:
        nonlocal left
        if left > 0:
            left -= 1
            take(case)

    each()


def _dumped(tree: Any) -> str:
    return str(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


def _spoilt(data: Any, changes: list[tuple[Any, Any]]) -> Case:
    """Put odd values in places of a document, or take them out."""
    tree = copy.deepcopy(data)
    for chance, odd in changes:
        places = list(_places(tree))
        if not places:
            break
        holder, key = chance.choice(places)
        if chance.random() < 0.2:
            del holder[key]
        elif isinstance(holder, dict) and chance.random() < 0.3:
            holder[str(odd)[:200] or "x"] = holder.pop(key)
        else:
            holder[key] = copy.deepcopy(odd)
    return Case("spoilt", _dumped(tree).encode("utf-8", "surrogatepass"))


def _places(tree: Any) -> Any:
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        items = holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
        for key, value in list(items):
            yield holder, key
            waiting.append(value)


def _scrapped(text: str, cuts: list[tuple[float, int, str]]) -> Case:
    """Cut pieces out of a text and put scraps in their place."""
    for place, length, scrap in cuts:
        at = int(place * len(text))
        text = text[:at] + scrap + text[at + length :]
    return Case("scrapped", text.encode("utf-8", "surrogatepass"))
