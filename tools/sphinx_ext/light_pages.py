"""Make the built pages light: leave out the scripts, style rules and icons that no page uses.

What the themes can be told stands in ``_config.yml`` and ``book/_templates``. They cannot be told
to send less than the rules of a whole style framework (0.4 MB) and three fonts of icons (0.3 MB).
Of a font for mathematics, too, only a part is put beside the pages.
"""

import re
from importlib import resources
from pathlib import Path
from typing import Any

from fontTools import subset
from sphinx.application import Sphinx

# Latin, Greek, accents, letterlike and mathematical characters, and the italic letters that
# browsers put in place of single letters.
_MATH = "U+20-7E,U+A0-FF,U+2C6-2DC,U+391-3F6,U+2010-2064,U+2100-230B,U+1D434-1D71B"
# A script, and what stands in a page that needs it.
_NEEDED_BY = {
    "clipboard.min.js": "<pre",
    "copybutton.js": "<pre",
    "togglebutton.js": "dropdown",
}
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_EMPTY_BLOCK = re.compile(r"@(?:media|supports)[^{};]*\{\s*\}")
# Commas inside parentheses, as in :is(a, b), separate no selectors.
_COMMA = re.compile(r",(?![^()]*\))")
_OPTIONAL = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]")
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
_WORD = re.compile(r"[\w-]+")
# An icon is written as a code or as itself, a character of the private use area.
_ICON = re.compile(r'"\\([0-9a-f]{4})"|([\ue000-\uf8ff])')

_MENDED = {
    # Two themes put the same into a page's head.
    r'(?s)(<meta name="viewport".*?)<meta name="viewport"[^>]*>': r"\1",
    r"(?s)(<script>var (togglebuttonSelector).*?)<script>var \2[^<]*</script>": r"\1",
    # docutils calls a bibliography a list, and its entries no items of one.
    r'<div role="list" class="citation-list">': "<div>",
    # Sphinx puts several values that a function returns into a list, and that into a paragraph.
    r'(?s)(<dd class="field-\w+">)<p>(<ul class="simple">.*?</ul>)\s*</p>': r"\1\2",
    # A button is named by the text that stands on it,
    r'(<button class="btn search-button-field[^>]*?) title="[^"]*" aria-label="[^"]*"': r"\1",
    # and the title stands in a landmark.
    r'(?s)(<a class="navbar-brand logo".*?</a>)': (
        r'<div role="navigation" aria-label="Title">\1</div>'
    ),
}


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


def choose_scripts(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """Leave out the scripts that have nothing to do on this page."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if _NEEDED_BY.get(Path(script.filename or "").name, "") in context.get("body", "")
    ]


def _write_font(source: Path, target: Path, characters: str, *options: str) -> None:
    """Write the part of a font that has these characters."""
    target.parent.mkdir(exist_ok=True)
    options = (f"--unicodes={characters}", "--flavor=woff2", f"--output-file={target}", *options)
    subset.main([str(source), *options])


def lighten(app: Sphinx, failure: Exception | None) -> None:
    """Mend the pages; drop rules and icons, once all pages that may use them are written."""
    if failure or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    # Loaded by no page, and with the name of every icon in it; see book/_templates.
    (folder / "_static" / "scripts" / "fontawesome.js").unlink(missing_ok=True)
    words: set[str] = set()
    for path in folder.rglob("*.html"):
        page = path.read_text("utf-8")
        for fault, right in _MENDED.items():
            page = re.sub(fault, right, page)
        path.write_text(page, "utf-8")
    for path in [*folder.rglob("*.html"), *folder.rglob("*.js")]:
        words.update(_WORD.findall(path.read_text("utf-8")))
    icons: set[str] = set()
    for sheet in (folder / "_static").rglob("*.css"):
        style = without_unused_rules(sheet.read_text("utf-8"), words)
        sheet.write_text(style, "utf-8")
        icons.update(code or f"{ord(sign):x}" for code, sign in _ICON.findall(style))
    for font in (folder / "_static" / "vendor" / "fontawesome").rglob("*.woff2"):
        part = font.with_suffix(".part")
        _write_font(font, part, ",".join(sorted(icons)))
        part.replace(font)
    # Many devices have no font for mathematics.
    math = Path(str(resources.files("ziamath"))) / "fonts" / "STIXTwoMath-Regular.ttf"
    _write_font(math, folder / "_static" / "fonts" / "math.woff2", _MATH, "--name-IDs=*")
