"""Trees that look like documents and need not be one: the format's own keys and words, in any order and shape."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from apps.engine.checks.known import KINDS, SECTIONS, TRIGGERS
from apps.engine.checks.pipelines import STEPS

Tree = st.SearchStrategy[Any]

_KEYS = """
name type config dependsOn branches modules workflows triggers http messaging statemachine pipelines scheduler
event integration routes method path handler middlewares middleware record subscriptions topic producers
forwardTo engine definitions initialState states transitions fromState toState condition hooks toStates
resourceMappings stateMachine steps jobs job workflow action enabled port processor handlers adapters connectors
onError registry componentId workflowType workflowEngine database secret x-a nonsense then else cases default
with retry key payload schema module value status input provides
"""
KEYS = st.sampled_from([*_KEYS.split(), *STEPS])
WORDS = ["", "a", "b", "http", "messaging", "orders", "GET", "/a/{id}", "${data.x}", "${A_B}", "${", "data.x > 1", "1s"]
LATER_KINDS = ["scheduler", "conditional.ifelse", "core.config"]


def trees(kinds: Iterable[str] = KINDS) -> Tree:
    """Return any JSON tree, its texts among them the given kinds."""
    words = st.sampled_from([*WORDS, *sorted(kinds), *LATER_KINDS])
    leaves = st.none() | st.booleans() | st.integers(-5, 700) | st.floats(allow_nan=False, allow_infinity=False) | words
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=40
    )


def documents(kinds: Iterable[str] = KINDS) -> Tree:
    """Return trees with the sections and triggers of a document at the top, whatever is in them."""
    tree = trees(kinds)
    parts = st.dictionaries(KEYS, tree, max_size=4) | tree
    return st.fixed_dictionaries(
        {},
        optional={
            "modules": st.lists(st.dictionaries(KEYS, tree, max_size=4), max_size=4) | tree,
            "workflows": st.dictionaries(st.sampled_from([*sorted(SECTIONS), "?"]), parts, max_size=4) | tree,
            "triggers": st.dictionaries(st.sampled_from([*sorted(TRIGGERS), "?"]), parts, max_size=3) | tree,
        },
    )
