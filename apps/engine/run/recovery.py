"""What to do with a claim that finds traces of an earlier one (engine.md law 5)."""

from enum import StrEnum

from apps.engine.module import Effect
from apps.engine.run.state import Ledger


class Recovery(StrEnum):
    """The five answers."""

    TRY = "try"  # nothing left the house, or sending again with the same key is harmless
    USE_RECEIPT = "use_receipt"  # it happened and the answer is known
    TRY_ANEW = "try_anew"  # the target itself refused: count the try and go on with the next
    VERIFY = "verify"  # ask the target
    UNKNOWN = "unknown"  # ask a person


def recover(effect: Effect, ledger: Ledger | None) -> Recovery:
    """Decide from the step's effect class and what its ledger says about the present attempt."""
    if ledger is None or effect is Effect.PURE:
        return Recovery.TRY
    if ledger.receipt is not None:
        return Recovery.TRY_ANEW if ledger.receipt.error else Recovery.USE_RECEIPT
    return without_receipt(effect)


def without_receipt(effect: Effect) -> Recovery:
    """Decide for an intent whose call never answered."""
    if effect in (Effect.PURE, Effect.IDEMPOTENT):
        return Recovery.TRY
    return Recovery.VERIFY if effect is Effect.CHECKABLE else Recovery.UNKNOWN
