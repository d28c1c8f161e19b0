"""Render math to MathML when the book is built: no script, no other host, readable aloud.

Every current browser draws MathML itself, so a page shows its equations without JavaScript.
"""

import re
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from fontTools import subset
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)

# The converter knows the starred environments only; here the numbers come from Sphinx.
_ALIGNED = re.compile(r"\\(begin|end)\{aligned\}")


# What the converter makes of := (a letter and an operator), and the one character that it is.
_DEFINES = ("<mi>:</mi><mo>&#x0003D;</mo>", "<mo>&#x02254;</mo>")
_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_SMALL = {"mfrac", "msub", "msup", "msubsup", "munder", "mover", "munderover"}
_LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}

# Latin, Greek, letterlike and mathematical characters, and the italic letters that browsers put in
# place of single letters.
_CHARACTERS = "U+20-7E,U+A0-FF,U+391-3F6,U+2010-2044,U+2100-22FF,U+2308-230B,U+1D434-1D71B"
_FONT = Path("_static") / "fonts" / "math.woff2"

ElementTree.register_namespace("", _NAMESPACE)


def to_mathml(latex: str, display: str) -> str:
    """Return ``latex`` as a MathML element; ``display`` is "inline" or "block"."""
    converted = convert(_ALIGNED.sub(r"\\\1{align*}", latex), display=display)
    root = ElementTree.fromstring(converted.replace(*_DEFINES))
    if display == "block":
        _set_limits(root)
    return ElementTree.tostring(root, encoding="unicode")


def _set_limits(element: ElementTree.Element) -> None:
    """Put the limits of displayed sums and products below and above.

    The converter leaves them at the side wherever the sum stands in brackets.
    """
    name = element.tag.removeprefix(f"{{{_NAMESPACE}}}")
    if name in _LIMITS and element[0].text in ("∑", "∏"):
        element.tag = f"{{{_NAMESPACE}}}{_LIMITS[name]}"
    elif name not in _SMALL:
        for child in element:
            _set_limits(child)


def _convert(node: nodes.Element, display: str) -> str:
    try:
        return to_mathml(node.astext(), display)
    except Exception as error:  # the converter raises many types; each must name its place
        logger.warning("math cannot be rendered: %s: %s", error, node.astext(), location=node)
        return ""


def _visit_inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(_convert(node, "inline"))
    raise nodes.SkipNode


def _visit_block(translator: Any, node: nodes.math_block) -> None:
    # A long equation scrolls by itself instead of widening the page on a telephone.
    translator.body.append(
        translator.starttag(node, "div", CLASS="math display-math", tabindex="0", role="group")
    )
    translator.body.append(_convert(node, "block"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>")
    raise nodes.SkipNode


def _write_font(app: Sphinx, failure: Exception | None) -> None:
    """Put a part of STIX Two Math beside the pages: many devices have no font for mathematics."""
    if failure or app.builder.format != "html":
        return
    target = Path(app.outdir) / _FONT
    target.parent.mkdir(parents=True, exist_ok=True)
    source = resources.files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf"
    with resources.as_file(source) as path:
        options = ["--flavor=woff2", "--name-IDs=*", f"--output-file={target}"]
        subset.main([str(path), f"--unicodes={_CHARACTERS}", *options])


def register(app: Sphinx) -> None:
    """Register the renderer under the name "mathml"."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    app.connect("build-finished", _write_font)
