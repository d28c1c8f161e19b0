"""What a drawing of Matplotlib paints: each mark with its colour, and what lies under it."""

import base64
import io
import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb

LINK = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


def contrast(one: object, other: object) -> float:
    """Return the contrast of two colours as in the Web Content Accessibility Guidelines."""
    bright = []
    for color in (one, other):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)
        ]
        bright.append(float(np.dot(linear, [0.2126, 0.7152, 0.0722])) + 0.05)
    return max(bright) / min(bright)


class Area(NamedTuple):
    """A box that is painted over, with a colour or with the pixels (rows, columns, 3)."""

    left: float
    top: float
    right: float
    bottom: float
    paint: object

    def at(self, x: float, y: float) -> object:
        """Return the colour at a point inside."""
        if not isinstance(self.paint, np.ndarray):
            return self.paint
        rows, columns = self.paint.shape[:2]
        row = int((y - self.top) / (self.bottom - self.top) * rows)
        column = int((x - self.left) / (self.right - self.left) * columns)
        return tuple(self.paint[min(row, rows - 1), min(column, columns - 1)])


class Mark(NamedTuple):
    """A text, line or sign: its colours (one of them has to stand out), and where it is sampled."""

    kind: str
    colors: tuple[str, ...]
    ground: object
    name: str

    @property
    def contrast(self) -> float:
        """How much it stands out."""
        return max(contrast(color, self.ground) for color in self.colors)


def _style(element: Element) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in (element.get("style") or "").split(";") if ":" in part)
    return {key.strip(): value.strip() for key, value in pairs}


def _picture(element: Element) -> Area:
    """Return a picture as an area, with its first row at the top."""
    pixels = plt.imread(io.BytesIO(base64.b64decode(element.attrib[LINK].split(",")[1])))
    x, y, width, height = (float(element.get(key, 0)) for key in ("x", "y", "width", "height"))
    pixels = np.atleast_3d(pixels)
    alpha = pixels[..., 3:] if pixels.shape[2] == 4 else np.ones_like(pixels[..., :1])
    solid = pixels[..., :3] * alpha + (1 - alpha)
    moved = [float(n) for n in _NUMBER.findall(element.get("transform", ""))]
    if "matrix" in element.get("transform", ""):
        x, y = moved[0] * x + moved[4], moved[3] * y + moved[5]
        width, height = moved[0] * width, moved[3] * height
    elif "scale(1 -1)" in element.get("transform", ""):
        y, solid = -moved[3] - y - height, solid[::-1]
    return Area(x, y, x + width, y + height, solid)


def _box(path: str) -> tuple[float, float, float, float]:
    points = np.array([float(n) for n in _NUMBER.findall(path)]).reshape(-1, 2)
    return (*points.min(0), *points.max(0))


def _place(element: Element) -> tuple[float, float]:
    """Return where an element is drawn: a line has its middle vertex there."""
    if points := _NUMBER.findall(element.get("d", "")):
        middle = len(points) // 4 * 2
        return float(points[middle]), float(points[middle + 1])
    return float(element.get("x", 0)), float(element.get("y", 0))


def marks(svg: str) -> Iterator[Mark]:
    """Yield whatever a reader has to see in a drawing; grids and pale bands are not among it."""
    root = ElementTree.fromstring(svg)
    areas: list[Area] = []

    def ground(x: float, y: float) -> object:
        # Axes and ticks run along the edges of a picture, not on it.
        over = [a for a in areas if a.left + 1 < x < a.right - 1 and a.top + 1 < y < a.bottom - 1]
        return (over or areas[:1])[-1].at(x, y)  # the first is the whole sheet

    def walk(element: Element, ink: str, name: str) -> Iterator[Mark]:
        tag, style = element.tag.rpartition("}")[2], _style(element)
        name = element.get("id", name)
        ink = style.get("fill", element.get("fill", ink))
        if tag in ("defs", "clipPath", "metadata", "style"):
            return
        if tag == "image":
            areas.append(_picture(element))
        elif (
            name.startswith("text_") and tag == "g" and "translate(" in element.get("transform", "")
        ):
            x, y = (float(n) for n in _NUMBER.findall(element.attrib["transform"])[:2])
            yield Mark("text", (ink,), ground(x + 1, y - 2), name)
            return
        elif tag in ("path", "use") and style:
            place = _place(element)
            fill, stroke = ink, style.get("stroke", "none")
            pale = float(style.get("fill-opacity", style.get("opacity", 1))) < 0.5
            shown = tuple(c for c in (stroke, "none" if pale else fill) if c != "none")
            if shown and not (tag == "path" and stroke == "none"):
                yield Mark("mark", shown, ground(*place), name)
            if name.startswith("patch") and fill != "none" and not pale:
                areas.append(Area(*_box(element.attrib["d"]), fill))
        for child in element:
            yield from walk(child, ink, name)

    yield from walk(root, "#000000", "")
