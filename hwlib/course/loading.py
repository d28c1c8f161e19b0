"""How long it takes to read a data set once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable


def seconds_per_pass(batches: Iterable[object], passes: int = 1) -> float:
    """Seconds for one pass over ``batches``, throwing them away: the shortest of ``passes``.

    The shortest, because whatever else the machine does can only make a pass longer.

    Parameters
    ----------
    batches : iterable that can be started anew
    passes : int
        Number of passes, at least 1.

    Raises
    ------
    ValueError
        If ``passes`` is below 1, or a pass delivers nothing.
    """
    if passes < 1:
        raise ValueError(f"passes: expected at least 1, got {passes}.")
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        last = deque(batches, maxlen=1)  # runs through them at the speed of C
        seconds.append(time.perf_counter() - start)
        if not last:
            raise ValueError(
                "batches: expected at least one batch in every pass, got none; "
                "an iterator can be used only once: pass the loader itself."
            )
    return min(seconds)
