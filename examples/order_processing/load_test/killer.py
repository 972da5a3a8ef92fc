"""Kill web and worker in turn, at seeded moments, only while the database shows a step claimed by a live worker."""

import os
import random
import signal

from examples.order_processing.load_test.product import Product, wait_until


class Killer:
    """Decides beforehand after how many answers each kill falls due."""

    def __init__(self, product: Product, kills: int, orders: int, chance: random.Random) -> None:
        self._product = product
        self._due = sorted(chance.randint(orders // 20, max(orders // 20, orders * 19 // 20)) for _ in range(kills))
        self.done: list[str] = []
        self.wanted = kills
        self.without_claim = 0

    def at(self, answered: int) -> None:
        """Carry out every kill that has fallen due."""
        while self._due and self._due[0] <= answered:
            self._due.pop(0)
            self._kill("web" if len(self.done) % 2 == 0 else "worker")

    def finish(self) -> None:
        """Carry out what is left and wait until both processes are back."""
        while self._due:
            self._due.pop(0)
            self._kill("web" if len(self.done) % 2 == 0 else "worker")
        for name in ("web", "worker"):
            wait_until(lambda name=name: self._product.process_id(name) is not None, 60)  # type: ignore[misc]

    def _kill(self, name: str) -> None:
        wait_until(lambda: self._product.process_id(name) is not None, 60)
        if not wait_until(lambda: self._product.claimed_steps() > 0, 30, pause=0.005):
            self.without_claim += 1
        victim = self._product.process_id(name)
        if victim is None:
            return
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.done.append(name)
        wait_until(lambda: self._product.process_id(name) not in (victim,), 60)
