"""Tuning of Python's cyclic garbage collector for long-lived processes."""

import gc


def tune_gc() -> None:
    """Exempt all loaded modules from collection, and collect less often. Called after start-up.

    A full collection of the modules blocks the process for a tenth of a second. Nearly everything a
    request or job allocates is freed by reference counting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
