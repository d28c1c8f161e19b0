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
from typing import Any

import numpy as np

from hwlib.check.outcome import Result, record
from hwlib.check.tasks import TASKS
from hwlib.check.texts import HINTS, TEXTS, Fault, fault, hint_for
from hwlib.check.values import RTOL, Read, alike, compare, describe

Answer = Callable[..., Any]
Mistakes = Mapping[str, Answer]  # typical wrong answers, by the names of their hints


def task(check: Callable[[Any], Iterator[str]]) -> Callable[[Any], Result]:
    """Turn a generator into a check: it yields the name of each step before it begins.

    "input: " and "note: " begin the texts that are no steps: what the answer is given from here on,
    and a remark. The first `Fault` ends the check; what it does not say itself, the input and the
    hint, that for a mistake which is known by name or the usual one, is filled in here. What the
    generator raises otherwise is an error of the check itself, and is not caught.
    """
    name = check.__name__
    possible = TASKS[name].points

    @functools.wraps(check)
    def run(answer: Any) -> Result:
        steps = ["call"]
        notes: list[str] = []
        given = ""
        try:
            if not callable(answer):
                raise fault("called instead of passed", what=describe(answer))
            with _undisturbed():
                for text in check(answer):
                    kind, _, rest = text.partition(": ")
                    if kind == "note":
                        notes.append(rest)
                    elif kind == "input":
                        given = rest
                    else:
                        steps.append(text)
        except Fault as error:
            *earlier, step = steps
            texts: dict[str, Any] = {"given": given, **error.details}
            if step in earlier and not texts["mistake"]:
                texts["hint"] = HINTS["later"]
            elif not texts["hint"]:
                usual = {"": HINTS.get(name, HINTS["general"])}
                hints = usual | HINTS | TEXTS["known"].get(name, {})
                texts["hint"] = hints[texts["mistake"].partition(", step")[0]]
            passed = tuple(s for s in dict.fromkeys(earlier[1:]) if s != step)
            return record(Result(name, 0, possible, passed, step, **texts))
        passed = tuple(dict.fromkeys(steps[1:]))
        return record(Result(name, possible, possible, passed, notes=tuple(notes)))

    run.__annotations__ = {"answer": Any, "return": Result}
    return run


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put back what an answer may change for all that follow: NumPy's errors, PyTorch's state."""
    torch = sys.modules.get("torch")  # the checks of the NumPy chapters do not load it
    before = torch and (torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled())
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if torch and before:
            torch.set_rng_state(before[0])
            torch.set_default_dtype(before[1])
            torch.set_grad_enabled(before[2])


def call(answer: Answer, *args: Any, changes: bool = False) -> Any:
    """Return ``answer(*args)``, computed on copies unless it is to change its arguments.

    It is a fault if it raises, returns None, or changes an argument that it was lent.
    """
    lent = args if changes else copy.deepcopy(args)
    try:
        with np.errstate():
            value = answer(*lent)
    except NotImplementedError:
        raise fault("not written") from None
    except (Exception, SystemExit) as error:
        lines = str(error).strip().splitlines() or ["no message"]
        what = f"{type(error).__name__}: {lines[0][:200].rstrip('.')}"
        raise fault("raises", hint=hint_for(error), what=what) from error
    if value is None:
        raise fault("no return", "None")
    if not changes and not alike(lent, args):
        raise fault("arguments changed")
    return value


def loud(steps: Iterator[str]) -> Iterator[str]:
    """Take steps on an input of whole numbers: an answer may refuse it aloud, by what it raises."""
    try:
        yield from steps
    except Fault as error:
        if error.details["mistake"] not in ("raises", "not written"):  # PyTorch raises that, too
            raise


def examine(
    answer: Answer,
    right: Answer,
    read: Read,
    args: tuple[Any, ...],
    *,
    mistakes: Mistakes | None = None,
    sizes: Sequence[float] = (),
    rtol: float = RTOL,
) -> Iterator[str]:
    """Steps "shape and dtype" and "value": compare with the right answer on the same arguments.

    ``read`` turns what an answer returns into named arrays, like those of the right one, and raises
    a `Fault` where it cannot.
    """
    yield "shape and dtype"
    value, expected = call(answer, *args), right(*copy.deepcopy(args))
    got = read(value, expected)
    yield "value"
    wrong = ((name, run(*copy.deepcopy(args))) for name, run in (mistakes or {}).items())
    known = ((name, read(value, expected)) for name, value in wrong)
    compare(got, read(expected, expected), known=known, sizes=sizes, rtol=rtol)
