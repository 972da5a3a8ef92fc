"""How often Python looks for garbage that reference counting cannot free.

Cycles are rare here. With Python's own thresholds the imports of a start set off hundreds of collections that find
nothing, and a burst of requests walks everything that was loaded, a tenth of the processor time of a busy web process.
"""

import gc

YOUNG_OBJECTS = 50_000  # containers made and not freed before a collection; some megabytes at most
YOUNG_PER_MIDDLE, MIDDLE_PER_OLD = 10, 20


def collect_rarely() -> None:
    """Call before the imports of a process."""
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_PER_MIDDLE, MIDDLE_PER_OLD)


def settle() -> None:
    """Call once everything that stays is loaded: it is left alone from then on."""
    gc.collect()
    gc.freeze()
    collect_rarely()
