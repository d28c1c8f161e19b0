"""Render math to MathML when the book is built: no script, no other host, readable aloud.

Every current browser draws MathML itself, so a page shows its equations without JavaScript.
"""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)

# The converter knows the starred environments only; here the numbers come from Sphinx.
_ALIGNED = re.compile(r"\\(begin|end)\{aligned\}")


def to_mathml(latex: str, display: str) -> str:
    """Return ``latex`` as a MathML element; ``display`` is "inline" or "block"."""
    return convert(_ALIGNED.sub(r"\\\1{align*}", latex), display=display)


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


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer under the name "mathml"."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"version": "1.0", "parallel_read_safe": True, "parallel_write_safe": True}
