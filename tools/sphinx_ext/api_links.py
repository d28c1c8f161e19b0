"""Links between the chapters and the reference of ``hwlib``, in both directions.

In the reference, "Equation:" leads to the equation, and each function names the chapters whose
cells use it. In the prose of a chapter, the first mention of such a function in a section leads to
the reference.
"""

import ast
import importlib
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

from tools.sphinx_ext.stored import read

PACKAGE = "hwlib"
_EQUATION = "Equation: "
_LABEL = re.compile(r"\beq-[a-z0-9-]+")


def used_names(source: str) -> dict[str, str]:
    """Return what Python code uses of the package: the name there, and its full name."""
    tree = ast.parse(source)
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            found |= {alias.asname or alias.name: _home(node, alias) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = found.get(node.value.id)
            if module:
                found[f"{node.value.id}.{node.attr}"] = f"{module}.{node.attr}"
    return found


def _home(node: ast.ImportFrom, alias: ast.alias) -> str:
    """Return the full name in the module that defines it; only the package itself passes on."""
    if node.module == PACKAGE:
        thing = getattr(importlib.import_module(PACKAGE), alias.name, None)
        return f"{getattr(thing, '__module__', PACKAGE)}.{alias.name}"
    return f"{node.module}.{alias.name}"


def _chapter_names(notebook: Path) -> dict[str, str]:
    code = [cell.source for cell in read(notebook).cells if cell.cell_type == "code"]
    lines = "\n".join(code).splitlines()
    return used_names("\n".join(line for line in lines if not line.lstrip().startswith("%")))


def _read_chapters(app: Sphinx) -> None:
    app.chapter_names = {  # type: ignore[attr-defined]
        f"book/{notebook.stem}": _chapter_names(notebook)
        for notebook in sorted((Path(app.srcdir) / "book").glob("[0-9]*.ipynb"))
    }


def _extend(
    app: Sphinx, _what: str, name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    for number, line in enumerate(lines):
        if line.startswith(_EQUATION):
            lines[number] = _LABEL.sub(r":eq:`\g<0>`", line)
    chapters = [doc for doc, names in app.chapter_names.items() if name in names.values()]  # type: ignore[attr-defined]
    if chapters:
        lines += ["", "Used in " + ", ".join(f":doc:`/{doc}`" for doc in chapters) + ".", ""]


def _link_chapter(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    names = app.chapter_names.get(docname, {})  # type: ignore[attr-defined]
    objects = app.env.get_domain("py").objects  # type: ignore[attr-defined]
    linked: set[tuple[int, str]] = set()
    for literal in list(doctree.findall(nodes.literal)):
        text = literal.astext().removesuffix("()")
        entry = objects.get(names.get(text, ""))
        section = _section(literal)
        if entry is None or section is None or (id(section), text) in linked:
            continue
        linked.add((id(section), text))
        link = make_refnode(app.builder, docname, entry.docname, entry.node_id, [], names[text])
        literal.replace_self(link)
        link += literal


def _section(node: nodes.Node) -> nodes.Node | None:
    """Return the section of a node, or None where a link would stand in a heading or a link."""
    while node.parent is not None:
        if isinstance(node, nodes.title | nodes.reference | pending_xref | nodes.caption):
            return None
        if isinstance(node, nodes.section):
            return node
        node = node.parent
    return None


def register(app: Sphinx) -> None:
    """Connect the three steps."""
    app.connect("builder-inited", _read_chapters)
    app.connect("autodoc-process-docstring", _extend, priority=600)
    app.connect("doctree-resolved", _link_chapter)
