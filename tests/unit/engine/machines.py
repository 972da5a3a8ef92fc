"""A small shop whose orders follow a state machine, for tests of the section."""

from uuid import uuid4

from apps.engine.module import Context
from apps.engine.testing import Bench
from tests.support.small_modules import compiled

MODULES = """
modules:
- {name: broker, type: messaging.broker}
- {name: engine, type: statemachine.engine}
- {name: inbox, type: messaging.handler}
- {name: refusing, type: test.refusing}
- {name: sender, type: test.sender}
- {name: once, type: test.once}
"""
MACHINE = """
    definitions:
    - name: order
      initialState: new
      states:
        new: {}
        checking: {}
        checked: {}
        paid: {}
        shipped: {isFinal: true}
        rejected: {isFinal: true, isError: true}
      transitions:
        check: {fromState: new, toState: checking}
        passed: {fromState: checking, toState: checked}
        failed: {fromState: checking, toState: rejected}
        pay: {fromState: checked, toState: paid, condition: data.amount > 0}
        ship: {fromState: paid, toState: shipped}
"""
AUTO = MACHINE.replace("toState: checked}", "toState: checked, autoTransform: true}").replace(
    "toState: paid, condition: data.amount > 0}", "toState: paid, autoTransform: true, condition: data.amount > 0}"
)
STEP = "- {{name: step, type: processing.step, config: {{component_id: {target}, {more}}}}}\n"
HOOK = "    - {handler: step, transitions: [check]}"


def document(hooks: str = "", machine: str = MACHINE, modules: str = "", more: str = "", sections: str = "") -> str:
    return f"""{MODULES}{modules}
workflows:
  statemachine:
    engine: engine
{more}{machine}
    hooks:{(hooks and chr(10) + hooks) or " []"}
{sections}"""


class Shop:
    """A bench with one machine and the way to move its instances."""

    def __init__(self, text: str, path: str = ":memory:") -> None:
        self.bench = Bench(compiled(text), path=path)
        self.machine = self.bench.host.application().machines["order"]

    async def apply(self, key, transition, data=None, **more):
        async with self.bench.host.unit() as unit:
            return await self.machine.apply(Context(unit, run_id=uuid4()), key, transition, data, **more)

    async def create(self, key, data=None):
        async with self.bench.host.unit() as unit:
            return await self.machine.create(Context(unit, run_id=uuid4()), key, data)

    async def instance(self, key):
        async with self.bench.host.unit() as unit:
            return await unit.instances.get("order", key)

    async def history(self, key):
        async with self.bench.host.unit() as unit:
            return [line["transition"] for line in await unit.instances.history("order", key)]

    def runs(self):
        return self.bench.host.queue.runs("local")

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        await self.bench.host.close()


def step(target: str = "sender", **more: object) -> str:
    settings = {"max_retries": 1, "retry_backoff_ms": 10} | more
    return STEP.format(target=target, more=", ".join(f"{key}: {value}" for key, value in settings.items()))
