"""How a check runs: call the answer safely, compare what came, recognise known mistakes."""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwlib.check.outcome import Fault, Result, record
from hwlib.check.tasks import TASKS

RTOL = 1e-4  # far above what float32 loses in these sums, far below any mistake in a formula
Array = NDArray[np.floating]
Check = Callable[[Any], Iterator[str]]


class Known(NamedTuple):
    """A typical wrong answer: its name, the hint for it, and the function, to compare with."""

    name: str
    hint: str
    function: Callable[..., Any]


def known(functions: Mapping[str, Callable[..., Any]], hints: Mapping[str, str]) -> list[Known]:
    """Join wrong answers, which have the arguments of the right one, with their hints by name."""
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
                raise Fault(
                    f"is no function but {describe(answer)}",
                    hint="Pass the function itself, without parentheses behind its name.",
                    mistake="called instead of passed",
                )
            for text in check(answer):
                if text.startswith("note: "):
                    notes.append(text.removeprefix("note: "))
                    continue
                if step not in ("call", text, *done):
                    done.append(step)
                step = text
        except Fault as fault:
            failed = Result(name, 0, possible, tuple(done), step)
            return record(replace(failed, **fault.details))  # type: ignore[arg-type]
        steps = tuple(dict.fromkeys([*done, step]))
        return record(Result(name, possible, possible, steps, notes=tuple(notes)))

    run.__annotations__ = {"answer": Any, "return": Result}
    return run


def call(answer: Callable[..., Any], *args: Any, given: str, changes: bool = False) -> Any:
    """Return ``answer(*args)``, computed on copies unless it is to change its arguments.

    Floating-point warnings are left out: a formula that warns and is right is right.

    Raises
    ------
    Fault
        If the answer raises, returns None, or changes an argument that it was lent.
    """
    lent = args if changes else copy.deepcopy(args)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = answer(*lent)
    except NotImplementedError:
        raise Fault(
            "is not written yet",
            hint="Replace `raise NotImplementedError` by your answer; the docstring says what "
            "goes in and what comes out.",
            mistake="not written",
        ) from None
    except (Exception, SystemExit) as error:
        raise Fault(
            f"stops with {type(error).__name__}: {_first_line(error)}",
            given=given,
            hint=_hint_for(error),
            mistake="raises",
        ) from error
    if value is None:
        raise Fault(
            "returns nothing",
            given=given,
            got="None",
            hint="Does the last line begin with `return`?",
            mistake="no return",
        )
    if not changes and not _alike(lent, args):
        raise Fault(
            "changes the arguments that it was given",
            given=given,
            hint="The caller still needs them. `w -= ...` writes into the caller's array: work on "
            "a copy, or make a new array.",
            mistake="arguments changed",
        )
    return value


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else "no message")[:200].rstrip(".")


def _hint_for(error: BaseException) -> str:
    text = str(error)
    shapes = ("matmul", "not aligned", "cannot be multiplied", "broadcast", "must match the size")
    if any(word in text for word in shapes):
        return (
            "Write the shape of every array beside its line. A matrix product sums over the "
            "columns of its left factor and the rows of its right one: is one of them to be "
            "transposed, or to be flattened first?"
        )
    if "truth value" in text or "only length-1" in text or "only 0-dimensional" in text:
        return (
            "That works for one number, and this is an array: `if` and the functions of `math` "
            "take one number at a time. NumPy's functions and np.where take all of them."
        )
    if isinstance(error, RecursionError):
        return "The function calls itself without end."
    if "has no attribute 'backward'" in text:
        return "backward belongs to the tensor of the loss: is item() called before it?"
    if "before Module.__init__() call" in text:
        return "The first line of __init__ is super().__init__()."
    if isinstance(error, NameError):
        return (
            "A name is used that nothing in the function defines. Restart the kernel and run all."
        )
    if isinstance(error, TypeError) and "argument" in text:
        return "Keep the arguments of the signature, in their order."
    if isinstance(error, KeyError):
        return 'The weights are a dictionary with the keys "w1" and "w2".'
    if "does not require grad" in text:
        return (
            "The loss is cut off from the parameters: look for detach, item or no_grad before it."
        )
    if "inplace operation" in text:
        return "The weights changed between forward pass and backward: is step called too early?"
    if "backward through the graph a second time" in text:
        return "backward is called twice for one forward pass: is the loss of each batch a new one?"
    if "expected scalar type Long" in text or "Expected target" in text:
        return "cross_entropy takes the classes as whole numbers (int64), one per image."
    return "Call your function on a small example of your own and read the whole message."


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    return True


def describe(value: Any) -> str:
    """A few words for what a value is: its type, its shape, its dtype."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        kind = "tensor" if type(value).__module__.startswith("torch") else "array"
        if tuple(value.shape) == ():
            return f"the {value.dtype} {number(value)}"
        return f"an {kind} {tuple(value.shape)} of {value.dtype}".replace("an tensor", "a tensor")
    if isinstance(value, bool | int | float | str):
        return f"{value!r}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, Mapping):
        return f"a dictionary with the keys {', '.join(map(repr, value))}"
    return f"an object of type {type(value).__name__}"


def number(value: Any) -> str:
    """A number as text, with enough digits to see the difference."""
    value = value.detach() if hasattr(value, "detach") else value
    return f"{float(value):.6g}"


def as_array(value: Any, name: str, shape: tuple[int, ...], *, given: str, hint: str = "") -> Array:
    """Return ``value`` as a float64 array once its shape and dtype are right.

    Raises
    ------
    Fault
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty((0,), dtype=object)
    if array.shape != shape:
        raise Fault(
            f"returns {name} in the wrong shape",
            given=given,
            got=f"shape {array.shape}",
            expected=f"shape {shape}",
            hint=hint or _shape_hint(array.shape, shape),
            mistake="shape",
        )
    if array.dtype.kind not in "fiu":
        raise Fault(
            f"returns {name} in the wrong type",
            given=given,
            got=f"dtype {array.dtype}",
            expected="real floating-point numbers",
            hint="Which line makes something else of the numbers?",
            mistake="dtype",
        )
    return array.astype(np.float64)


def _shape_hint(came: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if wanted == () and came:
        return (
            "One number is wanted for the whole batch, and these are several: was the mean over "
            "the examples forgotten?"
        )
    if came == wanted[::-1] and came != wanted:
        return "Rows and columns are swapped: is a transpose missing, or one too many?"
    if int(np.prod(came)) == int(np.prod(wanted)):
        return (
            "The numbers are there, in another arrangement. A column (B, 1) and a row (B,) "
            "broadcast to a matrix when they meet: keep the column."
        )
    return "Follow the shapes line by line: in which one does a dimension come in or get lost?"


def near(got: Array, expected: Array, rtol: float = RTOL) -> bool:
    """Whether two arrays agree to ``rtol``, measured against the largest entry expected."""
    if not (np.isfinite(got).all() and np.isfinite(expected).all()):
        return bool(np.array_equal(got, expected, equal_nan=True))
    scale = np.abs(expected).max(initial=0.0)
    return bool(np.abs(got - expected).max(initial=0.0) <= rtol * max(scale, 1e-30))


Parts = dict[str, Array]


def compare(
    got: Parts,
    expected: Parts,
    *,
    given: str,
    known: Mapping[str, tuple[str, Parts]],
    sizes: Sequence[tuple[str, float]] = (),
    rtol: float = RTOL,
) -> None:
    """Raise a `Fault` for the first part that differs, with the hint of the mistake it matches.

    Parameters
    ----------
    got, expected : dict of float64 arrays of equal shapes
    given : str
        The input, in words.
    known : mapping of name to (hint, what this wrong answer gives)
    sizes : sequence of (name, number)
        Numbers such as the batch size, by which an answer may be too large or too small.
    """
    for name, right in expected.items():
        if near(got[name], right, rtol):
            continue
        mistake, hint = _recognise(got, expected, name, known, sizes)
        where = np.unravel_index(int(np.argmax(_distance(got[name], right))), right.shape)
        place = f"[{', '.join(map(str, where))}]" if where else ""
        raise Fault(
            f"returns a wrong value for {name}",
            given=given,
            got=f"{name}{place} = {number(got[name][where])}",
            expected=f"{name}{place} = {number(right[where])}",
            hint=hint,
            mistake=mistake,
        )


def _distance(a: Array, b: Array) -> Array:
    with np.errstate(invalid="ignore"):
        distance = np.abs(a - b)
    return np.where(np.isfinite(distance), distance, np.inf)


def _recognise(
    got: Parts,
    expected: Parts,
    name: str,
    known: Mapping[str, tuple[str, Parts]],
    sizes: Sequence[tuple[str, float]],
) -> tuple[str, str]:
    for mistake, (hint, wrong) in known.items():
        if all(near(got[part], wrong[part]) for part in expected):
            return mistake, hint
    for mistake, (hint, wrong) in known.items():  # the other parts may hold another mistake
        if near(got[name], wrong[name]) and not near(wrong[name], expected[name]):
            return mistake, hint
    if not np.isfinite(got[name]).all():
        return "not finite", (
            "The result is not finite. Which line divides by something that can be 0, takes the "
            "logarithm of 0, or the exponential of a large number?"
        )
    if near(got[name], np.zeros_like(got[name])):
        return "zero", "Everything is 0: is the result overwritten, or never added to?"
    for what, size in [("-1", -1.0), *sizes]:
        for factor, words in ((size, f"{what} times"), (1 / size, f"1/({what}) times")):
            if factor != 1 and near(got[name], factor * expected[name]):
                return f"factor {what}", (
                    f"Your result is {words} the right one. Which line multiplies or divides once "
                    "too often, or once too little, or turns the sign?"
                )
    return "", (
        "The shape is right and the value is not. Work out this one input by hand, line by line, "
        "and compare each intermediate result."
    )


def evaluate_known(
    known: Sequence[Known], read: Callable[[Any], Parts], *args: Any
) -> dict[str, tuple[str, Parts]]:
    """Evaluate each known mistake on ``args``, so that `compare` can recognise it."""
    found = {}
    with np.errstate(all="ignore"):
        for entry in known:
            found[entry.name] = entry.hint, read(entry.function(*copy.deepcopy(args)))
    return found


def examine(
    answer: Callable[..., Any],
    right: Callable[..., Any],
    read: Callable[[Any], Parts],
    args: tuple[Any, ...],
    *,
    given: str,
    mistakes: Sequence[Known] = (),
    sizes: Sequence[tuple[str, float]] = (),
    rtol: float = RTOL,
) -> Iterator[str]:
    """Steps "shape and dtype" and "value": compare with the right answer on the same arguments.

    ``read`` turns what an answer returns into named arrays, and raises a `Fault` where it cannot.
    """
    yield "shape and dtype"
    got = read(call(answer, *args, given=given))
    yield "value"
    wrong = evaluate_known(mistakes, read, *args)
    expected = read(right(*copy.deepcopy(args)))
    compare(got, expected, given=given, known=wrong, sizes=sizes, rtol=rtol)


def reader(name: str, shape: tuple[int, ...], given: str, hint: str = "") -> Callable[..., Parts]:
    """Read one array, or with shape () one number, under a name."""
    return lambda value: {name: as_array(value, name, shape, given=given, hint=hint)}


def pair(value: Any, given: str, what: str) -> tuple[Any, Any]:
    """Return the two results of an answer.

    Raises
    ------
    Fault
    """
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise Fault(
            "does not return two results",
            given=given,
            got=describe(value),
            expected=what,
            hint="`return first, second`",
            mistake="number of results",
        )
    return value[0], value[1]
