"""What the checker must say about the reference documents: (code, path, line), read off the specification by hand.

The documents that run may carry warnings and nothing else. The other one is blocked for exactly the reasons listed:
placeholder types, and references that resolve to nothing (spec/modules.md 12.3). Lines are those of the key (maps) or
the item (lists).
"""

RUNNABLE = {
    "simple-workflow-config.yaml": [
        ("key.ignored", "modules[2].config.secretKey", 17),
        ("key.ignored", "modules[5].config.description", 39),
        ("key.ignored", "modules[6].config.description", 44),
    ],
    "api-server-config.yaml": [],
    "scheduled-jobs-config.yaml": [],
    "data-pipeline-config.yaml": [
        ("key.ignored", "modules[0].config.inputType", 6),
        ("key.ignored", "modules[0].config.watchPath", 7),
    ],
    "order-processing-pipeline.yaml": [
        ("key.ignored", "modules[2].config.method", 28),
        ("key.ignored", "modules[2].config.path", 29),
        ("key.ignored", "modules[3].config.description", 38),
        ("key.ignored", "modules[4].config.description", 46),
        ("key.ignored", "modules[5].config.description", 53),
        ("key.ignored", "modules[6].config.description", 61),
        ("key.ignored", "modules[7].config.description", 69),
        ("key.ignored", "modules[8].config.description", 75),
        ("key.ignored", "modules[9].config.description", 80),
    ],
    "state-machine-workflow.yaml": [
        ("key.ignored", "modules[0].config.description", 9),
        ("key.ignored", "modules[1].config.description", 15),
        ("key.ignored", "modules[2].config.description", 22),
        ("key.ignored", "modules[3].config.description", 28),
        ("key.ignored", "modules[4].config.description", 34),
        ("key.ignored", "modules[5].config.description", 39),
        ("key.ignored", "modules[6].config.description", 44),
        ("key.ignored", "modules[7].config.description", 49),
    ],
    "workflow-a-orders-with-branching.yaml": [
        ("key.ignored", "modules[4].config.path", 37),
        ("key.ignored", "modules[6].config.path", 53),
        ("key.ignored", "modules[11].config.initial_state", 92),
        ("key.ignored", "modules[12].config.topics", 101),
    ],
    "event-driven-workflow.yaml": [
        ("key.ignored", "modules[0].config.description", 9),
        ("key.ignored", "modules[2].config.description", 22),
        ("key.ignored", "modules[3].config.description", 27),
        ("key.ignored", "modules[4].config.description", 32),
        ("key.ignored", "modules[5].config.description", 37),
    ],
    "integration-workflow.yaml": [
        ("key.ignored", "modules[0].config.description", 9),
        ("key.ignored", "modules[4].config.description", 31),
        ("key.ignored", "modules[5].config.description", 37),
        ("key.ignored", "modules[6].config.description", 42),
        ("key.ignored", "modules[7].config.description", 48),
        ("key.ignored", "workflows.integration.connectors[4].config.port", 118),
        ("integration.target.unknown", "workflows.integration.steps[0].onError", 130),
        ("integration.target.unknown", "workflows.integration.steps[1].onError", 140),
        ("integration.target.unknown", "workflows.integration.steps[2].onError", 153),
        ("integration.target.unknown", "workflows.integration.steps[3].onSuccess", 170),
    ],
    "trigger-workflow-example.yaml": [
        ("key.ignored", "modules[2].config.secretKey", 17),
        ("key.ignored", "modules[13].config.description", 65),
        ("trigger.action.unknown", "triggers.schedule.jobs[0].action", 164),
        ("trigger.workflow.unknown", "triggers.schedule.jobs[1].workflow", 168),
    ],
    "workflow-b-fulfillment.yaml": [
        ("key.ignored", "modules[0].config.description", 16),
        ("key.ignored", "modules[1].config.description", 24),
        ("key.ignored", "modules[2].config.description", 32),
        ("key.ignored", "modules[3].config.description", 40),
        ("key.ignored", "modules[4].config.description", 47),
        ("key.ignored", "modules[5].config.description", 60),
        ("key.ignored", "modules[6].config.description", 66),
        ("hook.after_commit", "workflows.statemachine.hooks[0].handler", 125),
    ],
}

BLOCKED = {
    "dependency-injection-example.yaml": [
        ("module.type.placeholder", "modules[0].type", 4),
        ("module.type.placeholder", "modules[1].type", 9),
        ("key.ignored", "modules[2].config.collectInterval", 17),
        ("module.type.placeholder", "modules[5].type", 39),
        ("module.type.placeholder", "modules[6].type", 46),
        ("module.type.placeholder", "modules[7].type", 53),
        ("module.type.placeholder", "modules[9].type", 72),
        ("reference.missing", "workflows.messaging", 119),
        ("reference.unknown", "workflows.messaging.subscriptions[0].handler", 122),
        ("reference.unknown", "workflows.messaging.subscriptions[1].handler", 125),
        ("reference.unknown", "workflows.messaging.subscriptions[2].handler", 128),
    ],
}
