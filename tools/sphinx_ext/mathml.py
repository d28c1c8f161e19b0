"""Render math to MathML when the book is built: no script, no other host, readable aloud.

Every current browser draws MathML itself, so a page shows its equations without JavaScript. What a
displayed equation looks like, and where it may break, stands in `equations`.
"""

import re
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from fontTools import subset
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from tools.sphinx_ext import equations

logger = logging.getLogger(__name__)

_CONVERTER = LatexToMathML()
# A colon and an equals sign are read aloud as two; this is one character.
_DEFINES = re.compile(r":=")
_FUNCTION_APPLICATION = ("&ApplyFunction;", "\u2061")

# Latin, Greek, accents, letterlike and mathematical characters, and the italic letters that
# browsers put in place of single letters.
_CHARACTERS = "U+20-7E,U+A0-FF,U+2C6-2DC,U+391-3F6,U+2010-2064,U+2100-230B,U+1D434-1D71B"
_FONT = Path("_static") / "fonts" / "math.woff2"


def to_mathml(latex: str, *, display: bool) -> ElementTree.Element:
    """Return ``latex`` as a MathML element, set as TeX sets it on a line or in a display.

    Raises
    ------
    LatexError
        If it uses a command that the converter does not know.
    """
    latex = _DEFINES.sub(r"\\coloneqq ", latex)
    converted = _CONVERTER.convert_with_local_state(latex, displaystyle=display)
    math = ElementTree.fromstring(converted.replace(*_FUNCTION_APPLICATION))
    equations.polish(math)
    return math


def _convert(node: nodes.Element, *, display: bool) -> ElementTree.Element:
    try:
        math = to_mathml(node.astext(), display=display)
    except LatexError as error:
        logger.warning("math cannot be rendered: %s: %s", error, node.astext(), location=node)
        return ElementTree.Element("math")
    if legend := node.get("legend"):
        legend.mark(math, node.get("label", ""))
    return math


def _visit_inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(ElementTree.tostring(_convert(node, display=False), encoding="unicode"))
    raise nodes.SkipNode


def _visit_block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math display-math"))
    translator.body.append(equations.formula(_convert(node, display=True)))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(node.get("verdict", "") + "</div>")
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
