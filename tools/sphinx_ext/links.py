"""Links that nobody types, and what a link leads to, shown where one points at it.

In the reference, "Equation:" leads to the equation, and each function names the chapters whose
cells use it. In the prose of a chapter, the first mention of such a function in a section leads to
the reference, and the first mention of a term in the chapter to the glossary.

What stands on the same page, `hints.js` takes from there. Equations of other pages and definitions
of the glossary are put into the page, each once, in a template that nothing shows without a script.
"""

import ast
import html
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

import hwlib
from tools.sphinx_ext.mathml import formula, to_mathml
from tools.sphinx_ext.stored import read
from tools.sphinx_ext.verdicts import CHAPTER, written

_LABEL = re.compile(r"\beq-[a-z0-9-]+")
_INLINE = {nodes.emphasis: "em", nodes.strong: "strong", nodes.literal: "code"}


def used_names(source: str) -> dict[str, str]:
    """Return what Python code uses of the package: the name there, and its full name."""
    tree = ast.parse(source)
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("hwlib."):
            for alias in node.names:
                # Only the package itself passes on what another module defines.
                thing = getattr(hwlib, alias.name, None) if node.module == "hwlib" else None
                module = getattr(thing, "__module__", node.module)
                found[alias.asname or alias.name] = f"{module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in found:
                found[f"{name}.{node.attr}"] = f"{found[name]}.{node.attr}"
    return found


@cache
def _used(app: Sphinx) -> dict[str, dict[str, str]]:
    """Return what each chapter uses of the package."""
    found = {}
    for notebook in sorted((Path(app.srcdir) / "book").glob("[0-9]*.ipynb")):
        code = "\n".join(cell.source for cell in read(notebook).cells if cell.cell_type == "code")
        lines = (line for line in code.splitlines() if not line.lstrip().startswith("%"))
        found[f"book/{notebook.stem}"] = used_names("\n".join(lines))
    return found


def extend_docstring(
    app: Sphinx, _what: str, name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    for number, line in enumerate(lines):
        if line.startswith("Equation: "):
            lines[number] = _LABEL.sub(r":eq:`\g<0>`", line)
    chapters = [doc for doc, names in _used(app).items() if name in names.values()]
    if chapters:
        lines += ["", "Used in " + ", ".join(f":doc:`/{doc}`" for doc in chapters) + ".", ""]


def link_functions(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    names = _used(app).get(docname, {})
    objects = app.env.get_domain("py").objects
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


def _to_html(node: nodes.Node) -> str:
    """Return the text of a definition, with its formulas, and without links."""
    if isinstance(node, nodes.Text):
        return html.escape(node.astext(), quote=False)
    if isinstance(node, nodes.math):
        return ElementTree.tostring(to_mathml(node.astext(), display=False), encoding="unicode")
    inner = "".join(map(_to_html, node.children))
    tag = _INLINE.get(type(node))
    return f"<{tag}>{inner}</{tag}>" if tag else inner


@cache
def _terms(app: Sphinx) -> dict[str, tuple[str, str, str]]:
    """Return for each term in small letters its page, its place there, and its definition."""
    found: dict[str, tuple[str, str, str]] = {}
    objects = app.env.get_domain("std").objects
    for docname in {page for (kind, _), (page, _) in objects.items() if kind == "term"}:
        for term in app.env.get_doctree(docname).findall(nodes.term):
            if term["ids"]:
                definition = _to_html(term.parent.children[-1])
                found[term.astext().strip().lower()] = docname, term["ids"][0], definition
    return found


def link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if not CHAPTER.match(Path(docname).name):
        return
    waiting = dict(_terms(app))
    longest_first = map(re.escape, sorted(waiting, key=len, reverse=True))
    pattern = re.compile(rf"\b({'|'.join(longest_first)})(s?)\b", re.IGNORECASE)
    for text in list(doctree.findall(nodes.Text)):
        parent = text.parent
        if not isinstance(parent, nodes.paragraph) or isinstance(parent.parent, nodes.Admonition):
            continue
        mentions = pattern.finditer(text.astext())
        # One in each piece of text.
        found = next((one for one in mentions if one[1].lower() in waiting), None)
        if found is None:
            continue
        page, place, _ = waiting.pop(found[1].lower())
        link = make_refnode(app.builder, docname, page, place, nodes.inline("", found[0]))
        link["classes"] = ["glossary-link"]
        before, after = text[: found.start()], text[found.end() :]
        parent.replace(text, [nodes.Text(before), link, nodes.Text(after)])


@cache
def _shown(app: Sphinx) -> dict[str, str]:
    """Return all definitions and equations by their places."""
    found = {place: text for _, place, text in _terms(app).values()}
    for _, label, latex in written(app.env):
        found[f"equation-{label}"] = formula(to_mathml(latex, display=True))
    return found


def previews(app: Sphinx, doctree: nodes.document) -> str:
    """Return what a page holds for its links to other pages."""
    addresses = {ref.get("refuri", "") for ref in doctree.findall(nodes.reference)}
    items = ""
    for address in sorted(addresses):
        page, _, place = address.partition("#")
        if page and (text := _shown(app).get(place)):
            items += f'<div data-for="{html.escape(address)}">{text}</div>'
    return f'<template id="previews">{items}</template>' if items else ""
