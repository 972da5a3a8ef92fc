"""The numbered sentences of the catalogue issue, as `spec_lines.py` has those of the spine."""

TYPES = {
    "CAT-B1": "the module types",
    "CAT-B1.1": "each type: one file, config model with every spelling, help, effect, ports, test, example, schema",
    "CAT-B1.2": "the level of a type is computed from the marked tests that passed",
    "CAT-B1.3": "the components that the example documents name, with contracts and injected chance",
    "CAT-B1.4": "a source that ends in .go runs its port; one without a port is blocked by name",
    "CAT-B1.5": "api.handler: health by group and threshold, hooks for new objects and messages",
    "CAT-B1.6": "one registry: validator, module types, schema, OpenAPI, wfctl and page list the same",
    "CAT-B1.7": "hosted types obey the tenant rules; under wfctl run they do what the document says",
    "CAT-B1.8": "types are tested against their real counterparts",
}
SECTIONS = {
    "CAT-B2": "sections and triggers",
    "CAT-B2.1": "section http: patterns, precedence, 405, HEAD, automatic OPTIONS",
    "CAT-B2.2": "section messaging with producers",
    "CAT-B2.3": "section statemachine: hooks, mappings, conditions, auto transitions, compensation, recovery",
    "CAT-B2.4": "section scheduler: real cron, aligned to the clock",
    "CAT-B2.5": "section event: count, all, sequence, order, windows, consumed on match",
    "CAT-B2.6": "section integration: connectors, steps, substitution, transform, outcomes, retries",
    "CAT-B2.7": "flow through conditional branches",
    "CAT-B2.8": "links between workflows: patterns, import, no loops",
    "CAT-B2.9": "trigger http",
    "CAT-B2.10": "trigger schedule: one run for each fire time",
    "CAT-B2.11": "triggers event and eventbus: nothing old after a redeploy, nothing lost",
    "CAT-B2.12": "trigger mock",
    "CAT-B2.13": "lifecycle events, those of integration steps too",
    "CAT-B2.14": "payloads are sealed at rest, with a blind index and rotation; old enc:: values read",
    "CAT-B2.15": "secrets anywhere in the tree, resolved last, redacted by value",
    "CAT-B2.16": "database actions are parameterised and identifiers checked",
}
SEEN = {
    "CAT-1": "all twelve reference documents behave",
    "CAT-2": "every defect has a test named after the behaviour that replaces it",
    "CAT-3": "manage.py fuzz documents: no document crashes, none takes long or much",
    "CAT-4": "wfctl validate, inspect, run, schema and new-module are complete",
    "CAT-5": "forty documents of our own, each driven, and a shop of linked workflows",
    "CAT-6": "a generated reference page",
    "CAT-7": "benchmarks of compiling, memory, routes and topics",
}
CATALOGUE = {**TYPES, **SECTIONS, **SEEN}

# Sentences that are finished; the others are shown as open.
BUILT = frozenset(
    {
        "CAT-B1.1",
        "CAT-B1.2",
        "CAT-B1.3",
        "CAT-B1.4",
        "CAT-B1.5",
        "CAT-B1.6",
        "CAT-B1.7",
        "CAT-B1.8",
        "CAT-B2.1",
        "CAT-B2.2",
        "CAT-B2.3",
        "CAT-B2.4",
        "CAT-B2.5",
        "CAT-B2.6",
        "CAT-B2.7",
        "CAT-B2.8",
        "CAT-B2.9",
        "CAT-B2.10",
        "CAT-B2.11",
        "CAT-B2.12",
        "CAT-B2.13",
        "CAT-B2.14",
        "CAT-B2.15",
        "CAT-B2.16",
        "CAT-7",
    }
)

# Lines of the defect register that belong to rooms which are not built yet, and which room that is.
LATER = {
    "D13": "sources of tenants do not run before there is a sandbox to run them in; hot reload, start and stop, and "
    "limits come with it (components, plugins, assistant); bundled components are part of the product",
    "D25": "there is no builder yet that could lose anything (builder and portal); a document is kept as the text that "
    "was sent",
}
