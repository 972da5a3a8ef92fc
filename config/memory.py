"""How a serving process collects garbage: what was made at start-up is left alone, the rest is looked at less often.

Requests are freed by reference counting; cycles are rare. With Python's own thresholds a burst of requests sets off
collections that walk everything Django has loaded, a tenth of the processor time of a busy web process.
"""

import gc

YOUNG_OBJECTS = 50_000  # containers made and not freed before a collection; some megabytes at most
YOUNG_PER_MIDDLE, MIDDLE_PER_OLD = 10, 20


def settle() -> None:
    """Call once everything that stays is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_PER_MIDDLE, MIDDLE_PER_OLD)
