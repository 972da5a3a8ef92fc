"""Documents that are in order: routes, resources with state machines, pipelines, messages, put together by chance."""

from typing import Any

from hypothesis import strategies as st

Document = st.SearchStrategy[dict[str, Any]]

NAMES = st.sampled_from(["orders", "Ünïcode", "a b", "x-1", "日本", "under_score", "UPPER", "n" * 60])
TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="${}"), max_size=12)
CONDITIONS = st.sampled_from(
    ["data.n > 1", "default(data.n, 0) == 2 || data.vip == true", "has(data.a) && data.a != 'x'", True]
)
TEMPLATES = st.sampled_from(["${data.n}", "${data.a.b} and ${id}"])
VALUES = st.one_of(TEXTS, st.integers(-5, 500), st.booleans(), st.none(), TEMPLATES)


def _steps() -> st.SearchStrategy[list[dict[str, Any]]]:
    fields = st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, min_size=1, max_size=3)
    plain = st.one_of(
        fields.map(lambda said: {"set": said}),
        TEXTS.map(lambda said: {"emit": "told", "payload": {"text": said}}),
        st.just({"uses": "hello-component"}),
        st.integers(200, 299).map(lambda status: {"respond": {"status": status, "body": "${data}"}}),
    )
    return st.lists(
        st.recursive(
            plain,
            lambda inner: st.builds(
                lambda condition, then, other: {"if": condition, "then": then, "else": other},
                CONDITIONS,
                st.lists(inner, min_size=1, max_size=2),
                st.lists(inner, min_size=1, max_size=2),
            ),
            max_leaves=4,
        ),
        min_size=1,
        max_size=4,
    )


def _machine(count: int, is_automatic: bool, condition: Any) -> dict[str, Any]:
    """Return a machine whose states follow each other."""
    states = {f"s{n}": {"isFinal": n == count} for n in range(count + 1)}
    transitions = {
        f"t{n}": {"fromState": f"s{n}", "toState": f"s{n + 1}", "condition": condition, "autoTransform": is_automatic}
        for n in range(count)
    }
    return {"name": "life", "initialState": "s0", "states": states, "transitions": transitions}


def _document(
    name: str, statuses: list[int], steps: list[dict[str, Any]], machine: dict[str, Any] | None, hooks: bool
) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceName": name}
    if machine is not None:
        resource |= {"workflowType": "life", "workflowEngine": "engine"}
    if hooks:
        resource |= {"onCreate": "steps", "health": {"groupBy": "a.b", "threshold": 2}}
    modules = [
        {"name": "server", "type": "http.server", "config": {"address": ":8080"}},
        {"name": "router", "type": "http.router", "dependsOn": ["server"]},
        {"name": "bus", "type": "messaging.broker"},
        {"name": "hears", "type": "messaging.handler"},
        {"name": "engine", "type": "statemachine.engine"},
        {"name": "hello-component", "type": "dynamic.component", "config": {"componentId": "data_retention"}},
        {"name": "resource", "type": "api.handler", "config": resource},
        *({"name": f"fixed{n}", "type": "http.handler", "config": {"status": said}} for n, said in enumerate(statuses)),
    ]
    routes = [{"method": "GET", "path": f"/fixed/{n}", "handler": f"fixed{n}"} for n in range(len(statuses))]
    routes += [{"method": method, "path": "/things", "handler": "resource"} for method in ("GET", "POST")]
    routes += [{"method": "GET", "path": "/things/{id}", "handler": "resource"}]
    routes += [{"method": "POST", "path": "/steps", "handler": "steps"}]
    workflows: dict[str, Any] = {
        "http": {"routes": routes},
        "messaging": {"broker": "bus", "subscriptions": [{"topic": "told", "handler": "hears"}]},
        "pipelines": {"steps": {"steps": steps}},
        "statemachine": {"engine": "engine", "definitions": [] if machine is None else [machine]},
    }
    return {"name": name, "modules": modules, "workflows": workflows}


def good_documents() -> Document:
    """Return documents that compile."""
    machines = st.builds(_machine, st.integers(1, 8), st.booleans(), CONDITIONS)
    return st.builds(
        _document, NAMES, st.lists(st.integers(200, 599), max_size=20), _steps(), st.none() | machines, st.booleans()
    )
