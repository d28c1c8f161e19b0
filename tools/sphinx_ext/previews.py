"""What a link leads to, shown where one points at it; and words that lead to the glossary.

What stands on the same page, `hints.js` takes from there. Equations of other pages and definitions
of the glossary are put into the page, each once, in a template that nothing shows without a script.
The first mention of a term in a chapter becomes a link.
"""

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

from tools.sphinx_ext import equations
from tools.sphinx_ext.mathml import to_mathml
from tools.sphinx_ext.verdicts import CHAPTER, written

_INLINE = {nodes.emphasis: "em", nodes.strong: "strong", nodes.literal: "code"}
_PAIR = re.compile(r"equation-(eq-[\w-]+)$")


def to_html(node: nodes.Node) -> str:
    """Return the text of a definition, with its formulas, and without links."""
    if isinstance(node, nodes.Text):
        return html.escape(node.astext(), quote=False)
    if isinstance(node, nodes.math):
        return ElementTree.tostring(to_mathml(node.astext(), display=False), encoding="unicode")
    inner = "".join(map(to_html, node.children))
    tag = _INLINE.get(type(node))
    return f"<{tag}>{inner}</{tag}>" if tag else inner


@cache
def _terms(app: Sphinx) -> dict[str, tuple[str, str, str]]:
    """Return for each term in small letters its page, its place there, and its definition."""
    found: dict[str, tuple[str, str, str]] = {}
    objects = app.env.get_domain("std").objects  # type: ignore[attr-defined]
    for docname in {page for (kind, _), (page, _) in objects.items() if kind == "term"}:
        for item in app.env.get_doctree(docname).findall(nodes.definition_list_item):
            for term in item.findall(nodes.term):
                if term["ids"]:
                    name = term.astext().strip()
                    found[name.lower()] = docname, term["ids"][0], to_html(item.children[-1])
    return found


@cache
def _formulas(app: Sphinx) -> dict[str, str]:
    return {
        label: equations.formula(to_mathml(latex, display=True))
        for _, label, latex in written(app.env)
    }


def mentions(doctree: nodes.document, names: list[str]) -> Iterator[tuple[nodes.Text, re.Match]]:
    """Yield the first mention of each term in the prose, one in each piece of text."""
    waiting = set(names)
    longest_first = sorted(names, key=len, reverse=True)
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})(s?)\b", re.IGNORECASE)
    for text in list(doctree.findall(nodes.Text)):
        parent = text.parent
        if not isinstance(parent, nodes.paragraph) or isinstance(parent.parent, nodes.Admonition):
            continue
        for found in pattern.finditer(text.astext()):
            if found[1].lower() in waiting:
                waiting.discard(found[1].lower())
                yield text, found
                break


def _link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html" or not CHAPTER.match(Path(docname).name):
        return
    terms = _terms(app)
    for text, found in list(mentions(doctree, list(terms))):
        page, place, _ = terms[found[1].lower()]
        link = make_refnode(app.builder, docname, page, place, nodes.inline("", found[0]))
        link["classes"] = ["glossary-link"]
        before, after = text[: found.start()], text[found.end() :]
        index = text.parent.index(text)
        text.parent[index : index + 1] = [nodes.Text(before), link, nodes.Text(after)]


def _preview(app: Sphinx, address: str) -> str:
    """Return what stands at an address of another page, if it is an equation or a term."""
    place = address.partition("#")[2]
    if found := _PAIR.search(place):
        return _formulas(app).get(found[1], "")
    if place.startswith("term-"):
        return next((text for _, own, text in _terms(app).values() if own == place), "")
    return ""


def _add_previews(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if doctree is None:
        return
    addresses = {ref.get("refuri", "") for ref in doctree.findall(nodes.reference)}
    found = {a: _preview(app, a) for a in sorted(addresses) if a and not a.startswith("#")}
    items = "".join(
        f'<div data-for="{html.escape(a)}">{text}</div>' for a, text in found.items() if text
    )
    if items:
        context["body"] += f'<template id="previews">{items}</template>'


def register(app: Sphinx) -> None:
    """Link the terms once the other links are made, and add the previews."""
    app.connect("doctree-resolved", _link_terms, priority=800)
    app.connect("html-page-context", _add_previews)
