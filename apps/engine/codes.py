"""Every code that a finding may carry, with its severity and its meaning: the one table that the docs list.

`error` the document is unusable · `blocked` it may be edited and drawn, not deployed · `warning` told and ignored.
"""

from apps.engine.findings import Finding, Severity

E, B, W = Severity.ERROR, Severity.BLOCKED, Severity.WARNING

CODES: dict[str, tuple[Severity, str]] = {
    "yaml.encoding": (E, "the text is not UTF-8, or holds a character that YAML does not allow"),
    "yaml.syntax": (E, "the text is neither YAML nor JSON"),
    "yaml.duplicate_key": (E, "a map sets one key twice"),
    "yaml.key": (E, "a key is not plain text"),
    "yaml.tag": (E, "an explicit tag is unknown or does not fit its value"),
    "yaml.merge": (E, "`<<` merges something that is not a map"),
    "yaml.aliases": (E, "an alias is undefined, recursive, or expands beyond the cap"),
    "yaml.too_large": (E, "the text is larger than the cap"),
    "yaml.too_deep": (E, "the document nests deeper than the cap"),
    "yaml.too_many_nodes": (E, "the document holds more values than the cap"),
    "document.shape": (E, "the document is not a map"),
    "document.empty": (E, "the document has neither modules nor workflows, where it is to be published"),
    "section.shape": (
        E,
        "`modules`, `workflows`, `triggers`, one of their entries or its `config` has the wrong shape",
    ),
    "modules.empty": (E, "strict checking wants at least one module"),
    "module.name.missing": (E, "a module has no name"),
    "module.name.duplicate": (E, "two modules share a name"),
    "module.type.missing": (E, "a module has no type"),
    "module.dependency.blank": (E, "an entry of `dependsOn` is empty"),
    "module.dependency.unknown": (E, "`dependsOn` names a module that does not exist"),
    "module.type.unknown": (B, "there is no such module type"),
    "module.type.not_in_build": (B, "the module type exists but is not part of this build yet"),
    "module.type.placeholder": (B, "a placeholder type, deployable only where placeholders are allowed"),
    "module.cycle": (B, "`dependsOn` goes round in a circle"),
    "module.config": (B, "the module itself refuses its config"),
    "component.source": (B, "tenant source code does not run in this build"),
    "config.required": (B, "a required config key is missing"),
    "file.unavailable": (B, "a file beside the document is named that is not there or cannot be read"),
    "file.left_out": (W, "a file is left out: there are none beside the document, or first data that is not there"),
    "config.invalid": (B, "a config value has the wrong type or range"),
    "key.unknown": (B, "nothing reads this key"),
    "key.ignored": (W, "this key is accepted and has no effect"),
    "reference.unknown": (B, "a name refers to nothing"),
    "reference.unsuitable": (B, "a name refers to something that cannot play this part"),
    "reference.missing": (B, "a module of this kind is needed and cannot be told from the document"),
    "section.unknown": (B, "there is no such workflow section"),
    "section.required": (B, "a required key of a section or trigger is missing"),
    "section.invalid": (B, "a value of a section or trigger has the wrong type or range"),
    "trigger.unknown": (B, "there is no such trigger"),
    "trigger.empty": (W, "the trigger has no routes or subscriptions and starts nothing"),
    "trigger.mock": (W, "a mock trigger starts nothing by itself"),
    "trigger.workflow.unknown": (W, "a trigger starts a workflow that the document does not define"),
    "trigger.action.unknown": (W, "a trigger names an action that its workflow does not have"),
    "route.pattern": (B, "a route's path cannot be matched"),
    "route.duplicate": (W, "an earlier route already answers this method and path"),
    "record.not_pure": (B, "`record: async` or `none` on a route whose work has effects"),
    "hook.outside": (B, "what a request calls in its transaction would act outside of it"),
    "hook.after_commit": (W, "a hook with effects runs after the transition is committed and cannot veto it"),
    "definition.duplicate": (B, "two state machines share a name"),
    "definition.unknown": (W, "no state machine has this name"),
    "state.unknown": (B, "a state that the definition does not have"),
    "transition.unknown": (W, "no state machine has this transition"),
    "pipeline.name.taken": (W, "a pipeline has the name of a module, which is meant where both could be"),
    "pipeline.too_deep": (B, "pipelines use each other in too many levels"),
    "pipeline.cycle": (B, "a pipeline uses itself"),
    "branch.unknown": (B, "a branch node has no way out of this name"),
    "flow.cycle": (B, "branches lead a message round in a circle"),
    "flow.too_deep": (B, "a message would pass too many nodes in a row"),
    "step.kind": (B, "a step does not say exactly one thing to do"),
    "step.name.duplicate": (B, "two steps of one pipeline share a name"),
    "schema.invalid": (B, "a JSON Schema is not one"),
    "expression.invalid": (B, "an expression cannot be compiled"),
    "expression.too_many": (B, "the document has more different expressions than the cap"),
    "expression.dashed_name": (W, "a name with a dash in an expression reads as a subtraction, or the reverse"),
    "secret.missing": (B, "a secret is not set for this environment"),
    "event.too_many": (B, "the event section has more patterns, types, handlers or topics than the cap"),
    "adapter.silent": (W, "an adapter of the event section that listens to nothing"),
    "pattern.duplicate": (B, "two patterns share an id"),
    "pattern.never": (W, "a pattern that nothing can fulfil"),
    "integration.target.unknown": (W, "`onSuccess` or `onError` of an integration step names nothing"),
}


def finding(code: str, path: str, message: str, line: int, column: int) -> Finding:
    """Make a finding; its severity follows from its code."""
    return Finding(line, column, path, CODES[code][0], code, message)
