"""Ten garment-like classes drawn by code, for when Fashion-MNIST cannot be had.

A garment is a union of strips; a strip is what lies between two polylines: down the rows a sleeve,
along the columns the sole of a shoe. The corners are random, so no two garments are equal. The four
kinds of top are one drawing with overlapping ranges: they can be confused, as the real ones can.
"""

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Of float32 times a Python float, which stays float32, the types say less: hence what is ignored.
Array = NDArray[np.float32]
Knot = tuple[float | Array, float | Array, float | Array]
Range = tuple[float, float]

SIDE = 28
SEED = 28  # of the training part; the test part has the next one
CHUNK = 500  # images drawn at once: their arrays (1.6 MB each) stay near the processor


class Sheet(NamedTuple):
    """The randomness of n garments and their pixels' y (n, 28, 1) and x (n, 1, 28), -1 to 1."""

    rng: np.random.Generator
    y: Array
    x: Array

    def between(self, low: float, high: float) -> Array:
        """One uniform number in [low, high) for each image, (n, 1, 1) float32."""
        u = self.rng.random((len(self.y), 1, 1))
        return (low + (high - low) * u).astype(np.float32)

    def sometimes(self, share: float) -> Array:
        """1 for about this share of the images and 0 for the others, (n, 1, 1) float32."""
        return (self.between(0, 1) < share).astype(np.float32)


def _strip(t: Array, s: Array, *knots: Knot) -> Array:
    """Coverage in [0, 1] of the points low(t) <= s <= high(t), (n, 28, 28) float32.

    `knots` are (t, low, high) with growing t, joined by straight lines; edges are a pixel soft.
    """
    pixels = np.float32(SIDE / 2)
    start, low, high = (np.asarray(value, dtype=np.float32) for value in knots[0])
    for knot, (t1, low1, high1) in pairwise(knots):
        share = np.clip((t - knot[0]) / (t1 - knot[0]), 0, 1)
        low = low + share * (low1 - knot[1])
        high = high + share * (high1 - knot[2])
    end = knots[-1][0]
    ends = np.clip((t - start) * pixels + 0.5, 0, 1) * np.clip((end - t) * pixels + 0.5, 0, 1)
    s = s * pixels
    inside = np.minimum((high * pixels + 0.5) - s, s - (low * pixels - 0.5))
    return np.clip(inside, 0, 1, out=inside) * ends  # pyrefly: ignore[bad-return]


def _union(*parts: Array) -> Array:
    """The largest coverage, pixel by pixel; parts and result are (n, 28, 28) float32."""
    return np.maximum.reduce(parts)


def _top(
    sleeve: Range, hem: Range, width: Range, neck: Range, opening: float, dark: Range, sheet: Sheet
) -> Array:
    """Body, sleeves and neckline; a share `opening` of the garments has a front that opens."""
    y, x = sheet.y, np.abs(sheet.x)
    shoulder, bottom = sheet.between(*width), sheet.between(*hem)
    cuff, flare = sheet.between(*sleeve), sheet.between(0.18, 0.34)
    waist = shoulder * sheet.between(0.88, 1.1)
    body = _strip(y, x, (-0.88, -1, 0.25), (-0.72, -1, shoulder), (bottom, -1, waist))
    thick = sheet.between(0.16, 0.24)
    reach = shoulder + flare * np.clip(0.55 + 0.45 * cuff, 0.3, 1)
    arm = _strip(
        y,
        x,
        (-0.82, 0.2, shoulder - 0.12),
        (-0.6, shoulder - 0.16, shoulder + 0.1),
        (cuff, reach - thick, reach),  # pyrefly: ignore[bad-argument-type]
    )
    garment = _union(body, arm * sheet.between(0.8, 1))
    depth = sheet.between(*neck)
    garment *= 1 - _strip(y, x, (-1, -1, 0.22), (-0.85, -1, 0.2), (depth, -1, 0.02))
    front = _strip(y, x, (depth, -1, 0.015), (0.95, -1, sheet.between(0.01, 0.08)))
    garment *= 1 - front * sheet.sometimes(opening) * sheet.between(*dark)
    return garment


def _trouser(sheet: Sheet) -> Array:
    y, x = sheet.y, np.abs(sheet.x)
    hip, crotch, gap = sheet.between(0.28, 0.46), sheet.between(-0.5, 0.3), sheet.between(0, 0.16)
    ankle = gap + sheet.between(0.16, 0.28)
    hem = sheet.between(0.75, 0.98)
    return _strip(y, x, (-0.95, -0.2, hip * 0.85), (crotch, -0.03, hip), (hem, gap, ankle))


def _dress(sheet: Sheet) -> Array:
    y, x = sheet.y, np.abs(sheet.x)
    bust, waist = sheet.between(0.2, 0.42), sheet.between(0.17, 0.4)
    hem, depth = sheet.between(0.22, 0.6), sheet.between(-0.85, -0.5)
    dress = _strip(
        y,
        x,
        (-0.96, -1, 0.2),
        (-0.6, -1, bust),
        (sheet.between(-0.3, 0.1), -1, waist),
        (sheet.between(0.75, 0.98), -1, hem),
    )
    cuff = sheet.between(-0.5, 0.7)
    arm = _strip(y, x, (-0.92, 0.1, 0.22), (cuff, bust + 0.04, bust + 0.2))
    return _union(dress, arm * sheet.sometimes(0.4)) * (
        1 - _strip(y, x, (-1, -1, 0.13), (depth, -1, 0.02))
    )


def _sandal(sheet: Sheet) -> Array:
    y, x = sheet.y, sheet.x
    lift, thick = sheet.between(0.0, 0.6), sheet.between(0.1, 0.28)
    ground, strap = sheet.between(0.45, 0.75), sheet.between(0.1, 0.4)
    heel = ground - lift
    sole = _strip(
        x,
        y,
        (-0.95, ground - thick, ground),
        (-0.2, ground - thick, ground),
        (0.5, heel - thick, heel),
        (0.92, heel - thick - 0.05, heel),
    )
    post = _strip(y, x, (heel - 0.05, 0.55, 0.9), (ground + 0.02, 0.9 - strap, 0.9))
    toe = _strip(y, x, (ground - 0.5, -0.35, -0.35 + strap), (ground, -0.75, -0.75 + strap))
    arch = _strip(y, x, (heel - 0.6, 0.1, 0.1 + strap), (ground - 0.1, -0.3, -0.3 + strap))
    ankle = _strip(x, y, (0.1, heel - 0.62, heel - 0.48), (0.8, heel - 0.5, heel - 0.38))
    back = _strip(y, x, (heel - 0.5, 0.7, 0.82), (heel, 0.75, 0.9))
    return _union(sole, post, toe, _union(ankle, back, arch) * sheet.sometimes(0.7))


def _sneaker(sheet: Sheet) -> Array:
    y, x = sheet.y, sheet.x
    ground = sheet.between(0.4, 0.7)
    toe, tongue = ground - sheet.between(0.28, 0.42), sheet.between(-0.05, 0.3)
    ankle = toe - sheet.between(0.15, 0.6)
    dip = ankle + sheet.between(0.0, 0.15)
    upper = _strip(
        x,
        y,
        (-0.95, toe + 0.15, ground),
        (-0.8, toe, ground),
        (-0.4, toe - 0.05, ground),
        (tongue, ankle, ground),
        (0.55, dip, ground),
        (0.92, ankle - 0.03, ground),
    )
    edge = ground - sheet.between(0.08, 0.2)
    sole = _strip(x, y, (-0.97, edge, ground), (0.97, edge, ground))
    laces = _strip(y, x, (ankle + 0.08, tongue - 0.25, tongue), (toe + 0.05, -0.45, -0.2))
    laces *= sheet.between(0, 0.5)
    return _union(upper * sheet.between(0.6, 1) * (1 - laces), sole)


def _bag(sheet: Sheet) -> Array:
    y, x = sheet.y, np.abs(sheet.x)
    top, bottom = sheet.between(-0.4, 0.1), sheet.between(0.5, 0.9)
    width = sheet.between(0.5, 0.95)
    body = _strip(y, x, (top, -1, width * sheet.between(0.75, 1)), (bottom, -1, width))
    peak, span = sheet.between(-0.95, -0.7), sheet.between(0.25, 0.6)
    thick = sheet.between(0.07, 0.16)
    outer = _strip(y, x, (peak, -1, span * 0.6), (peak + 0.2, -1, span), (top + 0.1, -1, span))
    hole = span - thick
    inner = _strip(
        y, x, (peak + thick, -1, hole * 0.6), (peak + 0.2 + thick, -1, hole), (top + 0.1, -1, hole)
    )
    flap = _strip(y, x, (top + 0.25, -1, 1), (top + 0.34, -1, 1)) * sheet.sometimes(0.5)
    # pyrefly: ignore[bad-argument-type]
    return _union(body * (1 - 0.5 * flap), outer * (1 - inner) * sheet.sometimes(0.85))


def _ankle_boot(sheet: Sheet) -> Array:
    y, x = sheet.y, sheet.x
    ground, top = sheet.between(0.55, 0.85), sheet.between(-0.95, -0.15)
    toe = ground - sheet.between(0.3, 0.5)
    front, lift = sheet.between(-0.15, 0.1), sheet.between(0.04, 0.35)
    shaft = _strip(y, x, (top, front, 0.85), (0.3, front - 0.1, 0.75), (ground - 0.05, front, 0.85))
    foot = _strip(
        x,
        y,
        (-0.95, toe + 0.15, ground),
        (-0.75, toe, ground),
        (front, 0.0, ground),
        (0.5, 0.0, ground - 0.1),
    )
    under = ground - lift
    notch = _strip(x, y, (-0.1, ground - 0.02, 1), (0.35, under, 1), (0.5, under, 1))
    heel = _strip(y, x, (ground - 0.1, 0.5, 0.85), (ground + 0.05, 0.55, 0.82))
    return _union(_union(shaft, foot) * (1 - notch), heel)


# In the order of the labels. The four tops differ in their ranges of sleeve end, hem, shoulders and
# neckline, in the share whose front opens, and in how dark the line of that front is.
GARMENTS: tuple[Callable[[Sheet], Array], ...] = (
    partial(_top, (-0.5, 0.15), (0.65, 0.96), (0.42, 0.6), (-0.8, -0.45), 0.1, (0.2, 0.6)),
    _trouser,
    partial(_top, (0.35, 0.9), (0.6, 0.97), (0.4, 0.6), (-0.8, -0.45), 0.1, (0.2, 0.6)),
    _dress,
    partial(_top, (0.4, 0.9), (0.72, 0.98), (0.38, 0.57), (-0.78, -0.3), 0.8, (0.2, 1.0)),
    _sandal,
    partial(_top, (-0.4, 0.8), (0.65, 0.98), (0.38, 0.56), (-0.77, -0.3), 0.75, (0.2, 0.8)),
    *(_sneaker, _bag, _ankle_boot),
)


def _dye(sheet: Sheet, garment: Array) -> NDArray[np.uint8]:
    """Give each garment a brightness, shading towards its sides, stripes and grain; uint8."""
    y, x = sheet.y, sheet.x
    wave = np.abs((y / sheet.between(0.25, 0.6)) % 1 - 0.5) * 4 - 1
    rows = sheet.between(-0.15, 0.15) * y + sheet.sometimes(0.25) * sheet.between(0, 0.3) * wave
    sides = 1 - sheet.between(0, 0.3) * x * x
    grain = sheet.rng.random(garment.shape, dtype=np.float32) * sheet.between(0.02, 0.4)
    shade = (sides + rows - grain) * garment * (255 * sheet.between(0.45, 1.25))
    return np.clip(shade + 0.5, 0, 255).astype(np.uint8)


def _draw_class(label: int, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """n garments of one class, each with its own place and size, (n, 28, 28) uint8."""
    pixel = ((np.arange(SIDE) - (SIDE - 1) / 2) / (SIDE / 2)).astype(np.float32)
    place = Sheet(rng, np.broadcast_to(pixel[:, None], (n, SIDE, 1)), pixel[None, None, :])
    y = (place.y - place.between(-0.09, 0.09)) / place.between(0.86, 1.06)
    x = (place.x - place.between(-0.12, 0.12)) / place.between(0.88, 1.15)
    sheet = Sheet(rng, y, x)
    return _dye(sheet, GARMENTS[label](sheet))


def draw_stand_in(n: int, *, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """n garments of ten classes in the order of Fashion-MNIST, white on black.

    They imitate the form of Fashion-MNIST: no number measured on them says anything about it.

    Parameters
    ----------
    n : int
        At least 1.
    seed : int
        Gives the same labels, and images equal within one grey level, everywhere: it draws uniform
        numbers by PCG64, and the rest is float32 arithmetic without jumps.

    Returns
    -------
    images : (n, 28, 28) uint8, 0 black to 255 white
    labels : (n,) uint8, 0 to 9 in random order, with class counts that differ by at most one

    Raises
    ------
    ValueError
        If ``n`` is not a positive whole number, or ``seed`` is negative.
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n: expected a whole number of at least 1, got {n!r}; 60000 is usual.")
    rng = np.random.Generator(np.random.PCG64(seed))
    order = np.argsort(rng.random(n), kind="stable")
    labels = (order % len(GARMENTS)).astype(np.uint8)
    images = np.empty((n, SIDE, SIDE), dtype=np.uint8)
    for label in range(len(GARMENTS)):
        places = np.flatnonzero(labels == label)
        for start in range(0, len(places), CHUNK):
            chunk = places[start : start + CHUNK]
            images[chunk] = _draw_class(label, len(chunk), rng)
    return images, labels


def stored_stand_in(folder: Path, train: int, test: int) -> tuple[NDArray[np.uint8], ...]:
    """Training images and labels, test images and labels, drawn or as drawn before.

    They are kept in ``folder``, under another name for every change of the code that draws.
    """
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    path = folder / f"{code}-{train}-{test}.npz"
    with (
        contextlib.suppress(OSError, EOFError, ValueError, zipfile.BadZipFile),
        path.open("rb") as f,
    ):
        stored: Any = np.load(f)
        return tuple(stored.values())
    arrays = (*draw_stand_in(train, seed=SEED), *draw_stand_in(test, seed=SEED + 1))
    with contextlib.suppress(OSError):  # a read-only cache only costs the next run its time
        folder.mkdir(parents=True, exist_ok=True)
        partial_file = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with partial_file.open("wb") as opened:
                np.savez(opened, *arrays)
            partial_file.replace(path)  # a reader sees the whole file or none
        finally:
            partial_file.unlink(missing_ok=True)
    return arrays
