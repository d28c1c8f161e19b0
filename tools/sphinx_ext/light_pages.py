"""Make the built pages light: drop the scripts, style rules and icons that no page uses.

The themes send 1.5 MB of icons as a script, the rules of a whole style framework and, on every
page, the index that only the search page reads. All works without them; see ``tests/site``.
"""

import re
from pathlib import Path
from typing import Any

from fontTools import subset
from sphinx.application import Sphinx

# The icons come from the web font as well; nothing on these pages runs on a server (thebe).
_UNUSED = re.compile(
    r"\s*<(?:script|link)[^>]*(?:fontawesome\.js|sphinx-thebe\.(?:js|css))[^>]*>(?:</script>)?"
    r"|\s*<script>(?:const THEBE_JS_URL|kernelName = )[^<]*</script>"
    r'|\s*<script type="text/x-thebe-config">[^<]*</script>'
)
_SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# A script of the theme, and what stands in a page that needs it.
_NEEDED_BY = {"design-tabs.js": "sd-tab", "clipboard.min.js": "<pre", "copybutton.js": "<pre"}
# Sphinx lays out its index with tables, and calls entries of a bibliography a list of items.
_MENDED = {
    'class="indextable genindextable"': 'role="presentation" class="indextable genindextable"',
    '<div role="list" class="citation-list">': '<div class="citation-list">',
}
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_EMPTY_BLOCK = re.compile(r"@(?:media|supports)[^{};]*\{\s*\}")
# Commas inside parentheses, as in :is(a, b), separate no selectors.
_COMMA = re.compile(r",(?![^()]*\))")
_OPTIONAL = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]")
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
_WORD = re.compile(r"[\w-]+")
# An icon is written as a code or as itself, a character of the private use area.
_SIGN = re.compile("[\ue000-\uf8ff]")
_ICON = re.compile(r'"\\([0-9a-f]{4})"')


def without_unused_rules(style: str, words: set[str]) -> str:
    """Return the style sheet without the rules whose classes are not among ``words``.

    Comments go, but for those with a licence (``/*! … */``), which move to the beginning.
    """
    licences = "".join(comment for comment in _COMMENT.findall(style) if comment[2] == "!")

    def used(selector: str) -> bool:
        return "\\" in selector or words.issuperset(_CLASS.findall(_OPTIONAL.sub("", selector)))

    def shorten(rule: re.Match[str]) -> str:
        before, semicolon, prelude = rule[1].rpartition(";")
        if prelude.lstrip().startswith("@"):
            return rule[0]
        kept = ",".join(filter(used, _COMMA.split(prelude)))
        return before + semicolon + (f"{kept}{{{rule[2]}}}" if kept else "")

    return licences + _EMPTY_BLOCK.sub("", _RULE.sub(shorten, _COMMENT.sub("", style)))


def _lighten_page(path: Path) -> str:
    text = _UNUSED.sub("", path.read_text("utf-8"))
    # Scripts choose the mode of the reader's system; where none runs, the page is light.
    text = text.replace('data-theme="auto"', 'data-theme="light"', 1)
    for made, mended in _MENDED.items():
        text = text.replace(made, mended)
    if path.name != "search.html":
        text = _SEARCH.sub("", text)
    for script, mark in _NEEDED_BY.items():
        if mark not in text.split("</head>")[-1]:
            text = re.sub(rf"\s*<script[^>]*/{re.escape(script)}[^>]*></script>", "", text)
    path.write_text(text, "utf-8")
    return text


def _subset_font(path: Path, icons: set[str]) -> None:
    options = ["--flavor=woff2", f"--output-file={path}.part", "--ignore-missing-unicodes"]
    subset.main([str(path), f"--unicodes={','.join(sorted(icons))}", *options])
    Path(f"{path}.part").replace(path)


def _lighten(app: Sphinx, failure: Exception | None) -> None:
    if failure or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    words: set[str] = set()
    for page in folder.rglob("*.html"):
        words.update(_WORD.findall(_lighten_page(page)))
    for script in (folder / "_static").rglob("*.js"):
        if script.name != "fontawesome.js":
            words.update(_WORD.findall(script.read_text("utf-8")))
    icons: set[str] = set()
    for sheet in (folder / "_static").rglob("*.css"):
        style = without_unused_rules(sheet.read_text("utf-8"), words)
        sheet.write_text(style, "utf-8")
        icons.update(_ICON.findall(style), (f"{ord(sign):x}" for sign in _SIGN.findall(style)))
    for font in (folder / "_static" / "vendor" / "fontawesome").rglob("*.woff2"):
        _subset_font(font, icons)


def setup(app: Sphinx) -> dict[str, Any]:
    """Lighten the pages after everything else has been written."""
    app.connect("build-finished", _lighten, priority=900)
    return {"version": "1.0", "parallel_read_safe": True, "parallel_write_safe": True}
