"""Values of an answer: read them safely, compare them, and recognise the mistake they hold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwlib.check.texts import HINTS, Fault, fault

RTOL = 1e-4  # far above what float32 loses in these sums, far below any mistake in a formula
Array = NDArray[np.floating]
Parts = dict[str, Array]
Read = Callable[[Any, Any], Parts]  # of a result, and of the right one, which has its shapes


def alike(a: Any, b: Any) -> bool:
    """Whether two arguments hold the same numbers; objects of other kinds count as the same."""
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    if hasattr(a, "detach"):
        a, b = a.detach().numpy(), b.detach().numpy()
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    return bool(a == b) if isinstance(a, int | float | str) else True


def describe(value: Any) -> str:
    """A few words for what a value is: its type, its shape, its dtype."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        kind = "a tensor" if type(value).__module__.startswith("torch") else "an array"
        if tuple(value.shape) == ():
            return f"the {value.dtype} {number(value)}"
        return f"{kind} {tuple(value.shape)} of {value.dtype}"
    if isinstance(value, bool | int | float | str):
        return f"{value!r}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, Mapping):
        return f"a dictionary with the keys {', '.join(map(repr, value))}"
    return f"an object of type {type(value).__name__}"


def number(value: Any, digits: int = 6) -> str:
    """A number as text, with enough digits to see the difference."""
    value = value.detach() if hasattr(value, "detach") else value
    return f"{float(value):.{digits}g}"


def any_array(value: Any) -> NDArray[Any]:
    """Return ``value`` as an array of any dtype, empty where its rows differ in length."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        return np.asarray(value)
    except ValueError:
        return np.empty((0,), dtype=object)


def as_array(value: Any, name: str, shape: tuple[int, ...] = (), hint: str = "") -> Array:
    """Return ``value`` as a float64 array; it is a fault if its shape or dtype is wrong."""
    array = any_array(value)
    if array.shape != shape:
        hint = hint or HINTS[_shape_hint(array.shape, shape)]
        raise fault("shape", f"shape {array.shape}", hint=hint, name=name, shape=shape)
    if array.dtype.kind not in "fiu":
        raise fault("dtype", f"dtype {array.dtype}", name=name)
    return array.astype(np.float64)


def _shape_hint(came: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    size = int(np.prod(came))
    if wanted == () and came:
        return "wrapped" if size == 1 else "several"
    if came == wanted[::-1] and came != wanted:
        return "transposed"
    return "rearranged" if size == int(np.prod(wanted)) else "shape"


def tensor(value: Any, name: str, shape: tuple[int, ...], dtype: Any, hint: str = "") -> Any:
    """Return ``value``; it is a fault if it is no tensor of this shape and dtype."""
    if not hasattr(value, "detach"):
        raise fault("no tensor", describe(value), name=name, shape=shape, wanted=dtype)
    if tuple(value.shape) != shape:
        came = f"shape {tuple(value.shape)}"
        raise fault("shape", came, hint=hint or HINTS["shape"], name=name, shape=shape)
    if value.dtype != dtype:
        raise fault("tensor dtype", str(value.dtype), name=name, wanted=dtype)
    return value


def named(*names: str, hint: str = "", other_keys: str = "keys") -> Read:
    """Read results under these names, in the shapes that the right ones have; several as a tuple.

    Of a dictionary, each array is named by its key behind the name, and the fault of other keys is
    ``other_keys``. The hint for a wrong shape is ``hint``, or that of the name in `texts.toml`.
    """

    def read(value: Any, right: Any) -> Parts:
        if len(names) == 1:
            value, right = [value], [right]
        found: Parts = {}
        for (name, part), like in zip(several(value, *names).items(), right, strict=True):
            if isinstance(like, Mapping):
                if not isinstance(part, Mapping) or set(part) != set(like):
                    words = {"keys": ", ".join(map(repr, like)), "names": ", ".join(like)}
                    raise fault(other_keys, describe(part), **words)
                for key, array in like.items():
                    found[name + key] = as_array(part[key], name + key, np.shape(array), hint)
            else:
                found[name] = _like(like, part, name, hint or HINTS.get(name, ""))
        return found

    return read


def _like(right: Any, value: Any, name: str, hint: str) -> Array:
    """Return ``value`` as an array in the shape of ``right``; a tensor where that is one."""
    shape = tuple(np.shape(right))
    if hasattr(right, "detach"):
        tensor(value, name, shape, right.dtype, hint)
    elif name in HINTS and any_array(value).shape == shape[:1]:
        hint += HINTS["one dimension"]
    return as_array(value, name, shape, hint)


def several(value: Any, *names: str) -> dict[str, Any]:
    """Name the results of an answer; it is a fault if there are not as many as ``names``."""
    if not isinstance(value, tuple | list) or len(value) != len(names):
        got, count = describe(value), len(names)
        raise fault("number of results", got, count=count, names=", ".join(names))
    return dict(zip(names, value, strict=True))


def near(got: Array, expected: Array, rtol: float = RTOL) -> bool:
    """Whether two arrays agree to ``rtol``, measured against the largest entry expected."""
    if not (np.isfinite(got).all() and np.isfinite(expected).all()):
        return bool(np.array_equal(got, expected, equal_nan=True))
    scale = np.abs(expected).max(initial=0.0)
    return bool(np.abs(got - expected).max(initial=0.0) <= rtol * max(scale, 1e-30))


def compare(
    got: Parts,
    expected: Parts,
    *,
    known: Iterable[tuple[str, Parts]] = (),
    sizes: Sequence[float] = (),
    rtol: float = RTOL,
) -> None:
    """Raise a `Fault` for the first part that differs, with the hint of the mistake it matches.

    ``known`` is what each known mistake gives, computed only once something differs. An answer may
    also be too large or too small by one of the ``sizes``, such as that of the batch.
    """
    for name, right in expected.items():
        if near(got[name], right, rtol):
            continue
        mistake, text = _recognise(got, expected, name, dict(known), sizes, rtol)
        distance = np.nan_to_num(np.abs(got[name] - right), nan=np.inf, posinf=np.inf)
        where = np.unravel_index(int(np.argmax(distance)), right.shape)
        place = f"{name}[{', '.join(map(str, where))}]" if where else name
        digits = 6 if rtol >= RTOL else 9
        raise Fault(
            f"gives a wrong value for {name}",
            got=f"{place} = {number(got[name][where], digits)}",
            expected=f"{place} = {number(right[where], digits)}",
            hint=text,
            mistake=mistake,
        )


def _recognise(
    got: Parts,
    expected: Parts,
    name: str,
    known: Mapping[str, Parts],
    sizes: Sequence[float],
    rtol: float,
) -> tuple[str, str]:
    """Name of the mistake that gives the same numbers, and its hint if that is no fixed text."""
    rtol = min(rtol, RTOL)
    for mistake, wrong in known.items():
        if all(near(got[part], wrong[part], rtol) for part in expected):
            return mistake, ""
    for mistake, wrong in known.items():  # the other parts may hold another mistake
        if near(got[name], wrong[name], rtol) and not near(wrong[name], expected[name]):
            return mistake, ""
    if not np.isfinite(got[name]).all():
        return "not finite", ""
    if not any(got[part].any() for part in expected):
        return "zero", ""
    if got[name].any() and near(got[name], np.trunc(expected[name])):
        return "whole numbers", ""
    for size in (-1.0, *sizes):
        for factor, words in ((size, f"{size:g}"), (1 / size, f"1/{size:g}")):
            if factor != 1 and near(got[name], factor * expected[name], rtol):
                return f"factor {size:g}", HINTS["factor"].format(factor=words)
    return "", ""
