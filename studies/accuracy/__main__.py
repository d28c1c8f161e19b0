"""Measure how many ulp the logistic loss is off, here and in four libraries: `make accuracy`.

Every result is compared with the definition in mpmath at 300 bits or more. One ulp is the distance
between two neighbouring numbers of the result's precision; half an ulp is lost by rounding alone.
With soft labels the derivative passes through 0, where its two terms cancel: there the unit is an
ulp of the larger term, since no formula of the working precision has more digits.

The result is `book/data/accuracy.json`, which the page on accuracy shows.
"""

import json
import platform
from collections.abc import Iterator
from importlib.metadata import version
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.accuracy.exact import Exact, exact_values
from studies.accuracy.libraries import LIBRARIES, PACKAGES
from studies.accuracy.page import draw, tables

Array = NDArray[Any]
TARGET = Path(__file__).parents[2] / "book" / "data" / "accuracy.json"
POINTS = 120_000  # per function and precision
# Where formulas change over or results leave the range of float32 or float64.
THRESHOLDS = [0.5, 1.0, 16.6, 18.0, 20.0, 33.3, 36.7, 37.4, 87.3, 88.7, 103.3, 104.0]
THRESHOLDS += [708.4, 709.78, 744.4, 745.13]
CURVE_STARTS = np.arange(-50, 50)
SCOPE = (
    "Logits over the whole finite range, both signs: every exponent equally often, subnormal "
    "numbers included; uniform to 40, 110 and 760; normal; neighbours of the multiples of log(2) "
    "and of the points where formulas change over. Soft labels: uniform, tenths, close to 0 and "
    "to 1 down to subnormal, and neighbours of σ(z). Errors of 2^53 (float32: 2^24) ulp and "
    "more, NaN and infinity count as that. A result below the normal range is measured by the "
    "spacing of subnormal numbers."
)


def logits(n: int, dtype: type[np.floating], rng: np.random.Generator) -> Array:
    """Draw n logits, as described in ``SCOPE``."""
    info, part = np.finfo(dtype), n // 7
    bits = np.dtype(f"u{info.bits // 8}")
    largest = int(np.array(info.max).view(bits))
    every_exponent = rng.integers(0, largest, 2 * part, dtype=bits, endpoint=True).view(dtype)
    near = np.r_[np.arange(1, 1076) * np.log(2), np.tile(THRESHOLDS, 40)].astype(dtype)
    near = rng.choice(near, part).view(bits) + rng.integers(0, 9, part, dtype=bits)
    magnitudes = [every_exponent, near.view(dtype), np.abs(rng.standard_normal(part))]
    magnitudes += [rng.uniform(0, limit, part) for limit in (40, 110)]
    magnitudes.append(rng.uniform(0, 760, n - 6 * part))
    corners = [0, info.max, info.tiny, info.smallest_subnormal]
    z = np.r_[np.concatenate(magnitudes), corners][-n:].astype(dtype)
    return np.where(rng.random(n) < 0.5, -z, z)


def soft_labels(z: Array, rng: np.random.Generator) -> Array:
    """Draw one soft label for each logit, as described in ``SCOPE``."""
    n, dtype = len(z), z.dtype.type
    lowest = np.log2(float(np.finfo(dtype).smallest_subnormal))
    tiny = 2 ** rng.uniform(lowest, 0, n)
    at_root = LIBRARIES["hwlib"]["sigmoid"](None, z)
    at_root += rng.integers(-3, 4, n) * np.spacing(at_root)
    kinds = [rng.random(n), rng.integers(0, 11, n) / 10, tiny, 1 - tiny, at_root]
    kinds.append(at_root * rng.uniform(0.5, 1.5, n))
    return np.clip(np.choose(rng.integers(0, len(kinds), n), kinds), 0, 1).astype(dtype)


def errors_in_ulp(computed: Array, exact: Exact) -> Array:
    """Distance of computed from exact values in ulp, cut where no digit is right."""
    most = 2.0 ** (np.finfo(computed.dtype).nmant + 1)
    with np.errstate(all="ignore"):
        distance = np.ldexp(computed.astype(np.float64) - exact.high, -exact.ulp) - exact.rest
        return np.where(np.isfinite(distance), np.minimum(np.abs(distance), most), most)


def measure(dtype: type[np.floating], pool: Any) -> Iterator[dict[str, Any]]:
    """Yield one row for each function and library in one precision."""
    rng = np.random.default_rng(1)
    hard, soft = logits(POINTS, dtype, rng), logits(POINTS, dtype, rng)
    labels = rng.integers(0, 2, POINTS).astype(dtype)
    cases = {
        "sigmoid": ("sigmoid", labels, hard),
        "softplus": ("softplus", labels, hard),
        "loss, hard labels": ("loss", labels, hard),
        "loss, soft labels": ("loss", soft_labels(soft, rng), soft),
        "derivative, hard labels": ("derivative", labels, hard),
        "derivative, soft labels": ("derivative", soft_labels(soft, rng), soft),
    }
    for title, (name, y, z) in cases.items():
        exact = exact_values(name, y, z, pool)
        numbers = np.abs(exact.high), np.abs(z), np.where(y == 0, 1, y)
        normal = np.min(numbers, axis=0) >= np.finfo(dtype).tiny
        for library, functions in LIBRARIES.items():
            if name not in functions or (library == "SciPy" and "soft labels" in title):
                continue
            computed = functions[name](y, z)
            assert computed.dtype == z.dtype, (library, name)
            errors = errors_in_ulp(computed, exact)
            yield {
                "precision": np.dtype(dtype).name,
                "function": title,
                "unit": "larger term" if title == "derivative, soft labels" else "result",
                "library": library,
                "points": len(errors),
                "worst": float(errors.max()),
                "worst_normal": float(errors[normal].max()),
            }


def curve(label: int, pool: Any) -> dict[str, list[float]]:
    """Return the worst error of the float64 loss in each unit interval of logits."""
    z = np.concatenate([np.linspace(a, a + 1, 250, endpoint=False) for a in CURVE_STARTS])
    y = np.full_like(z, label)
    exact = exact_values("loss", y, z, pool)
    worst = {}
    for library, functions in LIBRARIES.items():
        errors = errors_in_ulp(functions["loss"](y, z), exact)
        worst[library] = errors.reshape(-1, 250).max(axis=1).round(3).tolist()
    return worst


def main() -> None:
    """Measure everything and write the file."""
    with Pool(2) as pool:
        record = {
            "scope": SCOPE,
            "versions": {name: version(name) for name in PACKAGES},
            "python": platform.python_version(),
            "machine": platform.machine(),
            "rows": [row for dtype in (np.float32, np.float64) for row in measure(dtype, pool)],
            "curve_logits": (CURVE_STARTS + 0.5).tolist(),
            "curves": {str(label): curve(label, pool) for label in (1, 0)},
        }
    record["tables"] = tables(record)
    draw(record, TARGET.with_suffix(".svg"))
    TARGET.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{TARGET.name} is written")


if __name__ == "__main__":
    main()
