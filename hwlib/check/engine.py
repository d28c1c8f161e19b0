"""How a check runs: call the answer safely, step by step, beside the right one and known mistakes.

An answer is called on several inputs, drawn from a seed, of other sizes each: what holds a size, a
number from outside or something from the call before is found so.
"""

import copy
import functools
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from hwlib.check.outcome import Fault, Result, record
from hwlib.check.tasks import TASKS
from hwlib.check.texts import TEXTS, fault, hint_for
from hwlib.check.values import HINTS, RTOL, Parts, Read, alike, compare, describe

Check = Callable[[Any], Iterator[str]]


class Known(NamedTuple):
    """A typical wrong answer: its name, the hint for it, and the function, to compare with."""

    name: str
    hint: str
    function: Callable[..., Any]


def known(table: str, functions: Mapping[str, Callable[..., Any]]) -> list[Known]:
    """Join wrong answers, which have the arguments of the right one, with their hints by name.

    The hints stand in this table under ``known`` in `texts.toml`.
    """
    hints = TEXTS["known"][table]
    if functions.keys() != hints.keys():
        raise ValueError(f"expected one hint for each, got {functions.keys() ^ hints.keys()} alone")
    return [Known(name, hints[name], function) for name, function in functions.items()]


def task(check: Check) -> Callable[[Any], Result]:
    """Turn a generator that yields the name of each step before it begins into a check.

    The first `Fault` ends it. What the generator raises otherwise is an error of the check itself,
    and is not caught.
    """
    name = check.__name__

    @functools.wraps(check)
    def run(answer: Any) -> Result:
        possible = TASKS[name].points
        done: list[str] = []
        notes: list[str] = []
        step = "call"
        try:
            if not callable(answer):
                raise fault("called instead of passed", "", what=describe(answer))
            with _undisturbed():
                for text in check(answer):
                    if text.startswith("note: "):
                        notes.append(text.removeprefix("note: "))
                        continue
                    if step not in ("call", *done):
                        done.append(step)
                    step = text
        except Fault as error:
            details = error.details
            if step in done and not details["mistake"]:
                details["hint"] = HINTS["later"]
            failed = Result(name, 0, possible, tuple(s for s in done if s != step), step)
            return record(replace(failed, **details))  # type: ignore[arg-type]
        steps = tuple(dict.fromkeys([*done, step]))
        return record(Result(name, possible, possible, steps, notes=tuple(notes)))

    run.__annotations__ = {"answer": Any, "return": Result}
    return run


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put back what an answer may change for all that follow: NumPy's errors, PyTorch's state."""
    torch = sys.modules.get("torch")  # the checks of the NumPy chapters do not load it
    if torch is not None:
        before = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if torch is not None:
            torch.set_rng_state(before[0])
            torch.set_default_dtype(before[1])
            torch.set_grad_enabled(before[2])


def call(answer: Callable[..., Any], *args: Any, given: str, changes: bool = False) -> Any:
    """Return ``answer(*args)``, computed on copies unless it is to change its arguments.

    It is a fault if it raises, returns None, or changes an argument that it was lent.
    """
    lent = args if changes else copy.deepcopy(args)
    try:
        with np.errstate():
            value = answer(*lent)
    except Fault:
        raise
    except NotImplementedError:
        raise fault("not written", given) from None
    except (Exception, SystemExit) as error:
        lines = str(error).strip().splitlines() or ["no message"]
        what = f"{type(error).__name__}: {lines[0][:200].rstrip('.')}"
        raise fault("raises", given, hint=hint_for(error), what=what) from error
    if value is None:
        raise fault("no return", given, "None")
    if not changes and not alike(lent, args):
        raise fault("arguments changed", given)
    return value


def examine(
    answer: Callable[..., Any],
    right: Callable[..., Any],
    read: Read,
    args: tuple[Any, ...],
    *,
    given: str,
    mistakes: Sequence[Known] = (),
    sizes: Sequence[float] = (),
    rtol: float = RTOL,
    hint: str = "general",
) -> Iterator[str]:
    """Steps "shape and dtype" and "value": compare with the right answer on the same arguments.

    ``read`` turns what an answer returns into named arrays, and raises a `Fault` where it cannot.
    """
    yield "shape and dtype"
    got = read(call(answer, *args, given=given))
    yield "value"
    expected = read(right(*copy.deepcopy(args)))

    def wrong() -> dict[str, tuple[str, Parts]]:
        return {
            entry.name: (entry.hint, read(entry.function(*copy.deepcopy(args))))
            for entry in mistakes
        }

    compare(got, expected, given=given, known=wrong, sizes=sizes, rtol=rtol, hint=hint)
