"""Time several ways of doing one thing in turn: what else the machine does meets all alike."""

import time
import timeit
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

Timed = Callable[[], object]


class Case(NamedTuple):
    """One thing and the ways to do it."""

    what: str
    ways: Mapping[str, Timed]
    rounds: int = 1


def seconds(function: Timed, rounds: int = 1) -> float:
    """Return the median time of a function; the garbage collector stays on, as in a chapter."""
    times = timeit.repeat(function, "gc.enable()", time.perf_counter, repeat=rounds, number=1)
    return median(times)


def measure(cases: Iterable[Case], repeats: int) -> list[dict[str, Any]]:
    """Time everything once before anything is timed again; return what `row` returns, by case."""
    cases = list(cases)
    times: list[dict[str, list[float]]] = [{way: [] for way in case.ways} for case in cases]
    for repeat in range(repeats):
        for case, found in zip(cases, times, strict=True):
            print(f"{repeat + 1}/{repeats}: {case.what}", flush=True)
            for way, function in case.ways.items():
                found[way].append(seconds(function, case.rounds))
    return [row(case.what, found) for case, found in zip(cases, times, strict=True)]


def row(what: str, ways: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return median seconds of each way, and of those not ours the ratio, lowest to highest.

    Ratios are taken within a repeat.
    """
    cells: dict[str, dict[str, float]] = {}
    for way, times in ways.items():
        cells[way] = {"seconds": median(times)}
        if way != "ours":
            over = way == "floor"  # how far above the floor; how far below all others
            pairs = zip(ways["ours"], times, strict=True)
            ratios = [mine / other if over else other / mine for mine, other in pairs]
            cells[way] |= {"ratio": median(ratios), "low": min(ratios), "high": max(ratios)}
    return {"what": what, "ways": cells}
