"""How a run's variables are stored: a value that stands in several places is written once.

The flowing payload is often the very object that the run began with, and a step's output the very object that flows on;
written in full each of them would take up the run's limit several times over.
"""

from typing import Any

from apps.engine.run.program import Variables

STEPS = "steps"


class Pool:
    """The different values of one state, told apart by identity; the first is what the run was given."""

    def __init__(self, given: Any) -> None:
        self.values: list[Any] = [given]
        self._places = {id(given): 0}

    def place(self, value: Any) -> int:
        """Return the number of a value."""
        found = self._places.get(id(value))
        if found is None:
            found = self._places[id(value)] = len(self.values)
            self.values.append(value)
        return found


def packed(variables: Variables, pool: Pool) -> dict[str, Any]:
    """Return the JSON form of variables whose values are in `pool`."""
    response = variables.response
    return {
        "names": _packed_names(variables.names, pool),
        "frames": [_packed_names(names, pool) for names in variables.frames],
        "response": None if response is None else response | {"body": pool.place(response["body"])},
    }


def unpacked(stored: dict[str, Any], values: list[Any]) -> Variables:
    """Rebuild from `packed` and the values of its pool."""
    response = stored["response"]
    return Variables.of(
        _unpacked_names(stored["names"], values),
        tuple(_unpacked_names(names, values) for names in stored["frames"]),
        None if response is None else response | {"body": values[response["body"]]},
    )


def from_whole(stored: dict[str, Any]) -> Variables:
    """Rebuild variables that an earlier release wrote with every value in full."""
    return Variables.of(stored["names"], tuple(stored["frames"]), stored["response"])


def _packed_names(names: dict[str, Any], pool: Pool) -> dict[str, Any]:
    places: dict[str, Any] = {name: pool.place(value) for name, value in names.items() if name != STEPS}
    return places | {STEPS: {step: pool.place(output) for step, output in names[STEPS].items()}}


def _unpacked_names(places: dict[str, Any], values: list[Any]) -> dict[str, Any]:
    names = {name: values[place] for name, place in places.items() if name != STEPS}
    return names | {STEPS: {step: values[place] for step, place in places[STEPS].items()}}
