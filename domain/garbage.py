"""How often Python looks for garbage in a process that lives long."""

import gc


def collect_rarely() -> None:
    """Called when a process has loaded all it needs.

    That lives as long as the process and need not be looked at again: it would take a tenth of a
    second each time, for which everybody waits. What a request or job makes goes by itself when
    it ends; looking for cycles in it finds none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
